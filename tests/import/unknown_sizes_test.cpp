#include <octet/io/load.hpp>
#include <octet/io/save.hpp>
#include <octet/operators/all.hpp>
#include <octet/runtime/executor.hpp>

#include "support/exported.hpp"
#include "support/files.hpp"
#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/onnx_builder.hpp"
#include "support/tflite_builder.hpp"
#include "testing.hpp"

// Models that compute with sizes which their file leaves open: at run time, or with shapes that are given.

using namespace testing;

namespace {

/// x / (its width + 1) - height / 2, after a convolution, so that images are stored with channels last.
OnnxBuilder scaled_by_sizes() {
  OnnxBuilder b;
  b.input("x", {1, 2, -1, -1}).initializer("w", Tensor<float>({2, 2, 1, 1}, {1, 0, 0, 1}));
  b.node("Conv", {"x", "w"}, {"c"}).node("Shape", {"c"}, {"s"});
  b.initializer("three", Tensor<std::int64_t>({1}, {3})).initializer("two", Tensor<std::int64_t>(Shape{}, {2}));
  b.initializer("one", Tensor<std::int64_t>({1}, {1}));
  b.node("Gather", {"s", "three"}, {"width"}).node("Add", {"width", "one"}, {"more"});
  b.node("Cast", {"more"}, {"divisor"}, {{"to", 1}}).node("Div", {"c", "divisor"}, {"scaled"});
  b.node("Gather", {"s", "two"}, {"height"}).node("Div", {"height", "two"}, {"half"});
  b.node("Cast", {"half"}, {"shift"}, {{"to", 1}}).node("Sub", {"scaled", "shift"}, {"y"});
  return b.output("y");
}

/// x repeated as often as its height says.
OnnxBuilder repeated_by_size() {
  OnnxBuilder b;
  b.input("x", {-1, 2, -1, -1}).node("Shape", {"x"}, {"s"}).node("Tile", {"x", "s"}, {"y"});
  return b.output("y");
}

/// Sums along an axis that depends on the number of images.
OnnxBuilder summed_by_size() {
  OnnxBuilder b(14);
  b.input("x", {-1, 2, -1, -1}).node("Shape", {"x"}, {"s"}).integers("zero", {0}).node("Gather", {"s", "zero"}, {"n"});
  return b.node("CumSum", {"x", "n"}, {"a"}).output("a");
}

/// A convolution that keeps its input, then layers with shapes that are computed from sizes.
OnnxBuilder kept() {
  OnnxBuilder b;
  b.input("x", {-1, 2, -1, -1}).initializer("w", Tensor<float>({2, 2, 1, 1}, {1, 0, 0, 1}));
  b.node("Conv", {"x", "w"}, {"c"}).node("Shape", {"c"}, {"s"});
  return b;
}

Model import_with(const OnnxBuilder& b, const Shape& shape, const char* input = "x") {
  LoadOptions o;
  o.keep_layout = true;
  o.input_shapes = {{input, shape}};
  const Bytes file = b.bytes();
  const std::vector<std::uint8_t> bytes(file.begin(), file.end());
  return parse_onnx(bytes, "test.onnx", o);
}

}  // namespace

TEST_CASE("unknown sizes: arithmetic on them is done in each run") {
  for (const bool keep_layout : {true, false}) {
    const Model m = import_onnx(scaled_by_sizes(), keep_layout);
    Executor run(m);
    for (const Shape& image : {Shape{1, 2, 3, 5}, Shape{1, 2, 4, 3}}) {
      const Shape stored = keep_layout ? image : Shape{1, image[2], image[3], 2};
      const Tensor<float> x = random_tensor(stored, 3), y = run(x);
      REQUIRE(y.shape() == stored);
      const auto divisor = static_cast<float>(image[3] + 1), shift = static_cast<float>(image[2] / 2);
      for (std::int64_t i = 0; i < x.size(); ++i) CHECK(y[i] == doctest::Approx(x[i] / divisor - shift).epsilon(1e-6));
    }
  }
}

