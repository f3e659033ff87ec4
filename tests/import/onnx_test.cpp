#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include <octet/import/onnx/importer.hpp>
#include <octet/operators/all.hpp>
#include <random>

#include "support/allocations.hpp"
#include "support/files.hpp"
#include "support/messages.hpp"
#include "support/onnx_builder.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

/// The only output. Checks that it does not depend on optimization.
Tensor<float> run(const Model& m, const Tensor<float>& x) {
  const Tensor<float> plain = floats(run_plain(m, {x})[0]),
                      optimized = floats(Executor(m).run(std::vector<AnyTensor>{x})[0]);
  CHECK(largest_difference(plain, optimized) < 1e-4);
  return plain;
}

std::string error_of(const OnnxBuilder& b) {
  return message<FormatError>([&] { import_onnx(b); });
}

#define CHECK_CONTAINS(text, part) CHECK_MESSAGE((text).find(part) != std::string::npos, text)

// --- straightforward references on tensors in ONNX's order

Tensor<float> transposed(const Tensor<float>& x, const std::vector<int>& perm) {
  Shape shape;
  for (int d : perm) shape.push_back(x.shape()[d]);
  Tensor<float> y(shape);
  for (std::int64_t i = 0; i < y.size(); ++i) {
    std::int64_t rest = i, from = 0;
    for (int d = shape.rank() - 1; d >= 0; --d) {
      const int old = perm[static_cast<std::size_t>(d)];
      from += rest % shape[d] * x.shape().product(old + 1, x.shape().rank());
      rest /= shape[d];
    }
    y[i] = x[from];
  }
  return y;
}

/// 3x3 convolution with padding 1 of [N, C, H, W].
Tensor<float> convolved(const Tensor<float>& x, const Tensor<float>& w) {
  const Shape &s = x.shape(), &k = w.shape();
  Tensor<float> y({s[0], k[0], s[2], s[3]});
  for (std::int64_t n = 0; n < s[0]; ++n)
    for (std::int64_t o = 0; o < k[0]; ++o)
      for (std::int64_t i = 0; i < s[2]; ++i)
        for (std::int64_t j = 0; j < s[3]; ++j)
          for (std::int64_t c = 0; c < s[1]; ++c)
            for (std::int64_t a = 0; a < 3; ++a)
              for (std::int64_t b = 0; b < 3; ++b) {
                const std::int64_t p = i + a - 1, q = j + b - 1;
                if (p >= 0 && p < s[2] && q >= 0 && q < s[3]) y(n, o, i, j) += x(n, c, p, q) * w(o, c, a, b);
              }
  return y;
}

const std::vector<int> to_nhwc{0, 2, 3, 1}, to_nchw{0, 3, 1, 2};
const std::vector<OnnxAttribute> padded{{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}};

/// x [N, 4, 5, 6] -> Conv -> "c" [N, 8, 5, 6], which is stored channels-last.
struct Convolved {
  Tensor<float> w = random_tensor({8, 4, 3, 3}, 1), x = random_tensor({2, 4, 5, 6}, 2);
  Tensor<float> c = convolved(x, w);
  OnnxBuilder b;

  explicit Convolved(int opset = 13, std::int64_t batch = -1) : b(opset) {
    b.input("x", {batch, 4, 5, 6}).initializer("w", w).node("Conv", {"x", "w"}, {"c"}, padded);
  }
  /// Checks the output "y" in both layouts. Returns the model as it is read by default.
  Model check(const Tensor<float>& y) {
    b.output("y");
    CHECK(largest_difference(run(import_onnx(b, true), x), y) < 1e-4);
    Model m = import_onnx(b, false);
    const Tensor<float> got = run(m, transposed(x, to_nhwc));
    const bool image = got.shape().rank() == 4 && got.shape() != y.shape();
    CHECK(largest_difference(image ? transposed(got, to_nchw) : got, y) < 1e-4);
    return m;
  }
};

Tensor<float> reshaped(Tensor<float> t, const Shape& s) { return std::move(t).reshaped(s); }

}  // namespace

TEST_CASE("onnx: inputs and outputs are channels-last, or as in the file") {
  Convolved t;
  Tensor<float> y = t.c;
  for (float& v : y) v = std::max(v, 0.0f);
  t.b.node("Relu", {"c"}, {"y"});
  const Model m = t.check(y);
  CHECK(m.value(m.inputs[0]).shape == Shape{Shape::unknown, 5, 6, 4});
  CHECK(m.value(m.outputs[0]).shape == Shape{Shape::unknown, 5, 6, 8});
  CHECK(count<Transpose>(m) == 0);
  const Model kept = import_onnx(t.b, true);
  CHECK(kept.value(kept.inputs[0]).shape == Shape{Shape::unknown, 4, 5, 6});
  CHECK(kept.value(kept.outputs[0]).shape == Shape{Shape::unknown, 8, 5, 6});
  CHECK(count<Transpose>(kept) == 2);
}

