#pragma once
#include <cstdint>

#include "../core/cpu.hpp"

/// Functions of floats in vectors that are wider than the baseline's.
OCTET_BEGIN
namespace detail {

/// out[i] = f(in[i]) for n elements; out may be in.
using FloatFunction = void (*)(const float* in, float* out, std::int64_t n) noexcept;

/// Null where an instruction set has none. The bits are those of operators/elementary.hpp.
struct FloatFunctions {
  FloatFunction exp = nullptr, sigmoid = nullptr, silu = nullptr, tanh = nullptr, gelu = nullptr;
};

/// The functions for an instruction set that the CPU supports.
const FloatFunctions& float_functions(Isa isa = active_isa()) noexcept;

}  // namespace detail
OCTET_END

#if !defined(OCTET_COMPILED)
#  include "float_functions.inl"
#endif
