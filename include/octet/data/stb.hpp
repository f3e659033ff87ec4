#pragma once
// First everything that the two stb files include, since they are included inside a namespace.
#include <cassert>
#include <climits>
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#if defined(__SSE2__)
#  include <emmintrin.h>
#endif
#if defined(__ARM_NEON)
#  include <arm_neon.h>
#endif
#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/error.hpp"

/// A private copy of stb_image and stb_image_write with static functions. A program may also use its own copy of stb,
/// included before or after.
OCTET_BEGIN
namespace detail {

/// Largest allocation that a decoder may make. Set from the image size in the header, so that other sizes in a damaged
/// file cannot exceed it.
inline std::size_t& decoder_memory_limit() noexcept {
  static thread_local std::size_t limit = 0;
  return limit;
}
inline void* decoder_malloc(std::size_t n) noexcept { return n <= decoder_memory_limit() ? std::malloc(n) : nullptr; }
inline void* decoder_realloc(void* p, std::size_t n) noexcept {
  return n <= decoder_memory_limit() ? std::realloc(p, n) : nullptr;
}

}  // namespace detail
OCTET_END

#if defined(__GNUC__)
#  pragma GCC diagnostic push
#  pragma GCC diagnostic ignored "-Wunused-function"
#  pragma GCC diagnostic ignored "-Wconversion"
#  pragma GCC diagnostic ignored "-Wsign-conversion"
#  pragma GCC diagnostic ignored "-Wshadow"
#  pragma GCC diagnostic ignored "-Wimplicit-fallthrough"
#  pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif
#if defined(__clang__)  // stb relies on wrap-around arithmetic
#  pragma clang attribute push(__attribute__((no_sanitize("signed-integer-overflow", "shift"))), apply_to = function)
#endif
// Saves the program's own stb settings and include guards.
#pragma push_macro("STBI_INCLUDE_STB_IMAGE_H")
#pragma push_macro("INCLUDE_STB_IMAGE_WRITE_H")
#pragma push_macro("STB_IMAGE_IMPLEMENTATION")
#pragma push_macro("STB_IMAGE_WRITE_IMPLEMENTATION")
#pragma push_macro("STB_IMAGE_WRITE_STATIC")
#pragma push_macro("STBIDEF")
#pragma push_macro("STBIWDEF")
#pragma push_macro("STBI_VERSION")
#pragma push_macro("STBI_ONLY_JPEG")
#pragma push_macro("STBI_ONLY_PNG")
#pragma push_macro("STBI_ONLY_BMP")
#pragma push_macro("STBI_NO_PSD")
#pragma push_macro("STBI_NO_TGA")
#pragma push_macro("STBI_NO_GIF")
#pragma push_macro("STBI_NO_HDR")
#pragma push_macro("STBI_NO_PIC")
#pragma push_macro("STBI_NO_PNM")
#pragma push_macro("STBI_NO_STDIO")
#pragma push_macro("STBI_WRITE_NO_STDIO")
#pragma push_macro("STBI_MAX_DIMENSIONS")
#pragma push_macro("STBI_ASSERT")
#pragma push_macro("STBIW_ASSERT")
#pragma push_macro("STBI_MALLOC")
#pragma push_macro("STBI_REALLOC")
#pragma push_macro("STBI_REALLOC_SIZED")
#pragma push_macro("STBI_FREE")
#pragma push_macro("stbi__err")
#pragma push_macro("memcpy")
#undef memcpy
#undef STBI_INCLUDE_STB_IMAGE_H
#undef INCLUDE_STB_IMAGE_WRITE_H
#undef STBIDEF
#undef STBIWDEF
#undef STBI_VERSION
#undef STBI_MAX_DIMENSIONS
#undef STBI_ASSERT
#undef STBIW_ASSERT
#undef STBI_MALLOC
#undef STBI_REALLOC
#undef STBI_REALLOC_SIZED
#undef STBI_FREE
#undef stbi__err
#define STBIDEF static
#define STBIWDEF static
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_WRITE_NO_STDIO
#define STBI_MAX_DIMENSIONS (1 << 16)
#define STBI_MALLOC(n) octet::detail::decoder_malloc(n)
#define STBI_REALLOC(p, n) octet::detail::decoder_realloc(p, n)
#define STBI_FREE(p) std::free(p)
#define STBI_ASSERT(x) octet::detail::require<octet::FormatError>(static_cast<bool>(x), "an image is damaged")
#define STBIW_ASSERT(x) ((void)(x))

OCTET_BEGIN
namespace detail::stb {

/// Replaces std::memcpy in the files included here, which call it with null pointers and a size of 0.
inline void* memcpy(void* to, const void* from, std::size_t n) noexcept { return n ? std::memcpy(to, from, n) : to; }

#if __has_include(<stb/stb_image.h>)
#  include <stb/stb_image.h>
#  include <stb/stb_image_write.h>
#else
#  include <stb_image.h>
#  include <stb_image_write.h>
#endif
}  // namespace detail::stb
OCTET_END

#pragma pop_macro("STBI_INCLUDE_STB_IMAGE_H")
#pragma pop_macro("INCLUDE_STB_IMAGE_WRITE_H")
#pragma pop_macro("STB_IMAGE_IMPLEMENTATION")
#pragma pop_macro("STB_IMAGE_WRITE_IMPLEMENTATION")
#pragma pop_macro("STB_IMAGE_WRITE_STATIC")
#pragma pop_macro("STBIDEF")
#pragma pop_macro("STBIWDEF")
#pragma pop_macro("STBI_VERSION")
#pragma pop_macro("STBI_ONLY_JPEG")
#pragma pop_macro("STBI_ONLY_PNG")
#pragma pop_macro("STBI_ONLY_BMP")
#pragma pop_macro("STBI_NO_PSD")
#pragma pop_macro("STBI_NO_TGA")
#pragma pop_macro("STBI_NO_GIF")
#pragma pop_macro("STBI_NO_HDR")
#pragma pop_macro("STBI_NO_PIC")
#pragma pop_macro("STBI_NO_PNM")
#pragma pop_macro("STBI_NO_STDIO")
#pragma pop_macro("STBI_WRITE_NO_STDIO")
#pragma pop_macro("STBI_MAX_DIMENSIONS")
#pragma pop_macro("STBI_ASSERT")
#pragma pop_macro("STBIW_ASSERT")
#pragma pop_macro("STBI_MALLOC")
#pragma pop_macro("STBI_REALLOC")
#pragma pop_macro("STBI_REALLOC_SIZED")
#pragma pop_macro("STBI_FREE")
#pragma pop_macro("stbi__err")
#pragma pop_macro("memcpy")
#if defined(__clang__)
#  pragma clang attribute pop
#endif
#if defined(__GNUC__)
#  pragma GCC diagnostic pop
#endif
