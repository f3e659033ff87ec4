#pragma once
#include <array>
#include <functional>

#include "../core/element.hpp"
#include "../core/rounded.hpp"
#include "../kernels/bytes.hpp"
#include "activation_codes.hpp"
#include "axis_view.hpp"
#include "float_array_function.hpp"
#include "fold.hpp"
#include "implement.hpp"
#include "int16_softmax.hpp"
#include "softmax.hpp"

OCTET_BEGIN
namespace detail {

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

class SoftmaxGradient : public SameForward {
 public:
  SoftmaxGradient(std::unique_ptr<Step> forward, std::int64_t axis, double beta, bool log)
      : SameForward(std::move(forward)), axis_(axis), beta_(static_cast<float>(beta)), log_(log) {}
  bool reads_input(int) const noexcept override { return false; }
  bool gradient_can_overwrite(int input) const noexcept override { return input == 0; }
  void backward(const BackwardContext& c) noexcept override {
    c.pool->parallel(view_.outer, [&](std::int64_t o, int) {
      for (std::int64_t i = 0; i < view_.inner; ++i) {
        const std::int64_t at = o * view_.n * view_.inner + i;
        one(c.output() + at, c.output_gradient() + at, c.input_gradient(0) + at);
      }
    });
  }

 private:
  /// dx = beta y (dy - sum(y dy)); for the logarithm: beta (dy - exp(y) sum(dy)).
  void one(const float* y, const float* dy, float* dx) const noexcept {
    float sum = 0;
    for (std::int64_t k = 0; k < view_.n; ++k) sum += rounded((log_ ? 1 : y[k * view_.inner]) * dy[k * view_.inner]);
    for (std::int64_t k = 0; k < view_.n; ++k) {
      const std::int64_t at = k * view_.inner;
      dx[at] = beta_ * (log_ ? dy[at] - rounded(std::exp(y[at]) * sum) : y[at] * (dy[at] - sum));
    }
  }
  std::size_t plan_backward(const GradientPlanContext& c) override {
    view_ = {c.inputs[0].shape, normalize_axis(axis_, c.inputs[0].shape.rank())};
    return 0;
  }
  std::int64_t axis_;
  float beta_;
  bool log_;
  AxisView view_;
};

/// Softmax of uint8, by a table of the exponentials of all differences to the largest input, as in TFLite.
class IntegerSoftmax : public Step {
 public:
  IntegerSoftmax(const PrepareContext& c, std::int64_t axis, double beta)
      : bytes_(&byte_kernels(c.kernels().isa)), axis_(axis) {
    const Value &x = c.input(0), &y = c.output();
    c.require(int8_format.computes(x.dtype) && int8_format.computes(y.dtype) && x.is_quantized() && y.is_quantized(),
              "expected quantized uint8 input and output, found ", name(x.dtype), " and ", name(y.dtype));
    for (std::size_t d = 0; d < exp_.size(); ++d)
      exp_[d] = static_cast<float>(std::exp(-static_cast<double>(x.quant.scale[0]) * beta * static_cast<double>(d)));
    falls_ = std::is_sorted(exp_.rbegin(), exp_.rend());
    scale_ = y.quant.scale[0];
    zero_point_ = y.quant.zero_point[0];
  }
  std::size_t packed_bytes() const noexcept override { return sizeof exp_; }
  std::size_t plan(const PlanContext& c) override {
    view_ = {c.inputs[0].shape, normalize_axis(axis_, c.inputs[0].shape.rank())};
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    c.pool->parallel(view_.outer, [&](std::int64_t o, int) {
      for (std::int64_t i = 0; i < view_.inner; ++i) {
        const std::int64_t at = o * view_.n * view_.inner + i;
        one(reinterpret_cast<const std::uint8_t*>(c.input(0)) + at, reinterpret_cast<std::uint8_t*>(c.output()) + at);
      }
    });
  }

 private:
  void one(const std::uint8_t* in, std::uint8_t* out) const noexcept {
    const auto larger = [](int a, int b) { return std::max(a, b); };
    const int largest = fold(
        view_.n, 0, [&](int& m, std::int64_t k) { m = larger(m, in[k * view_.inner]); }, larger);
    float sum = 0;
    for (std::int64_t k = 0; k < view_.n; ++k) sum += exp_[static_cast<std::size_t>(largest - in[k * view_.inner])];
    const float inverse = 1.0f / (sum * scale_);
    if (view_.inner == 1 && view_.n >= 128) return by_table(in, out, largest, inverse);
    for (std::int64_t k = 0; k < view_.n; ++k) out[k * view_.inner] = code(largest - in[k * view_.inner], inverse);
  }
  std::uint8_t code(int below_largest, float inverse) const noexcept {
    const float p = exp_[static_cast<std::size_t>(below_largest)] * inverse;
    // The order of arguments turns NaN (from a beta that is not finite) into 0.
    const float x = std::min(std::max(0.0f, p), 512.0f);
    const auto below = static_cast<std::int32_t>(x);  // rounded half up; the difference is exact
    const std::int32_t q = below + (x - static_cast<float>(below) >= 0.5f) + zero_point_;
    return static_cast<std::uint8_t>(std::clamp(q, 0, 255));
  }
  /// Many elements, by the results of all codes that occur.
  void by_table(const std::uint8_t* in, std::uint8_t* out, int largest, float inverse) const noexcept {
    std::array<std::uint8_t, 256> table;
    // Below the first code whose result is that of 0, all results are the same, since exponentials fall.
    const auto zero = static_cast<std::uint8_t>(std::clamp(zero_point_, 0, 255));
    int q = largest;
    do table[static_cast<std::size_t>(q)] = code(largest - q, inverse);
    while ((table[static_cast<std::size_t>(q)] != zero || !falls_) && --q >= 0);
    std::fill(table.begin(), table.begin() + std::max(q, 0), zero);
    LookupU8 p;
    p.table = table.data();
    p.in = in;
    p.out = out;
    p.count = view_.n;
    bytes_->lookup(p);
  }

  const ByteKernels* bytes_;
  std::int64_t axis_;
  std::array<float, 256> exp_;
  bool falls_ = true;  // the exponentials
  float scale_ = 1;
  std::int32_t zero_point_ = 0;
  AxisView view_;
};

}  // namespace detail

OCTET_API std::vector<Shape> Softmax::shapes(const ShapeContext& c) const {
  normalize_axis(axis, c.rank(0));
  return {c.shape(0)};
}

OCTET_API std::unique_ptr<Step> Softmax::prepare(const PrepareContext& c) const {
  if (c.input(0).dtype == DType::f32) return detail::make_step<detail::FloatSoftmax>(c, axis, beta, log);
  c.require(!log, "log-softmax is not supported for quantized tensors");
  if (detail::int16_format.computes(c.input(0).dtype)) return detail::make_step<detail::Int16Softmax>(c, axis, beta);
  return detail::make_step<detail::IntegerSoftmax>(c, axis, beta);
}

OCTET_API std::unique_ptr<GradientStep> Softmax::prepare_gradient(const PrepareContext& c) const {
  return detail::make_step<detail::SoftmaxGradient>(prepare(c), axis, beta, log);
}

OCTET_API IntegerForm Softmax::integer_form() const {
  IntegerForm f;
  if (!log) {
    f.output = IntegerForm::Output::fixed;
    f.range = {0, 1};
    f.int16 = true;
  }
  return f;
}

OCTET_END
