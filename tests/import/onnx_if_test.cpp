#include "support/judge.hpp"
#include "support/messages.hpp"
#include "support/onnx_builder.hpp"
#include "support/sqnr.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

using Attributes = std::vector<OnnxAttribute>;

Attributes branches(const OnnxBuilder& yes, const OnnxBuilder& no) {
  return {OnnxAttribute::graph("then_branch", yes.graph()), OnnxAttribute::graph("else_branch", no.graph())};
}

/// One node, whose result is the branch's.
OnnxBuilder branch(const char* type, const std::vector<std::string>& in, const char* out = "inner") {
  return OnnxBuilder().node(type, in, {out}).output(out);
}

Tensor<bool> flag(const Shape& shape, bool c) {
  Tensor<bool> t(shape);
  t[0] = c;
  return t;
}
OnnxBuilder& condition(OnnxBuilder& b, bool c) { return b.initializer("c", flag({}, c)); }

Tensor<float> numbers(const Model& m, const Tensor<float>& x) { return floats(Executor(m).run({x})[0]); }

/// x.squeeze(0) as PyTorch exports it.
OnnxBuilder squeeze(std::int64_t first) {
  OnnxBuilder b(13);
  b.input("x", {first, 3, 4}).integers("zero", {0}).integers("one", {1});
  b.node("Shape", {"x"}, {"s"}).node("Gather", {"s", "zero"}, {"size"}).node("Equal", {"size", "one"}, {"c"});
  b.node("If", {"c"}, {"squeezed"}, branches(branch("Squeeze", {"x", "zero"}, "t"), branch("Identity", {"x"}, "t")));
  return b.node("Relu", {"squeezed"}, {"y"}).output("y");
}

/// Ifs in Ifs, whose tensors have the same names in all branches, and some of them those of tensors that are captured.
OnnxBuilder nested(bool outer, bool inner) {
  const auto leaf = [](float add) {
    OnnxBuilder b;
    b.scalar("w", add).node("Add", {"t", "w"}, {"r"}).node("Mul", {"r", "x"}, {"q"}).output("q");
    return b;
  };
  const auto middle = [&](float scale, float first, float second) {
    OnnxBuilder b;
    b.scalar("w2", scale).initializer("d", flag({1}, inner)).node("Mul", {"v", "w2"}, {"t"});
    b.node("If", {"d"}, {"p"}, branches(leaf(first), leaf(second))).node("Sub", {"p", "t"}, {"r2"}).output("r2");
    return b;
  };
  OnnxBuilder b(13);
  b.input("x", {2, 3}).initializer("c", flag({1}, outer));
  // The file has the first If before the node that it captures a result of.
  b.node("If", {"c"}, {"a"}, branches(middle(2, 3, 4), middle(5, 6, 7)));
  b.node("Neg", {"x"}, {"v"});
  b.node("If", {"c"}, {"b"}, branches(middle(8, 9, 10), middle(11, 12, 13)));
  return b.node("Add", {"a", "b"}, {"y"}).output("y");
}

/// Branches whose results are tensors of the graph around them, or constants.
OnnxBuilder direct(bool c) {
  OnnxBuilder yes, no;
  yes.output("x").initializer("k", Tensor<float>({3}, {1, 2, 3})).output("k").output("x");
  no.initializer("k", Tensor<float>({3}, {4, 5, 6})).output("k").node("Neg", {"v"}, {"n"}).output("n").output("v");
  OnnxBuilder b(13);
  condition(b.input("x", {3}), c).node("Exp", {"x"}, {"v"});
  return b.node("If", {"c"}, {"y0", "y1", "y2"}, branches(yes, no)).output("y0").output("y1").output("y2");
}

/// A convolution in a branch.
OnnxBuilder convolution(bool c) {
  OnnxBuilder yes;
  yes.initializer("w", random_tensor({4, 2, 3, 3}, 1)).node("Conv", {"x", "w"}, {"inner"}).output("inner");
  OnnxBuilder b(13);
  condition(b.input("x", {1, 2, 6, 6}), c);
  return b.node("If", {"c"}, {"y"}, branches(yes, branch("Relu", {"x"}))).output("y");
}

