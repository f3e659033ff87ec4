#include <octet/core/element.hpp>
#include <octet/operators/all.hpp>
#include <octet/runtime/executor.hpp>

#include "support/onnx_computed.hpp"
#include "testing.hpp"

// Layers with parameters that are computed in each run give ONNX Runtime's numbers.

using namespace testing;

namespace {

std::vector<float> values_of(const AnyTensor& t) {
  std::vector<float> all;
  for (std::int64_t i = 0; i < t.size(); ++i)
    all.push_back(static_cast<float>(octet::detail::load_element(t.dtype(), t.data(), i)));
  return all;
}

/// What ONNX Runtime 1.30.0 gives for x = [[1, 5.5, 3], [4, 2, 6]].
struct Right {
  std::string type;
  Shape shape;
  std::vector<float> values, between_codes;  // after codes of the scale 0.5, if they differ
};
const std::vector<Right>& rights() {
  static const std::vector<Right> all{
      {"Tile", {1, 1, 2, 6}, {1, 5.5f, 3, 1, 5.5f, 3, 4, 2, 6, 4, 2, 6}, {}},
      {"reflect", {1, 1, 3, 5}, {4, 2, 6, 2, 4, 1, 5.5f, 3, 5.5f, 1, 4, 2, 6, 2, 4}, {}},
      {"edge", {1, 1, 3, 5}, {1, 5.5f, 3, 3, 3, 1, 5.5f, 3, 3, 3, 4, 2, 6, 6, 6}, {}},
      {"wrap", {1, 1, 3, 5}, {4, 2, 6, 4, 2, 1, 5.5f, 3, 1, 5.5f, 4, 2, 6, 4, 2}, {}},
      {"constant", {1, 1, 3, 5}, {7, 7, 7, 7, 7, 1, 5.5f, 3, 7, 7, 4, 2, 6, 7, 7}, {}},
      {"TopK", {1, 1, 2, 2}, {1, 3, 2, 4}, {}},
      {"nearest",
       {1, 1, 4, 6},
       {1, 1, 5.5f, 5.5f, 3, 3, 1, 1, 5.5f, 5.5f, 3, 3, 4, 4, 2, 2, 6, 6, 4, 4, 2, 2, 6, 6},
       {}},
      {"linear",
       {1, 1, 4, 6},
       {1,     2.125f,   4.375f,   4.875f,   3.625f,   3,     1.75f, 2.46875f, 3.90625f, 4.40625f, 3.96875f, 3.75f,
        3.25f, 3.15625f, 2.96875f, 3.46875f, 4.65625f, 5.25f, 4,     3.5f,     2.5f,     3,        5,        6},
       {1, 2, 4.5f, 5, 3.5f, 3, 2, 2.5f, 4, 4.5f, 4, 4, 3, 3, 3, 3.5f, 4.5f, 5, 4, 3.5f, 2.5f, 3, 5, 6}},
      {"scales",
       {1, 1, 4, 6},
       {0.136681f, 1.97044f, 5.03027f, 5.69433f, 3.58762f, 2.34762f, 1.3604f,  2.40169f,
        4.1295f,   4.79356f, 4.01888f, 3.57133f, 3.37593f, 3.11198f, 2.64589f, 3.30995f,
        4.72917f,  5.58687f, 4.59965f, 3.54324f, 1.74512f, 2.40919f, 5.16042f, 6.81059f},
       {0,    2, 5,    5.5f, 3.5f, 2.5f, 1.5f, 2.5f, 4,    5,    4, 3.5f,
        3.5f, 3, 2.5f, 3.5f, 4.5f, 5.5f, 4.5f, 3.5f, 1.5f, 2.5f, 5, 7}},
      {"Reshape", {3, 1, 2, 1}, {1, 5.5f, 3, 4, 2, 6}, {}},
      {"Expand", {2, 1, 1, 2, 3}, {1, 5.5f, 3, 4, 2, 6, 1, 5.5f, 3, 4, 2, 6}, {}},
      {"Slice", {1, 1, 2, 2}, {3, 1, 6, 4}, {}}};
  return all;
}

/// Runs the model with its images in both orders.
void check(const OnnxBuilder& b, const Right& right, const std::vector<float>& values, double allowed) {
  CAPTURE(right.type);
  for (const bool keep_layout : {true, false}) {
    const Model m = import_onnx(b, keep_layout);
    const bool image = m.value(m.inputs[0]).shape[3] == 1;
    const Tensor<float> x(image ? Shape{1, 2, 3, 1} : Shape{1, 1, 2, 3}, {1, 5.5f, 3, 4, 2, 6});
    for (const bool optimize : {true, false}) {
      ExecutorOptions o;
      o.optimize = optimize;
      const std::vector<AnyTensor> y = Executor(m, o).run({x});
      if (keep_layout) CHECK(y[0].shape() == right.shape);
      const std::vector<float> found = values_of(y[0]);
      REQUIRE(found.size() == values.size());
      for (std::size_t i = 0; i < found.size(); ++i) CHECK(std::abs(found[i] - values[i]) <= allowed);
      if (y.size() > 1) CHECK(values_of(y[1]) == std::vector<float>{0, 2, 1, 0});
    }
  }
}

}  // namespace

