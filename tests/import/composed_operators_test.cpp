#include <octet/operators/all.hpp>

#include "support/messages.hpp"
#include "support/onnx_builder.hpp"
#include "support/tflite_builder.hpp"

// Operators that the importers make of others.
namespace {

using namespace testing;

using Function = std::function<float(float)>;
using Attributes = std::vector<OnnxAttribute>;

/// Element i, normalized by the mean and variance of its block of n elements.
double normalized(const Tensor<float>& x, std::int64_t i, std::int64_t n, double epsilon) {
  double mean = 0, variance = 0;
  for (std::int64_t k = 0; k < n; ++k) mean += static_cast<double>(x[i / n * n + k]) / static_cast<double>(n);
  for (std::int64_t k = 0; k < n; ++k)
    variance += std::pow(static_cast<double>(x[i / n * n + k]) - mean, 2) / static_cast<double>(n);
  return (static_cast<double>(x[i]) - mean) / std::sqrt(variance + epsilon);
}

std::string error_of(const OnnxBuilder& b) {
  return message([&] { import_onnx(b); });
}

Tensor<float> nhwc(const Tensor<float>& x) {
  const Shape s = x.shape();
  Tensor<float> y(Shape{s[0], s[2], s[3], s[1]});
  for (std::int64_t n = 0; n < s[0]; ++n)
    for (std::int64_t c = 0; c < s[1]; ++c)
      for (std::int64_t p = 0; p < s[2] * s[3]; ++p)
        y[(n * s[2] * s[3] + p) * s[1] + c] = x[(n * s[1] + c) * s[2] * s[3] + p];
  return y;
}

/// Runs one node on an image [2, 4, 3, 5] in both layouts; the result is flattened, in the file's order.
Tensor<float> on_image(const char* type, const Tensor<float>& x, const Attributes& attributes,
                       const std::function<std::vector<std::string>(OnnxBuilder&)>& more = {}, int opset = 13) {
  Tensor<float> result;
  for (const bool keep : {true, false}) {
    OnnxBuilder b(opset);
    const Shape s = x.shape();
    b.input("x", {s[0], s[1], s[2], s[3]});
    b.node("MaxPool", {"x"}, {"p"}, {{"kernel_shape", std::vector<std::int64_t>{1, 1}}});
    std::vector<std::string> in{"p"};
    if (more)
      for (const std::string& name : more(b)) in.push_back(name);
    b.node(type, in, {"y"}, attributes).integers("flat", {-1}).node("Reshape", {"y", "flat"}, {"f"}).output("f");
    const Tensor<float> y = floats(run_plain(import_onnx(b, keep), {AnyTensor(keep ? x : nhwc(x))})[0]);
    if (keep)
      result = y;
    else
      CHECK(largest_difference(result, y) < 1e-5);
  }
  return result;
}

/// The reduction of [2, 4, 3, 5] over the channels and rows.
Tensor<float> reduced(const Tensor<float>& x, const std::function<double(const std::vector<double>&)>& f) {
  Tensor<float> y(Shape{10});
  for (std::int64_t n = 0; n < 2; ++n)
    for (std::int64_t w = 0; w < 5; ++w) {
      std::vector<double> all;
      for (std::int64_t i = 0; i < 12; ++i) all.push_back(static_cast<double>(x[(n * 12 + i) * 5 + w]));
      y[n * 5 + w] = static_cast<float>(f(all));
    }
  return y;
}

double sum_of(const std::vector<double>& v, double (*f)(double)) {
  double s = 0;
  for (double x : v) s += f(x);
  return s;
}

AnyTensor run_one(const OnnxBuilder& b, const std::vector<AnyTensor>& in) { return run_plain(import_onnx(b), in)[0]; }

}  // namespace

