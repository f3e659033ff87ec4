// No include guard: part of the operations of the scalar kernels, the reference of the other files codes16_*.hpp: what
// makes 16-bit codes of 32-bit sums.

// `lanes` doubles.
struct doubles {
  double v[wide::lanes];

  static doubles load(const double* p) {
    return make([&](int i) { return p[i]; });
  }
  static doubles set(double x) {
    return make([&](int) { return x; });
  }
  static doubles of(const wide::i32& a) {
    return make([&](int i) { return static_cast<double>(a.v[i]); });
  }
  static doubles of(const wide::f32& a) {
    return make([&](int i) { return static_cast<double>(a.v[i]); });
  }
  static void store(double* p, const doubles& a) { std::memcpy(p, a.v, sizeof a.v); }
  static doubles add(const doubles& a, const doubles& b) {
    return make([&](int i) { return a.v[i] + b.v[i]; });
  }
  static doubles div(const doubles& a, const doubles& b) {
    return make([&](int i) { return a.v[i] / b.v[i]; });
  }
  // a * b + c, where the product is exact, or c is 0: rounded once.
  static doubles mul_add(const doubles& a, const doubles& b, const doubles& c) {
    return make([&](int i) { return a.v[i] * b.v[i] + c.v[i]; });
  }
  // a * b + c, rounded once.
  static doubles fma(const doubles& a, const doubles& b, const doubles& c) {
    return make([&](int i) { return std::fma(a.v[i], b.v[i], c.v[i]); });
  }
  // NaN becomes low.
  static doubles clamp(const doubles& a, const doubles& low, const doubles& high) {
    return make([&](int i) {
      const double above = a.v[i] > low.v[i] ? a.v[i] : low.v[i];
      return above < high.v[i] ? above : high.v[i];
    });
  }
  // To nearest, ties to even.
  static doubles nearest(const doubles& a) {
    return make([&](int i) { return std::nearbyint(a.v[i]); });
  }
  // The same as integers; these have to have 32 bits. Adding 1.5 * 2^52 rounds, and leaves the integer in the lower
  // half.
  static wide::i32 round(const doubles& a) {
    return wide::make<wide::i32>([&](int i) {
      const double shifted = a.v[i] + 6755399441055744.0;
      std::int64_t bits;
      std::memcpy(&bits, &shifted, sizeof bits);
      return static_cast<std::int32_t>(bits);
    });
  }
  static wide::f32 to_float(const doubles& a) {
    return wide::make<wide::f32>([&](int i) { return static_cast<float>(a.v[i]); });
  }

 private:
  template <class F>
  static doubles make(F f) {
    doubles r;
    for (int i = 0; i < wide::lanes; ++i) r.v[i] = f(i);
    return r;
  }
};

// 2 * `lanes` 16-bit integers.
struct codes16 {
  struct limits {
    std::int32_t low, high;
    limits(std::int32_t l, std::int32_t h) : low(l), high(h) {}
  };
  // Saturated and clamped. In each 16 bytes: 4 of a, 4 of b.
  static wide::i16 pack(const wide::i32& a, const wide::i32& b, const limits& m) {
    wide::i16 r;
    for (int i = 0; i < wide::lanes; ++i) {
      const int at = i / 4 * 8 + i % 4;
      r.v[at] = static_cast<std::int16_t>(std::min(std::max(a.v[i], m.low), m.high));
      r.v[at + 4] = static_cast<std::int16_t>(std::min(std::max(b.v[i], m.low), m.high));
    }
    return r;
  }
  // What pack gives, in the order of a and b.
  static wide::i16 in_order(const wide::i16& v) {
    wide::i16 r;
    for (int i = 0; i < wide::lanes; ++i) {
      r.v[i] = v.v[i / 4 * 8 + i % 4];
      r.v[wide::lanes + i] = v.v[i / 4 * 8 + 4 + i % 4];
    }
    return r;
  }
  static void store_first(std::int16_t* p, const wide::i16& v, int n) {
    std::memcpy(p, v.v, static_cast<std::size_t>(n < 2 * wide::lanes ? n : 2 * wide::lanes) * 2);
  }
  // The first n of `lanes` integers; the others are 0.
  static wide::i32 load_first(const std::int16_t* p, int n) {
    return wide::make<wide::i32>([&](int i) { return i < n ? std::int32_t{p[i]} : 0; });
  }
};
