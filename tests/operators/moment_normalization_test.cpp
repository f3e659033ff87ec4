#include <cmath>

#include "support/layer.hpp"
#include "support/messages.hpp"

using namespace octet;
using namespace testing;

namespace {

using Axes = std::vector<std::int64_t>;

/// The scale, or shift, of an element: broadcast to the last dimensions.
double broadcast(const Tensor<float>& t, const std::vector<std::int64_t>& index) {
  std::vector<std::int64_t> own(index.end() - t.shape().rank(), index.end());
  for (std::size_t d = 0; d < own.size(); ++d) own[d] = t.shape()[static_cast<int>(d)] == 1 ? 0 : own[d];
  return static_cast<double>(t[flat(t.shape(), own)]);
}

/// The formula, in double.
Tensor<double> reference(const Tensor<float>& x, const MomentNormalization& op, const Tensor<float>& scale,
                         const Tensor<float>& shift) {
  const Shape& s = x.shape();
  Tensor<double> y(s);
  std::map<std::vector<std::int64_t>, std::vector<double>> sums;  // of the kept dimensions: count, sum, squares
  const auto kept = [&](std::vector<std::int64_t> i) {
    for (const std::int64_t a : op.axes) i[static_cast<std::size_t>(a)] = 0;
    return i;
  };
  const auto moments = [&](const std::vector<std::int64_t>& i) -> std::vector<double>& {
    return sums.emplace(kept(i), std::vector<double>(3, 0.0)).first->second;
  };
  const auto at = [&](const std::vector<std::int64_t>& i) { return static_cast<double>(x[flat(s, i)]); };
  each_index(s, [&](const auto& i) {
    moments(i)[0] += 1;
    moments(i)[1] += at(i);
  });
  each_index(s, [&](const auto& i) {
    auto& m = moments(i);
    m[2] += std::pow(at(i) - m[1] / m[0], 2);
  });
  each_index(s, [&](const auto& i) {
    const auto& m = moments(i);
    const double unit = (at(i) - m[1] / m[0]) / std::sqrt(m[2] / m[0] + op.epsilon);
    const double r = unit * broadcast(scale, i) + broadcast(shift, i);
    y[flat(s, i)] = std::min(std::max(r, op.activation.low), op.activation.high);
  });
  return y;
}

struct Case {
  Shape x;
  Axes axes;
  Shape scale;
};

/// Rows and pixels around multiples of vectors, one and several parts of an image, one and many images.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::int64_t c : {1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 33, 64, 100})
    all.push_back({{2, 5, 7, c}, {3}, {c}});                                                             // channels
  all.push_back({{3, 4, 5, 6}, {2, 3}, {5, 1}});                                                         // several
  all.push_back({{3, 4, 5, 6}, {1, 2, 3}, {4, 5, 6}});                                                   // images
  all.push_back({{4, 9}, {0, 1}, {9}});                                                                  // all
  all.push_back({{2, 9000}, {1}, {9000}});                                                               // long rows
  for (const std::int64_t c : {1, 3, 16, 17, 66, 130, 300}) all.push_back({{2, 5, 7, c}, {1, 2}, {c}});  // by channel
  all.push_back({{2, 70, 60, 24}, {1, 2}, {1, 1, 24}});  // several parts
  all.push_back({{1, 67, 41, 3}, {1, 2}, {3}});
  for (const std::int64_t g : {1, 2, 5})
    for (const std::int64_t c : {1, 2, 3, 8, 17}) {
      all.push_back({{2, 5, 7, g, c}, {1, 2, 4}, {g, c}});  // groups of channels
      all.push_back({{2, 5, 7, g, c}, {1, 2, 4}, {g, 1}});
    }
  all.push_back({{5, 7, 12}, {0}, {12}});  // of the first dimension, too
  return all;
}

MomentNormalization with(const Axes& axes, double epsilon = 1e-3) {
  MomentNormalization op;
  op.axes = axes;
  op.epsilon = epsilon;
  return op;
}

}  // namespace

TEST_CASE("moment normalization: the formula, on every instruction set, with one and several threads") {
  for (const Case& c : cases()) {
    INFO(c.x, ", ", c.axes.size(), " axes from ", c.axes[0]);
    const Tensor<float> x = random_tensor(c.x, 1, -2, 5), scale = random_tensor(c.scale, 2),
                        shift = random_tensor(c.scale, 3);
    MomentNormalization op = with(c.axes);
    for (const bool clamped : {false, true}) {
      if (clamped) op.activation = {0, 0.75};
      const Tensor<float> y = run_float(op, {x, fixed(scale), fixed(shift)});
      const Tensor<double> right = reference(x, op, scale, shift);
      for (std::int64_t i = 0; i < y.size(); ++i)
        REQUIRE(static_cast<double>(y[i]) == doctest::Approx(right[i]).epsilon(1e-5));
    }
  }
}

TEST_CASE("moment normalization: without scale or shift; large means; constant rows") {
  const Tensor<float> one({1}, std::vector<float>{1}), none({1}, std::vector<float>{0});
  for (const Axes& axes : {Axes{2}, Axes{1}}) {
    const MomentNormalization op = with(axes);
    Tensor<float> x = random_tensor({2, 6, 20}, 1, -2, 5);
    const Tensor<float> some = random_tensor({20}, 3);
    const Tensor<double> plain = reference(x, op, one, none), shifted = reference(x, op, one, some);
    const Tensor<float> a = run_float(op, {x}), b = run_float(op, {x, {}, fixed(some)});
    for (std::int64_t i = 0; i < a.size(); ++i) {
      REQUIRE(static_cast<double>(a[i]) == doctest::Approx(plain[i]).epsilon(1e-5));
      REQUIRE(static_cast<double>(b[i]) == doctest::Approx(shifted[i]).epsilon(1e-5));
    }
    for (float& v : x) v += 1000;
    const Tensor<double> far = reference(x, op, one, none);
    const Tensor<float> c = run_float(op, {x});
    for (std::int64_t i = 0; i < c.size(); ++i) REQUIRE(std::abs(static_cast<double>(c[i]) - far[i]) < 1e-4);
    for (float& v : x) v = 7;
    for (const float v : run_float(op, {x})) REQUIRE(v == 0);
    x[5] = std::numeric_limits<float>::quiet_NaN();
    const Tensor<float> d = run_float(op, {x});
    CHECK(std::isnan(d[5]));
    CHECK(std::count_if(d.begin(), d.end(), [](float v) { return std::isnan(v); }) == (axes[0] == 2 ? 20 : 6));
  }
}

TEST_CASE("moment normalization: what does not fit is refused") {
  const auto refused = [](const MomentNormalization& op, const Shape& x, const Shape& scale) {
    return message([&] { run_float(op, {random_tensor(x, 1), fixed(random_tensor(scale, 2))}); });
  };
  CHECK(refused(with({2}), {2, 3, 4}, {4}) == "");
  CHECK(refused(with({2}), {2, 3, 4}, {5}).find("scales or shifts of shape [5] do not fit to [2, 3, 4]") !=
        std::string::npos);
  CHECK(refused(with({2}), {2, 3, 4}, {3, 4}).find("do not fit") != std::string::npos);
  CHECK(refused(with({1}), {2, 3, 4}, {1, 1, 2, 4}).find("do not fit") != std::string::npos);
  CHECK(refused(with({0, 2}), {2, 3, 4, 5}, {1}).find("the axes are not supported") != std::string::npos);
  CHECK(refused(with({}), {2, 3}, {1}).find("the axes are not supported") != std::string::npos);
  CHECK(refused(with({5}), {2, 3}, {1}) != "");
}
