#include <octet/core/element.hpp>
#include <octet/operators/all.hpp>
#include <variant>

#include "support/messages.hpp"
#include "support/onnx_builder.hpp"
#include "support/tflite_builder.hpp"

// Operators with computed places, masks and norms, after a convolution, in both orders of dimensions; and their TFLite
// forms.
namespace {

using namespace testing;

using Attributes = std::vector<OnnxAttribute>;
using Integers = std::vector<std::int64_t>;

/// An input of a node besides the image: floats, integers, or the image once more.
using Input = std::variant<Tensor<float>, Tensor<std::int64_t>>;

/// Image [2, 2, 2, 3] of the numbers 0 to 23.
Tensor<float> image() {
  Tensor<float> x(Shape{2, 2, 2, 3});
  for (std::int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  return x;
}

/// The result of one node after a convolution that keeps its input; its elements in the file's order of dimensions.
struct Result {
  Shape shape;
  std::vector<float> elements;
};
Result after_convolution(const char* type, const std::vector<Input>& more, const Attributes& attributes = {},
                         int opset = 18, const Tensor<float>& x = image()) {
  Result r;
  for (const bool keep : {true, false}) {
    OnnxBuilder b(opset);
    b.input("x", {2, 2, 2, 3}).initializer("w", Tensor<float>({2, 2, 1, 1}, {1, 0, 0, 1}));
    b.node("Conv", {"x", "w"}, {"c"});
    std::vector<std::string> in{"c"};
    for (const Input& i : more) {
      in.push_back("i" + std::to_string(in.size()));
      if (const auto* real = std::get_if<Tensor<float>>(&i))
        b.initializer(in.back(), *real);
      else
        b.initializer(in.back(), std::get<Tensor<std::int64_t>>(i));
    }
    b.node(type, in, {"y"}, attributes).integers("flat", {-1}).node("Reshape", {"y", "flat"}, {"f"});
    b.output("f").output("y");
    Tensor<float> nhwc(Shape{2, 2, 3, 2});
    for (std::int64_t i = 0; i < 24; ++i) nhwc[i] = x[i / 12 * 12 + i % 2 * 6 + i / 2 % 6];
    const std::vector<AnyTensor> y = run_plain(import_onnx(b, keep), {AnyTensor(keep ? x : nhwc)});
    const Tensor<float> f = floats(y[0]);
    const std::vector<float> elements(f.begin(), f.end());
    if (!keep) CHECK(elements == r.elements);
    if (keep) r = {y[1].shape(), elements};
  }
  return r;
}

std::string error_of(const char* type, const std::vector<Input>& more, const Attributes& attributes = {},
                     int opset = 18) {
  return message([&] { after_convolution(type, more, attributes, opset); });
}

Tensor<std::int64_t> integers(const Shape& s, const Integers& v) { return {s, v}; }
Tensor<std::int64_t> scalar(std::int64_t x) { return {Shape{}, Integers{x}}; }

/// The elements of the only output of a file with one operator; constants follow the input.
AnyTensor lite(const char* type, const AnyTensor& x, const std::vector<AnyTensor>& constants,
               const std::vector<tflite::Option>& options = {}, DType out = DType::f32, bool first_constant = false) {
  tflite::ModelBuilder b;
  Shape s = x.shape();
  const int in = b.tensor("x", s, x.dtype()), y = b.tensor("y", {}, out);
  std::vector<std::int32_t> operands{in};
  for (const AnyTensor& t : constants) operands.push_back(b.constant("c" + std::to_string(operands.size()), t));
  if (first_constant) std::swap(operands[0], operands[1]);
  b.op(type, operands, {y}, options);
  return tflite::outputs(tflite::parse(b.finish({in}, {y})), {x})[0];
}
std::vector<float> list(const AnyTensor& t) {
  std::vector<float> r;
  for (std::int64_t i = 0; i < t.size(); ++i)
    r.push_back(static_cast<float>(octet::detail::load_element(t.dtype(), t.data(), i)));
  return r;
}
Tensor<std::int32_t> small(const Shape& s, const std::vector<std::int32_t>& v) { return {s, v}; }

}  // namespace

TEST_CASE("indexed: gather and scatter of ONNX after a convolution") {
  // Right values by hand, from numpy's take_along_axis and put_along_axis for image().
  const Result a =
      after_convolution("GatherElements", {integers({2, 1, 2, 2}, {0, 1, 1, -1, 0, 0, -2, 1})}, {{"axis", 1}});
  CHECK(a.shape == Shape{2, 1, 2, 2});
  CHECK(a.elements == std::vector<float>{0, 7, 9, 10, 12, 13, 15, 22});
  const Result b = after_convolution("GatherND", {integers({2, 3}, {0, 1, 1, 1, -1, 0})});
  CHECK(b.shape == Shape{2, 3});
  CHECK(b.elements == std::vector<float>{9, 10, 11, 18, 19, 20});
  const Result c = after_convolution("GatherND", {integers({2, 2}, {1, 0, 0, 1})}, {{"batch_dims", 1}});
  CHECK(c.elements == std::vector<float>{6, 7, 8, 15, 16, 17});
  const Tensor<float> updates({1, 2, 1, 1}, {100, 200});
  for (const char* type : {"Scatter", "ScatterElements"}) {
    const Result d = after_convolution(type, {integers({1, 2, 1, 1}, {2, -3}), updates}, {{"axis", 3}}, 10);
    CHECK(d.elements[2] == 100);
    CHECK(d.elements[6] == 200);
    CHECK(d.elements[23] == 23);
  }
  const Result e = after_convolution("ScatterElements", {integers({1, 2, 1, 1}, {1, 1}), updates},
                                     {{"axis", 1}, {"reduction", "add"}});
  CHECK(e.elements[0] == 0);
  CHECK(e.elements[6] == 306);
  const Result f = after_convolution(
      "ScatterND", {integers({2, 3}, {0, 1, 1, 0, 1, 1}), random_tensor({2, 3}, 1, 9, 9)}, {{"reduction", "mul"}});
  CHECK(f.elements[9] == doctest::Approx(9 * 81));
  CHECK(f.elements[8] == 8);
  CHECK(
      contains(error_of("GatherElements", {integers({2, 1, 1, 1}, {0, 2})}, {{"axis", 1}}), "place 2 is out of range"));
  CHECK(contains(error_of("GatherElements", {integers({2}, {0, 0})}), "as many dimensions"));
  CHECK(contains(error_of("ScatterND", {integers({1, 1}, {5}), Tensor<float>({1, 2, 2, 3})}), "place 5"));
  CHECK(contains(error_of("ScatterND", {integers({1, 1}, {0}), Tensor<float>({1, 2, 2, 3})}, {{"reduction", "xor"}}),
                 "reduction 'xor' is not supported"));
}

TEST_CASE("indexed: CumSum, Hardmax, Trilu and OneHot of ONNX after a convolution") {
  const Result a = after_convolution("CumSum", {scalar(-3)}, {{"reverse", 1}});
  CHECK(a.elements[0] == 6);
  CHECK(a.elements[6] == 6);
  CHECK(a.elements[13] == 13 + 19);
  const Result b = after_convolution("CumSum", {integers({1}, {1})}, {{"exclusive", 1}});
  CHECK(b.elements[5] == 0);
  CHECK(b.elements[11] == 5);
  CHECK(contains(error_of("CumSum", {integers({2}, {1, 0})}), "expected one axis, found 2"));

  Tensor<float> x = image();
  x[0] = 50;
  const Result c = after_convolution("Hardmax", {}, {{"axis", 1}}, 13, x);
  CHECK(c.elements[0] == 1);
  CHECK(c.elements[6] == 0);
  CHECK(c.elements[7] == 1);
  const Result d = after_convolution("Hardmax", {}, {}, 11, x);  // over all of an image
  CHECK(std::count(d.elements.begin(), d.elements.end(), 1.0f) == 2);
  CHECK(d.elements[0] == 1);
  CHECK(d.elements[23] == 1);

  const Result e = after_convolution("Trilu", {scalar(1)});
  CHECK(std::vector<float>(e.elements.begin(), e.elements.begin() + 6) == std::vector<float>{0, 1, 2, 0, 0, 5});
  const Result f = after_convolution("Trilu", {}, {{"upper", 0}});
  CHECK(std::vector<float>(f.elements.begin() + 6, f.elements.begin() + 12) == std::vector<float>{6, 0, 0, 9, 10, 0});

  const Result g = after_convolution("OneHot", {integers({1}, {24}), Tensor<float>({2}, {-1, 5})}, {{"axis", 1}});
  REQUIRE(g.shape == Shape{2, 24, 2, 2, 3});
  CHECK(g.elements[0] == 5);
  CHECK(g.elements[12] == -1);
  CHECK(std::count(g.elements.begin(), g.elements.end(), 5.0f) == 24);
  CHECK(
      contains(error_of("OneHot", {integers({1}, {24}), Tensor<float>({3})}), "the two values off and on, found [3]"));
  OnnxBuilder h;
  h.input("x", {4}, DType::i64).integers("d", {3}).initializer("v", Tensor<float>({2}, {0, 1}));
  h.node("OneHot", {"x", "d", "v"}, {"y"}).output("y");
  CHECK(list(run_plain(import_onnx(h), {integers({4}, {2, -3, 3, -4})})[0]) ==
        std::vector<float>{0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("indexed: norms of ONNX after a convolution") {
  const Result a = after_convolution("LpNormalization", {}, {{"axis", 1}, {"p", 1}});
  CHECK(a.elements[0] == 0);
  CHECK(a.elements[6] == 1);
  CHECK(a.elements[13] == doctest::Approx(13.0 / 32));
  const Result b = after_convolution("LpNormalization", {});
  CHECK(b.elements[1] == doctest::Approx(1 / std::sqrt(5.0)));
  const Result zeros = after_convolution("LpNormalization", {}, {}, 18, Tensor<float>({2, 2, 2, 3}));
  CHECK(zeros.elements == std::vector<float>(24, 0.0f));
  CHECK(contains(error_of("LpNormalization", {}, {{"p", 3}}), "p is 3, expected 1 or 2"));
  const Result c = after_convolution("MeanVarianceNormalization", {});
  // The channel of 0 to 5 and 12 to 17: mean 8.5, variance 36 + 35 / 12.
  CHECK(c.elements[0] == doctest::Approx(-8.5 / std::sqrt(36 + 35.0 / 12)));
  const Result d = after_convolution("MeanVarianceNormalization", {}, {{"axes", Integers{-1}}});
  CHECK(d.elements[23] == doctest::Approx(1 / std::sqrt(2.0 / 3)));

  const Attributes window{{"kernel_shape", Integers{2, 2}}, {"pads", Integers{0, 1, 0, 0}}};
  const Result e = after_convolution("LpPool", {}, window);
  CHECK(e.shape == Shape{2, 2, 1, 3});
  CHECK(e.elements[0] == doctest::Approx(3));
  CHECK(e.elements[1] == doctest::Approx(std::sqrt(0 + 1 + 9 + 16.0)));
  Attributes cubes = window;
  cubes.emplace_back("p", 3);
  CHECK(after_convolution("LpPool", {}, cubes).elements[1] == doctest::Approx(std::cbrt(1 + 27 + 64.0)));
  Attributes rounded_up = window;
  rounded_up.emplace_back("ceil_mode", 1);
  CHECK(contains(error_of("LpPool", {}, rounded_up), "ceil_mode is not supported"));
  CHECK(after_convolution("GlobalLpPool", {}).elements[0] == doctest::Approx(std::sqrt(55.0)));
  CHECK(after_convolution("GlobalLpPool", {}, {{"p", 1}}).elements[3] == doctest::Approx(18 + 19 + 20 + 21 + 22 + 23));
  CHECK(contains(error_of("GlobalLpPool", {}, {{"p", 0}}), "p is 0, expected at least 1"));
}

TEST_CASE("indexed: EyeLike and Range of ONNX") {
  OnnxBuilder b;
  b.input("x", {2, 3}).node("EyeLike", {"x"}, {"y"}, {{"k", 1}, {"dtype", 7}}).output("y");
  const AnyTensor eye = run_plain(import_onnx(b), {AnyTensor(Tensor<float>({2, 3}))})[0];
  CHECK(eye.dtype() == DType::i64);
  CHECK(list(eye) == std::vector<float>{0, 1, 0, 0, 0, 1});
  const auto range = [](float from, float to, float by) {
    OnnxBuilder r;
    r.input("x", {1}).scalar("a", from).scalar("b", to).scalar("c", by);
    r.node("Range", {"a", "b", "c"}, {"r"}).node("Add", {"x", "r"}, {"y"}).output("y");
    return list(run_plain(import_onnx(r), {AnyTensor(Tensor<float>({1}))})[0]);
  };
  CHECK(range(1, 4, 1.5f) == std::vector<float>{1, 2.5f});
  CHECK(range(1, -2, -1) == std::vector<float>{1, 0, -1});
  CHECK(range(1, 0, 1).empty());
  CHECK(contains(message([&] { range(0, 1, 0); }), "delta is 0"));
  CHECK(contains(message([&] { range(0, 1e30f, 1); }), "elements"));
  CHECK(contains(message([&] { range(0, 1e11f, 1); }), "memory"));
}

TEST_CASE("indexed: TFLite's forms") {
  const Tensor<float> x({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(list(lite("CUMSUM", x, {small({1}, {1})}, {tflite::byte(0, 1), tflite::byte(1, 1)})) ==
        std::vector<float>{5, 3, 0, 11, 6, 0});
  CHECK(list(lite("GATHER_ND", x, {small({2, 2}, {1, 2, 0, 1})})) == std::vector<float>{6, 2});
  const AnyTensor scattered = lite("SCATTER_ND", x, {small({2, 1}, {3, 3}), small({2}, {4, 3})}, {}, DType::f32, true);
  CHECK(scattered.shape() == Shape{4, 3});
  CHECK(list(scattered) == std::vector<float>{0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 7, 9});
  const Tensor<float> on(Shape{}, {7}), off(Shape{}, {-1});
  CHECK(list(lite("ONE_HOT", small({3}, {2, -1, 0}), {small({1}, {3}), on, off}, {tflite::integer(0, 0)})) ==
        std::vector<float>{-1, -1, 7, -1, -1, -1, 7, -1, -1});
  CHECK(list(lite("FILL", Tensor<float>(Shape{}, {3}), {small({2}, {1, 2})}, {}, DType::f32, true)) ==
        std::vector<float>{3, 3});
  CHECK(list(lite("ZEROS_LIKE", x, {})) == std::vector<float>(6, 0.0f));
  for (const char* type : {"RANK", "RANGE"}) {
    tflite::ModelBuilder b;
    const int in = b.tensor("x", {2, 3}, DType::i32), r = b.tensor("r", {}, DType::i32),
              y = b.tensor("y", {}, DType::i32);
    if (std::string(type) == "RANK")
      b.op(type, {in}, {r});
    else
      b.op(type, {b.constant("a", small({}, {5})), b.constant("b", small({}, {-1})), b.constant("c", small({}, {-2}))},
           {r});
    b.op("ADD", {in, r}, {y});
    const std::vector<float> right =
        std::string(type) == "RANK" ? std::vector<float>{3, 4, 5, 6, 7, 8} : std::vector<float>{6, 5, 4, 9, 8, 7};
    CHECK(list(tflite::outputs(tflite::parse(b.finish({in}, {y})), {small({2, 3}, {1, 2, 3, 4, 5, 6})})[0]) == right);
  }
  const AnyTensor pooled = lite("L2_POOL_2D", Tensor<float>({1, 2, 2, 1}, {1, -3, 2, 4}), {},
                                tflite::pool_options(tflite::same, {2, 2}, {1, 1}));
  CHECK(floats(pooled)[0] == doctest::Approx(std::sqrt(30 / 4.0)));
  CHECK(floats(pooled)[3] == 4);  // padding does not count
  const auto batched = [&](int axis) {
    return lite("GATHER", x, {small({2, 2}, {2, 0, 1, 1})}, {tflite::integer(0, axis), tflite::integer(1, 1)});
  };
  CHECK(list(batched(1)) == std::vector<float>{3, 1, 5, 5});
  CHECK(contains(message([&] { batched(0); }), "has 1 batch dimensions and the axis 0"));
  CHECK(contains(message([&] { lite("GATHER_ND", x, {small({1, 2}, {0, 3})}); }), "place 3 is out of range"));
  CHECK(contains(message([&] {
                   lite("SCATTER_ND", x, {small({2, 1}, {0, 1}), small({2}, {-4, 3})}, {}, DType::f32, true);
                 }),
                 "a size is -4"));
  CHECK(contains(message([&] {
                   lite("ONE_HOT", small({3}, {2, -1, 0}), {small({1}, {-3}), on, off});
                 }),
                 "depth is -3"));
}
