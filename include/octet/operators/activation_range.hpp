#pragma once
#include <limits>

#include "../graph/operator.hpp"

OCTET_BEGIN

/// A clamp fused into the operator before it: ReLU is [0, inf], ReLU6 [0, 6], none [-inf, inf].
struct ActivationRange {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();

  bool none() const noexcept { return low == -std::numeric_limits<double>::infinity() && high == -low; }
  void fields(FieldVisitor& v) {
    v.field("low", low);
    v.field("high", high);
  }
};

namespace detail {

/// The activation's limits as integers of the output's scale, within those of uint8.
inline IntegerRange quantized_range(const ActivationRange& a, float scale, std::int32_t zero_point) {
  IntegerRange r = integer_range(DType::u8);
  const auto quantize = [&](double x) {
    const double q = std::round(x / static_cast<double>(scale)) + zero_point;
    return static_cast<std::int64_t>(std::min(std::max(q, 0.0), 255.0));
  };
  r.low = std::max(r.low, quantize(a.low));
  r.high = std::max(r.low, std::min(r.high, quantize(a.high)));
  return r;
}

}  // namespace detail
OCTET_END
