#pragma once
#include "../core/integer_format.hpp"
#include "../graph/operator.hpp"
#include "../kernels/elements.hpp"

OCTET_BEGIN
namespace detail {

/// How floats become bytes of type `to` with one scale, as the model says. Numbers that are lost are reported.
inline QuantizeF32 quantize_arguments(const PrepareContext& c, const QuantParams& q, DType to) {
  QuantizeF32 a;
  a.scale = q.scale[0];
  if (c.as_xnnpack()) a.inverse = 1 / q.scale[0];
  a.asked = true;
  const std::int32_t shift = code_shift(to, int8_format.computed);
  a.flip = shift ? 0x80 : 0;
  a.zero_point = q.zero_point[0] + shift;
  return a;
}

}  // namespace detail
OCTET_END
