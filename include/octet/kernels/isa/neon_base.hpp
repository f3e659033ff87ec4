// No include guard: included inside every AArch64 target region. 128-bit vectors: all operations except the integer dot
// products, in which the three instruction sets differ.
struct neon_base {
  static constexpr int lanes = 4, registers = 32, rows_f32 = 8, rows_i16 = 10;
  static constexpr bool fast_fma = true, winograd = true, quads_f32 = true, widens = false;
  static constexpr int vectors_u8 = 4, small_steps = 0;
  static constexpr int rows_u8(int vectors) { return vectors == 4 ? 4 : 8; }
  using f32 = float32x4_t;
  using i32 = int32x4_t;

  static const std::uint8_t* u8(const std::byte* p) { return reinterpret_cast<const std::uint8_t*>(p); }
  static std::uint8_t* u8(std::byte* p) { return reinterpret_cast<std::uint8_t*>(p); }
  static uint32x4_t lane_bits() { return uint32x4_t{1, 2, 4, 8}; }

  static f32 load(const float* p) { return vld1q_f32(p); }
  static i32 load(const std::int32_t* p) { return vld1q_s32(p); }
  static f32 load_first(const float* p, int n) {
    if (n >= 4) return vld1q_f32(p);
    f32 v = vdupq_n_f32(0);
    if (n & 2) v = vcombine_f32(vld1_f32(p), vdup_n_f32(0));
    if (n == 3) return vld1q_lane_f32(p + 2, v, 2);
    return n == 1 ? vld1q_lane_f32(p, v, 0) : v;
  }
  static void store(float* p, f32 v) { vst1q_f32(p, v); }
  static void store(std::int32_t* p, i32 v) { vst1q_s32(p, v); }
  static void store_first(float* p, f32 v, int n) {
    if (n >= 4) return vst1q_f32(p, v);
    if (n & 2) vst1_f32(p, vget_low_f32(v));
    if (n == 3) vst1q_lane_f32(p + 2, v, 2);
    if (n == 1) vst1q_lane_f32(p, v, 0);
  }
  static void store_first(std::int32_t* p, i32 v, int n) {
    store_first(reinterpret_cast<float*>(p), vreinterpretq_f32_s32(v), n);
  }

