#pragma once
#include <optional>

#include "../operators/convolution/convolution.hpp"

OCTET_BEGIN
namespace detail {

/// Scale and zero point (as int8) of an integer convolution's own result, to which a residual is added, if the model
/// has them.
inline std::optional<QuantParams> params_before_residual(const Convolution& c) {
  if (!(c.unsummed_scale > 0)) return std::nullopt;
  return QuantParams(static_cast<float>(c.unsummed_scale), static_cast<std::int32_t>(c.unsummed_zero_point));
}

}  // namespace detail
OCTET_END
