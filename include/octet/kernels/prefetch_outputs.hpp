#pragma once
#include "arguments.hpp"

OCTET_BEGIN
namespace detail {

/// Asks for the memory of the next outputs, rows of so many bytes, and of what is added to them. Kernels write them a
/// panel of columns at a time, at distances that processors do not foresee. It pays where the whole output does not
/// stay in the L2 cache anyway.
inline void prefetch_outputs([[maybe_unused]] const Epilogue& e, [[maybe_unused]] std::int64_t rows,
                             [[maybe_unused]] std::int64_t row_bytes) noexcept {
#if defined(__GNUC__)
  constexpr std::int64_t line = 64;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t i = 0; i < row_bytes; i += line) {
      __builtin_prefetch(e.out + r * e.out_stride + i, 1, 2);
      if (e.residual) __builtin_prefetch(e.residual + r * e.residual_stride + i, 0, 2);
    }
#endif
}

}  // namespace detail
OCTET_END
