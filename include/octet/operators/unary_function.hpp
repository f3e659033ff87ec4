#pragma once
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "elementary.hpp"
#include "unary_kind.hpp"

OCTET_BEGIN

namespace detail {

/// The function of one kind; V is float, double, or an xsimd batch of floats.
struct UnaryFunction {
  UnaryKind kind = UnaryKind::clip;
  double first = 0, second = 0;

  template <class V>
  V operator()(const V& x) const {
    using std::sqrt, std::abs, std::floor, std::ceil, std::nearbyint;
    using Real = std::conditional_t<std::is_same_v<V, double>, double, float>;
    const V zero(Real{0}), one(Real{1}), a(static_cast<Real>(first)), b(static_cast<Real>(second));
    switch (kind) {
      case UnaryKind::clip: return smaller(b, larger(a, x));
      case UnaryKind::leaky_relu: return choose(x < zero, a * x, x);
      case UnaryKind::sigmoid: return one / (one + exp_of(-x));
      case UnaryKind::hard_sigmoid: return smaller(one, larger(zero, rounded(a * x) + b));
      case UnaryKind::hard_swish: return x * smaller(V(Real(6)), larger(zero, x + V(Real(3)))) * V(Real(1) / 6);
      case UnaryKind::silu: return x / (one + exp_of(-x));
      case UnaryKind::tanh: return tanh_of(x);
      case UnaryKind::elu: return choose(x < zero, a * (exp_of(x) - one), x);
      case UnaryKind::gelu: return x * V(Real(0.5)) * (one + erf_of(x * V(Real(0.70710678118654752))));
      case UnaryKind::softplus: return larger(x, zero) + log_of(one + exp_of(-abs(x)));
      case UnaryKind::exp: return exp_of(x);
      case UnaryKind::log: return log_of(x);
      case UnaryKind::sqrt: return sqrt(x);
      case UnaryKind::negate: return -x;
      case UnaryKind::abs: return abs(x);
      case UnaryKind::floor: return floor(x);
      case UnaryKind::ceil: return ceil(x);
      case UnaryKind::round: return nearbyint(x);
      case UnaryKind::reciprocal: return one / x;
      case UnaryKind::erf: return erf_of(x);
      case UnaryKind::sign: return choose(x > zero, one, choose(x < zero, -one, x));
      case UnaryKind::gelu_tanh:
        return x * V(Real(0.5)) *
               (one + tanh_of(V(Real(0.7978845608028654)) * (x + rounded(V(Real(0.044715)) * x * x * x))));
      case UnaryKind::rsqrt: return one / sqrt(x);
    }
    return x;
  }

 private:
  // A NaN in the second operand is kept.
  template <class V>
  static V larger(const V& limit, const V& x) {
    return choose(x < limit, limit, x);
  }
  template <class V>
  static V smaller(const V& limit, const V& x) {
    return choose(x > limit, limit, x);
  }
  static float choose(bool c, float x, float y) { return c ? x : y; }
  static double choose(bool c, double x, double y) { return c ? x : y; }
  template <class M, class V>
  static V choose(const M& c, const V& x, const V& y) {
    return xsimd::select(c, x, y);
  }
};

}  // namespace detail
OCTET_END