TEST_CASE("unknown sizes: shapes that are computed from them") {
  const auto check = [](const OnnxBuilder& b, const auto& right) {
    for (const bool keep_layout : {true, false}) {
      const Model m = import_onnx(b, keep_layout);
      Executor run(m), plain(m, [] {
        ExecutorOptions o;
        o.optimize = false;
        return o;
      }());
      const TemporaryFile saved("model.octet");
      save(m, saved.path);
      Executor loaded(load(saved.path)), written(keep_layout ? m : through(m, Format::onnx));
      for (const Shape& s : {Shape{1, 2, 3, 5}, Shape{2, 2, 4, 3}, Shape{2, 2, 4, 3}}) {
        const Shape stored = keep_layout ? s : Shape{s[0], s[2], s[3], 2};
        const Tensor<float> x = random_tensor(stored, 3);
        const std::vector<AnyTensor> results = run.run({x}), again = loaded.run({x});
        for (std::size_t i = 0; i < results.size(); ++i) CHECK(same_bytes(results[i], again[i]));
        CHECK(difference(results, written.run({x})).worst == 0);
        for (Executor* e : {&run, &plain}) {
          const AnyTensor y = e->run({x})[0];
          // Element [n, c, h, w] of the result; its shape in the file's layout.
          const auto at = [&](std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
            const Shape& t = y.shape();
            return y.view<float>()[keep_layout ? ((n * t[1] + c) * t[2] + h) * t[3] + w
                                               : ((n * t[1] + h) * t[2] + w) * t[3] + c];
          };
          const auto of_x = [&](std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
            return x[keep_layout ? ((n * 2 + c) * s[2] + h) * s[3] + w : ((n * s[2] + h) * s[3] + w) * 2 + c];
          };
          const Shape file = keep_layout ? y.shape() : Shape{y.shape()[0], y.shape()[3], y.shape()[1], y.shape()[2]};
          right(s, file, of_x, at);
        }
      }
    }
  };
  const auto same = [](const Shape& s, const Shape& found, const auto& x, const auto& y, float added, int more) {
    REQUIRE(found == Shape{s[0], 2, s[2] * more, s[3] * more});
    for (std::int64_t i = 0; i < s.elements(); ++i) {
      const std::int64_t w = i % s[3], h = i / s[3] % s[2], c = i / (s[3] * s[2]) % 2, n = i / (s[3] * s[2] * 2);
      CHECK(y(n, c, h * more, w * more) == x(n, c, h, w) + added);
    }
  };

  OnnxBuilder zeros = kept();
  zeros.node("ConstantOfShape", {"s"}, {"ones"}, {{"value", Tensor<float>({1}, {1})}})
      .node("Add", {"c", "ones"}, {"y"});
  check(zeros.output("y"),
        [&](const Shape& s, const Shape& f, const auto& x, const auto& y) { same(s, f, x, y, 1, 1); });

  OnnxBuilder expand = kept();
  expand.initializer("two", Tensor<float>({2, 1, 1}, {2, 2})).node("Expand", {"two", "s"}, {"twos"});
  expand.node("Add", {"c", "twos"}, {"y"});
  check(expand.output("y"),
        [&](const Shape& s, const Shape& f, const auto& x, const auto& y) { same(s, f, x, y, 2, 1); });

  OnnxBuilder reshape = kept();  // to a vector and back
  reshape.initializer("minus", Tensor<std::int64_t>({1}, {-1})).node("Reshape", {"c", "minus"}, {"vector"});
  reshape.node("Reshape", {"vector", "s"}, {"r"}).node("Conv", {"r", "w"}, {"y"});
  check(reshape.output("y"),
        [&](const Shape& s, const Shape& f, const auto& x, const auto& y) { same(s, f, x, y, 0, 1); });

  OnnxBuilder resize = kept();  // by 2, to sizes
  resize.initializer("factors", Tensor<std::int64_t>({4}, {1, 1, 2, 2})).node("Mul", {"s", "factors"}, {"sizes"});
  resize.node("Resize", {"c", "", "", "sizes"}, {"y"},
              {{"nearest_mode", "floor"}, {"coordinate_transformation_mode", "asymmetric"}});
  check(resize.output("y"),
        [&](const Shape& s, const Shape& f, const auto& x, const auto& y) { same(s, f, x, y, 0, 2); });

  OnnxBuilder slice = kept();  // of the sum of three, without the last column
  slice.initializer("minus", Tensor<std::int64_t>({1}, {-1})).initializer("three", Tensor<std::int64_t>({1}, {3}));
  slice.initializer("zero", Tensor<std::int64_t>({1}, {0})).node("Gather", {"s", "three"}, {"width"});
  slice.node("Add", {"width", "minus"}, {"end"}).node("Slice", {"c", "zero", "end", "three"}, {"y"});
  check(slice.output("y"), [&](const Shape& s, const Shape& found, const auto& x, const auto& y) {
    REQUIRE(found == Shape{s[0], 2, s[2], s[3] - 1});
    CHECK(y(s[0] - 1, 1, 1, s[3] - 2) == x(s[0] - 1, 1, 1, s[3] - 2));
  });

  OnnxBuilder scales = kept();  // by 2, by scales
  scales.initializer("factors", Tensor<std::int64_t>({4}, {1, 1, 2, 2})).node("Mul", {"s", "factors"}, {"sizes"});
  scales.node("Cast", {"sizes"}, {"to"}, {{"to", 1}}).node("Cast", {"s"}, {"from"}, {{"to", 1}});
  scales.node("Div", {"to", "from"}, {"scales"})
      .node("Resize", {"c", "", "scales"}, {"y"},
            {{"nearest_mode", "floor"}, {"coordinate_transformation_mode", "asymmetric"}});
  check(scales.output("y"),
        [&](const Shape& s, const Shape& f, const auto& x, const auto& y) { same(s, f, x, y, 0, 2); });

  OnnxBuilder two_sizes(18);  // the same, with sizes of two axes
  two_sizes.input("x", {-1, 2, -1, -1}).initializer("w", Tensor<float>({2, 2, 1, 1}, {1, 0, 0, 1}));
  two_sizes.node("Conv", {"x", "w"}, {"c"}).node("Shape", {"c"}, {"s"}, {{"start", 2}}).integers("twice", {2, 2});
  two_sizes.node("Mul", {"s", "twice"}, {"sizes"});
  two_sizes.node("Resize", {"c", "", "", "sizes"}, {"y"},
                 {{"nearest_mode", "floor"},
                  {"coordinate_transformation_mode", "asymmetric"},
                  {"axes", std::vector<std::int64_t>{2, 3}}});
  check(two_sizes.output("y"),
        [&](const Shape& s, const Shape& f, const auto& x, const auto& y) { same(s, f, x, y, 0, 2); });

  OnnxBuilder tile = kept();
  tile.node("Tile", {"c", "s"}, {"y"});
  check(tile.output("y"), [&](const Shape& s, const Shape& found, const auto& x, const auto& y) {
    REQUIRE(found == Shape{s[0] * s[0], 4, s[2] * s[2], s[3] * s[3]});
    for (std::int64_t h = 0; h < found[2]; ++h)
      for (std::int64_t w = 0; w < found[3]; ++w) CHECK(y(found[0] - 1, 2, h, w) == x(s[0] - 1, 0, h % s[2], w % s[3]));
  });

  OnnxBuilder pad = kept();  // to a square: rows above, columns after
  pad.integers("two", {2}).integers("three", {3}).integers("none", {0}).scalar("seven", 7);
  pad.node("Gather", {"s", "two"}, {"height"}).node("Gather", {"s", "three"}, {"width"});
  pad.node("Max", {"height", "width"}, {"side"});
  pad.node("Sub", {"side", "height"}, {"above"}).node("Sub", {"side", "width"}, {"after"});
  pad.node("Concat", {"none", "none", "above", "none", "none", "none", "none", "after"}, {"pads"}, {{"axis", 0}});
  pad.node("Pad", {"c", "pads", "seven"}, {"y"});
  const auto square = [&](const Shape& s, const Shape& found, const auto& x, const auto& y) {
    const std::int64_t side = std::max(s[2], s[3]);
    REQUIRE(found == Shape{s[0], 2, side, side});
    for (std::int64_t h = 0; h < side; ++h)
      for (std::int64_t w = 0; w < side; ++w) {
        const std::int64_t from = h - (side - s[2]);
        CHECK(y(0, 1, h, w) == (from >= 0 && w < s[3] ? x(0, 1, from, w) : 7));
      }
  };
  check(pad.output("y"), square);

  OnnxBuilder pad_axes(18);  // the same, with pads of two axes, in another order
  pad_axes.input("x", {-1, 2, -1, -1}).initializer("w", Tensor<float>({2, 2, 1, 1}, {1, 0, 0, 1}));
  pad_axes.node("Conv", {"x", "w"}, {"c"}).node("Shape", {"c"}, {"height"}, {{"start", 2}, {"end", 3}});
  pad_axes.node("Shape", {"c"}, {"width"}, {{"start", 3}}).integers("none", {0}).integers("axes", {-1, 2});
  pad_axes.node("Max", {"height", "width"}, {"side"}).scalar("seven", 7);
  pad_axes.node("Sub", {"side", "height"}, {"above"}).node("Sub", {"side", "width"}, {"after"});
  pad_axes.node("Concat", {"none", "above", "after", "none"}, {"pads"}, {{"axis", 0}});
  pad_axes.node("Pad", {"c", "pads", "seven", "axes"}, {"y"});
  check(pad_axes.output("y"), square);

  OnnxBuilder top = kept();  // half of the columns
  top.integers("three", {3}).integers("two", {2}).node("Gather", {"s", "three"}, {"width"});
  top.node("Div", {"width", "two"}, {"k"}).node("TopK", {"c", "k"}, {"y", "places"});
  check(top.output("y").output("places"), [&](const Shape& s, const Shape& found, const auto& x, const auto& y) {
    REQUIRE(found == Shape{s[0], 2, s[2], s[3] / 2});
    float most = x(0, 1, 2, 0);
    for (std::int64_t w = 0; w < s[3]; ++w) most = std::max(most, x(0, 1, 2, w));
    CHECK(y(0, 1, 2, 0) == most);
  });

  OnnxBuilder sizes = kept();  // c + the number of images, or of channels
  sizes.initializer("none", Tensor<std::int64_t>({1}, {0})).initializer("two", Tensor<std::int64_t>({1}, {2}));
  sizes.node("Slice", {"s", "none", "two"}, {"first"}).node("Cast", {"first"}, {"numbers"}, {{"to", 1}});
  sizes.initializer("by channel", Tensor<std::int64_t>({4}, {1, 2, 1, 1}));
  sizes.node("Reshape", {"numbers", "by channel"}, {"r"}).node("Add", {"c", "r"}, {"y"});
  check(sizes.output("y"), [&](const Shape& s, const Shape& found, const auto& x, const auto& y) {
    REQUIRE(found == s);
    CHECK(y(0, 0, 1, 2) == x(0, 0, 1, 2) + static_cast<float>(s[0]));
    CHECK(y(0, 1, 1, 2) == x(0, 1, 1, 2) + 2);
  });

  OnnxBuilder range = kept();  // x + the number of its column
  range.initializer("last", Tensor<std::int64_t>(Shape{}, {3})).node("Gather", {"s", "last"}, {"width"});
  range.initializer("none", Tensor<std::int64_t>(Shape{}, {0})).initializer("one", Tensor<std::int64_t>(Shape{}, {1}));
  range.node("Range", {"none", "width", "one"}, {"columns"}).node("Cast", {"columns"}, {"numbers"}, {{"to", 1}});
  range.node("Add", {"c", "numbers"}, {"y"});
  check(range.output("y"), [&](const Shape& s, const Shape& found, const auto& x, const auto& y) {
    REQUIRE(found == s);
    for (std::int64_t w = 0; w < s[3]; ++w) CHECK(y(0, 1, 2, w) == x(0, 1, 2, w) + static_cast<float>(w));
  });
}

