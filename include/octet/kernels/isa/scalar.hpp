// No include guard: included once, in the namespace of the scalar kernels. Vectors of 8, written as loops: the
// reference that every other instruction set has to match bit for bit.
struct wide {
  static constexpr bool shifted = false, quads = false, quads_f32 = false, widens = false;
  static constexpr int lanes = 8, registers = 8, vectors_u8 = 2, rows_f32 = 2, rows_i16 = 2;
  static constexpr int rows_u8(int vectors) { return vectors == 2 ? 2 : 4; }
  static constexpr int small_steps = 0;
  static constexpr double rate_u8 = 1, rate_i16 = 1;
  static constexpr bool winograd = false;  // used only as the reference of the instruction sets that have it
#if defined(FP_FAST_FMAF)
  static constexpr bool fast_fma = true;
#else
  static constexpr bool fast_fma = false;  // fma may be a function call
#endif
  struct f32 {
    float v[lanes];
  };
  struct i32 {
    std::int32_t v[lanes];
  };
  template <class F>
  static void each(F f) {
    for (int i = 0; i < lanes; ++i) f(i);
  }
  template <class R, class F>
  static R make(F f) {
    R r;
    each([&](int i) { r.v[i] = f(i); });
    return r;
  }

  static f32 load(const float* p) { return load_first(p, lanes); }
  static i32 load(const std::int32_t* p) {
    return make<i32>([&](int i) { return p[i]; });
  }
  static f32 load_first(const float* p, int n) {
    return make<f32>([&](int i) { return i < n ? p[i] : 0.0f; });
  }
  static void store(float* p, f32 v) { store_first(p, v, lanes); }
  static void store(std::int32_t* p, i32 v) { store_first(p, v, lanes); }
  template <class T, class V>
  static void store_first(T* p, V v, int n) {
    for (int i = 0; i < n; ++i) p[i] = v.v[i];
  }