TEST_CASE("onnx: tensors and nodes keep their names") {
  Convolved t;
  t.b.node("Relu", {"c"}, {"r"}).node("Identity", {"r"}, {"y"}).output("y");
  for (const bool keep : {false, true}) {
    const Model m = import_onnx(t.b, keep);
    for (const char* name : {"x", "w", "c", "r", "y"}) CHECK(m.contains(name));
    CHECK(m.value(m.find("w")).shape == Shape{8, 3, 3, 4});
    CHECK(m.value(m.find("c")).shape == Shape{Shape::unknown, 5, 6, 8});
    CHECK(m.value(m.inputs[0]).name == "x");
    CHECK(m.value(m.outputs[0]).name == "y");
    CHECK(std::any_of(m.nodes.begin(), m.nodes.end(), [](const Node& n) { return n.name == "node of c"; }));
  }
  CHECK(import_onnx(t.b).metadata.at("producer") == "octet's tests");
}

TEST_CASE("onnx: a channel shuffle needs one copy") {
  Convolved t;
  t.b.integers("split", {0, 2, 4, 5, 6}).integers("joined", {0, 8, 5, 6});
  t.b.node("Reshape", {"c", "split"}, {"g"});
  t.b.node("Transpose", {"g"}, {"h"}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3, 4}}});
  t.b.node("Reshape", {"h", "joined"}, {"y"});
  const Tensor<float> shuffled = transposed(reshaped(t.c, {2, 2, 4, 5, 6}), {0, 2, 1, 3, 4});
  const Model m = t.check(reshaped(shuffled, {2, 8, 5, 6}));
  CHECK(count<Transpose>(m) == 1);
}

TEST_CASE("onnx: reshapes of channels-last tensors") {
  SUBCASE("flattening mixes channels and pixels in the file's order") {
    Convolved t;
    t.b.node("Flatten", {"c"}, {"y"});
    CHECK(count<Transpose>(t.check(reshaped(t.c, {2, 240}))) == 1);
  }
  SUBCASE("merging rows and columns needs no copy") {
    Convolved t;
    t.b.integers("s", {0, 8, -1}).node("Reshape", {"c", "s"}, {"m"});
    t.b.node("Transpose", {"m"}, {"y"}, {{"perm", std::vector<std::int64_t>{0, 2, 1}}});
    CHECK(count<Transpose>(t.check(transposed(reshaped(t.c, {2, 8, 30}), {0, 2, 1}))) == 0);
  }
  SUBCASE("after a global pool") {
    Convolved t;
    t.b.node("GlobalAveragePool", {"c"}, {"p"}).node("Flatten", {"p"}, {"y"});
    Tensor<float> mean({2, 8});
    for (std::int64_t i = 0; i < t.c.size(); ++i) mean[i / 30] += t.c[i] / 30;
    CHECK(count<Transpose>(t.check(mean)) == 0);
  }
  SUBCASE("an inserted dimension") {
    Convolved t;
    t.b.integers("axes", {2})
        .node("Unsqueeze", {"c", "axes"}, {"u"})
        .integers("back", {2})
        .node("Squeeze", {"u", "back"}, {"y"});
    CHECK(count<Transpose>(t.check(t.c)) == 0);
  }
  SUBCASE("sizes computed from a shape") {
    Convolved t;
    t.b.node("Shape", {"c"}, {"s"}).initializer("zero", Tensor<std::int64_t>(Shape{}, {0}));
    t.b.node("Gather", {"s", "zero"}, {"n"}).integers("first", {0}).node("Unsqueeze", {"n", "first"}, {"n1"});
    t.b.integers("rest", {-1}).node("Concat", {"n1", "rest"}, {"target"}, {{"axis", 0}});
    t.b.node("Reshape", {"c", "target"}, {"y"});
    const Model m = t.check(reshaped(t.c, {2, 240}));
    CHECK(m.value(m.outputs[0]).shape == Shape{Shape::unknown, 240});
  }
  SUBCASE("unknown image sizes") {
    OnnxBuilder b;
    b.input("x", {-1, 4, -2, -3})
        .initializer("w", random_tensor({8, 4, 3, 3}, 1))
        .node("Conv", {"x", "w"}, {"c"}, padded);
    b.integers("s", {0, 8, -1}).node("Reshape", {"c", "s"}, {"y"}).output("y");
    const Tensor<float> x = random_tensor({2, 4, 5, 6}, 2);
    const Tensor<float> expected = reshaped(convolved(x, random_tensor({8, 4, 3, 3}, 1)), {2, 8, 30});
    CHECK(largest_difference(run(import_onnx(b, true), x), expected) < 1e-4);
  }
}

