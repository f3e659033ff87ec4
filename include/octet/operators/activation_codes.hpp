#pragma once
#include "../core/integer_format.hpp"
#include "implement.hpp"

OCTET_BEGIN
namespace detail {

/// Scale and zero point of an activation that is computed in that format. Throws Error if it is not.
inline const QuantParams& params_of(const IntegerFormat& format, const PrepareContext& c, const Value& v) {
  c.require(format.computes(v.dtype), "'", v.name, "' has to be ", name(format.computed),
            " with one scale and zero point");
  return c.one_scale(v);
}

}  // namespace detail
OCTET_END
