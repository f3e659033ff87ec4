#include <octet/operators/all.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/judge.hpp"
#include "support/messages.hpp"
#include "support/onnx_builder.hpp"
#include "support/sqnr.hpp"
#include "testing.hpp"

// Split, OneHot and Trilu whose parameters are computed in each run.

using namespace octet;
using namespace testing;

namespace {

/// x [?, ?, 6], its sizes s, and numbers to compute with.
OnnxBuilder matrices() {
  OnnxBuilder b(18);
  b.input("x", {-1, -1, 6}).node("Shape", {"x"}, {"s"}).integers("zero", {0}).integers("one", {1}).integers("two", {2});
  return b.node("Gather", {"s", "zero"}, {"n"}).node("Gather", {"s", "one"}, {"m"});
}

/// Along the second dimension: one, the rest but one, one.
OnnxBuilder split(const std::string& of = "x") {
  OnnxBuilder b = matrices();
  b.node("Sub", {"m", "two"}, {"middle"}).node("Concat", {"one", "middle", "one"}, {"sizes"}, {{"axis", 0}});
  if (of == "real") {
    b.scalar("scale", 0.01f).initializer("point", Tensor<std::int8_t>(Shape{}, {0}));
    b.node("QuantizeLinear", {"x", "scale", "point"}, {"codes"});
    b.node("DequantizeLinear", {"codes", "scale", "point"}, {"real"});
  }
  return b.node("Split", {of, "sizes"}, {"a", "b", "c"}, {{"axis", 1}}).output("a").output("b").output("c");
}

/// Places that are computed from x, of a depth of the number of rows.
OnnxBuilder one_hot(int axis, int to) {
  OnnxBuilder b = matrices();
  b.scalar("three", 3).node("Mul", {"x", "three"}, {"y"}).node("Round", {"y"}, {"z"});
  b.node("Cast", {"z"}, {"places"}, {{"to", to}}).initializer("values", Tensor<float>({2}, {-1, 2}));
  b.node("Cast", {"m"}, {"depth"}, {{"to", to}});
  return b.node("OneHot", {"places", "depth", "values"}, {"hot"}, {{"axis", axis}}).output("hot");
}

/// A diagonal that depends on the number of matrices, and rows whose number the file leaves open.
OnnxBuilder trilu(bool upper, bool computed) {
  OnnxBuilder b = matrices();
  b.initializer("four", Tensor<std::int64_t>(Shape{}, {4})).integers("none", {});
  b.node("Reshape", {"n", "none"}, {"number"}).node("Sub", {"number", "four"}, {"k"});
  const std::vector<std::string> in = computed ? std::vector<std::string>{"x", "k"} : std::vector<std::string>{"x"};
  return b.node("Trilu", in, {"y"}, {{"upper", upper ? 1 : 0}}).output("y");
}

std::vector<AnyTensor> run(const OnnxBuilder& b, const Tensor<float>& x, bool optimize = true) {
  ExecutorOptions o;
  o.optimize = optimize;
  return Executor(import_onnx(b), o).run({x});
}

}  // namespace

TEST_CASE("computed sizes: as ONNX Runtime, also when they are written again") {
  Judge judge(Format::onnx);
  if (!judge.ready()) return;
  const TemporaryFolder folder;
  std::vector<std::pair<std::string, OnnxBuilder>> all{{"split", split()}, {"split of codes", split("real")}};
  for (int axis : {-1, 0, 1, 3})
    for (int to : {1, 6, 7}) all.emplace_back("one hot " + std::to_string(axis), one_hot(axis, to));
  for (bool upper : {false, true})
    for (bool computed : {false, true}) all.emplace_back("trilu", trilu(upper, computed));
  int i = 0;
  for (const auto& [name, network] : all) {
    const std::string path = folder / ("sizes" + std::to_string(i++) + ".onnx");
    write_file(path, network.bytes());
    judge.add_file(name, path);
    judge.add(name + ", written", import_onnx(network));
  }
  judge.judge();
}

