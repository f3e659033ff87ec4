#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/every_operator.hpp"
#include "support/judge.hpp"
#include "support/packed_weights.hpp"

// Written files run in ONNX Runtime and LiteRT, and give octet's numbers.

using namespace octet;
using namespace testing;
using namespace testing::every_operator;

namespace {

/// How many steps the codes of an int8 network with this operator may be off, at its end.
int allowed_steps(Format f, const std::string& name) {
  const auto is_one_of = [&](std::initializer_list<const char*> starts) {
    return std::any_of(starts.begin(), starts.end(),
                       [&](const char* s) { return name.compare(0, std::string(s).size(), s) == 0; });
  };
  // ONNX Runtime interpolates in float, and makes one of two QuantizeLinear that follow each other. All others are
  // equal.
  if (f == Format::onnx)
    return is_one_of({"Resize 1", "Parametrized Resize 1", "Parametrized Resize 2", "QuantizeLinear"}) ? 2 : 0;
  // Not all of these are known to differ in LiteRT.
  return is_one_of({"Unary 1", "Unary 3", "Unary 4", "Binary 0 of", "Binary 1 of", "Binary 2 of", "Binary 4", "Sum",
                    "Resize", "AveragePool", "QuantizeLinear", "Reduce", "LocalResponse", "Concat", "PRelu", "Pad"})
             ? 13
             : 1;
}

Int8Options integer_ends() {
  Int8Options o;
  o.integer_input = o.integer_output = true;
  return o;
}

void judge_operators(Format f) {
  Judge judge(f);
  if (!judge.ready()) return;
  for (const Case& c : cases()) {
    Graph g = network(c);
    const Tensor<float> x = random_tensor({4, 6, 6, 8}, 9, -1, 1);
    try {
      judge.add(c.name, g);
      judge.add(c.name + ", int8", quantize<int8>(g, calibrate(g, {x}), integer_ends()),
                {1e-5, allowed_steps(f, c.name)});
    } catch (const FormatError&) {
    }
  }
  judge.judge();
}

/// Of one image: ONNX quantizes a whole batch by one range, octet and LiteRT each image.
void judge_dynamic_range(Format f) {
  Judge judge(f);
  if (!judge.ready()) return;
  WeightOptions every_size;
  every_size.least_elements = 0;
  for (const Case& c : cases()) {
    if (c.name.find("Convolution") == std::string::npos && c.name != "FullyConnected") continue;
    Graph g;
    const int x = g.add_input("x", {1, 6, 6, 8});
    g.outputs = {c.add(g, convolution(g, "first", x, 8, 3, 1))};
    try {
      judge.add(c.name, quantize<dynamic_range>(g, every_size), {0.01});
    } catch (const FormatError&) {
    }
  }
  judge.judge();
}

void judge_models(Format f) {
  Judge judge(f);
  if (!judge.ready()) return;
  for (const char* name : {"squeezenet1.1.onnx", "resnet20_cifar10.onnx", "mlperf_tiny_vww_float.tflite"}) {
    const std::string path = shared_file("models/" + std::string(name));
    if (path.empty()) continue;
    const Model m = load(path);
    judge.add(name, m);
    const Calibration c = calibrate(m, {floats(random_inputs(m, 20)[0])});
    judge.add(std::string(name) + ", int8", quantize<int8>(m, c),
              {std::string(name) == "resnet20_cifar10.onnx" ? 2e-6 : 1e-6});
    judge.add(std::string(name) + ", fp16", quantize<fp16>(m));
    judge.add(std::string(name) + ", weights of 4 bits",
              quantize(m, with_weight_bits(plan_quantization<int8>(m, c), 4)), {0.1});
  }
  for (const char* name : {"mlperf_tiny_resnet8_int8.tflite", "mlperf_tiny_vww_int8.tflite"})
    if (const std::string path = shared_file("models/" + std::string(name)); !path.empty())
      judge.add(name, load(path), {0.02, 0});
  judge.judge();
}

}  // namespace

TEST_CASE("judges: ONNX Runtime computes each operator as octet does") { judge_operators(Format::onnx); }
TEST_CASE("judges: LiteRT computes each operator as octet does") { judge_operators(Format::tflite); }
TEST_CASE("judges: ONNX Runtime runs networks with octet's numbers") { judge_models(Format::onnx); }
TEST_CASE("judges: LiteRT runs networks with octet's numbers") { judge_models(Format::tflite); }
TEST_CASE("judges: ONNX Runtime computes dynamic range as octet does") { judge_dynamic_range(Format::onnx); }
TEST_CASE("judges: LiteRT computes dynamic range as octet does") { judge_dynamic_range(Format::tflite); }
