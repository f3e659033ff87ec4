// No include guard: included once, for the kernels of neon.
#include "neon_base.hpp"

// int8 x int8 by widening multiplications. The sum of two 16-bit products could overflow (2 * 128 * 128 = 2^15), so
// each pair is added to 32 bits. Activations less 128 are int8.
struct wide : neon_base {
  static constexpr double rate_u8 = 1, rate_i16 = 0.5;
  static constexpr bool shifted = true, quads = false;
  struct pairs {  // taps 0 and 1 of all lanes; taps 2 and 3
    int8x8_t low, high;
  };
  using weights = pairs;
  using bytes = pairs;
  static pairs apart(uint8x16_t v) {
    const uint16x8_t x = vreinterpretq_u16_u8(v);
    return {vreinterpret_s8_u16(vget_low_u16(vuzp1q_u16(x, x))), vreinterpret_s8_u16(vget_low_u16(vuzp2q_u16(x, x)))};
  }
  static weights load_weights(const std::byte* p) { return apart(vld1q_u8(u8(p))); }
  template <bool High>
  static weights load_small(const std::byte* p) {
    return apart(vreinterpretq_u8_s8(nibbles<High>(p)));
  }
  static bytes split(i32 a) { return apart(veorq_u8(vreinterpretq_u8_s32(a), vdupq_n_u8(0x80))); }
  static bytes broadcast(const std::byte* p) {
    std::uint32_t x;
    std::memcpy(&x, p, 4);
    const int16x4_t v = vreinterpret_s16_u8(veor_u8(vreinterpret_u8_u32(vdup_n_u32(x)), vdup_n_u8(0x80)));
    return {vreinterpret_s8_s16(vdup_lane_s16(v, 0)), vreinterpret_s8_s16(vdup_lane_s16(v, 1))};
  }
  static void dot(i32& acc, bytes a, weights b) {
    acc = vpadalq_s16(vpadalq_s16(acc, vmull_s8(a.low, b.low)), vmull_s8(a.high, b.high));
  }
};

using narrow = wide;