  // (A function that only prefetches has no effect that compilers see: unless it is inlined first, calls may vanish.)
  static OCTET_INLINE void prefetch(const std::byte* p) { __builtin_prefetch(p, 0, 2); }
  static void prefetch_near(const float* p) { __builtin_prefetch(p, 0, 3); }
  static f32 set(float x) { return vdupq_n_f32(x); }
  static i32 set(std::int32_t x) { return vdupq_n_s32(x); }
  static f32 add(f32 a, f32 b) { return vaddq_f32(a, b); }
  static i32 add(i32 a, i32 b) { return vaddq_s32(a, b); }
  static i32 sub(i32 a, i32 b) { return vsubq_s32(a, b); }
  static f32 sub(f32 a, f32 b) { return vsubq_f32(a, b); }
  static f32 mul(f32 a, f32 b) { return vmulq_f32(a, b); }
  static f32 div(f32 a, f32 b) { return vdivq_f32(a, b); }
  // Not contracted with a sum that follows, see rounded().
  static f32 rounded_mul(f32 a, f32 b) {
    f32 product = vmulq_f32(a, b);
    __asm__("" : "+w"(product));
    return product;
  }
  static f32 fma(f32 a, f32 b, f32 c) { return vfmaq_f32(c, a, b); }
  // acc += element K of a * b. Volatile: otherwise g++ 12 schedules loads far ahead and spills accumulators.
  template <int K>
  static void fma_element(f32& acc, f32 a, f32 b) {
    __asm__ volatile("fmla %0.4s, %1.4s, %2.s[%3]" : "+w"(acc) : "w"(b), "w"(a), "i"(K));
  }
  // Not fmin and fmax: for two zeros, or if one operand is NaN, x86 returns the second operand.
  static f32 min(f32 a, f32 b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
  static f32 max(f32 a, f32 b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
  static f32 clamp(f32 a, f32 low, f32 high) { return min(high, max(low, a)); }
  static f32 max_or_nan(f32 a, f32 b) {  // !(a <= b): greater, or one of them is NaN
    return vbslq_f32(vorrq_u32(vcgtq_f32(a, b), vmvnq_u32(vceqq_f32(a, a))), a, b);
  }
  static f32 select_greater(f32 a, f32 b, f32 yes, f32 no) { return vbslq_f32(vcgtq_f32(a, b), yes, no); }
  static unsigned greater_bits(f32 a, f32 b) { return vaddvq_u32(vandq_u32(vcgtq_f32(a, b), lane_bits())); }
  static f32 keep_bits(unsigned bits, f32 a) {
    return vreinterpretq_f32_u32(vandq_u32(vtstq_u32(vdupq_n_u32(bits), lane_bits()), vreinterpretq_u32_f32(a)));
  }
  static f32 abs(f32 a) { return vabsq_f32(a); }
  static f32 to_float(i32 a) { return vcvtq_f32_s32(a); }
  static f32 float_of_bits(i32 a) { return vreinterpretq_f32_s32(a); }
  // To nearest, ties to even. Out of range or NaN: the smallest integer, as on x86. (fcvtns saturates; below the range
  // that is the same.)
  static i32 round(f32 a) {
    const i32 least = vdupq_n_s32(std::numeric_limits<std::int32_t>::min());
    return vbslq_s32(vcltq_f32(a, vdupq_n_f32(0x1p31f)), vcvtnq_s32_f32(a), least);
  }
  static f32 permute(f32 a, i32 place) {
    const uint32x4_t lane = vandq_u32(vreinterpretq_u32_s32(place), vdupq_n_u32(3));
    const uint32x4_t bytes = vmlaq_n_u32(vdupq_n_u32(0x03020100), lane, 0x04040404);
    return vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(a), vreinterpretq_u8_u32(bytes)));
  }
  static bool any_nan(f32 a) { return vminvq_u32(vceqq_f32(a, a)) == 0; }
  static float least(f32 a) { return vminvq_f32(a); }
  static float greatest(f32 a) { return vmaxvq_f32(a); }
  static f32 load_fp16(const std::byte* p) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(u8(p)))); }
  static void store_fp16(std::byte* p, f32 v) { vst1_u8(u8(p), vreinterpret_u8_f16(vcvt_f16_f32(v))); }
  static f32 load_bf16(const std::byte* p) {
    return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(u8(p))), 16));
  }
  static void store_bf16(std::byte* p, f32 v) {
    const uint32x4_t bits = vreinterpretq_u32_f32(v), odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    const uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
    const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
    vst1_u8(u8(p), vreinterpret_u8_u16(vshrn_n_u32(vbslq_u32(vceqq_f32(v, v), rounded, quiet), 16)));
  }
  static i32 load_u8(const std::uint8_t* p) {
    std::uint32_t x;
    std::memcpy(&x, p, 4);
    return from_u8(vreinterpret_u8_u32(vdup_n_u32(x)));
  }
  static i32 load_u8_first(const std::uint8_t* p, int n) {
    std::uint32_t x = 0;
    for (int i = 0; i < n; ++i) x |= std::uint32_t{p[i]} << 8 * i;
    return from_u8(vreinterpret_u8_u32(vdup_n_u32(x)));
  }

  struct u8_limits {
    int16x8_t zero;
    uint8x16_t low, high;
    u8_limits(std::int32_t z, std::int32_t l, std::int32_t h)
        : zero(vdupq_n_s16(static_cast<std::int16_t>(z))),
          low(vdupq_n_u8(static_cast<std::uint8_t>(l))),
          high(vdupq_n_u8(static_cast<std::uint8_t>(h))) {}
  };
  using u8x4 = uint8x16_t;
  static u8x4 pack_zero() { return vdupq_n_u8(0); }
  // 4 bytes of a, of b, of c, of d, in this order, for any N.
  template <Limit L>
  static u8x4 pack(i32 a, i32 b, i32 c, i32 d, const u8_limits& m) {
    int16x8_t x = vqmovn_high_s32(vqmovn_s32(a), b), y = vqmovn_high_s32(vqmovn_s32(c), d);
    if (L == Limit::none) return vqmovun_high_s16(vqmovun_s16(x), y);
    x = vqaddq_s16(x, m.zero);
    y = vqaddq_s16(y, m.zero);
    return vminq_u8(vmaxq_u8(vqmovun_high_s16(vqmovun_s16(x), y), m.low), m.high);
  }
  static i32 unpack(u8x4 v, int i) {
    const uint8x16_t first{0, 255, 255, 255, 1, 255, 255, 255, 2, 255, 255, 255, 3, 255, 255, 255};
    const uint8x16_t order =
        vreinterpretq_u8_u32(vaddq_u32(vreinterpretq_u32_u8(first), vdupq_n_u32(static_cast<std::uint32_t>(4 * i))));
    return vreinterpretq_s32_u8(vqtbl1q_u8(v, order));  // (indices above 15 give zero)
  }
  template <int N>
  static u8x4 to_rows(u8x4 v) {
    return v;
  }
  template <int N>
  static u8x4 from_rows(u8x4 v) {
    return v;
  }
  template <int N>
  static void store_row(std::uint8_t* p, u8x4 v, int i, int n) {
    if (n < N * 4) {
      alignas(16) std::uint8_t all[16];
      vst1q_u8(all, v);
      for (int c = 0; c < n; ++c) p[c] = all[i * N * 4 + c];
      return;
    }
    if (N == 4) return vst1q_u8(p, v);
    if (N == 2) return vst1_u8(p, i ? vget_high_u8(v) : vget_low_u8(v));
    std::uint32_t x;
    switch (i) {
      case 0: x = vgetq_lane_u32(vreinterpretq_u32_u8(v), 0); break;
      case 1: x = vgetq_lane_u32(vreinterpretq_u32_u8(v), 1); break;
      case 2: x = vgetq_lane_u32(vreinterpretq_u32_u8(v), 2); break;
      default: x = vgetq_lane_u32(vreinterpretq_u32_u8(v), 3);
    }
    std::memcpy(p, &x, 4);
  }
  template <int N>
  static u8x4 load_row(u8x4 v, const std::uint8_t* p, int i, int n) {
    if (N == 4 && n >= 16) return vld1q_u8(p);
    if (N == 2 && n >= 8) return i ? vcombine_u8(vget_low_u8(v), vld1_u8(p)) : vcombine_u8(vld1_u8(p), vget_high_u8(v));
    alignas(16) std::uint8_t all[16];
    vst1q_u8(all, v);
    for (int c = 0; c < N * 4 && c < n; ++c) all[i * N * 4 + c] = p[c];
    return vld1q_u8(all);
  }
  static void store(std::uint8_t* p, u8x4 v) { vst1q_u8(p, v); }
  static void store_first(std::uint8_t* p, u8x4 v, int n) { store_row<4>(p, v, 0, n); }
  static u8x4 flip(u8x4 v, std::uint8_t mask) { return veorq_u8(v, vdupq_n_u8(mask)); }

  // 16-bit integers, two per lane.
  using i16 = int16x8_t;
  static i16 load_u8_as_i16(const std::byte* p, int n) {
    if (n >= 8) return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(u8(p))));
    std::uint8_t all[8] = {};
    for (int i = 0; i < n; ++i) all[i] = u8(p)[i];
    return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(all)));
  }
  static i16 load_s8_as_i16(const std::byte* p) { return vmovl_s8(vreinterpret_s8_u8(vld1_u8(u8(p)))); }
  static void store_i16(std::byte* p, i16 v) { vst1q_u8(u8(p), vreinterpretq_u8_s16(v)); }
  static i16 add_i16(i16 a, i16 b) { return vaddq_s16(a, b); }
  static i16 sub_i16(i16 a, i16 b) { return vsubq_s16(a, b); }
  static i16 mul_i16(i16 a, int b) { return vmulq_n_s16(a, static_cast<std::int16_t>(b)); }
  static i16 set_i16(int x) { return vdupq_n_s16(static_cast<std::int16_t>(x)); }
  static void products(i16 a, i16 b, i32& low, i32& high) {
    low = vmull_s16(vget_low_s16(a), vget_low_s16(b));
    high = vmull_high_s16(a, b);
  }
  template <int Bits>
  static i16 shift_left_i16(i16 a) {
    return vshlq_n_s16(a, Bits);
  }
  static i32 mul(i32 a, i32 b) { return vmulq_s32(a, b); }
  static i32 max(i32 a, i32 b) { return vmaxq_s32(a, b); }
  template <int Bits>
  static i32 shift_left(i32 a) {
    return vshlq_n_s32(a, Bits);
  }
  static void dot_i16(i32& acc, i32 a, i32 b) {
    const int16x8_t x = vreinterpretq_s16_s32(a), y = vreinterpretq_s16_s32(b);
    acc = vaddq_s32(acc, vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), vmull_high_s16(x, y)));
  }

  // Weights of 4 bits, which are stored plus 8, in the low or the high half of each byte.
  template <bool High>
  static int8x16_t nibbles(const std::byte* p) {
    const uint8x16_t b = vld1q_u8(u8(p)), codes = High ? vshrq_n_u8(b, 4) : vandq_u8(b, vdupq_n_u8(15));
    return vreinterpretq_s8_u8(vsubq_u8(codes, vdupq_n_u8(8)));
  }

  using block = uint8x16_t;
  static constexpr int block_bytes = 16;
  static block load_block(const std::byte* p) { return vld1q_u8(u8(p)); }
  static void store_block(std::byte* p, block v) { vst1q_u8(u8(p), v); }
  static block load_block_first(const std::byte* p, std::int64_t n) {
    alignas(16) std::byte all[16] = {};
    std::memcpy(all, p, static_cast<std::size_t>(n));
    return vld1q_u8(u8(all));
  }
  static block max_u8(block a, block b) { return vmaxq_u8(a, b); }
  static block low_bytes(block a, block b) { return vzip1q_u8(a, b); }
  static block high_bytes(block a, block b) { return vzip2q_u8(a, b); }
  static block low_pairs(block a, block b) {
    return vreinterpretq_u8_u16(vzip1q_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b)));
  }
  static block high_pairs(block a, block b) {
    return vreinterpretq_u8_u16(vzip2q_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b)));
  }
  template <int I>
  static i32 repeat_four(block a) {
    return vdupq_laneq_s32(vreinterpretq_s32_u8(a), I);
  }
  static void in_order(i32 low, i32 high, i32& first, i32& second) {
    first = low;
    second = high;
  }
  // P elements of 32 bits, repeated.
  template <int P>
  static i32 repeat(const std::byte* p) {
    const std::uint8_t* from = u8(p);
    return vreinterpretq_s32_u8(P == 2 ? vcombine_u8(vld1_u8(from), vld1_u8(from)) : vld1q_u8(from));
  }
  // The sums of neighbouring elements of a, then of b.
  static i32 pair_sums(i32 a, i32 b) { return vpaddq_s32(a, b); }
  static f32 pair_sums(f32 a, f32 b) { return vpaddq_f32(a, b); }
  static i32 as_i32(block b) { return vreinterpretq_s32_u8(b); }
  static i16 as_i16(block b) { return vreinterpretq_s16_u8(b); }
  static block as_block(i16 a) { return vreinterpretq_u8_s16(a); }

 private:
  static i32 from_u8(uint8x8_t v) { return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(v)))); }
};

#include "codes16_neon.hpp"