TEST_CASE("onnx: a model declared for one batch size takes others") {
  Convolved t(13, 1);
  t.b.integers("s", {1, 240}).node("Reshape", {"c", "s"}, {"y"});
  t.check(reshaped(t.c, {2, 240}));
}

TEST_CASE("onnx: transpositions in the file only rename dimensions") {
  // As converters from TensorFlow write it: inputs and outputs are channels-last.
  OnnxBuilder b;
  const Tensor<float> w = random_tensor({8, 4, 3, 3}, 1), x = random_tensor({2, 5, 6, 4}, 2);
  b.input("x", {-1, 5, 6, 4}).initializer("w", w);
  b.node("Transpose", {"x"}, {"t"}, {{"perm", std::vector<std::int64_t>{0, 3, 1, 2}}});
  b.node("Conv", {"t", "w"}, {"c"}, padded);
  b.node("Transpose", {"c"}, {"y"}, {{"perm", std::vector<std::int64_t>{0, 2, 3, 1}}}).output("y");
  const Tensor<float> expected = transposed(convolved(transposed(x, to_nchw), w), to_nhwc);
  for (const bool keep : {false, true}) {
    const Model m = import_onnx(b, keep);
    CHECK(count<Transpose>(m) == 0);
    CHECK(m.value(m.outputs[0]).name == "y");
    CHECK(largest_difference(run(m, x), expected) < 1e-4);
  }
}

TEST_CASE("onnx: axes and broadcasting follow the order of dimensions") {
  const auto each = [](Tensor<float> c, auto f) {  // f(value, channel, row, column)
    for (std::int64_t i = 0; i < c.size(); ++i) c[i] = f(c[i], i / 30 % 8, i / 6 % 5, i % 6);
    return c;
  };
  SUBCASE("a constant for each channel, row or column") {
    for (const Shape& shape : {Shape{8, 1, 1}, Shape{5, 1}, Shape{6}, Shape{1, 8, 1, 6}, Shape{}}) {
      Convolved t;
      const Tensor<float> k = random_tensor(shape, 3);
      t.b.initializer("k", k).node("Mul", {"k", "c"}, {"y"});
      t.check(each(t.c, [&](float v, std::int64_t c, std::int64_t i, std::int64_t j) {
        const std::int64_t r = shape.rank();
        const std::int64_t at = r == 4 ? c * 6 + j : r == 3 ? c : r == 2 ? i : r == 1 ? j : 0;
        return v * k[at];
      }));
    }
  }
  SUBCASE("a computed tensor of fewer dimensions") {
    Convolved t;
    t.b.node("ReduceMax", {"c"}, {"m"}, {{"axes", std::vector<std::int64_t>{0, 2}}, {"keepdims", 0}});  // [C, W]
    t.b.integers("axes", {1}).node("Unsqueeze", {"m", "axes"}, {"u"}).node("Sub", {"c", "u"}, {"y"});
    Tensor<float> m({8, 6});
    std::fill(m.begin(), m.end(), -1e9f);
    each(t.c, [&](float v, std::int64_t c, std::int64_t, std::int64_t j) { return m(c, j) = std::max(m(c, j), v); });
    t.check(each(t.c, [&](float v, std::int64_t c, std::int64_t, std::int64_t j) { return v - m(c, j); }));
  }
  SUBCASE("softmax over channels") {
    Convolved t;
    t.b.node("Softmax", {"c"}, {"y"}, {{"axis", 1}});
    Tensor<float> sum({2, 5, 6});
    for (std::int64_t i = 0; i < t.c.size(); ++i) sum[i / 240 * 30 + i % 30] += std::exp(t.c[i]);
    Tensor<float> y = t.c;
    for (std::int64_t i = 0; i < y.size(); ++i) y[i] = std::exp(y[i]) / sum[i / 240 * 30 + i % 30];
    CHECK(count<Transpose>(t.check(y)) == 0);
  }
  SUBCASE("softmax over all from an axis on, before operator set 13") {
    Convolved t(11);
    t.b.node("Softmax", {"c"}, {"y"}, {{"axis", 1}});
    Tensor<float> sum({2}), y = t.c;
    for (std::int64_t i = 0; i < y.size(); ++i) sum[i / 240] += std::exp(y[i]);
    for (std::int64_t i = 0; i < y.size(); ++i) y[i] = std::exp(y[i]) / sum[i / 240];
    t.check(y);
  }
  SUBCASE("slice, pad and concat of channels") {
    Convolved t;
    t.b.integers("from", {1, 0}).integers("to", {7, 5}).integers("axes", {1, 2}).integers("steps", {3, 1});
    t.b.node("Slice", {"c", "from", "to", "axes", "steps"}, {"s"})
        .integers("pads", {0, 1, 0, 0, 0, 1, 0, 0})
        .scalar("two", 2);
    t.b.node("Pad", {"s", "pads", "two"}, {"p"}).node("Concat", {"p", "p"}, {"y"}, {{"axis", 1}});
    Tensor<float> y({2, 8, 5, 6});
    for (std::int64_t i = 0; i < y.size(); ++i) {
      const std::int64_t c = i / 30 % 4;  // 2, channel 1, channel 4, 2
      y[i] = c == 0 || c == 3 ? 2 : t.c[i / 240 * 240 + (c == 1 ? 1 : 4) * 30 + i % 30];
    }
    CHECK(count<Transpose>(t.check(y)) == 0);
  }
}

