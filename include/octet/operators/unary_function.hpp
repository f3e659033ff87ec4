#pragma once
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "circular.hpp"
#include "elementary.hpp"
#include "unary_kind.hpp"

OCTET_BEGIN

namespace detail {

/// The function of one kind.
struct UnaryFunction {
  UnaryKind kind = UnaryKind::clip;
  double first = 0, second = 0;

  /// V is float, double, or an xsimd batch of floats.
  template <class V>
  V operator()(const V& x) const {
    return with_formula<V>([&](auto f) { return f(x); });
  }

  /// use(f), where f is the function of a V. To choose it for each element takes longer than to compute some.
  template <class V, class Use>
  auto with_formula(Use use) const {
    using std::sqrt, std::abs, std::floor, std::ceil, std::nearbyint;
    using Real = std::conditional_t<std::is_same_v<V, double>, double, float>;
    const V zero(Real{0}), one(Real{1}), a(static_cast<Real>(first)), b(static_cast<Real>(second));
    const auto number = [](double x) { return V(static_cast<Real>(x)); };
    switch (kind) {
      case UnaryKind::clip: return use([=](const V& x) { return smaller(b, larger(a, x)); });
      case UnaryKind::leaky_relu: return use([=](const V& x) { return choose(x < zero, a * x, x); });
      case UnaryKind::sigmoid: return use([](const V& x) { return sigmoid_of(x); });
      case UnaryKind::hard_sigmoid:
        return use([=](const V& x) { return smaller(one, larger(zero, rounded(a * x) + b)); });
      case UnaryKind::hard_swish:
        return use([=](const V& x) { return x * smaller(number(6), larger(zero, x + number(3))) * V(Real(1) / 6); });
      case UnaryKind::silu: return use([](const V& x) { return silu_of(x); });
      case UnaryKind::tanh: return use([](const V& x) { return tanh_of(x); });
      case UnaryKind::elu: return use([=](const V& x) { return choose(x < zero, a * (exp_of(x) - one), x); });
      case UnaryKind::gelu: return use([=](const V& x) { return gelu_of(x, number(0.70710678118654752)); });
      case UnaryKind::softplus: return use([=](const V& x) { return larger(x, zero) + log_of(one + exp_of(-abs(x))); });
      case UnaryKind::exp: return use([](const V& x) { return exp_of(x); });
      case UnaryKind::log: return use([](const V& x) { return log_of(x); });
      case UnaryKind::sqrt: return use([](const V& x) { return sqrt(x); });
      case UnaryKind::negate: return use([](const V& x) { return -x; });
      case UnaryKind::abs: return use([](const V& x) { return abs(x); });
      case UnaryKind::floor: return use([](const V& x) { return floor(x); });
      case UnaryKind::ceil: return use([](const V& x) { return ceil(x); });
      case UnaryKind::round: return use([](const V& x) { return nearbyint(x); });
      case UnaryKind::reciprocal: return use([=](const V& x) { return one / x; });
      case UnaryKind::erf: return use([](const V& x) { return erf_of(x); });
      case UnaryKind::sign: return use([=](const V& x) { return choose(x > zero, one, choose(x < zero, -one, x)); });
      case UnaryKind::gelu_tanh:
        return use([=](const V& x) {
          return x * number(0.5) *
                 (one + tanh_of(number(0.7978845608028654) * (x + rounded(number(0.044715) * x * x * x))));
        });
      case UnaryKind::rsqrt: return use([=](const V& x) { return one / sqrt(x); });
      case UnaryKind::sin:
      case UnaryKind::cos:
      case UnaryKind::tan:
      case UnaryKind::asin:
      case UnaryKind::acos:
      case UnaryKind::atan:
      case UnaryKind::sinh:
      case UnaryKind::cosh:
      case UnaryKind::asinh:
      case UnaryKind::acosh:
      case UnaryKind::atanh: {
        const circular::Function f = circular::function(kind);
        return use([f](const V& x) { return circular::apply(f, x); });
      }
    }
    return use([](const V& x) { return x; });
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
