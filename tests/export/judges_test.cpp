#include <octet/import/onnx/order.hpp>
#include <octet/io/load.hpp>
#include <octet/io/model_file.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/every_operator.hpp"
#include "support/exported.hpp"
#include "support/files.hpp"
#include "support/packed_weights.hpp"

// Written files run in ONNX Runtime and LiteRT, and give octet's numbers. OCTET_JUDGES: a folder in which
// `npm install --ignore-scripts onnxruntime-node @litertjs/core` was run. Without it these tests say that they are
// skipped.

using namespace octet;
using namespace testing;
using namespace testing::every_operator;

namespace {

/// A model in a file, the input for it, and octet's results.
struct Exported {
  std::string name, path;
  std::vector<AnyTensor> expected;
  double tolerance;
};

/// Images [N, spatial ..., C] as [N, C, spatial ...].
AnyTensor channels_first(const AnyTensor& t) {
  const int rank = t.shape().rank();
  return rank < 3 ? t : detail::onnx::permuted(t, detail::onnx::Order::channels_last(rank).inverse());
}

class Judge {
 public:
  explicit Judge(Format f) : format_(f) {
    const char* folder = std::getenv("OCTET_JUDGES");
    const std::string runner = shared_file("peers/litert_run.mjs");
    ready_ = folder && std::system("node --version > /dev/null 2>&1") == 0 && (f == Format::onnx || !runner.empty());
    if (!ready_) MESSAGE("skipped: ", testing::name(f), " files are not run by others (OCTET_JUDGES is not set)");
    if (ready_ && f == Format::tflite) ::setenv("OCTET_LITERT_RUN", runner.c_str(), 0);
  }
  bool ready() const { return ready_; }

  /// Writes the model; false if the format does not have it.
  void add(const std::string& name, const Model& m, double tolerance) {
    const std::string path = folder_ / (std::to_string(all_.size()) + (format_ == Format::onnx ? ".onnx" : ".tflite"));
    save(m, path);
    const Model back = load(path);
    const std::vector<AnyTensor> x = inputs_like(random_inputs(m, 3), back);
    std::vector<AnyTensor> y = run_model(back, x);
    const AnyTensor in = format_ == Format::onnx ? channels_first(x[0]) : x[0];
    folder_.write(std::filesystem::path(path).filename().string() + ".in",
                  {reinterpret_cast<const char*>(in.data()), in.size_bytes()});
    if (format_ == Format::onnx)
      for (AnyTensor& t : y)
        if (t.shape().rank() >= 4) t = channels_first(t);
    all_.push_back({name, path, std::move(y), tolerance});
  }

  void judge() {
    const std::string script = format_ == Format::onnx ? "onnx_runtime.mjs" : "litert.mjs";
    std::string command = std::string("node ") + OCTET_JUDGE_SCRIPTS + "/" + script;
    for (const Exported& e : all_) command += " " + e.path;
    REQUIRE(std::system(command.c_str()) == 0);
    for (const Exported& e : all_) {
      CAPTURE(e.name);
      const std::string found = contents(e.path + ".out");
      double worst = 0, largest = 0;
      std::size_t at = 0;
      for (const AnyTensor& t : e.expected) {
        REQUIRE(found.size() >= at + t.size_bytes());
        for (std::int64_t i = 0; i < t.size(); ++i) {
          const double a = detail::load_element(t.dtype(), t.data(), i),
                       b = detail::load_element(t.dtype(), reinterpret_cast<const std::byte*>(found.data()) + at, i);
          worst = std::max(worst, std::abs(a - b));
          largest = std::max(largest, std::abs(a));
        }
        at += t.size_bytes();
      }
      CHECK(worst <= e.tolerance * std::max(largest, 1e-9));
    }
  }

 private:
  Format format_;
  bool ready_ = false;
  TemporaryFolder folder_;
  std::vector<Exported> all_;
};

/// Operators whose sums these runtimes round otherwise at ties (the codes of some outputs are off by one).
bool rounds_otherwise(const std::string& name) {
  for (const char* start :
       {"Unary 1", "Unary 3", "Unary 4", "Binary 0 of", "Binary 1 of", "Binary 2 of", "Binary 4", "Sum", "Resize",
        "AveragePool", "QuantizeLinear", "Reduce", "LocalResponse", "Concat", "PRelu", "Pad"})
    if (name.compare(0, std::string(start).size(), start) == 0) return true;
  return false;
}

void judge_operators(Format f) {
  Judge judge(f);
  if (!judge.ready()) return;
  for (const Case& c : cases()) {
    Graph g = network(c);
    const Tensor<float> x = random_tensor({4, 6, 6, 8}, 9, -1, 1);
    try {
      judge.add(c.name, g, 1e-5);
      if (c.name.compare(0, 9, "Binary 13") == 0) continue;  // steps: near-ties of codes become whole numbers
      judge.add(c.name + ", int8", quantize<int8>(g, calibrate(g, {x})), rounds_otherwise(c.name) ? 0.1 : 1e-2);
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
    judge.add(name, m, 1e-5);
    const Calibration c = calibrate(m, {floats(random_inputs(m, 20)[0])});
    judge.add(std::string(name) + ", int8", quantize<int8>(m, c),
              std::string(name) == "resnet20_cifar10.onnx" ? 0.1 : 1e-6);
    judge.add(std::string(name) + ", fp16", quantize<fp16>(m), 1e-5);
    judge.add(std::string(name) + ", weights of 4 bits",
              quantize(m, with_weight_bits(plan_quantization<int8>(m, c), 4)), 0.1);
  }
  for (const char* name : {"mlperf_tiny_resnet8_int8.tflite", "mlperf_tiny_vww_int8.tflite"})
    if (const std::string path = shared_file("models/" + std::string(name)); !path.empty())
      judge.add(name, load(path), 0.02);
  judge.judge();
}

}  // namespace

TEST_CASE("judges: ONNX Runtime computes each operator as octet does") { judge_operators(Format::onnx); }
TEST_CASE("judges: LiteRT computes each operator as octet does") { judge_operators(Format::tflite); }
TEST_CASE("judges: ONNX Runtime runs networks with octet's numbers") { judge_models(Format::onnx); }
TEST_CASE("judges: LiteRT runs networks with octet's numbers") { judge_models(Format::tflite); }