TEST_CASE("onnx: depth to space") {
  for (const bool depth_first : {true, false}) {
    Convolved t;
    t.b.node("DepthToSpace", {"c"}, {"y"}, {{"blocksize", 2}, {"mode", depth_first ? "DCR" : "CRD"}});
    const Tensor<float> blocks = depth_first ? transposed(reshaped(t.c, {2, 2, 2, 2, 5, 6}), {0, 3, 4, 1, 5, 2})
                                             : transposed(reshaped(t.c, {2, 2, 2, 2, 5, 6}), {0, 1, 4, 2, 5, 3});
    CHECK(count<Transpose>(t.check(reshaped(blocks, {2, 2, 10, 12}))) == 1);
  }
}

TEST_CASE("onnx: fully connected layers from Gemm and MatMul") {
  const Tensor<float> x = random_tensor({3, 5}, 1), k = random_tensor({5, 4}, 2), c = random_tensor({4}, 3);
  Tensor<float> product({3, 4});
  for (std::int64_t i = 0; i < 12; ++i)
    for (std::int64_t j = 0; j < 5; ++j) product[i] += x(i / 4, j) * k(j, i % 4);
  const auto checked = [&](OnnxBuilder b, float alpha, float beta) {
    const Model m = import_onnx(b.output("y"));
    Tensor<float> y = product;
    for (std::int64_t i = 0; i < 12; ++i) y[i] = alpha * y[i] + beta * c[i % 4];
    CHECK(largest_difference(run(m, x), y) < 1e-5);
    CHECK(count<FullyConnected>(m) == 1);
    CHECK(count<MatMul>(m) == 0);
    return m;
  };
  const auto start = [&] { return OnnxBuilder().input("x", {-1, 5}).initializer("c", c); };
  const Tensor<float> turned = transposed(k, {1, 0});
  CHECK(checked(start().initializer("k", k).node("Gemm", {"x", "k", "c"}, {"y"}), 1, 1).nodes.size() == 1);
  CHECK(checked(start().initializer("k", turned).node("Gemm", {"x", "k", "c"}, {"y"}, {{"transB", 1}}), 1, 1)
            .nodes.size() == 1);
  checked(start().initializer("k", k).node("Gemm", {"x", "k", "c"}, {"y"}, {{"alpha", 0.5f}, {"beta", 2.0f}}), 0.5f, 2);
  checked(start().initializer("k", k).node("MatMul", {"x", "k"}, {"m"}).node("Add", {"m", "c"}, {"y"}), 1, 1);
  checked(start().initializer("k", turned).node("Transpose", {"k"}, {"t"}).node("MatMul", {"x", "t"}, {"y"}), 1, 0);
}

TEST_CASE("onnx: outputs that are inputs, constants or views") {
  const Tensor<float> x = random_tensor({2, 3}, 1);
  OnnxBuilder b;
  b.input("x", {-1, 3}).scalar("k", 4).node("Relu", {"x"}, {"r"}).node("Transpose", {"r"}, {"t"});
  b.output("x").output("k").output("r").output("t").output("r");
  const std::vector<AnyTensor> out = Executor(import_onnx(b)).run(std::vector<AnyTensor>{x});
  REQUIRE(out.size() == 5);
  CHECK(largest_difference(floats(out[0]), x) == 0);
  CHECK(floats(out[1])[0] == 4);
  CHECK(largest_difference(transposed(floats(out[3]), {1, 0}), floats(out[2])) == 0);
  CHECK(largest_difference(floats(out[2]), floats(out[4])) == 0);
}

