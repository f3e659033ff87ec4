#pragma once
#include "../core/packed_codes.hpp"
#include "../core/with_place.hpp"
#include "../graph/graph.hpp"

/// Constants in the types that other formats have.
OCTET_BEGIN
namespace detail {

/// The same integers, plus `shift`, as another type of 8 bits.
inline AnyTensor moved_codes(const AnyTensor& t, DType to, std::int32_t shift) {
  if (t.dtype() == to && shift == 0) return t;
  return AnyTensor::make(to, t.shape(), [&](std::byte* out) {
    for (std::int64_t i = 0, n = t.size(); i < n; ++i)
      out[i] = static_cast<std::byte>(static_cast<std::int32_t>(load_element(t.dtype(), t.data(), i)) + shift);
  });
}

/// The scale of an int32 bias for each output channel, or one.
inline std::vector<float> bias_scales(float input_scale, const QuantParams& weights) {
  std::vector<float> s;
  for (float w : weights.scale) s.push_back(input_scale * w);
  return s;
}

/// What messages call a layer.
inline std::string layer_place(const Node& n) { return "layer '" + n.name + "' (" + n.op->type() + "): "; }

/// The limits of an activation as codes of a tensor with one scale.
inline IntegerRange code_limits(double low, double high, DType type, const QuantParams& q) {
  IntegerRange r = integer_range(type);
  const auto code = [&](double x, std::int64_t missing) {
    if (!std::isfinite(x)) return missing;
    const double c = std::round(x / static_cast<double>(q.scale[0])) + q.zero_point[0];
    return static_cast<std::int64_t>(std::min(std::max(static_cast<double>(r.low), c), static_cast<double>(r.high)));
  };
  const std::int64_t l = code(low, r.low), h = code(high, r.high);
  return {std::min(l, h), h};  // the upper limit applies last
}

/// A number as a constant of that type, with which elements of the type are compared: a limit of integers is the next
/// integer within it.
inline AnyTensor limit_constant(DType type, double x, bool low) {
  if (!is_floating(type)) {
    const int digits = bits(type) - (is_signed(type) ? 1 : 0);  // of 64 bits, a double holds the first 53
    const double largest = std::ldexp(1.0, digits) - (digits > 53 ? std::ldexp(1.0, digits - 53) : 1);
    x = std::clamp(low ? std::ceil(x) : std::floor(x), is_signed(type) ? -largest - 1 : 0.0, largest);
  }
  return AnyTensor::make(type, {}, [&](std::byte* to) { store_element(type, to, 0, x); });
}

}  // namespace detail
OCTET_END