/// A condition that is computed from sizes by other comparisons than Equal.
OnnxBuilder compared(std::int64_t rows) {
  OnnxBuilder b(13);
  b.input("x", {rows, 4}).node("Shape", {"x"}, {"s"}).integers("zero", {0}).integers("two", {2}).integers("five", {5});
  b.node("Gather", {"s", "zero"}, {"n"}).node("Greater", {"n", "two"}, {"a"}).node("Less", {"n", "five"}, {"b"});
  b.node("And", {"a", "b"}, {"both"}).node("Not", {"both"}, {"neither"});
  b.node("GreaterOrEqual", {"n", "five"}, {"d"}).node("LessOrEqual", {"n", "two"}, {"e"});
  b.node("Or", {"d", "e"}, {"or"}).node("And", {"neither", "or"}, {"last"}).node("Cast", {"last"}, {"i"}, {{"to", 7}});
  b.node("Mul", {"i", "five"}, {"many"}).node("Cast", {"many"}, {"c"}, {{"to", 9}});
  return b.node("If", {"c"}, {"y"}, branches(branch("Exp", {"x"}), branch("Neg", {"x"}))).output("y");
}

/// A condition that is computed from constants, in float.
OnnxBuilder of_constants(float a) {
  OnnxBuilder b(13);
  b.input("x", {4}).scalar("a", a).scalar("half", 0.5f).node("Sqrt", {"a"}, {"root"});
  b.node("Greater", {"root", "half"}, {"c"});
  return b.node("If", {"c"}, {"y"}, branches(branch("Exp", {"x"}), branch("Neg", {"x"}))).output("y");
}

/// Without those that ONNX Runtime refuses: branches that return a tensor from outside, or do not fit together.
std::vector<std::pair<std::string, OnnxBuilder>> networks() {
  std::vector<std::pair<std::string, OnnxBuilder>> all;
  all.emplace_back("squeeze", squeeze(1));
  for (bool outer : {true, false})
    for (bool inner : {true, false}) all.emplace_back(outer ? "nested then" : "nested else", nested(outer, inner));
  for (bool c : {true, false}) all.emplace_back("convolution", convolution(c));
  for (std::int64_t rows = 1; rows < 7; ++rows) all.emplace_back("compared " + std::to_string(rows), compared(rows));
  for (float a : {0.2f, 0.3f}) all.emplace_back("of constants", of_constants(a));
  return all;
}

}  // namespace

TEST_CASE("onnx if: as ONNX Runtime") {
  Judge judge(Format::onnx);
  if (!judge.ready()) return;
  const TemporaryFolder folder;
  int i = 0;
  for (const auto& [name, network] : networks()) {
    const std::string path = folder / ("if" + std::to_string(i++) + ".onnx");
    write_file(path, network.bytes());
    judge.add_file(name, path);
  }
  judge.judge();
}

TEST_CASE("onnx if: the branch takes the node's place") {
  const Tensor<float> x = random_tensor({1, 3, 4}, 1);
  const Model one = import_onnx(squeeze(1)), two = import_onnx(squeeze(2));
  CHECK(one.value(one.outputs[0]).shape == Shape{3, 4});
  CHECK(two.value(two.outputs[0]).shape == Shape{2, 3, 4});
  CHECK(numbers(one, x)[5] == std::max(x[5], 0.0f));
  const Tensor<float> v = random_tensor({2, 3}, 2);
  for (bool outer : {true, false})
    for (bool inner : {true, false}) {
      // middle(v, scale, add) = (scale v + add) x - scale v, v = -x
      const auto middle = [&](float a, float scale, float first, float second) {
        return (-scale * a + (inner ? first : second)) * a + scale * a;
      };
      const Tensor<float> y = numbers(import_onnx(nested(outer, inner)), v);
      for (std::int64_t i = 0; i < v.size(); ++i) {
        const float expected =
            outer ? middle(v[i], 2, 3, 4) + middle(v[i], 8, 9, 10) : middle(v[i], 5, 6, 7) + middle(v[i], 11, 12, 13);
        CHECK(y[i] == doctest::Approx(expected).epsilon(1e-4));
      }
    }
  for (bool c : {true, false}) {
    const Model m = import_onnx(direct(c));
    CHECK(m.value(m.outputs[0]).name == "y0");
    CHECK(m.value(m.outputs[1]).name == "y1");
    const std::vector<AnyTensor> y = Executor(m).run({Tensor<float>({3}, {0, 1, 2})});
    CHECK(floats(y[c ? 1 : 0])[2] == (c ? 3.0f : 6.0f));
    CHECK(floats(y[c ? 0 : 2])[0] == (c ? 0.0f : 1.0f));
  }
}