TEST_CASE("composed: reductions of ONNX") {
  struct Case {
    const char* type;
    double (*f)(const std::vector<double>&);
  };
  const Case cases[] = {
      {"ReduceProd",
       [](const std::vector<double>& v) {
         double p = 1;
         for (double x : v) p *= x;
         return p;
       }},
      {"ReduceL1", [](const std::vector<double>& v) { return sum_of(v, [](double x) { return std::abs(x); }); }},
      {"ReduceL2", [](const std::vector<double>& v) { return std::sqrt(sum_of(v, [](double x) { return x * x; })); }},
      {"ReduceSumSquare", [](const std::vector<double>& v) { return sum_of(v, [](double x) { return x * x; }); }},
      {"ReduceLogSum", [](const std::vector<double>& v) { return std::log(sum_of(v, [](double x) { return x; })); }},
      {"ReduceLogSumExp",
       [](const std::vector<double>& v) { return std::log(sum_of(v, [](double x) { return std::exp(x); })); }}};
  for (const Case& c : cases) {
    CAPTURE(c.type);
    const bool log = std::string(c.type) == "ReduceLogSum";
    const Tensor<float> x = random_tensor({2, 4, 3, 5}, 1, log ? 0.1f : -1.5f, 1.5f);
    const Tensor<float> right = reduced(x, c.f);
    for (const int keep : {0, 1}) {
      const std::vector<std::int64_t> axes{-3, 2};
      CHECK(largest_difference(on_image(c.type, x, {{"axes", axes}, {"keepdims", keep}}), right) < 1e-4);
      const auto input = [&](OnnxBuilder& b) {
        b.integers("axes", axes);
        return std::vector<std::string>{"axes"};
      };
      CHECK(largest_difference(on_image(c.type, x, {{"keepdims", keep}}, input, 18), right) < 1e-4);
      std::vector<double> all;
      for (float v : x) all.push_back(static_cast<double>(v));
      CHECK(on_image(c.type, x, {{"keepdims", keep}})[0] == doctest::Approx(c.f(all)).epsilon(1e-4));
    }
    const Tensor<float> single = on_image(c.type, x, {{"noop_with_empty_axes", 1}}, {}, 18);
    for (std::int64_t i = 0; i < x.size(); ++i)
      CHECK(single[i] == doctest::Approx(c.f({static_cast<double>(x[i])})).epsilon(1e-4));
  }
}

TEST_CASE("composed: ReduceLogSumExp neither overflows nor makes NaN of infinities") {
  const float inf = std::numeric_limits<float>::infinity();
  OnnxBuilder b(18);
  b.input("x", {4, 2}).integers("axes", {1}).node("ReduceLogSumExp", {"x", "axes"}, {"y"}, {{"keepdims", 0}});
  const Tensor<float> x({4, 2}, std::vector<float>{1000, 1000, -inf, -inf, inf, 1, -1000, -inf});
  const Tensor<float> y = floats(run_one(b.output("y"), {AnyTensor(x)}));
  CHECK(y[0] == doctest::Approx(1000.6931));
  CHECK(y[1] == -inf);
  CHECK(y[2] == inf);
  CHECK(y[3] == -1000);
}

TEST_CASE("composed: LayerNormalization over any number of last dimensions") {
  const Tensor<float> x = random_tensor({2, 4, 3, 5}, 2, -2, 3);
  for (const int axis : {-1, 1, 2}) {
    const int first = axis < 0 ? 3 : axis;
    const Shape rest(x.shape().begin() + first, x.shape().end());
    const Tensor<float> scale = random_tensor(rest, 3), shift = random_tensor(rest, 4);
    for (const bool biased : {true, false}) {
      const auto more = [&](OnnxBuilder& b) {
        b.initializer("scale", scale).initializer("shift", shift);
        return biased ? std::vector<std::string>{"scale", "shift"} : std::vector<std::string>{"scale"};
      };
      const Tensor<float> y = on_image("LayerNormalization", x, {{"axis", axis}, {"epsilon", 1e-3f}}, more, 17);
      const std::int64_t n = rest.elements();
      for (std::int64_t i = 0; i < x.size(); ++i) {
        const double unit = normalized(x, i, n, 1e-3);
        const double right =
            unit * static_cast<double>(scale[i % n]) + (biased ? static_cast<double>(shift[i % n]) : 0);
        CHECK(static_cast<double>(y[i]) == doctest::Approx(right).epsilon(1e-4));
      }
    }
  }
  OnnxBuilder b(17);
  b.input("x", {2, 3}).initializer("s", Tensor<float>({3}, std::vector<float>{1, 1, 1}));
  b.node("LayerNormalization", {"x", "s"}, {"y", "mean", "inverse"}).output("mean").output("inverse");
  const std::vector<AnyTensor> out =
      run_plain(import_onnx(b), {Tensor<float>({2, 3}, std::vector<float>{1, 2, 3, 4, 4, 4})});
  CHECK(out[0].shape() == Shape{2, 1});
  CHECK(floats(out[0])[0] == 2);
  CHECK(floats(out[1])[0] == doctest::Approx(1 / std::sqrt(2.0 / 3 + 1e-5)));
}