TEST_CASE("computed sizes: split") {
  const Tensor<float> x = random_tensor({2, 5, 6}, 1);
  for (const bool optimize : {true, false}) {
    const std::vector<AnyTensor> y = run(split(), x, optimize);
    REQUIRE(y.size() == 3);
    CHECK(y[0].shape() == Shape{2, 1, 6});
    CHECK(y[1].shape() == Shape{2, 3, 6});
    CHECK(y[2].shape() == Shape{2, 1, 6});
    CHECK(floats(y[1])[18 + 2 * 6 + 5] == x[30 + 3 * 6 + 5]);
    CHECK(floats(y[2])[6] == x[30 + 4 * 6]);
  }
  OnnxBuilder b = matrices();
  b.node("Concat", {"one", "m"}, {"sizes"}, {{"axis", 0}});
  b.node("Split", {"x", "sizes"}, {"a", "b"}, {{"axis", 1}}).output("a").output("b");
  CHECK(message([&] { run(b, x); }) == "layer 'node of a' (Split): the parts are larger than dimension 1 of [2, 5, 6]");
  b = matrices();
  b.node("Concat", {"one", "m"}, {"sizes"}, {{"axis", 0}});
  b.node("Split", {"x", "sizes"}, {"a", "b", "c"}, {{"axis", 1}}).output("a");
  CHECK(message([&] { import_onnx(b); }).find("input 1 ('sizes'): expected the shape [3], found [2]") !=
        std::string::npos);
}

TEST_CASE("computed sizes: split of a quantized model") {
  const Model m = import_onnx(split());
  const Tensor<float> x = random_tensor({2, 5, 6}, 1);
  const Model q = quantize<int8>(m, calibrate(m, {x}));
  const std::vector<AnyTensor> exact = Executor(m).run({x}), found = Executor(q).run({x});
  for (std::size_t i = 0; i < 3; ++i) CHECK(sqnr_db(exact[i], found[i]) > 30);
}

TEST_CASE("computed sizes: one hot") {
  const Tensor<float> x = random_tensor({1, 3, 6}, 2);
  const std::vector<AnyTensor> y = run(one_hot(-1, 7), x);
  CHECK(y[0].shape() == Shape{1, 3, 6, 3});
  for (std::int64_t i = 0; i < x.size(); ++i)
    for (std::int64_t k = 0; k < 3; ++k) {
      const std::int64_t place = std::lround(static_cast<double>(3 * x[i]));  // -3 to 3
      CHECK(floats(y[0])[3 * i + k] == (place == k || place + 3 == k ? 2.0f : -1.0f));
    }
  OnnxBuilder b = matrices();
  b.initializer("values", Tensor<float>({2}, {0, 1})).node("OneHot", {"x", "s", "values"}, {"y"}).output("y");
  CHECK(message([&] { import_onnx(b); }).find("input 1 ('s'): expected one number, found the shape [3]") !=
        std::string::npos);
}

TEST_CASE("computed sizes: triangles") {
  for (std::int64_t images : {1, 4, 9})
    for (const bool upper : {true, false})
      for (const bool computed : {true, false}) {
        const Tensor<float> x = random_tensor({images, 5, 6}, 3), y = floats(run(trilu(upper, computed), x)[0]);
        for (std::int64_t i = 0; i < x.size(); ++i) {
          const std::int64_t above = i % 6 - i / 6 % 5, k = computed ? images - 4 : 0;
          CHECK(y[i] == ((upper ? above >= k : above <= k) ? x[i] : 0.0f));
        }
      }
}

TEST_CASE("computed sizes: the number of results of a file's layer is limited") {
  for (std::int64_t outputs : {std::int64_t{0}, std::int64_t{3}, std::int64_t{1} << 60}) {
    Graph g;
    Split op;
    op.parts = outputs == 3 ? 2 : outputs;
    Parametrized p(op, "sizes", {Shape::unknown});
    p.outputs = outputs;
    const int x = g.add_input("x", {4}), sizes = g.add_input("sizes", {2}, DType::i64);
    CHECK(message([&] {
            g.add("y", p, {x, sizes});
          }) == "layer 'y' (Parametrized): expected an output for each of " + std::to_string(op.parts) +
                    " parts, at most 65536, found " + std::to_string(outputs));
  }
}
