// No include guard: part of every instruction set's kernels.
// Conversion between float and half precision, to nearest even, with the bits of core/half.hpp, also for NaN.
struct Fp16 {
  static void store(std::byte* p, wide::f32 v) { wide::store_fp16(p, v); }
};
struct Bf16 {
  static void store(std::byte* p, wide::f32 v) { wide::store_bf16(p, v); }
};

template <class Half>
void f32_to_half(const float* in, std::byte* out, std::int64_t n) noexcept {
  std::int64_t i = 0;
  for (; i + wide::lanes <= n; i += wide::lanes) Half::store(out + 2 * i, wide::load(in + i));
  if (i == n) return;
  std::byte rest[2 * wide::lanes];
  Half::store(rest, wide::load_first(in + i, static_cast<int>(n - i)));
  std::memcpy(out + 2 * i, rest, static_cast<std::size_t>(n - i) * 2);
}

inline void bf16_to_f32(const std::byte* in, float* out, std::int64_t n) noexcept {
  std::int64_t i = 0;
  for (; i + wide::lanes <= n; i += wide::lanes) wide::store(out + i, wide::load_bf16(in + 2 * i));
  if (i == n) return;
  std::byte rest[2 * wide::lanes] = {};
  std::memcpy(rest, in + 2 * i, static_cast<std::size_t>(n - i) * 2);
  wide::store_first(out + i, wide::load_bf16(rest), static_cast<int>(n - i));
}