TEST_CASE("onnx: errors name file, node, operator and reason") {
  const auto with = [](const char* type, const std::vector<OnnxAttribute>& attributes = {}) {
    return OnnxBuilder().input("x", {1, 3, 8, 8}).scalar("k", 1).node(type, {"x", "k"}, {"y"}, attributes).output("y");
  };
  const std::string unknown = error_of(with("Det"));
  for (const char* part : {"test.onnx", "node of y", "Det", "not supported"}) CHECK_CONTAINS(unknown, part);
  CHECK_CONTAINS(error_of(with("Loop")), "the operator Loop is not supported");
  CHECK_CONTAINS(error_of(with("Conv")), "expected weights for an input of shape [1, 3, 8, 8], found shape []");
  CHECK_CONTAINS(error_of(with("Concat", {{"axis", 7}})), "axis 7");
  CHECK_CONTAINS(error_of(with("Concat", {{"axis", 0.5f}})), "attribute axis has a value of the wrong kind");
  CHECK_CONTAINS(error_of(with("MaxPool", {{"kernel_shape", std::vector<std::int64_t>{9, 9}}})), "does not fit into 8");
  CHECK_CONTAINS(error_of(with("MaxPool", {{"kernel_shape", std::vector<std::int64_t>{2, 2}}, {"auto_pad", "MAYBE"}})),
                 "auto_pad 'MAYBE' is not supported");
  const auto image = [] { return OnnxBuilder().input("x", {1, 3, 8, 8}); };
  CHECK_CONTAINS(error_of(image().input("w", {4, 3, 1, 1}).node("Conv", {"x", "w"}, {"y"}).output("y")),
                 "input 1 ('w') has to be constant");
  CHECK_CONTAINS(error_of(image().node("Relu", {"z"}, {"y"}).output("y")), "reads 'z', which is neither");
  CHECK_CONTAINS(error_of(image().node("Relu", {"b"}, {"a"}).node("Relu", {"a"}, {"b"}).output("b")),
                 "reads 'b', which is neither");
  CHECK_CONTAINS(error_of(image().node("Relu", {"x"}, {"a"}).node("Relu", {"x"}, {"a"}).output("a")),
                 "'a' is written twice");
  CHECK_CONTAINS(error_of(image().node("Relu", {"x"}, {"x"}).output("x")), "writes 'x', which is an input");
  CHECK_CONTAINS(error_of(image().scalar("k", 1).scalar("k", 2).output("x")), "'k' is defined twice");
  CHECK_CONTAINS(error_of(image().input("x", {1}).output("x")), "is defined twice");
  CHECK_CONTAINS(error_of(image().output("y")), "output 'y': is not written by any node");
  CHECK_CONTAINS(error_of(image().node("Relu", {"x"}, {"y"})), "has no outputs");
  CHECK_CONTAINS(error_of(image()), "is not an ONNX model");
  CHECK_CONTAINS(error_of(OnnxBuilder(6).input("x", {1}).output("x")), "version 6");
  CHECK_CONTAINS(error_of(OnnxBuilder(26).input("x", {1}).output("x")), "version 26");
  CHECK_CONTAINS(message<FormatError>([] { load_onnx("no such file.onnx"); }), "no such file.onnx");
}

TEST_CASE("onnx: nodes that no output needs are ignored") {
  OnnxBuilder b;
  b.input("x", {2}).node("If", {"x"}, {"unused"}).node("Relu", {"x"}, {"y"}).output("y");
  CHECK(import_onnx(b).nodes.size() == 1);
}

TEST_CASE("onnx: nodes in any order") {
  OnnxBuilder b;
  b.input("x", {2}).scalar("one", 1);
  b.node("Neg", {"c"}, {"y"}).node("Add", {"b", "one"}, {"c"}).node("Relu", {"x"}, {"b"}).output("y");
  CHECK(largest_difference(run(import_onnx(b), Tensor<float>({2}, {-3, 4})), Tensor<float>({2}, {-1, -5})) == 0);
  OnnxBuilder circle;
  circle.input("x", {2}).node("Add", {"x", "c"}, {"b"}).node("Neg", {"b"}, {"c"}).output("c");
  CHECK_CONTAINS(error_of(circle), "which is neither an input nor written by a node that can run before");
}

