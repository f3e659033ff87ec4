// No include guard: part of every instruction set's kernels.
// Products of 16-bit integers, in pairs: of Winograd's algorithm, of 16-bit activations, and of bytes where there is no
// dot product of bytes.

struct S16 {
  static constexpr bool finishes = false, codes = false;  // sums are always stored in memory
  static constexpr bool paired = false, quads = false;
  static constexpr int weight_bytes = vector_bytes;
  static constexpr int rows(int) { return wide::rows_i16; }
  using acc = wide::i32;
  using weights = wide::i32;
  static acc load(const std::byte* p) { return wide::load(reinterpret_cast<const std::int32_t*>(p)); }
  static void store(std::byte* p, acc v) { wide::store(reinterpret_cast<std::int32_t*>(p), v); }
  static weights load_weights(const std::byte* p) { return load(p); }
  static void add_products(acc& c, wide::i32 x, const weights& w) { wide::dot_i16(c, x, w); }
  template <int N>
  static void step(acc (&row)[N], const std::byte* a, const weights (&b)[N]) {
    std::int32_t x;
    std::memcpy(&x, a, 4);
    const auto pair = wide::set(x);
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) wide::dot_i16(row[n], pair, b[n]);
  }
};

// Activations of 16 bits, perhaps made of bytes by widen_u8, and int8 weights, which are widened when they are loaded.
struct S16S8 : S16 {
  static constexpr bool finishes = wide::widens, codes = true, shifted = false;  // (bytes only if it multiplies them)
  static constexpr int vectors = wide::vectors_u8, weight_bytes = vector_bytes / 2;
  static constexpr int rows(int n) {
    return !wide::widens ? wide::rows_u8(n) : n == 1 ? 2 * wide::rows_i16 : wide::rows_i16;
  }
  static weights load_weights(const std::byte* p) { return wide::as_i32(wide::as_block(wide::load_s8_as_i16(p))); }
};

using ByteProduct = std::conditional_t<wide::widens, S16S8, U8S8>;

inline void widen_u8(const WidenU8& w) noexcept {
  constexpr std::int64_t step = 2 * wide::lanes;
  const std::byte* in = w.in;
  std::byte* out = w.out;
  for (std::int64_t r = 0; r < w.rows; ++r, in += w.in_stride, out += w.out_stride) {
    std::int64_t i = 0;
    for (; i + step <= w.count; i += step) wide::store_i16(out + 2 * i, wide::load_u8_as_i16(in + i, step));
    if (i == w.count) continue;
    if (w.count > step) i = w.count - step;  // the last vectors overlap
    wide::store_i16(out + 2 * i, wide::load_u8_as_i16(in + i, static_cast<int>(w.count - i)));
  }
}
