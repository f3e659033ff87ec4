// No include guard: included once, inside the neon_i8mm target region.
#include "neon_base.hpp"

struct wide : neon_base {
  static constexpr double rate_u8 = 4, rate_i16 = 0.5;
  static constexpr bool shifted = false, quads = true;
  using weights = int8x16_t;
  using bytes = uint8x16_t;
  struct four {
    uint8x8_t v;
  };
  static weights load_weights(const std::byte* p) { return vreinterpretq_s8_u8(vld1q_u8(u8(p))); }
  template <bool High>
  static weights load_small(const std::byte* p) {
    return nibbles<High>(p);
  }
  static bytes split(i32 a) { return vreinterpretq_u8_s32(a); }
  static four broadcast(const std::byte* p) {
    float x;
    std::memcpy(&x, p, 4);
    return {vreinterpret_u8_f32(vset_lane_f32(x, vdup_n_f32(0), 0))};
  }
#if defined(__GNUC__) && !defined(__clang__)
  static void dot(i32& acc, bytes a, weights b) { acc = vusdotq_s32(acc, a, b); }
  static void dot(i32& acc, four a, weights b) { acc = vsudotq_lane_s32(acc, b, a.v, 0); }
#else
  static void dot(i32& acc, bytes a, weights b) { __asm__("usdot %0.4s, %1.16b, %2.16b" : "+w"(acc) : "w"(a), "w"(b)); }
  static void dot(i32& acc, four a, weights b) {
    __asm__("sudot %0.4s, %1.16b, %2.4b[0]" : "+w"(acc) : "w"(b), "w"(a.v));
  }
#endif
  static bytes load_quad(const std::byte* p) { return vld1q_u8(u8(p)); }
  template <int K>
  static void dot_element(i32& acc, bytes a, weights b) {
    // Volatile: otherwise g++ 12 schedules loads far ahead and spills accumulators.
    __asm__ volatile("sudot %0.4s, %1.16b, %2.4b[%3]" : "+w"(acc) : "w"(b), "w"(a), "i"(K));
  }
};

using narrow = wide;
