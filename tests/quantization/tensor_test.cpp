#include <octet/operators/all.hpp>
#include <octet/quantization/quantize.hpp>
#include <octet/quantization/range.hpp>

#include "support/isas.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

TEST_CASE("symmetric int8: absolute maximum over 127, half to even, no -128") {
  const std::vector<float> x{-2.54f, -1.0f, 0.0f, 0.03f, 0.05f, 1.27f, 2.54f};
  const auto q = quantize<int8>(View<const float>(x));
  CHECK(q.params.scale[0] == doctest::Approx(0.02));
  CHECK(q.params.zero_point[0] == 0);
  CHECK(q.data[0] == -127);
  CHECK(q.data[6] == 127);
  CHECK(q.data[2] == 0);
  const Tensor<float> back = dequantize(q);
  for (std::int64_t i = 0; i < back.size(); ++i)
    CHECK(std::abs(back[i] - x[static_cast<std::size_t>(i)]) <= 0.0100001f);
}

TEST_CASE("ties go to the even integer and division is exact, at every position of a vector") {
  // x / scale is exactly k + 1/2 for scales whose reciprocal is not: multiplying by 1 / scale would miss some.
  for (float scale : {0.1f, 0.3f, 0.7f, 1.0f, 3.0f}) {
    std::vector<float> x;
    for (int k = -130; k < 130; ++k) x.push_back((static_cast<float>(k) + 0.5f) * scale);
    const auto q = quantize<int8>(View<const float>(x), given_params({scale, 0}));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float r = std::nearbyint(x[i] / scale);
      CHECK(static_cast<float>(q.data[static_cast<std::int64_t>(i)]) == std::min(std::max(r, -128.0f), 127.0f));
    }
  }
}

TEST_CASE_TEMPLATE("asymmetric quantization represents zero and both ends", T, int8, uint8, int16, int4) {
  const IntegerRange r = integer_range(dtype_of<T>);
  for (const auto& [low, high] : {std::pair{-0.3f, 5.0f}, {0.5f, 2.0f}, {-7.0f, -1.0f}, {-1e-3f, 1e3f}}) {
    const std::vector<float> x{low, 0.0f, (low + high) / 2, high};
    const auto q = quantize<T>(View<const float>(x), per_tensor().asymmetric());
    const float s = q.params.scale[0];
    CHECK(s == doctest::Approx((static_cast<double>(std::max(high, 0.0f)) - static_cast<double>(std::min(low, 0.0f))) /
                               static_cast<double>(r.high - r.low)));
    CHECK(q.params.zero_point[0] >= r.low);
    CHECK(q.params.zero_point[0] <= r.high);
    const Tensor<float> back = dequantize(q);
    CHECK(back[1] == 0.0f);
    for (std::int64_t i = 0; i < 4; ++i) CHECK(std::abs(back[i] - x[static_cast<std::size_t>(i)]) <= s * 1.001f);
  }
}

TEST_CASE("channels are quantized separately along any axis") {
  const Shape shape{3, 4, 5};
  Tensor<float> t = random_tensor(shape, 3);
  for (int axis : {0, 1, 2, -1}) {
    const int d = axis < 0 ? axis + 3 : axis;
    Tensor<float> scaled = t;
    for (std::int64_t i = 0; i < 3; ++i)
      for (std::int64_t j = 0; j < 4; ++j)
        for (std::int64_t k = 0; k < 5; ++k) {
          const std::int64_t c[] = {i, j, k};
          scaled(i, j, k) *= std::pow(10.0f, static_cast<float>(c[d]));
        }
    const auto q = quantize<int8>(scaled, per_channel(axis));
    REQUIRE(q.params.channels() == shape[d]);
    CHECK(q.params.axis == d);
    const Tensor<float> back = dequantize(q);
    for (std::int64_t i = 0; i < 3; ++i)
      for (std::int64_t j = 0; j < 4; ++j)
        for (std::int64_t k = 0; k < 5; ++k) {
          const std::int64_t c[] = {i, j, k};
          CHECK(std::abs(back(i, j, k) - scaled(i, j, k)) <= 0.5001f * q.params.scale[static_cast<std::size_t>(c[d])]);
        }
  }
}

TEST_CASE("fake quantization equals quantization and dequantization") {
  const Tensor<float> t = random_tensor({7, 33}, 5, -3, 3);
  CHECK(largest_difference(fake_quantize<int8>(t, per_channel(0)), dequantize(quantize<int8>(t, per_channel(0)))) == 0);
  const Tensor<float> four = fake_quantize<int4>(t);
  std::vector<float> levels(four.begin(), four.end());
  std::sort(levels.begin(), levels.end());
  CHECK(std::unique(levels.begin(), levels.end()) - levels.begin() <= 15);
}