TEST_CASE("onnx if: images in branches are stored channels last, as elsewhere") {
  const Model m = import_onnx(convolution(true), false), other = import_onnx(convolution(false), false);
  CHECK(m.value(m.inputs[0]).shape == Shape{1, 6, 6, 2});
  CHECK(m.value(m.outputs[0]).shape == Shape{1, 4, 4, 4});
  CHECK(other.value(other.outputs[0]).shape.elements() == 72);
}

TEST_CASE("onnx if: half precision in branches") {
  OnnxBuilder yes;
  yes.initializer("k", Tensor<fp16>({3}, {fp16(1.0f), fp16(2.0f), fp16(3.0f)}));
  yes.node("Mul", {"x", "k"}, {"inner"}).output("inner");
  OnnxBuilder b(13);
  condition(b.input("x", {3}, DType::f16), true);
  b.node("If", {"c"}, {"y"}, branches(yes, branch("Neg", {"x"}))).output("y");
  const Model m = import_onnx(b);
  CHECK(m.value(m.outputs[0]).dtype == DType::f16);
  const AnyTensor y = Executor(m).run({Tensor<fp16>({3}, {fp16(1.0f), fp16(1.0f), fp16(-2.0f)})})[0];
  CHECK(static_cast<float>(y.view<fp16>()[2]) == -6.0f);
}

TEST_CASE("onnx if: the other branch may have anything") {
  OnnxBuilder b(13);
  condition(b.input("x", {3}), true);
  b.node("If", {"c"}, {"y"}, branches(branch("Relu", {"x"}), branch("Unheard", {"x"}))).output("y");
  CHECK(numbers(import_onnx(b), Tensor<float>({3}, {-1, 0, 1}))[0] == 0);
  OnnxBuilder other(13);
  condition(other.input("x", {3}), false);
  other.node("If", {"c"}, {"y"}, branches(branch("Relu", {"x"}), branch("Unheard", {"x"}))).output("y");
  CHECK(message([&] { import_onnx(other); }) ==
        "'test.onnx' needs 1 operator that octet does not have:\n"
        "  the operator Unheard is not supported, and not registered (register_operator): node 'node of inner'");
}

TEST_CASE("onnx if: a condition that is computed in each run") {
  OnnxBuilder b(13);
  b.input("x", {3}).input("c", {}, DType::boolean);
  b.node("If", {"c"}, {"y"}, branches(branch("Relu", {"x"}), branch("Neg", {"x"}))).output("y");
  CHECK(message([&] { import_onnx(b); }) ==
        "'test.onnx': node 'node of y' (If): the operator If is supported only where its condition is known when the "
        "file is read; input 0 ('c') is computed in each run");
  CHECK(message([&] { import_onnx(squeeze(-1)); }) ==
        "'test.onnx': node 'node of squeezed' (If): the operator If is supported only where its condition is known "
        "when the file is read; input 0 ('c') is computed in each run: give the shapes of the inputs "
        "(LoadOptions::input_shapes; octet convert --shape)");
  LoadOptions o;
  o.input_shapes["x"] = {1, 3, 4};
  const Bytes bytes = squeeze(-1).bytes();
  const std::vector<std::uint8_t> file(bytes.begin(), bytes.end());
  const Model m = parse_onnx(file, "test.onnx", o);
  CHECK(m.value(m.outputs[0]).shape == Shape{3, 4});
}

