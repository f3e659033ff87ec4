#pragma once
#include "../dispatch.hpp"
#include "region.hpp"

OCTET_BEGIN
namespace detail {

// The order of the includes matters.
// clang-format off
namespace scalar {
#include "scalar_begin.hpp"
#include "../isa/scalar.hpp"
#include "../bodies/all.inl"
#include "scalar_end.hpp"
}  // namespace scalar
// clang-format on

}  // namespace detail
OCTET_END
