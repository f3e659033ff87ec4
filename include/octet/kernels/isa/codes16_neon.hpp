// No include guard: part of the operations of every AArch64 instruction set. See codes16_scalar.hpp.
struct doubles {
  float64x2_t low, high;

  static doubles load(const double* p) { return {vld1q_f64(p), vld1q_f64(p + 2)}; }
  static doubles set(double x) { return {vdupq_n_f64(x), vdupq_n_f64(x)}; }
  static doubles of(int32x4_t a) {
    return {vcvtq_f64_s64(vmovl_s32(vget_low_s32(a))), vcvtq_f64_s64(vmovl_high_s32(a))};
  }
  static doubles of(float32x4_t a) { return {vcvt_f64_f32(vget_low_f32(a)), vcvt_high_f64_f32(a)}; }
  static void store(double* p, const doubles& a) {
    vst1q_f64(p, a.low);
    vst1q_f64(p + 2, a.high);
  }
  static doubles add(const doubles& a, const doubles& b) {
    return {vaddq_f64(a.low, b.low), vaddq_f64(a.high, b.high)};
  }
  static doubles div(const doubles& a, const doubles& b) {
    return {vdivq_f64(a.low, b.low), vdivq_f64(a.high, b.high)};
  }
  static doubles mul_add(const doubles& a, const doubles& b, const doubles& c) { return fma(a, b, c); }
  static doubles fma(const doubles& a, const doubles& b, const doubles& c) {
    return {vfmaq_f64(c.low, a.low, b.low), vfmaq_f64(c.high, a.high, b.high)};
  }
  static doubles clamp(const doubles& a, const doubles& low, const doubles& high) {
    return {clamp(a.low, low.low, high.low), clamp(a.high, low.high, high.high)};
  }
  static doubles nearest(const doubles& a) { return {vrndnq_f64(a.low), vrndnq_f64(a.high)}; }
  static int32x4_t round(const doubles& a) {
    return vmovn_high_s64(vmovn_s64(vcvtnq_s64_f64(a.low)), vcvtnq_s64_f64(a.high));
  }
  static float32x4_t to_float(const doubles& a) { return vcvt_high_f32_f64(vcvt_f32_f64(a.low), a.high); }

 private:
  static float64x2_t clamp(float64x2_t a, float64x2_t low, float64x2_t high) {
    const float64x2_t above = vbslq_f64(vcgtq_f64(a, low), a, low);
    return vbslq_f64(vcltq_f64(above, high), above, high);
  }
};

struct codes16 {
  struct limits {
    int16x8_t low, high;
    limits(std::int32_t l, std::int32_t h)
        : low(vdupq_n_s16(static_cast<std::int16_t>(l))), high(vdupq_n_s16(static_cast<std::int16_t>(h))) {}
  };
  static int16x8_t pack(int32x4_t a, int32x4_t b, const limits& m) {
    return vminq_s16(vmaxq_s16(vqmovn_high_s32(vqmovn_s32(a), b), m.low), m.high);
  }
  static int16x8_t in_order(int16x8_t v) { return v; }
  static void store_first(std::int16_t* p, int16x8_t v, int n) {
    if (n >= 8) return vst1q_s16(p, v);
    std::int16_t all[8];
    vst1q_s16(all, v);
    for (int i = 0; i < n; ++i) p[i] = all[i];
  }
  static int32x4_t load_first(const std::int16_t* p, int n) {
    if (n >= 4) return vmovl_s16(vld1_s16(p));
    std::int16_t all[4] = {};
    for (int i = 0; i < n; ++i) all[i] = p[i];
    return vmovl_s16(vld1_s16(all));
  }
};
