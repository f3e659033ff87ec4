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

struct Otherwise {
  Format format;
  const char* start;
  int steps;
};
const std::vector<Otherwise> otherwise{};

/// Integer layers that ONNX Runtime or LiteRT computes by another formula, by the start of a case's name: how many
/// steps its codes may be off.
int allowed_steps(Format f, const std::string& name) {
  for (const Otherwise& o : otherwise)
    if (o.format == f && name.compare(0, std::string(o.start).size(), o.start) == 0) return o.steps;
  return 0;
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

void judge_models(Format f, bool builtin = false) {
  Judge judge(f, builtin);
  if (!judge.ready()) return;
  for (const char* name : {"squeezenet1.1.onnx", "resnet20_cifar10.onnx", "mlperf_tiny_vww_float.tflite"}) {
    const std::string path = shared_file("models/" + std::string(name));
    if (path.empty()) continue;
    const Model m = load(path);
    const Calibration c = calibrate(m, {floats(random_inputs(m, 20)[0])});
    judge.add(std::string(name) + ", int8", quantize<int8>(m, c, integer_ends()));
    if (builtin) continue;
    judge.add(name, m);
    judge.add(std::string(name) + ", int8 with float ends", quantize<int8>(m, c), {1e-6});
    judge.add(std::string(name) + ", fp16", quantize<fp16>(m));
    judge.add(std::string(name) + ", dynamic range", quantize<dynamic_range>(m), {1e-2});
    judge.add(std::string(name) + ", weights of 4 bits",
              quantize(m, with_weight_bits(plan_quantization<int8>(m, c, integer_ends()), 4)));
  }
  judge.judge();
}

}  // namespace

TEST_CASE("judges: ONNX Runtime computes each operator as octet does") { judge_operators(Format::onnx); }
TEST_CASE("judges: LiteRT computes each operator as octet does") { judge_operators(Format::tflite); }
TEST_CASE("judges: ONNX Runtime runs networks with octet's numbers") { judge_models(Format::onnx); }
TEST_CASE("judges: LiteRT runs networks with octet's numbers") { judge_models(Format::tflite); }
TEST_CASE("judges: LiteRT's own kernels run networks with octet's numbers") { judge_models(Format::tflite, true); }