TEST_CASE("onnx: half precision is computed in float") {
  const Tensor<fp16> w({2}, {fp16(0.5f), fp16(-2.0f)});
  const auto half = [](const Tensor<float>& x) {
    return AnyTensor::make(DType::f16, x.shape(), [&](std::byte* to) {
      for (std::int64_t i = 0; i < x.size(); ++i) detail::store_element(DType::f16, to, i, static_cast<double>(x[i]));
    });
  };
  const Tensor<float> x({2}, {3, 5});
  OnnxBuilder b;
  b.input("x", {2}, DType::f16).initializer("w", w).node("Mul", {"x", "w"}, {"m"}).node("Relu", {"m"}, {"y"});
  const Model m = import_onnx(b.output("y"));
  CHECK(m.value(m.inputs[0]).dtype == DType::f16);
  const AnyTensor y = run_plain(m, {half(x)})[0];
  CHECK(y.dtype() == DType::f16);
  CHECK(largest_difference(detail::to_float(y.ref()), Tensor<float>({2}, {1.5f, 0})) == 0);

  // A constant that is cast to half is rounded to half; sizes are not.
  OnnxBuilder c;
  c.input("x", {2}, DType::f16).scalar("third", 1.0f / 3);
  c.node("Cast", {"third"}, {"half"}, {{"to", 10}}).node("Mul", {"x", "half"}, {"m"}).node("Shape", {"x"}, {"s"});
  c.node("Cast", {"s"}, {"n"}, {{"to", 10}}).node("Div", {"m", "n"}, {"d"});
  c.node("Cast", {"d"}, {"y"}, {{"to", 1}}).output("y");
  const float rounded = static_cast<float>(fp16(1.0f / 3));
  CHECK(largest_difference(floats(run_plain(import_onnx(c), {half(x)})[0]),
                           Tensor<float>({2}, {3 * rounded / 2, 5 * rounded / 2})) < 1e-6);
}

TEST_CASE("onnx: quantized tensors beside operators that leave their range") {
  // Cubic interpolation overshoots; the result is float in the file.
  OnnxBuilder b;
  b.input("x", {1, 1, 1, 4}).scalar("s", 1.0f / 255).initializer("z", Tensor<uint8>(Shape{}, {0}));
  b.initializer("scales", Tensor<float>({4}, {1, 1, 1, 2}));
  b.node("QuantizeLinear", {"x", "s", "z"}, {"q"}).node("DequantizeLinear", {"q", "s", "z"}, {"d"});
  b.node("Resize", {"d", "", "scales"}, {"y"}, {{"mode", "cubic"}}).output("y");
  const Tensor<float> y = run(import_onnx(b), Tensor<float>({1, 1, 1, 4}, {0, 0, 1, 1}));
  CHECK(*std::min_element(y.begin(), y.end()) < -0.02f);
  CHECK(*std::max_element(y.begin(), y.end()) > 1.02f);
  // Tile of a quantized tensor.
  OnnxBuilder t;
  t.input("x", {1, 3}).scalar("s", 0.5f).initializer("z", Tensor<uint8>(Shape{}, {7})).integers("n", {1, 2});
  t.node("QuantizeLinear", {"x", "s", "z"}, {"q"}).node("Tile", {"q", "n"}, {"r"});
  t.node("DequantizeLinear", {"r", "s", "z"}, {"y"}).output("y");
  CHECK(largest_difference(run(import_onnx(t), Tensor<float>({1, 3}, {1, 2, 3})),
                           Tensor<float>({1, 6}, {1, 2, 3, 1, 2, 3})) == 0);
}

