// No include guard: included once, in the namespace of the scalar kernels. Vectors of 8 spelled out as loops: the
// reference that every other instruction set has to match bit for bit.
struct wide {
  static constexpr int lanes = 8, registers = 16, rows_u8 = 2, rows_f32 = 2;
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
  static f32 abs(f32 a) {
    return make<f32>([&](int i) { return std::fabs(a.v[i]); });
  }
  static f32 to_float(i32 a) {
    return make<f32>([&](int i) { return static_cast<float>(a.v[i]); });
  }
  static i32 round(f32 a) {
    return make<i32>([&](int i) { return round_even(a.v[i]); });
  }
  static bool any_greater(f32 a, f32 b) {
    bool r = false;
    each([&](int i) { r |= a.v[i] > b.v[i]; });
    return r;
  }
  static bool any_nan(f32 a) {
    bool r = false;
    each([&](int i) { r |= a.v[i] != a.v[i]; });
    return r;
  }
  static float least(f32 a) { return *std::min_element(a.v, a.v + lanes); }
  static float greatest(f32 a) { return *std::max_element(a.v, a.v + lanes); }
  static f32 load_fp16(const std::byte* p) {
    return make<f32>([&](int i) {
      fp16 h;
      std::memcpy(&h, p + 2 * i, 2);
      return static_cast<float>(h);
    });
  }
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
  static u8x4 pack(i32 a, i32 b, i32 c, i32 d, const u8_limits& m) {
    const i32* all[4] = {&a, &b, &c, &d};
    u8x4 r;
    for (int j = 0; j < 4; ++j) each([&](int i) { r.v[j * lanes + i] = limit(all[j]->v[i], m); });
    return r;
  }
  static void store(std::uint8_t* p, u8x4 v) { store_first(p, v, 4 * lanes); }
  static void store_half(std::uint8_t* p, u8x4 v, int half) {
    for (int i = 0; i < 2 * lanes; ++i) p[i] = v.v[half * 2 * lanes + i];
  }
  static u8x4 flip(u8x4 v, std::uint8_t mask) {
    for (std::uint8_t& x : v.v) x ^= mask;
    return v;
  }

  // 4 bytes a lane: weights, or activations.
  struct bytes {
    std::uint8_t v[lanes][4];
  };
  using weights = bytes;
  static weights load_weights(const std::byte* p) {
    weights w;
    std::memcpy(w.v, p, sizeof w.v);
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

  static constexpr int block_bytes = 32;
  struct block {
    std::uint8_t v[block_bytes];
  };
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

  // As the 256-bit vectors of depthwise convolution order their lanes: see ymm.hpp.
  static int channel(int j, int lane) { return lane / 4 * 16 + 4 * j + lane % 4; }
  static void interleave(const block (&t)[4], i32 (&v)[4]) {
    for (int j = 0; j < 4; ++j)
      each([&](int i) {
        const std::uint8_t taps[4] = {t[0].v[channel(j, i)], t[1].v[channel(j, i)], t[2].v[channel(j, i)],
                                      t[3].v[channel(j, i)]};
        std::memcpy(&v[j].v[i], taps, 4);
      });
  }
  static u8x4 pack_by_halves(i32 a, i32 b, i32 c, i32 d, const u8_limits& m) {
    const i32* all[4] = {&a, &b, &c, &d};
    u8x4 r;
    for (int j = 0; j < 4; ++j) each([&](int i) { r.v[channel(j, i)] = limit(all[j]->v[i], m); });
    return r;
  }
  static i32 load_by_halves(const std::int32_t* p, int j) {
    return make<i32>([&](int i) { return p[channel(j, i)]; });
  }
  static f32 load_by_halves(const float* p, int j) {
    return make<f32>([&](int i) { return p[channel(j, i)]; });
  }
  static void store_by_halves(std::int32_t* p, int j, i32 v) {
    each([&](int i) { p[channel(j, i)] = v.v[i]; });
  }

 private:
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
