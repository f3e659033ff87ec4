#pragma once
#include "element.hpp"
#include "integer_format.hpp"

/// Integers of less than a byte, which tensors hold packed, and the same integers as bytes.
OCTET_BEGIN
namespace detail {

/// Whether elements of that type are integers of less than a byte.
inline bool has_packed_codes(DType t) { return !is_floating(t) && bits(t) > 0 && bits(t) < 8; }

/// Writes n packed integers as bytes.
inline void unpack_codes(DType t, const std::byte* from, std::int64_t n, std::byte* to) noexcept {
  const std::uint32_t width = static_cast<std::uint32_t>(bits(t)), mask = (1u << width) - 1;
  const std::uint32_t sign = is_signed(t) ? 1u << (width - 1) : 0;
  for (std::int64_t i = 0; i < n; ++from) {
    std::uint32_t packed = std::to_integer<std::uint32_t>(*from);
    for (std::uint32_t k = 0; k < 8 && i < n; k += width, packed >>= width)
      to[i++] = static_cast<std::byte>(((packed & mask) ^ sign) - sign);
  }
}

/// Packed integers as int8 or uint8; other tensors as they are.
inline AnyTensor whole_bytes(const AnyTensor& t) {
  if (!has_packed_codes(t.dtype())) return t;
  return AnyTensor::make(is_signed(t.dtype()) ? DType::i8 : DType::u8, t.shape(),
                         [&](std::byte* to) { unpack_codes(t.dtype(), t.data(), t.size(), to); });
}

/// Weights as models store them: those of at most 4 bits are packed.
inline AnyTensor stored_weights(Tensor<std::int8_t> codes, int bits) {
  if (bits > 4) return codes;
  return AnyTensor::make(DType::i4, codes.shape(), [&](std::byte* to) {
    for (std::int64_t i = 0; i < codes.size(); ++i)
      to[i / 2] |= static_cast<std::byte>((static_cast<std::uint32_t>(codes[i]) & 15u) << i % 2 * 4);
  });
}

}  // namespace detail
OCTET_END