TEST_CASE("composed: GroupNormalization, with parameters of groups (18) and of channels (21)") {
  const Tensor<float> x = random_tensor({2, 4, 3, 5}, 5, -2, 3);
  for (const int opset : {18, 21})
    for (const int groups : {1, 2, 4}) {
      const std::int64_t count = opset < 21 ? groups : 4;
      const Tensor<float> scale = random_tensor({count}, 6), shift = random_tensor({count}, 7);
      const auto more = [&](OnnxBuilder& b) {
        b.initializer("scale", scale).initializer("shift", shift);
        return std::vector<std::string>{"scale", "shift"};
      };
      const Tensor<float> y = on_image("GroupNormalization", x, {{"num_groups", groups}}, more, opset);
      const std::int64_t n = 60 / groups;
      for (std::int64_t i = 0; i < x.size(); ++i) {
        const std::int64_t at = i / 15 % 4 * count / 4;
        const double right =
            normalized(x, i, n, 1e-5) * static_cast<double>(scale[at]) + static_cast<double>(shift[at]);
        CHECK(static_cast<double>(y[i]) == doctest::Approx(right).epsilon(1e-4));
      }
    }
  const auto with = [](int groups, std::int64_t parameters) {
    OnnxBuilder b(21);
    b.input("x", {1, 4, 2, 2}).initializer("s", Tensor<float>({parameters}));
    return error_of(b.node("GroupNormalization", {"x", "s", "s"}, {"y"}, {{"num_groups", groups}}).output("y"));
  };
  CHECK(with(2, 4) == "");
  CHECK(with(3, 4).find("4 channels cannot be divided into 3 groups") != std::string::npos);
  CHECK(with(0, 4).find("cannot be divided into 0 groups") != std::string::npos);
  CHECK(with(2, 2).find("expected [4]") != std::string::npos);
}

TEST_CASE("composed: group normalization as a reshaped InstanceNormalization") {
  const Tensor<float> x = random_tensor({2, 4, 3, 5}, 5, -2, 3);
  for (const std::int64_t groups : {1, 2, 4})
    for (const bool plain : {true, false}) {
      Tensor<float> scale = random_tensor({groups}, 6), shift = random_tensor({groups}, 7);
      if (plain) {
        std::fill(scale.begin(), scale.end(), 1.0f);
        std::fill(shift.begin(), shift.end(), 0.0f);
      }
      OnnxBuilder b(13);
      b.input("x", {2, 4, 3, 5}).initializer("scale", scale).initializer("shift", shift);
      b.integers("rows", {0, groups, -1}).integers("image", {2, 4, 3, 5}).node("Reshape", {"x", "rows"}, {"r"});
      b.node("InstanceNormalization", {"r", "scale", "shift"}, {"i"})
          .node("Reshape", {"i", "image"}, {"y"})
          .output("y");
      const Model m = import_onnx(b);
      const Executor e(m);
      CHECK(count<Transpose>(e.graph()) == 0);
      CHECK(count<MomentNormalization>(e.graph()) == 1);
      CHECK(e.graph().nodes.size() == (plain || groups == 1 ? 3 : 5));
      const Tensor<float> y = floats(run_one(b, {AnyTensor(x)}));
      const std::int64_t n = 60 / groups;
      for (std::int64_t i = 0; i < x.size(); ++i) {
        const std::int64_t at = i / n % groups;
        const double right =
            normalized(x, i, n, 1e-5) * static_cast<double>(scale[at]) + static_cast<double>(shift[at]);
        CHECK(static_cast<double>(y[i]) == doctest::Approx(right).epsilon(1e-4));
      }
    }
}