TEST_CASE("onnx if: what is refused") {
  const auto error = [](const Attributes& a, bool two = false) {
    OnnxBuilder b(13);
    condition(b.input("x", {3}), true);
    b.node("If", {"c"}, two ? std::vector<std::string>{"y", "z"} : std::vector<std::string>{"y"}, a).output("y");
    return message([&] { import_onnx(b); });
  };
  const OnnxBuilder good = branch("Relu", {"x"});
  const std::string place = "'test.onnx': node 'node of y' (If): ";
  CHECK(error(branches(good, good), true) == place + "then_branch has 1 outputs, expected 2");
  CHECK(error(branches(good, OnnxBuilder())) == place + "else_branch has 0 outputs, expected 1");
  CHECK(error({OnnxAttribute::graph("else_branch", good.graph())}) == place + "has no then_branch");
  CHECK(error({OnnxAttribute::graph("then_branch", good.graph()), OnnxAttribute::graph("then_branch", good.graph())}) ==
        place + "has two graphs then_branch");
  CHECK(error(branches(branch("Relu", {"x"}).input("i", {3}), good)) ==
        place + "then_branch has inputs, expected none");
  CHECK(error(branches(OnnxBuilder().output("nothing"), good)) ==
        place + "its output 'nothing' is not written by any node");
  CHECK(
      error(branches(branch("Relu", {"nothing"}), good)).find("node 'node of inner' (Relu): reads 'nothing', which") !=
      std::string::npos);
  CHECK(error(branches(branch("Relu", {"y"}), good)).find("reads 'y', which is neither") != std::string::npos);
  OnnxBuilder twice;
  twice.node("Relu", {"x"}, {"t"}).node("Neg", {"x"}, {"t"}).output("t");
  CHECK(error(branches(twice, good)) == "'test.onnx': tensor 't' is written twice");
  OnnxBuilder initialized;
  initialized.scalar("k", 1).scalar("k", 2).output("k");
  CHECK(error(branches(initialized, good)) == "'test.onnx': tensor 'k' is defined twice");
  OnnxBuilder b(13);
  b.input("x", {3}).scalar("c", 1).node("If", {"c"}, {"y"}, branches(good, good)).output("y");
  CHECK(message([&] { import_onnx(b); }) == place + "expected one bool as condition, found float32 of shape []");
}

TEST_CASE("onnx if: the depth of branches in branches is limited") {
  const auto deep = [](int depth) {
    OnnxBuilder inside = branch("Relu", {"x"});
    for (int i = 0; i < depth; ++i) {
      OnnxBuilder next;
      next.node("If", {"c"}, {"t"},
                {OnnxAttribute::graph("then_branch", inside.graph()),
                 OnnxAttribute::graph("else_branch", branch("Neg", {"x"}).graph())});
      inside = next.output("t");
    }
    OnnxBuilder b(13);
    condition(b.input("x", {3}), true);
    return b.node("If", {"c"}, {"y"}, branches(inside, branch("Neg", {"x"}))).output("y");
  };
  CHECK(numbers(import_onnx(deep(31)), Tensor<float>({3}, {-1, 0, 1}))[2] == 1);
  for (int depth : {32, 1000})
    CHECK(message([&] { import_onnx(deep(depth)); }) ==
          "'test.onnx': node 'node of t' (If) is inside of 32 others, which is the limit");
}

TEST_CASE("onnx if: many branches with the same names") {
  OnnxBuilder b(13);
  condition(b.input("x0", {3}), true);
  for (int i = 0; i < 2000; ++i) {
    const std::string in = "x" + std::to_string(i), out = "x" + std::to_string(i + 1);
    b.node("If", {"c"}, {out}, branches(branch("Neg", {in}), branch("Relu", {in})));
  }
  const Model m = import_onnx(b.output("x2000"));
  CHECK(numbers(m, Tensor<float>({3}, {-1, 0, 1}))[2] == 1);
}

TEST_CASE("onnx if: comparisons of sizes that are computed in each run") {
  OnnxBuilder b(13);
  b.input("x", {-1, 4}).node("Shape", {"x"}, {"s"}).integers("zero", {0}).integers("two", {2}).integers("five", {5});
  b.node("Gather", {"s", "zero"}, {"n"}).node("Greater", {"n", "two"}, {"a"}).node("LessOrEqual", {"n", "five"}, {"b"});
  b.node("Not", {"b"}, {"not"}).node("Or", {"not", "a"}, {"or"}).node("And", {"or", "b"}, {"and"});
  b.node("Where", {"and", "x", "other"}, {"y"}).scalar("other", 9).output("y");
  const Model m = import_onnx(b);
  for (std::int64_t rows = 1; rows < 8; ++rows) {
    const Tensor<float> x = random_tensor({rows, 4}, 1), y = numbers(m, x);
    CHECK(y[3] == (rows > 2 && rows <= 5 ? x[3] : 9.0f));
  }
}
