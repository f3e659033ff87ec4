#pragma once
#include "float_batches.hpp"
#include "implement.hpp"
#include "unary_function.hpp"

OCTET_BEGIN
namespace detail {

/// The derivative of a UnaryKind, computed from its argument x or, if possible, from its value y.
struct UnaryDerivative {
  UnaryKind kind = UnaryKind::clip;
  double first = 0, second = 0;

  /// Whether it is computed from y.
  bool from_value() const noexcept {
    switch (kind) {
      case UnaryKind::clip:
      case UnaryKind::sigmoid:
      case UnaryKind::hard_sigmoid:
      case UnaryKind::tanh:
      case UnaryKind::exp:
      case UnaryKind::sqrt:
      case UnaryKind::reciprocal:
      case UnaryKind::rsqrt:
      case UnaryKind::tan: return true;
      default: return false;
    }
  }
  /// Whether there is a useful derivative.
  bool exists() const noexcept {
    return kind != UnaryKind::floor && kind != UnaryKind::ceil && kind != UnaryKind::round && kind != UnaryKind::sign;
  }

  template <class V>
  V operator()(const V& v) const {
    using xsimd::select, xsimd::sqrt;
    const auto number = [](double x) { return V(static_cast<float>(x)); };
    const V zero(0.0f), one(1.0f), a = number(first), b = number(second);
    switch (kind) {
      case UnaryKind::clip: return select((v > a) & (v < b), one, zero);
      case UnaryKind::leaky_relu: return select(v < zero, a, one);
      case UnaryKind::sigmoid: return v * (one - v);
      case UnaryKind::hard_sigmoid: return select((v > zero) & (v < one), a, zero);
      case UnaryKind::hard_swish:
        return select(v <= number(-3), zero, select(v >= number(3), one, rounded(v * number(1.0 / 3)) + number(0.5)));
      case UnaryKind::silu: return sigmoid_of(v) * (one + rounded(v * (one - sigmoid_of(v))));
      case UnaryKind::tanh: return one - rounded(v * v);
      case UnaryKind::elu: return select(v < zero, a * exp_of(v), one);
      case UnaryKind::gelu:
        return rounded(number(0.5) * (one + erf_of(v * number(0.70710678118654752)))) +
               rounded(v * exp_of(v * v * number(-0.5)) * number(0.39894228040143268));
      case UnaryKind::softplus: return sigmoid_of(v);
      case UnaryKind::exp: return v;
      case UnaryKind::log: return one / v;
      case UnaryKind::sqrt: return number(0.5) / v;
      case UnaryKind::negate: return -one;
      case UnaryKind::abs: return select(v > zero, one, select(v < zero, -one, zero));
      case UnaryKind::reciprocal: return -v * v;
      case UnaryKind::erf: return exp_of(-v * v) * number(1.1283791670955126);
      case UnaryKind::gelu_tanh: {
        const V inner = number(0.7978845608028654) * (v + rounded(number(0.044715) * v * v * v)), t = tanh_of(inner);
        return number(0.5) * (one + t) + rounded(number(0.5) * v * (one - rounded(t * t)) *
                                                 (number(0.7978845608028654) + rounded(number(0.1070322243) * v * v)));
      }
      case UnaryKind::rsqrt: return number(-0.5) * v * v * v;
      case UnaryKind::sin: return circular::apply(circular::cos, v);
      case UnaryKind::cos: return -circular::apply(circular::sin, v);
      case UnaryKind::tan: return one + rounded(v * v);
      case UnaryKind::asin: return one / sqrt((one - v) * (one + v));
      case UnaryKind::acos: return -one / sqrt((one - v) * (one + v));
      case UnaryKind::atan: return one / (one + rounded(v * v));
      case UnaryKind::sinh: return circular::apply(circular::cosh, v);
      case UnaryKind::cosh: return circular::apply(circular::sinh, v);
      case UnaryKind::asinh: return one / sqrt(one + rounded(v * v));
      case UnaryKind::acosh: return one / sqrt((v - one) * (v + one));
      case UnaryKind::atanh: return one / ((one - v) * (one + v));
      case UnaryKind::floor:
      case UnaryKind::ceil:
      case UnaryKind::round:
      case UnaryKind::sign: break;
    }
    return zero;
  }
};

class UnaryGradient : public SameForward {
 public:
  UnaryGradient(const PrepareContext& c, const UnaryDerivative& f, std::unique_ptr<Step> forward)
      : SameForward(std::move(forward)), f_(f) {
    c.require(f.exists(), "has no gradient: its derivative is 0 almost everywhere");
  }
  bool reads_input(int) const noexcept override { return !f_.from_value(); }
  bool reads_outputs() const noexcept override { return f_.from_value(); }
  bool gradient_can_overwrite(int input) const noexcept override { return input == 0; }
  void backward(const BackwardContext& c) noexcept override {
    const std::int64_t size = c.output_gradients[0].shape.elements();
    const float *v = f_.from_value() ? c.output() : c.input(0), *dy = c.output_gradient();
    float* dx = c.input_gradient(0);
    parallel_parts(*c.pool, size, 8192,
                   [&](std::int64_t first, std::int64_t count) { apply(v + first, dy + first, dx + first, count); });
  }

 private:
  void apply(const float* v, const float* dy, float* dx, std::int64_t n) const noexcept {
    apply_to_batches([this](const FloatBatch& x, const FloatBatch& g) { return f_(x) * g; }, dx, n, FloatOperand{v},
                     FloatOperand{dy});
  }

  UnaryDerivative f_;
};

}  // namespace detail
OCTET_END
