// No include guard: part of the operations of the kernels of bytes. See fixed_scalar.hpp.
struct FixedTwice {
  int32x4_t left, mantissa, right, mask, threshold;
  FixedTwice(int32x4_t l, int32x4_t m, int32x4_t r) : left(l), mantissa(m), right(vnegq_s32(r)) {
    const int32x4_t one = vdupq_n_s32(1);
    mask = vsubq_s32(vshlq_s32(one, r), one);
    threshold = vshrq_n_s32(mask, 1);
  }
  OCTET_INLINE int32x4_t operator()(int32x4_t x) const {
    const int32x4_t v = vqrdmulhq_s32(vshlq_s32(x, left), mantissa);
    const uint32x4_t above = vcgtq_s32(vandq_s32(v, mask), vsubq_s32(threshold, vshrq_n_s32(v, 31)));
    return vsubq_s32(vshlq_s32(v, right), vreinterpretq_s32_u32(above));
  }
};

struct FixedOnce {
  int32x4_t mantissa;
  int64x2_t low, high;  // shifts to the left
  FixedOnce(int32x4_t, int32x4_t m, int32x4_t r)
      : mantissa(m), low(vnegq_s64(vmovl_s32(vget_low_s32(r)))), high(vnegq_s64(vmovl_high_s32(r))) {}
  OCTET_INLINE int32x4_t operator()(int32x4_t x) const {
    const int64x2_t a = vmull_s32(vget_low_s32(x), vget_low_s32(mantissa)), b = vmull_high_s32(x, mantissa);
    return vmovn_high_s64(vmovn_s64(vrshlq_s64(a, low)), vrshlq_s64(b, high));
  }
};

// v / 2^n, rounded down.
OCTET_INLINE int32x4_t shifted_right(int32x4_t v, int n) { return vshlq_s32(v, vdupq_n_s32(-n)); }
