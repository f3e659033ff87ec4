// No include guard: part of the operations of the kernels of bytes. See blocks_scalar.hpp.

template <int Bytes>
OCTET_INLINE uint8x16_t low_of(uint8x16_t a, uint8x16_t b) {
  if constexpr (Bytes == 1) return vzip1q_u8(a, b);
  if constexpr (Bytes == 2) return vreinterpretq_u8_u16(vzip1q_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b)));
  if constexpr (Bytes == 4) return vreinterpretq_u8_u32(vzip1q_u32(vreinterpretq_u32_u8(a), vreinterpretq_u32_u8(b)));
  if constexpr (Bytes == 8) return vreinterpretq_u8_u64(vzip1q_u64(vreinterpretq_u64_u8(a), vreinterpretq_u64_u8(b)));
}
template <int Bytes>
OCTET_INLINE uint8x16_t high_of(uint8x16_t a, uint8x16_t b) {
  if constexpr (Bytes == 1) return vzip2q_u8(a, b);
  if constexpr (Bytes == 2) return vreinterpretq_u8_u16(vzip2q_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b)));
  if constexpr (Bytes == 4) return vreinterpretq_u8_u32(vzip2q_u32(vreinterpretq_u32_u8(a), vreinterpretq_u32_u8(b)));
  if constexpr (Bytes == 8) return vreinterpretq_u8_u64(vzip2q_u64(vreinterpretq_u64_u8(a), vreinterpretq_u64_u8(b)));
}

template <int Bytes>
OCTET_INLINE uint8x16_t even_of(uint8x16_t a, uint8x16_t b) {
  if constexpr (Bytes == 1) return vuzp1q_u8(a, b);
  if constexpr (Bytes == 4) return vreinterpretq_u8_u32(vuzp1q_u32(vreinterpretq_u32_u8(a), vreinterpretq_u32_u8(b)));
}

OCTET_INLINE uint8x16_t repeat_part(const std::uint8_t* p) { return vld1q_u8(p); }
OCTET_INLINE uint8x16_t shuffle(uint8x16_t a, uint8x16_t places) { return vqtbl1q_u8(a, places); }