TEST_CASE("half precision") {
  const std::vector<float> x{1.0f, 65519.0f, 65520.0f, 1e-8f, -0.1f};
  const Tensor<float> h = dequantize(quantize<fp16>(View<const float>(x)));
  CHECK(h[0] == 1.0f);
  CHECK(h[1] == 65504.0f);
  CHECK(std::isinf(h[2]));
  CHECK(h[3] == 0.0f);
  CHECK(h[4] == doctest::Approx(-0.1).epsilon(1e-3));
  CHECK(dequantize(quantize<bf16>(View<const float>(x)))[4] == doctest::Approx(-0.1).epsilon(1e-2));
}

TEST_CASE("every instruction set and length gives the same bytes") {
  const Tensor<float> t = random_tensor({1000}, 9, -4, 4);
  const Isa before = active_isa();
  for (std::int64_t n : {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000}) {
    const View<const float> part(t.data(), {n});
    set_isa(Isa::scalar);
    const auto expected = quantize<int8>(part, given_params({0.017f, -3}));
    for (Isa isa : available_isas()) {
      set_isa(isa);
      const auto q = quantize<int8>(part, given_params({0.017f, -3}));
      CHECK(std::equal(q.data.begin(), q.data.end(), expected.data.begin()));
    }
  }
  set_isa(before);
}

TEST_CASE("channels of zeros get the scale 1") {
  const Tensor<float> t({2, 3, 2}, {0, 1, 0, -2, 0, 3, 0, 4, 0, 5, -0.0f, 6});
  const Tensor<float> zeros({2, 3});
  for (const RangeMethod method :
       {RangeMethod::min_max, RangeMethod::percentile, RangeMethod::entropy, RangeMethod::mse})
    for (const bool symmetric : {true, false}) {
      Calib channels = per_channel(2).by(method), whole = per_tensor().by(method);
      channels.is_symmetric = whole.is_symmetric = symmetric;
      const auto check = [&](auto type) {
        using T = decltype(type);
        const QTensor<T> q = quantize<T>(View<const float>(t), channels);
        CHECK(q.params.scale[0] == 1);
        CHECK(q.params.scale[1] != 1);
        const Tensor<float> back = dequantize(q), none = dequantize(quantize<T>(View<const float>(zeros), whole));
        for (std::int64_t i = 0; i < t.size(); i += 2) CHECK(back[i] == 0);
        for (const float x : none) CHECK(x == 0);
      };
      check(int8{});
      check(uint8{});
      check(int16{});
    }
}

