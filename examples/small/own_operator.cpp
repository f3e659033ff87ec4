// A custom operator: runs, is used in an int8 model, and is saved and loaded.
#include <cmath>
#include <cstdio>
#include <octet/io/model_file.hpp>
#include <octet/operators/all.hpp>
#include <octet/operators/register_operator.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/executor.hpp>

using namespace octet;

namespace {

/// x sin(frequency x), of float tensors.
class Wave : public OperatorOf<Wave> {
 public:
  static constexpr const char* type_name = "example.Wave";
  double frequency = 1;

  void fields(FieldVisitor& v) override { v.field("frequency", frequency); }
  std::vector<Shape> shapes(const ShapeContext& c) const override { return {c.shape(0)}; }
  std::unique_ptr<Step> prepare(const PrepareContext& c) const override {
    c.require(c.input(0).dtype == DType::f32, "expected float32, found ", name(c.input(0).dtype));
    return std::make_unique<Run>(static_cast<float>(frequency));
  }

 private:
  struct Run : Step {
    explicit Run(float f) : frequency(f) {}
    void run(const RunContext& c) noexcept override {
      const float* x = c.inputs[0].as<float>();
      float* y = c.outputs[0].as<float>();
      c.pool->parallel(c.inputs[0].shape[0], [&, n = c.inputs[0].shape.elements() / c.inputs[0].shape[0]](auto t, int) {
        for (std::int64_t i = t * n; i < (t + 1) * n; ++i) y[i] = x[i] * std::sin(frequency * x[i]);
      });
    }
    float frequency;
  };
};

}  // namespace

int main() {
  // In ONNX files it is the operator Wave of the domain my.domain, in TFLite files the custom operator MyWave.
  register_operator<Wave>({"my.domain", "Wave", OnnxLayout::any, "MyWave"});

  Graph model;
  Wave wave;
  wave.frequency = 2;
  const int x = model.add_input("x", {Shape::unknown, 4});
  const int w = model.add_constant("w", Tensor<float>({2, 4}, {0.5f, -0.5f, 1, 0.25f, -1, 0.75f, 0.5f, 0.5f}));
  model.outputs = {model.add("y", FullyConnected(), {model.add("wave", wave, {x}), w})};

  const Tensor<float> input({2, 4}, {0, 0.5f, 1, 1.5f, -2, -1, 1, 2});
  save(quantize<int8>(model, calibrate(model, {input})), "own_operator.octet");
  const Tensor<float> y = Executor(model)(input), q = Executor(load_octet("own_operator.octet"))(input);
  for (std::int64_t i = 0; i < y.size(); ++i)
    std::printf("float %8.4f   int8 %8.4f\n", static_cast<double>(y[i]), static_cast<double>(q[i]));
}