TEST_CASE("unknown sizes: shapes that are given") {
  const std::string error = message([&] { import_onnx(summed_by_size()); });
  INFO(error);
  CHECK(has(error, {"node of a", "LoadOptions::input_shapes", "octet convert --shape"}));
  const Model m = import_with(repeated_by_size(), {1, 2, 3, 4});
  CHECK(m.value(m.inputs[0]).shape == Shape{1, 2, 3, 4});
  CHECK(Executor(m)(random_tensor({1, 2, 3, 4}, 1)).shape() == Shape{1, 4, 9, 16});

  const Model part = import_with(scaled_by_sizes(), {1, Shape::unknown, Shape::unknown, 7});
  CHECK(part.value(part.inputs[0]).shape == Shape{1, 2, Shape::unknown, 7});
}

TEST_CASE("unknown sizes: shapes that the file does not allow are errors") {
  const auto error = [](const Shape& s, const char* input = "x") {
    return message([&] { import_with(repeated_by_size(), s, input); });
  };
  CHECK(has(error({1, 3, 4, 4}), {"input 'x'", "the shape [1, 3, 4, 4] was given", "the file says [?, 2, ?, ?]"}));
  CHECK(has(error({1, 2, 4}), {"the shape [1, 2, 4] was given"}));
  CHECK(has(error({1, 2, 4, 4}, "image"), {"the shape of input 'image' was given", "the inputs are 'x'"}));
}

