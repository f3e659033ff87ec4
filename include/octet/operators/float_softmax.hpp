#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include "axis_view.hpp"
#include "float_array_function.hpp"
#include "fold.hpp"

OCTET_BEGIN
namespace detail {

/// Softmax of floats, or its logarithm, along one axis.
class FloatSoftmax : public Step {
 public:
  FloatSoftmax(const PrepareContext& c, std::int64_t axis, double beta, bool log)
      : exp_(c, {UnaryKind::exp}), axis_(axis), beta_(static_cast<float>(beta)), log_(log) {}
  std::size_t plan(const PlanContext& c) override {
    view_ = {c.inputs[0].shape, normalize_axis(axis_, c.inputs[0].shape.rank())};
    return 0;
  }
  bool can_overwrite(int input) const noexcept override { return input == 0; }
  void run(const RunContext& c) noexcept override {
    const std::int64_t parts = (view_.inner + block - 1) / block;
    c.pool->parallel(view_.outer * parts, [&](std::int64_t task, int) {
      const std::int64_t first = task % parts * block, at = task / parts * view_.n * view_.inner + first;
      const float* in = reinterpret_cast<const float*>(c.input(0)) + at;
      float* out = reinterpret_cast<float*>(c.output()) + at;
      view_.inner == 1 ? row(in, out) : columns(in, out, std::min(block, view_.inner - first));
    });
  }

 private:
  static constexpr std::int64_t block = 256;
  using Block = std::array<float, block>;

  /// Replaces x, of at most a block, by exp(x), or leaves it for the logarithm. Returns the exponentials.
  const float* exponentials(float* x, std::int64_t n, Block& own) const noexcept {
    float* e = log_ ? own.data() : x;
    exp_(x, e, n);
    return e;
  }
  /// The last step, with the logarithm or the reciprocal of the sum.
  float scale_of(double sum) const noexcept { return static_cast<float>(log_ ? std::log(sum) : 1 / sum); }
  void scale(float* y, const FloatOperand& by, std::int64_t n) const noexcept {
    const auto f = [log = log_](const FloatBatch& x, const FloatBatch& s) { return log ? x - s : x * s; };
    apply_to_batches(f, y, n, FloatOperand{y}, by);
  }
  /// y = (x - largest) beta
  void center(const float* x, const FloatOperand& largest, float* y, std::int64_t n) const noexcept {
    const FloatBatch beta(beta_);
    const auto f = [&](const FloatBatch& v, const FloatBatch& m) { return (v - m) * beta; };
    apply_to_batches(f, y, n, FloatOperand{x}, largest);
  }

  /// Elements side by side.
  void row(const float* in, float* out) const noexcept {
    const auto larger = [](float a, float b) { return std::max(a, b); };
    const float largest = fold(
        view_.n, -std::numeric_limits<float>::infinity(), [&](float& m, std::int64_t k) { m = larger(m, in[k]); },
        larger);
    double sum = 0;
    Block own;
    for (std::int64_t from = 0; from < view_.n; from += block) {
      const std::int64_t n = std::min(block, view_.n - from);
      center(in + from, {&largest, false}, out + from, n);
      const float* e = exponentials(out + from, n, own);
      sum += fold(
          n, 0.0, [&](double& s, std::int64_t k) { s += static_cast<double>(e[k]); }, std::plus<>());
    }
    const float last = scale_of(sum);
    scale(out, {&last, false}, view_.n);
  }

  /// Elements at a distance: `count` of them side by side, each in a softmax of its own.
  void columns(const float* in, float* out, std::int64_t count) const noexcept {
    Block largest, own;
    std::array<double, block> sums{};
    largest.fill(-std::numeric_limits<float>::infinity());
    const auto each = [&](auto f) {
      for (std::int64_t k = 0; k < view_.n; ++k) f(in + k * view_.inner, out + k * view_.inner);
    };
    each([&](const float* x, float*) {
      for (std::size_t i = 0; i < at(count); ++i) largest[i] = std::max(largest[i], x[i]);
    });
    each([&](const float* x, float* y) {
      center(x, {largest.data()}, y, count);
      const float* e = exponentials(y, count, own);
      for (std::size_t i = 0; i < at(count); ++i) sums[i] += static_cast<double>(e[i]);
    });
    std::transform(sums.begin(), sums.end(), own.begin(), [&](double sum) { return scale_of(sum); });
    each([&](const float*, float* y) { scale(y, {own.data()}, count); });
  }
  static std::size_t at(std::int64_t i) noexcept { return static_cast<std::size_t>(i); }

  FloatArrayFunction exp_;
  std::int64_t axis_;
  float beta_;
  bool log_;
  AxisView view_;
};

}  // namespace detail
OCTET_END
