#pragma once
#include <limits>

#include "../core/affine.hpp"
#include "declare.hpp"

OCTET_BEGIN

/// A clamp fused into the operator before it: ReLU is [0, inf], ReLU6 [0, 6], none [-inf, inf].
struct ActivationRange {
  double low = -std::numeric_limits<double>::infinity();  ///< smallest result
  double high = std::numeric_limits<double>::infinity();  ///< largest result

  /// This clamp followed by a clamp to [l, h].
  ActivationRange then(double l, double h) const noexcept {
    return {std::min(std::max(low, l), h), std::max(std::min(high, h), l)};
  }
  /// Whether it changes nothing.
  bool none() const noexcept { return low == -std::numeric_limits<double>::infinity() && high == -low; }
  /// The parameters of the activation, as part of an operator's.
  void fields(FieldVisitor& v) {
    v.field("low", low);
    v.field("high", high);
  }
};

namespace detail {

/// Implements Operator::clamped for operators with a member `activation`.
template <class Op>
OperatorPtr with_clamp(const Op& op, double low, double high) {
  Op copy = op;
  copy.activation = op.activation.then(low, high);
  return make_operator(std::move(copy));
}

/// The limits of the activation as codes of the output, which is quantized with one scale.
inline IntegerRange quantized_range(const ActivationRange& a, const Value& output) {
  IntegerRange r = integer_range(output.dtype);
  const auto lowest = static_cast<double>(r.low), highest = static_cast<double>(r.high);
  const auto scale = static_cast<double>(output.quant.scale[0]);
  const auto quantize = [&](double x) {
    const double q = std::round(x / scale) + output.quant.zero_point[0];
    // The order of arguments turns NaN into the lowest code.
    return static_cast<std::int64_t>(std::min(std::max(lowest, q), highest));
  };
  r.low = std::max(r.low, quantize(a.low));
  r.high = std::max(r.low, std::min(r.high, quantize(a.high)));
  return r;
}

}  // namespace detail
OCTET_END