TEST_CASE("unknown sizes: shapes for TFLite") {
  tflite::ModelBuilder b;
  const int x = b.tensor("x", {1, 4}), y = b.tensor("y", {1, 4});
  b.op("RELU", {x}, {y});
  const std::vector<std::uint8_t> file = b.finish({x}, {y});
  LoadOptions o;
  o.input_shapes = {{"x", {3, 4}}};
  const Model m = parse_tflite(file, "test.tflite", o);
  CHECK(m.value(m.inputs[0]).shape == Shape{3, 4});
  o.input_shapes = {{"x", {1, 5}}};
  CHECK(has(message([&] { parse_tflite(file, "test.tflite", o); }), {"[1, 5] was given", "[?, 4]"}));
}

TEST_CASE("unknown sizes: operators that cannot have computed parameters") {
  Graph g;
  const int x = g.add_input("x", {2, 3}), n = g.add_constant("n", Tensor<std::int64_t>({1}, {1}));
  CHECK(has(message([&] { g.add("y", Parametrized(), {x, n}); }), {"layer 'y' (Parametrized)"}));
  g.outputs = {g.add("y", Parametrized(Reshape(), "size", {6}), {x, n})};
  CHECK(has(message([&] { Executor(g).run({random_tensor({2, 3}, 1)}); }), {"'y'", "parameter 'size' of Reshape"}));
  g.outputs = {g.add("z", Parametrized(Reshape(), "target", {4}), {x, n})};
  CHECK(has(message([&] { Executor(g).run({random_tensor({2, 3}, 1)}); }), {"[2, 3] cannot be reshaped to [1]"}));
  Parametrized top(TopK(1, 1), "k", {2, 1});
  g.outputs = {g.add("top", top, {x, n})};
  CHECK(has(message([&] { Executor(g).run({random_tensor({2, 3}, 1)}); }), {"expected 1 results of TopK, found 2"}));
  top.outputs = 3;
  CHECK(has(message([&] { g.add("three", top, {x, n}); }), {"layer 'three'", "expected 1 or 2 outputs, found 3"}));
}