TEST_CASE("onnx: all forms of tensor data") {
  const auto stored = [](int type, const std::vector<std::int64_t>& dims,
                         const std::function<void(protozero::pbf_writer&)>& data) {
    Bytes t;
    protozero::pbf_writer w(t);
    w.add_packed_int64(1, dims.begin(), dims.end());
    w.add_int32(2, type);
    data(w);
    return detail::onnx::read_tensor(detail::onnx::parse_tensor(t), {});
  };
  const auto value = [](const AnyTensor& t, int i) { return detail::load_element(t.dtype(), t.data(), i); };
  const std::vector<float> f{1.5f, -2};
  const std::vector<std::int32_t> small{-1, 7}, halves{0x3c00, 0xc000}, nibbles{0x7f, 0x08};
  const std::vector<std::int64_t> large{std::int64_t{1} << 40, -5};
  CHECK(value(stored(1, {2}, [&](auto& w) { w.add_packed_float(4, f.begin(), f.end()); }), 1) == -2);
  CHECK(value(stored(1, {2},
                     [&](auto& w) {
                       w.add_float(4, 1.0f);
                       w.add_float(4, 3.0f);
                     }),
              1) == 3);
  CHECK(value(stored(3, {2}, [&](auto& w) { w.add_packed_int32(5, small.begin(), small.end()); }), 0) == -1);
  CHECK(value(stored(6, {2}, [&](auto& w) { w.add_packed_int32(5, small.begin(), small.end()); }), 0) == -1);
  CHECK(value(stored(10, {2}, [&](auto& w) { w.add_packed_int32(5, halves.begin(), halves.end()); }), 1) == -2);
  CHECK(value(stored(7, {2}, [&](auto& w) { w.add_packed_int64(7, large.begin(), large.end()); }), 0) ==
        1099511627776.0);
  CHECK(value(stored(7, {2},
                     [&](auto& w) {
                       w.add_int64(7, 9);
                       w.add_int64(7, -9);
                     }),
              1) == -9);
  CHECK(value(stored(11, {1}, [&](auto& w) { w.add_double(10, 2.25); }), 0) == 2.25);
  CHECK(value(stored(12, {1}, [&](auto& w) { w.add_uint64(11, 4000000000u); }), 0) == 4000000000.0);
  const AnyTensor packed = stored(22, {3}, [&](auto& w) { w.add_packed_int32(5, nibbles.begin(), nibbles.end()); });
  CHECK(value(packed, 0) == -1);
  CHECK(value(packed, 1) == 7);
  CHECK(value(packed, 2) == -8);
  CHECK_THROWS_AS(stored(1, {3}, [&](auto& w) { w.add_packed_float(4, f.begin(), f.end()); }), FormatError);
  CHECK_THROWS_AS(stored(1, {2}, [&](auto& w) { w.add_bytes(9, "1234567", 7); }), FormatError);
  CHECK_THROWS_AS(stored(8, {0}, [](auto&) {}), FormatError);
  CHECK_THROWS_AS(stored(1, {-1}, [](auto&) {}), FormatError);
}

TEST_CASE("onnx: tensors in external files") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("octet_external_" + std::to_string(std::random_device{}()));
  fs::create_directories(folder / "parts");
  const std::vector<float> data{9, 1, 2, 3};
  std::ofstream(folder / "parts" / "k.bin", std::ios::binary).write(reinterpret_cast<const char*>(data.data()), 16);
  const auto load = [&](const std::string& location, const std::string& offset, const std::string& length,
                        const fs::path& file = {}) {
    Bytes k;
    protozero::pbf_writer w(k);
    w.add_int64(1, 3);
    w.add_int32(2, 1);
    w.add_string(8, "k");
    w.add_int32(14, 1);
    for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
             {"location", location}, {"offset", offset}, {"length", length}}) {
      Bytes e;
      protozero::pbf_writer p(e);
      p.add_string(1, key);
      p.add_string(2, value);
      if (!value.empty()) w.add_message(13, e);
    }
    const Bytes model = OnnxBuilder().input("x", {3}).initializer(k).node("Add", {"x", "k"}, {"y"}).output("y").bytes();
    const fs::path path = file.empty() ? folder / "model.onnx" : file;
    std::ofstream(path, std::ios::binary).write(model.data(), static_cast<std::streamsize>(model.size()));
    return load_onnx(path.string());
  };
  const Tensor<float> y = run(load("parts/k.bin", "4", "12"), Tensor<float>({3}));
  for (std::int64_t i = 0; i < 3; ++i) CHECK(y[i] == static_cast<float>(i + 1));
  CHECK(load("parts/k.bin", "4", "").contains("k"));
  const std::string absolute = (folder / "parts" / "k.bin").string();
  for (const std::string& bad :
       {std::string("../k.bin"), std::string("parts/../../k.bin"), absolute, std::string("..\\k.bin"), std::string()})
    CHECK_CONTAINS(message<FormatError>([&] { load(bad, "4", "12"); }), "not a file in the model's folder");
  CHECK_CONTAINS(message<FormatError>([&] { load("parts/none.bin", "4", "12"); }), "cannot be read");
  CHECK_CONTAINS(message<FormatError>([&] { load("parts/k.bin", "8", "12"); }), "which has only 16");
  CHECK_CONTAINS(message<FormatError>([&] { load("parts/k.bin", "18446744073709551615", "12"); }), "which has only 16");
  CHECK_CONTAINS(message<FormatError>([&] { load("parts/k.bin", "0", "16"); }), "needs 12 bytes");
  CHECK_CONTAINS(message<FormatError>([&] { load("parts/k.bin", "-4", "12"); }), "is not a number of bytes");
  // Links may only lead to files in the folder.
  fs::create_symlink("parts", folder / "inner");
  fs::create_symlink("k.bin", folder / "parts" / "link.bin");
  CHECK(load("inner/link.bin", "4", "12").contains("k"));
  const fs::path outside = folder.string() + "_outside";
  fs::create_directories(outside);
  fs::copy_file(folder / "parts" / "k.bin", outside / "k.bin");
  fs::create_symlink(outside / "k.bin", folder / "secret.bin");
  fs::create_symlink(outside, folder / "secrets");
  for (const char* link : {"secret.bin", "secrets/k.bin"})
    CHECK_CONTAINS(message<FormatError>([&] { load(link, "4", "12"); }), "not a file in the model's folder");
  // If the model is itself a link, its data may be a link into the same folder.
  CHECK(load("k.bin", "4", "12", outside / "model.onnx").contains("k"));
  fs::remove(folder / "model.onnx");
  fs::create_symlink(outside / "model.onnx", folder / "model.onnx");
  fs::create_symlink(outside / "k.bin", folder / "k.bin");
  CHECK(load_onnx((folder / "model.onnx").string()).contains("k"));
  fs::remove(folder / "model.onnx");
  CHECK(::mkfifo((folder / "fifo").c_str(), 0666) == 0);
  CHECK_CONTAINS(message<FormatError>([&] { load("fifo", "4", "12"); }), "it is a FIFO");
  CHECK_CONTAINS(message<FormatError>([&] { load("parts", "4", "12"); }), "it is a folder");
  CHECK_CONTAINS(message<FormatError>([&] { load_onnx((folder / "fifo").string()); }), "it is a FIFO");
  fs::remove_all(folder);
  fs::remove_all(outside);
}