TEST_CASE("computed parameters: of numbers") {
  for (const Right& right : rights()) {
    OnnxBuilder b = image_with_sizes();
    add_computed(b.scalar("seven", 7), right.type, "x", "seven");
    b.output("y");
    if (right.type == "TopK") b.output("places");
    check(b, right, right.values, 1e-5);
  }
}

TEST_CASE("computed parameters: of quantized tensors between QuantizeLinear and DequantizeLinear") {
  for (const Right& right : rights()) {
    OnnxBuilder b = image_with_sizes();
    b.scalar("scale", 0.5f).initializer("zero", Tensor<std::uint8_t>(Shape{}, {3})).scalar("seven", 7);
    b.node("QuantizeLinear", {"x", "scale", "zero"}, {"q"}).node("DequantizeLinear", {"q", "scale", "zero"}, {"d"});
    add_computed(b, right.type, "d", "seven");
    b.node("QuantizeLinear", {"y", "scale", "zero"}, {"codes"});
    b.node("DequantizeLinear", {"codes", "scale", "zero"}, {"z"}).output("z");
    if (right.type == "TopK") b.output("places");
    check(b, right, right.between_codes.empty() ? right.values : right.between_codes, 0);
  }
}

TEST_CASE("computed parameters: of codes") {
  for (const Right& right : rights()) {
    if (right.type == "linear" || right.type == "scales") continue;  // ONNX Runtime truncates codes, or has no form
    OnnxBuilder b = image_with_sizes();
    b.scalar("scale", 0.5f).initializer("zero", Tensor<std::uint8_t>(Shape{}, {3}));
    b.initializer("seven", Tensor<std::uint8_t>(Shape{}, {17})).scalar("w scale", 0.5f);
    b.initializer("w", Tensor<std::int8_t>({1, 1, 1, 1}, {2})).initializer("w zero", Tensor<std::int8_t>(Shape{}, {0}));
    b.node("QuantizeLinear", {"x", "scale", "zero"}, {"q"});
    b.node("QLinearConv", {"q", "scale", "zero", "w", "w scale", "w zero", "scale", "zero"}, {"c"});
    add_computed(b, right.type, "c", "seven");
    b.node("DequantizeLinear", {"y", "scale", "zero"}, {"z"}).output("z");
    if (right.type == "TopK") b.output("places");
    check(b, right, right.values, 0);
  }
}

TEST_CASE("computed parameters: of constants") {
  OnnxBuilder b(11);  // as PyTorch writes them: pads from the last axis to the first
  b.input("x", {1, 1, -1, -1}).integers("n", {4}).integers("p", {1, 0, 0, 2}).integers("pairs", {-1, 2});
  b.node("ConstantOfShape", {"n"}, {"zeros"}, {{"value", Tensor<std::int64_t>({1}, {0})}});
  b.node("Concat", {"p", "zeros"}, {"all"}, {{"axis", 0}}).node("Reshape", {"all", "pairs"}, {"rows"});
  b.integers("minus", {-1}).integers("low", {-99}).integers("zero", {0});
  b.node("Slice", {"rows", "minus", "low", "zero", "minus"}, {"reversed"});
  b.node("Transpose", {"reversed"}, {"columns"}, {{"perm", std::vector<std::int64_t>{1, 0}}});
  b.node("Reshape", {"columns", "minus"}, {"flat"}).node("Cast", {"flat"}, {"pads"}, {{"to", 7}}).scalar("seven", 7);
  b.node("Pad", {"x", "pads", "seven"}, {"y"}).output("y");
  const Model m = import_onnx(b, true);
  REQUIRE(m.nodes.size() == 1);
  CHECK(as<Pad>(*m.nodes[0].op)->before == std::vector<std::int64_t>{0, 0, 0, 1});
  CHECK(as<Pad>(*m.nodes[0].op)->after == std::vector<std::int64_t>{0, 0, 2, 0});
}