  static void prefetch(const std::byte*) {}
  static void prefetch_near(const float*) {}
  static f32 set(float x) {
    return make<f32>([&](int) { return x; });
  }
  static i32 set(std::int32_t x) {
    return make<i32>([&](int) { return x; });
  }
  static f32 add(f32 a, f32 b) {
    return make<f32>([&](int i) { return a.v[i] + b.v[i]; });
  }
  static i32 add(i32 a, i32 b) {
    return make<i32>([&](int i) { return wrap(a.v[i], +1, b.v[i]); });
  }
  static i32 sub(i32 a, i32 b) {
    return make<i32>([&](int i) { return wrap(a.v[i], -1, b.v[i]); });
  }
  static f32 sub(f32 a, f32 b) {
    return make<f32>([&](int i) { return a.v[i] - b.v[i]; });
  }
  static f32 mul(f32 a, f32 b) {
    return make<f32>([&](int i) { return a.v[i] * b.v[i]; });
  }
  static f32 rounded_mul(f32 a, f32 b) {
    return make<f32>([&](int i) { return rounded(a.v[i] * b.v[i]); });
  }
  static f32 div(f32 a, f32 b) {
    return make<f32>([&](int i) { return a.v[i] / b.v[i]; });
  }
  static f32 fma(f32 a, f32 b, f32 c) {
    return make<f32>([&](int i) { return std::fma(a.v[i], b.v[i], c.v[i]); });
  }
  static f32 min(f32 a, f32 b) {
    return make<f32>([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  static f32 max(f32 a, f32 b) {
    return make<f32>([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  static f32 clamp(f32 a, f32 low, f32 high) { return min(high, max(low, a)); }
  static f32 max_or_nan(f32 a, f32 b) {
    return make<f32>([&](int i) { return a.v[i] > b.v[i] || a.v[i] != a.v[i] ? a.v[i] : b.v[i]; });
  }
  static f32 select_greater(f32 a, f32 b, f32 yes, f32 no) {
    return make<f32>([&](int i) { return a.v[i] > b.v[i] ? yes.v[i] : no.v[i]; });
  }
  static unsigned greater_bits(f32 a, f32 b) {
    unsigned r = 0;
    each([&](int i) { r |= (a.v[i] > b.v[i] ? 1u : 0u) << i; });
    return r;
  }
  static f32 keep_bits(unsigned bits, f32 a) {
    return make<f32>([&](int i) { return bits >> i & 1 ? a.v[i] : 0.0f; });
  }
  static f32 abs(f32 a) {
    return make<f32>([&](int i) { return std::fabs(a.v[i]); });
  }
  static f32 to_float(i32 a) {
    return make<f32>([&](int i) { return static_cast<float>(a.v[i]); });
  }
  static f32 float_of_bits(i32 a) {
    f32 r;
    std::memcpy(r.v, a.v, sizeof r.v);
    return r;
  }
  static i32 round(f32 a) {
    return make<i32>([&](int i) { return round_even(a.v[i]); });
  }
  static f32 permute(f32 a, i32 place) {
    return make<f32>([&](int i) { return a.v[place.v[i] & (lanes - 1)]; });
  }
  static bool any_nan(f32 a) {
    bool r = false;
    each([&](int i) { r |= a.v[i] != a.v[i]; });
    return r;
  }
  static float least(f32 a) { return *std::min_element(a.v, a.v + lanes); }
  static float greatest(f32 a) { return *std::max_element(a.v, a.v + lanes); }
  static f32 load_fp16(const std::byte* p) { return read_half<fp16>(p); }
  static f32 load_bf16(const std::byte* p) { return read_half<bf16>(p); }
  static void store_fp16(std::byte* p, f32 v) { write_half<fp16>(p, v); }
  static void store_bf16(std::byte* p, f32 v) { write_half<bf16>(p, v); }
  static i32 load_u8(const std::uint8_t* p) { return load_u8_first(p, lanes); }
  static i32 load_u8_first(const std::uint8_t* p, int n) {
    return make<i32>([&](int i) { return i < n ? std::int32_t{p[i]} : 0; });
  }

  struct u8_limits {
    std::int32_t zero, low, high;
    u8_limits(std::int32_t z, std::int32_t l, std::int32_t h) : zero(z), low(l), high(h) {}
  };
  struct u8x4 {
    std::uint8_t v[4 * lanes];
  };
  static u8x4 pack_zero() { return {}; }
  // In each quarter, 16 bytes: 4 bytes of a, of b, of c, of d.
  static int packed(int i, int lane) { return lane / 4 * 16 + 4 * i + lane % 4; }
  template <Limit L>
  static u8x4 pack(i32 a, i32 b, i32 c, i32 d, const u8_limits& m) {
    const i32* all[4] = {&a, &b, &c, &d};
    u8x4 r;
    for (int j = 0; j < 4; ++j) each([&](int i) { r.v[packed(j, i)] = limit(all[j]->v[i], m); });
    return r;
  }
  static i32 unpack(const u8x4& v, int j) {
    return make<i32>([&](int i) { return std::int32_t{v.v[packed(j, i)]}; });
  }
  template <int N>
  static u8x4 to_rows(const u8x4& v) {
    u8x4 r;
    for (int i = 0; i < 4 * lanes; ++i) r.v[i] = v.v[from<N>(i)];
    return r;
  }
  template <int N>
  static u8x4 from_rows(const u8x4& v) {
    u8x4 r;
    for (int i = 0; i < 4 * lanes; ++i) r.v[from<N>(i)] = v.v[i];
    return r;
  }
  template <int N>
  static void store_row(std::uint8_t* p, const u8x4& v, int i, int n) {
    for (int c = 0; c < n && c < N * lanes; ++c) p[c] = v.v[i * N * lanes + c];
  }
  template <int N>
  static u8x4 load_row(u8x4 v, const std::uint8_t* p, int i, int n) {
    for (int c = 0; c < n && c < N * lanes; ++c) v.v[i * N * lanes + c] = p[c];
    return v;
  }
  static void store(std::uint8_t* p, u8x4 v) { store_first(p, v, 4 * lanes); }
  static u8x4 flip(u8x4 v, std::uint8_t mask) {
    for (std::uint8_t& x : v.v) x ^= mask;
    return v;
  }

  // 4 bytes per lane: weights or activations.
  struct bytes {
    std::uint8_t v[lanes][4];
  };
  using weights = bytes;
  static weights load_weights(const std::byte* p) {
    weights w;
    std::memcpy(w.v, p, sizeof w.v);
    return w;
  }
  template <bool High>
  static weights load_small(const std::byte* p) {
    weights w;
    each([&](int i) {
      for (int k = 0; k < 4; ++k) {
        const int codes = std::to_integer<int>(p[4 * i + k]);
        w.v[i][k] = static_cast<std::uint8_t>((High ? codes >> 4 : codes & 15) - 8);
      }
    });
    return w;
  }
  static bytes broadcast(const std::byte* p) {
    bytes b;
    each([&](int i) { std::memcpy(b.v[i], p, 4); });
    return b;
  }
  static bytes split(i32 a) {
    bytes b;
    std::memcpy(b.v, a.v, sizeof b.v);
    return b;
  }
  static void dot(i32& acc, const bytes& a, const weights& b) {
    each([&](int i) {
      std::int32_t sum = 0;
      for (int k = 0; k < 4; ++k) sum += a.v[i][k] * static_cast<std::int8_t>(b.v[i][k]);
      acc.v[i] = wrap(acc.v[i], +1, sum);
    });
  }

  // 16-bit integers, two per lane, modulo 2^16.
  struct i16 {
    std::int16_t v[2 * lanes];
  };
  static i16 load_u8_as_i16(const std::byte* p, int n) {
    return make_i16([&](int i) { return i < n ? std::to_integer<int>(p[i]) : 0; });
  }
  static i16 load_s8_as_i16(const std::byte* p) {
    return make_i16([&](int i) { return static_cast<std::int8_t>(p[i]); });
  }
  static void store_i16(std::byte* p, i16 v) { std::memcpy(p, v.v, sizeof v.v); }
  static i16 add_i16(i16 a, i16 b) {
    return make_i16([&](int i) { return a.v[i] + b.v[i]; });
  }
  static i16 sub_i16(i16 a, i16 b) {
    return make_i16([&](int i) { return a.v[i] - b.v[i]; });
  }
  static i16 mul_i16(i16 a, int b) {
    return make_i16([&](int i) { return a.v[i] * b; });
  }
  static i16 set_i16(int x) {
    return make_i16([&](int) { return x; });
  }
  static void products(i16 a, i16 b, i32& low, i32& high) {
    each([&](int i) {
      const int from = i + i / 4 * 4;  // the lower or the upper four of each half
      low.v[i] = a.v[from] * b.v[from];
      high.v[i] = a.v[from + 4] * b.v[from + 4];
    });
  }
  template <int Bits>
  static i16 shift_left_i16(i16 a) {
    return mul_i16(a, 1 << Bits);
  }
  static i32 max(i32 a, i32 b) {
    return make<i32>([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  static i32 mul(i32 a, i32 b) {
    return make<i32>([&](int i) {
      return static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v[i]) * static_cast<std::uint32_t>(b.v[i]));
    });
  }
  template <int Bits>
  static i32 shift_left(i32 a) {
    return mul(a, set(1 << Bits));
  }
  static void dot_i16(i32& acc, i32 a, i32 b) {
    std::int16_t x[2 * lanes], y[2 * lanes];
    std::memcpy(x, a.v, sizeof x);
    std::memcpy(y, b.v, sizeof y);
    each([&](int i) { acc.v[i] = wrap(acc.v[i], +1, x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1]); });
  }

  static constexpr int block_bytes = 32;
  using block = u8x4;
  static block load_block(const std::byte* p) { return load_block_first(p, block_bytes); }
  static block load_block_first(const std::byte* p, std::int64_t n) {
    block b{};
    std::memcpy(b.v, p, static_cast<std::size_t>(n));
    return b;
  }
  static void store_block(std::byte* p, block b) { std::memcpy(p, b.v, block_bytes); }
  static block max_u8(block a, block b) {
    for (int i = 0; i < block_bytes; ++i) a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
    return a;
  }

  // Elements of a and b in turn, of halves of their 16 bytes.
  template <int Bytes, int From>
  static block zip(const block& a, const block& b) {
    block r;
    for (int half = 0; half < block_bytes; half += 16)
      for (int i = 0; i < 8; ++i) {
        r.v[half + i / Bytes * 2 * Bytes + i % Bytes] = a.v[half + From + i];
        r.v[half + i / Bytes * 2 * Bytes + Bytes + i % Bytes] = b.v[half + From + i];
      }
    return r;
  }
  static block low_bytes(block a, block b) { return zip<1, 0>(a, b); }
  static block high_bytes(block a, block b) { return zip<1, 8>(a, b); }
  static block low_pairs(block a, block b) { return zip<2, 0>(a, b); }
  static block high_pairs(block a, block b) { return zip<2, 8>(a, b); }
  template <int I>
  static i32 repeat_four(const block& a) {
    i32 r;
    for (int i = 0; i < lanes; ++i) std::memcpy(&r.v[i], a.v + i / 4 * 16 + I * 4, 4);
    return r;
  }
  static void in_order(const i32& low, const i32& high, i32& first, i32& second) {
    const i32* from[] = {&low, &high};
    for (int i = 0; i < lanes; ++i) {
      first.v[i] = from[i / 4]->v[i % 4];
      second.v[i] = from[i / 4]->v[4 + i % 4];
    }
  }
  template <int P>
  static i32 repeat(const std::byte* p) {
    i32 v;
    for (int i = 0; i < lanes; ++i) std::memcpy(&v.v[i], p + i % P * 4, 4);
    return v;
  }
  template <class V>
  static V pair_sums(const V& a, const V& b) {
    V even, odd;
    for (int i = 0; i < lanes; ++i) {
      const V& from = i < lanes / 2 ? a : b;
      even.v[i] = from.v[2 * i % lanes];
      odd.v[i] = from.v[2 * i % lanes + 1];
    }
    return add(even, odd);
  }
  static i32 as_i32(const block& b) {
    i32 v;
    std::memcpy(v.v, b.v, sizeof v.v);
    return v;
  }
  static i16 as_i16(const block& b) {
    i16 v;
    std::memcpy(v.v, b.v, sizeof v.v);
    return v;
  }
  static block as_block(i16 a) {
    block b;
    std::memcpy(b.v, a.v, sizeof b.v);
    return b;
  }

 private:
  template <class F>
  static i16 make_i16(F f) {
    i16 r;
    for (int i = 0; i < 2 * lanes; ++i) r.v[i] = static_cast<std::int16_t>(f(i));
    return r;
  }
  // Byte i of rows of N vectors, in pack's order.
  template <int N>
  static int from(int i) {
    const int row = i / (N * lanes), c = i % (N * lanes);
    return c / (4 * N) * 16 + 4 * (row * N + c / 4 % N) + c % 4;
  }
  template <class Half>
  static f32 read_half(const std::byte* p) {
    return make<f32>([&](int i) {
      Half h;
      std::memcpy(&h, p + 2 * i, 2);
      return static_cast<float>(h);
    });
  }
  template <class Half>
  static void write_half(std::byte* p, f32 v) {
    each([&](int i) {
      const Half h(v.v[i]);
      std::memcpy(p + 2 * i, &h, 2);
    });
  }
  static std::int32_t wrap(std::int32_t a, int sign, std::int32_t b) {
    const auto ub = static_cast<std::uint32_t>(b), ua = static_cast<std::uint32_t>(a);
    return static_cast<std::int32_t>(sign > 0 ? ua + ub : ua - ub);
  }
  static std::int32_t round_even(float x) {  // as cvtps: out of range gives the smallest integer
    return x >= -2147483648.0f && x < 2147483648.0f ? static_cast<std::int32_t>(std::nearbyint(x))
                                                    : std::numeric_limits<std::int32_t>::min();
  }
  static std::uint8_t limit(std::int32_t q, const u8_limits& m) {
    const std::int64_t z = std::int64_t{q} + m.zero;
    return static_cast<std::uint8_t>(z < m.low ? m.low : z > m.high ? m.high : z);
  }
};

using narrow = wide;

#include "codes16_scalar.hpp"