TEST_CASE("composed: Tile and TILE") {
  const Tensor<float> x = random_tensor({2, 4, 3, 5}, 8);
  const std::vector<std::int64_t> repeats{2, 1, 3, 2};
  const Tensor<float> y = on_image("Tile", x, {}, [&](OnnxBuilder& b) {
    b.integers("repeats", repeats);
    return std::vector<std::string>{"repeats"};
  });
  REQUIRE(y.size() == 4 * 4 * 9 * 10);
  for (std::int64_t i = 0; i < y.size(); ++i)
    CHECK(y[i] == x[((i / 360 % 2 * 4 + i / 90 % 4) * 3 + i / 10 % 9 % 3) * 5 + i % 10 % 5]);
  const auto error = [](const std::vector<std::int64_t>& r) {
    OnnxBuilder b;
    return error_of(b.input("x", {2, 1}).integers("r", r).node("Tile", {"x", "r"}, {"y"}).output("y"));
  };
  CHECK(error({2, 3}) == "");
  CHECK(error({0, 3}) == "");
  CHECK(error({2}).find("has 1 repeats for an input of shape [2, 1]") != std::string::npos);
  CHECK(error({-1, 1}).find("repeat 0 is unknown, negative or too large") != std::string::npos);
  CHECK(error({std::int64_t{1} << 30, 1}).find("needs more memory") != std::string::npos);
  CHECK(error({1, std::int64_t{1} << 50}) != "");

  tflite::ModelBuilder b;
  const int in = b.tensor("x", {1, 2, 3}), out = b.tensor("y", {});
  b.op("TILE", {in, b.integers("multiples", {1, 1, 2})}, {out});
  const Tensor<float> t({1, 2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  const Tensor<float> tiled = floats(tflite::outputs(tflite::parse(b.finish({in}, {out})), {AnyTensor(t)})[0]);
  REQUIRE(tiled.shape() == Shape{1, 2, 6});
  for (std::int64_t i = 0; i < 12; ++i) CHECK(tiled[i] == t[i / 6 * 3 + i % 3]);
  for (const std::int32_t hostile : {-1, 2147483647}) {
    tflite::ModelBuilder h;
    const int a = h.tensor("x", {1, 2, 3}), c = h.tensor("y", {});
    h.op("TILE", {a, h.integers("multiples", {1, hostile, hostile})}, {c});
    CHECK_THROWS_AS(tflite::parse(h.finish({a}, {c})), Error);
  }
}

TEST_CASE("composed: ThresholdedRelu, Celu and Shrink") {
  const Tensor<float> x = random_tensor({2, 4, 3, 5}, 9, -3, 3);
  const auto check = [&](const char* type, const Attributes& attributes, const Function& f) {
    CAPTURE(type);
    const Tensor<float> y = on_image(type, x, attributes);
    for (std::int64_t i = 0; i < x.size(); ++i) CHECK(y[i] == doctest::Approx(f(x[i])).epsilon(1e-5));
  };
  check("ThresholdedRelu", {{"alpha", 0.7f}}, [](float v) { return v > 0.7f ? v : 0; });
  check("Celu", {{"alpha", 2.0f}}, [](float v) { return v > 0 ? v : 2 * std::expm1(v / 2); });
  check("Celu", {}, [](float v) { return v > 0 ? v : std::expm1(v); });
  check("Shrink", {{"lambd", 1.5f}, {"bias", 0.5f}}, [](float v) {
    return v < -1.5f ? v + 0.5f : v > 1.5f ? v - 0.5f : 0;
  });
  check("Shrink", {}, [](float v) { return std::abs(v) > 0.5f ? v : 0; });
}

TEST_CASE("composed: IsNaN and IsInf") {
  const float inf = std::numeric_limits<float>::infinity();
  Tensor<float> x = random_tensor({2, 4, 3, 5}, 10, -3, 3);
  x[3] = x[100] = inf;
  x[7] = x[90] = -inf;
  x[11] = std::nanf("");
  const auto check = [&](const char* type, const Attributes& attributes, const std::function<bool(float)>& f) {
    CAPTURE(type);
    for (const bool keep : {true, false}) {
      OnnxBuilder b(20);
      b.input("x", {2, 4, 3, 5}).node("MaxPool", {"x"}, {"p"}, {{"kernel_shape", std::vector<std::int64_t>{1, 1}}});
      b.node(type, {"x"}, {"y"}, attributes).node("Cast", {"y"}, {"f"}, {{"to", 1}}).output("p").output("f");
      const Tensor<float> y = floats(run_plain(import_onnx(b, keep), {AnyTensor(keep ? x : nhwc(x))})[1]);
      const Tensor<float> in = keep ? x : nhwc(x);
      for (std::int64_t i = 0; i < x.size(); ++i) CHECK(y[i] == (f(in[i]) ? 1 : 0));
    }
  };
  check("IsNaN", {}, [](float v) { return std::isnan(v); });
  check("IsInf", {}, [](float v) { return std::isinf(v); });
  check("IsInf", {{"detect_negative", 0}}, [=](float v) { return v == inf; });
  check("IsInf", {{"detect_positive", 0}}, [=](float v) { return v == -inf; });
  check("IsInf", {{"detect_positive", 0}, {"detect_negative", 0}}, [](float) { return false; });
}

TEST_CASE("composed: Mod, FLOOR_DIV and FLOOR_MOD") {
  const std::vector<std::int32_t> a{7, -7, 7, -7, 6, 0, 5, std::numeric_limits<std::int32_t>::min()},
      d{3, 3, -3, -3, 3, 3, 0, -1};
  const Tensor<std::int32_t> x({1, 8}, a), y({1, 8}, d);
  const auto mod = [&](int fmod) {
    OnnxBuilder b;
    b.input("x", {1, 8}, DType::i32).input("y", {1, 8}, DType::i32);
    return octet::detail::to_integers(run_one(b.node("Mod", {"x", "y"}, {"z"}, {{"fmod", fmod}}).output("z"), {x, y}));
  };
  const std::vector<std::int64_t> floor_mod{1, 2, -2, -1, 0, 0, 0, 0};
  CHECK(mod(0) == floor_mod);
  CHECK(mod(1) == std::vector<std::int64_t>{1, -1, 1, -1, 0, 0, 0, 0});
  const auto lite = [&](const char* type) {
    tflite::ModelBuilder b;
    const int p = b.tensor("x", {1, 8}, DType::i32), q = b.tensor("y", {1, 8}, DType::i32);
    const int z = b.tensor("z", {}, DType::i32);
    b.op(type, {p, q}, {z});
    return octet::detail::to_integers(tflite::outputs(tflite::parse(b.finish({p, q}, {z})), {x, y})[0]);
  };
  CHECK(lite("FLOOR_MOD") == floor_mod);
  CHECK(lite("FLOOR_DIV") == std::vector<std::int64_t>{2, -3, -3, 2, 2, 0, 0, std::numeric_limits<int>::min()});
  const Tensor<float> r({3}, std::vector<float>{5.5f, -5.5f, 5.5f}), s({3}, std::vector<float>{2, 2, -2});
  OnnxBuilder f;
  f.input("x", {3}).initializer("s", s).node("Mod", {"x", "s"}, {"z"}, {{"fmod", 1}}).output("z");
  CHECK(floats(run_one(f, {r}))[1] == -1.5f);
  OnnxBuilder bad;
  bad.input("x", {3}).initializer("s", s).node("Mod", {"x", "s"}, {"z"}).output("z");
  CHECK(error_of(bad).find("floating-point numbers need the attribute fmod = 1") != std::string::npos);
  tflite::ModelBuilder b;
  const int p = b.tensor("x", {1, 3}), z = b.tensor("z", {}), m = b.tensor("m", {}), q = b.constant("s", s);
  b.op("FLOOR_DIV", {p, q}, {z});
  b.op("FLOOR_MOD", {p, q}, {m});
  const std::vector<AnyTensor> out = tflite::outputs(tflite::parse(b.finish({p}, {z, m})),
                                                     {Tensor<float>({1, 3}, std::vector<float>{5.5f, -5.5f, 5.5f})});
  for (std::int64_t i = 0; i < 3; ++i) {
    CHECK(floats(out[0])[i] == std::floor(r[i] / s[i]));
    CHECK(floats(out[1])[i] == r[i] - std::floor(r[i] / s[i]) * s[i]);
  }
}

TEST_CASE("composed: L2_NORMALIZATION, ADD_N, REVERSE_V2 and BROADCAST_TO") {
  const Tensor<float> x = random_tensor({1, 2, 3}, 11);
  const auto run = [&](const char* type, int count, int extra_axis, const QuantParams& q, const AnyTensor& in) {
    tflite::ModelBuilder b;
    const DType dtype = in.dtype();
    const int a = b.tensor("x", {1, 2, 3}, dtype, q);
    const bool l2 = std::string(type) == "L2_NORMALIZATION";
    const int y = b.tensor("y", {}, dtype, l2 && q ? QuantParams{1.0f / 128, 0} : q);
    std::vector<std::int32_t> inputs(static_cast<std::size_t>(count), a);
    if (extra_axis >= 0) inputs.push_back(b.integers("axes", {extra_axis}));
    b.op(type, inputs, {y});
    return tflite::outputs(tflite::parse(b.finish({a}, {y})), {in})[0];
  };
  const Tensor<float> unit = floats(run("L2_NORMALIZATION", 1, -1, {}, x));
  const Tensor<float> sum = floats(run("ADD_N", 3, -1, {}, x)), one = floats(run("ADD_N", 1, -1, {}, x));
  const Tensor<float> back = floats(run("REVERSE_V2", 1, 2, {}, x));
  for (std::int64_t i = 0; i < 6; ++i) {
    double squares = 0;
    for (std::int64_t k = 0; k < 3; ++k) squares += std::pow(static_cast<double>(x[i / 3 * 3 + k]), 2);
    CHECK(unit[i] == doctest::Approx(static_cast<double>(x[i]) / std::sqrt(squares)));
    CHECK(sum[i] == doctest::Approx(3 * x[i]));
    CHECK(one[i] == x[i]);
    CHECK(back[i] == x[i / 3 * 3 + 2 - i % 3]);
  }
  CHECK(floats(run("L2_NORMALIZATION", 1, -1, {}, Tensor<float>({1, 2, 3})))[0] == 0);
  const QuantParams q{0.1f, 5};
  const Tensor<std::int8_t> codes({1, 2, 3}, std::vector<std::int8_t>{5, 15, 25, 35, -5, -15});
  const AnyTensor l2 = run("L2_NORMALIZATION", 1, -1, q, codes), reversed = run("REVERSE_V2", 1, 1, q, codes);
  CHECK(std::abs(l2.view<std::int8_t>()[2] - 2 / std::sqrt(5.0) * 128) <= 1);
  CHECK(reversed.view<std::int8_t>()[0] == 35);
  CHECK(run("ADD_N", 2, -1, q, codes).view<std::int8_t>()[2] == 45);

  tflite::ModelBuilder b;
  const int a = b.tensor("x", {1, 1, 3}), y = b.tensor("y", {});
  b.op("BROADCAST_TO", {a, b.integers("shape", {2, 1, 4, 3})}, {y});
  const Tensor<float> row({1, 1, 3}, std::vector<float>{1, 2, 3});
  const Tensor<float> grown = floats(tflite::outputs(tflite::parse(b.finish({a}, {y})), {AnyTensor(row)})[0]);
  REQUIRE(grown.shape() == Shape{2, 1, 4, 3});
  for (std::int64_t i = 0; i < grown.size(); ++i) CHECK(grown[i] == row[i % 3]);
  for (const auto& shape : std::vector<std::vector<std::int32_t>>{{3}, {1, -2, 3}, {1, 4, 5}}) {
    tflite::ModelBuilder h;
    const int in = h.tensor("x", {1, 1, 3}), out = h.tensor("y", {});
    h.op("BROADCAST_TO", {in, h.integers("shape", shape)}, {out});
    CHECK_THROWS_AS(tflite::parse(h.finish({in}, {out})), Error);
  }
}