TEST_CASE("tensors that cannot be quantized are refused with the reason") {
  const std::vector<float> tiny(6, 1e-44f), ok{1, 2, 3, 4, 5, 6}, nan{1, NAN, 2}, inf{1, INFINITY};
  const auto text = [](auto f) {
    try {
      f();
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(text([&] { quantize<int8>(View<const float>(tiny)); }).find("no scale") != std::string::npos);
  CHECK(text([&] { quantize<int8>(View<const float>(nan)); }).find("NaN") != std::string::npos);
  CHECK(text([&] { quantize<int8>(View<const float>(inf)); }).find("infinite") != std::string::npos);
  CHECK(text([&] {
          quantize<int8>(View<const float>(nan), given_params({1.0f, 0}));
        }).find("NaN") != std::string::npos);
  CHECK(text([&] {
          quantize<int8>(View<const float>(ok, {2, 3}), per_channel(2));
        }).find("axis 2") != std::string::npos);
  CHECK(text([&] {
          quantize<int8>(View<const float>(ok, {2, 3}), per_channel(-3));
        }).find("axis -3") != std::string::npos);
  CHECK(text([&] {
          quantize<int8>(View<const float>(ok, {2, 3}), given_params({{1.0f}, {0}, 0}));
        }).find("1 scales for 2") != std::string::npos);
  CHECK(text([&] { quantize<int8>(View<const float>(ok), given_params({-1.0f, 0})); }).find("-1") != std::string::npos);
  CHECK(text([&] {
          quantize<int8>(View<const float>(ok), given_params({1.0f, 200}));
        }).find("200") != std::string::npos);
  CHECK(text([&] { quantize<int8>(View<const float>(ok.data(), {0})); }).find("empty") != std::string::npos);
  CHECK(text([&] {
          quantize<int8>(View<const float>(ok), per_tensor().by(RangeMethod::percentile, 101));
        }).find("101") != std::string::npos);
}

TEST_CASE("histograms do not depend on the order or on how numbers are split") {
  const Tensor<float> t = random_tensor({5000}, 1, -3, 90);
  Histogram whole, parts, reversed;
  whole.add(t.data(), t.size());
  for (std::int64_t i = 0; i < t.size(); i += 7) parts.add(t.data() + i, std::min<std::int64_t>(7, t.size() - i));
  for (std::int64_t i = t.size(); i-- > 0;) {
    Histogram one;
    one.add(t.data() + i, 1);
    reversed.merge(one);
  }
  CHECK(parts == whole);
  CHECK(reversed == whole);
  CHECK(whole.total() == 5000);
}

TEST_CASE("histograms count zeros, subnormals and the largest float") {
  for (float x : {0.0f, 1e-44f, 1.0f, 0.99999994f, 2.0f, std::numeric_limits<float>::max()})
    for (float sign : {1.0f, -1.0f}) {
      Histogram h;
      const float v = sign * x;
      h.add(&v, 1);
      CHECK(h.total() == 1);
      const std::vector<Histogram::Bin> bins = h.bins();
      REQUIRE(bins.size() == 1);
      CHECK(bins[0].count == 1);
      CHECK(bins[0].low <= static_cast<double>(v));
      CHECK(static_cast<double>(v) <= bins[0].high);
      CHECK(bins[0].high - bins[0].low <= static_cast<double>(std::max(x, std::numeric_limits<float>::min())) / 128);
    }
  Histogram h;
  const float several[] = {-1e30f, -2, -2, 0, 3};
  h.add(several, 5);
  const std::vector<Histogram::Bin> bins = h.bins();
  REQUIRE(bins.size() == 4);
  CHECK(std::is_sorted(bins.begin(), bins.end(), [](const auto& a, const auto& b) { return a.high < b.high; }));
  CHECK(bins[1].count == 2);
  CHECK_THROWS_AS(h.add_to_bin(Histogram::largest_bin + 1, 1), Error);
}

TEST_CASE("a single outlier does not decide the range") {
  const Tensor<float> normal = testing::random_tensor({200000}, 4, -4, 4);
  for (RangeMethod m : {RangeMethod::percentile, RangeMethod::entropy, RangeMethod::mse}) {
    CAPTURE(static_cast<int>(m));
    Tensor<float> t = normal;
    const float usual = quantize<int8>(t, per_tensor().by(m)).params.scale[0];
    for (float outlier : {1e3f, -1e5f, 1e30f}) {
      t[1234] = outlier;
      CHECK(quantize<int8>(t, per_tensor().by(m)).params.scale[0] == doctest::Approx(usual).epsilon(0.05));
    }
  }
}

TEST_CASE("percentile and entropy ranges cut off a lone outlier") {
  Random r(4);
  Tensor<float> t({20000});
  for (float& x : t) x = std::abs(r.normal());
  t[17] = 40;  // one outlier
  for (RangeMethod m : {RangeMethod::percentile, RangeMethod::entropy}) {
    const auto q = quantize<uint8>(t, per_tensor().asymmetric().by(m, 99.9));
    const double high = static_cast<double>(q.params.scale[0]) * 255;
    CHECK(high < 20);
    CHECK(high > 0.5);
  }
  CHECK(static_cast<double>(quantize<uint8>(t, per_tensor().asymmetric()).params.scale[0]) * 255 ==
        doctest::Approx(40));
}

TEST_CASE("the mse range is close to the best one") {
  Random r(8);
  Tensor<float> t({50000});
  for (float& x : t) x = r.normal();
  const auto error = [&](double limit, int bits) {
    const double s = 2 * limit / ((1 << bits) - 2);
    double e = 0;
    for (float x : t) {
      const double q = std::min(std::max(std::nearbyint(static_cast<double>(x) / s), -(std::pow(2, bits - 1) - 1)),
                                std::pow(2, bits - 1) - 1);
      e += std::pow(static_cast<double>(x) - q * s, 2);
    }
    return e;
  };
  double best = 1e300;
  for (double limit = 0.5; limit < 6; limit += 0.02) best = std::min(best, error(limit, 4));
  const auto q = quantize<int4>(t, per_tensor().by(RangeMethod::mse));
  CHECK(error(static_cast<double>(q.params.scale[0]) * 7, 4) < 1.05 * best);
}