TEST_CASE("onnx: external data of more than 2 GB is mapped, not copied") {
  namespace fs = std::filesystem;
  constexpr std::int64_t rows = 140'000'000, width = 4;
  constexpr std::uintmax_t size = rows * width * 4;  // 2.24 GB
  const TemporaryFolder folder;
  const std::string path = folder.write("table.bin", "");
  std::error_code error;
  fs::resize_file(path, size, error);  // without blocks on disk, where the file system can do that
  if (error || sizeof(void*) < 8 || fs::space(folder / ".").available < 2 * size) {
    MESSAGE("skipped: no space for a file of 2.24 GB");
    return;
  }
  const float last[width] = {1, 2, 3, 4};
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(size - sizeof last));
  file.write(reinterpret_cast<const char*>(last), sizeof last);
  file.close();
  Bytes table, entry;
  protozero::pbf_writer w(table);
  w.add_int64(1, rows);
  w.add_int64(1, width);
  w.add_int32(2, 1);
  w.add_string(8, "table");
  w.add_int32(14, 1);
  protozero::pbf_writer e(entry);
  e.add_string(1, "location");
  e.add_string(2, "table.bin");
  w.add_message(13, entry);
  OnnxBuilder b;
  b.input("i", {2}, DType::i64).initializer(table).node("Gather", {"table", "i"}, {"y"}).output("y");
  const std::int64_t before = allocated_bytes();
  const Model m = load_onnx(folder.write("model.onnx", b.bytes()));
  Executor executor(m);
  const AnyTensor y = executor.run({AnyTensor(Tensor<std::int64_t>({2}, {0, rows - 1}))})[0];
  CHECK(allocated_bytes() - before < 1 << 20);
  const auto values = y.view<float>();
  for (std::int64_t i = 0; i < width; ++i) {
    CHECK(values[i] == 0);
    CHECK(values[width + i] == last[i]);
  }
}

TEST_CASE("onnx: external data counts toward the size of the model") {
  const TemporaryFolder folder;
  constexpr std::int64_t n = 700;
  const std::string weights(n * n * 4, '\0');
  folder.write("w.bin", weights);
  const auto load = [&](int copies) {
    OnnxBuilder b;
    b.input("x", {1, n});
    std::string last = "x";
    for (int i = 0; i < copies; ++i) {
      const std::string name = "w" + std::to_string(i);
      Bytes w;
      protozero::pbf_writer p(w);
      p.add_int64(1, n);
      p.add_int64(1, n);
      p.add_int32(2, 1);
      p.add_string(8, name);
      p.add_int32(14, 1);
      Bytes e;
      protozero::pbf_writer entry(e);
      entry.add_string(1, "location");
      entry.add_string(2, "w.bin");
      p.add_message(13, e);
      b.initializer(w).node("MatMul", {last, name}, {"y" + std::to_string(i)});
      last = "y" + std::to_string(i);
    }
    return load_onnx(folder.write("model.onnx", b.output(last).bytes()));
  };
  CHECK(load(1).contains("w0"));  // a matrix is transposed: one copy
  CHECK(load(3).contains("w2"));
  CHECK_CONTAINS(message<FormatError>([&] { load(40); }), "too many tensors share the data");
}
