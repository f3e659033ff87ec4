// No include guard: part of every instruction set's kernels.
// Products of uint8 activations with weights of 4 bits, which are expanded in registers.

struct U8S4 : U8S8 {
  static constexpr bool paired = true, blocks = false, codes = false;
  static constexpr bool finishes = wide::small_steps > 0;  // (few rows, see below)
  static constexpr int weight_bytes = vector_bytes / 2;
  static constexpr int rows(int) { return 4; }
  // With few rows, the time is that of reading the weights from memory. With more, expanding them takes longer than
  // reading int8 panels, unless weights of 4 bits have a faster dot product (small_steps).
  static constexpr std::int64_t most_rows = wide::small_steps > 0 ? any_rows : 4;
};

// Sums of products with weights of 4 bits. The instruction set may have a form of its own that saturates after
// `small_steps` products; 0: the exact dot product.
template <class V, bool Own>
struct SmallSums {
  using sums = typename V::small_sums;
  static constexpr int pairs = V::small_steps / 2;
  static sums start(typename V::i32) { return V::small_zero(); }
  static auto activations(const std::byte* p) { return V::broadcast_small(p); }
  template <class Bytes, class Weights>
  static void add(sums& s, const Bytes& x, const Weights& w) {
    V::dot_small(s, x, w);
  }
  static void finish(typename V::i32& acc, sums s) { V::add_small(acc, s); }
};
template <class V>
struct SmallSums<V, false> {
  using sums = typename V::i32;
  static constexpr int pairs = 1 << 30;
  static sums start(typename V::i32 acc) { return acc; }
  static auto activations(const std::byte* p) { return V::broadcast(p); }
  template <class Bytes, class Weights>
  static void add(sums& s, const Bytes& x, const Weights& w) {
    V::dot(s, x, w);
  }
  static void finish(typename V::i32& acc, sums s) { acc = s; }
};

// Adds the products of two steps of a row, or of the first one alone.
template <class S, bool Both, int N, class Weights>
OCTET_INLINE void add_pair(typename S::sums (&s)[N], const std::byte* a, const Weights (&low)[N],
                           const Weights (&high)[N]) {
  const auto x = S::activations(a);
  OCTET_UNROLL
  for (int n = 0; n < N; ++n) S::add(s[n], x, low[n]);
  if constexpr (Both) {
    const auto y = S::activations(a + 4);
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) S::add(s[n], y, high[n]);
  }
}

// A vector holds the weights of two steps: the first in the low 4 bits of its bytes.
template <class S, bool Both, int Rows, int N>
OCTET_INLINE void add_pair_of_steps(typename S::sums (&s)[Rows][N], const std::byte* a, std::ptrdiff_t stride,
                                    const std::byte* b) {
  using Weights = decltype(wide::template load_small<false>(b));
  Weights low[N], high[N];
  OCTET_UNROLL
  for (int n = 0; n < N; ++n) {
    low[n] = wide::template load_small<false>(b + n * vector_bytes);
    high[n] = wide::template load_small<true>(b + n * vector_bytes);
  }
  OCTET_UNROLL
  for (int m = 0; m < Rows; ++m) add_pair<S, Both>(s[m], a + m * stride, low, high);
}

// Adds the products of `left` steps to the accumulators.
template <int Rows, int N>
OCTET_INLINE void add_steps(wide::i32 (&c)[Rows][N], const std::byte*& a, std::ptrdiff_t a_stride, const std::byte*& b,
                            const std::byte*& later, std::ptrdiff_t later_step, std::int64_t left) {
  using S = SmallSums<wide, (wide::small_steps > 0)>;
  while (left > 0) {
    typename S::sums s[Rows][N];
    OCTET_UNROLL
    for (int m = 0; m < Rows; ++m) {
      OCTET_UNROLL
      for (int n = 0; n < N; ++n) s[m][n] = S::start(c[m][n]);
    }
    std::int64_t pairs = left / 2 < S::pairs ? left / 2 : S::pairs;
    left -= 2 * pairs;
    const bool single = left == 1 && pairs < S::pairs;  // the last step, if the sums have room for it
    for (; pairs > 0; --pairs, a += 8, b += N * vector_bytes, later += later_step) {
      add_pair_of_steps<S, true>(s, a, a_stride, b);
      constexpr int lines = (N * vector_bytes + 63) / 64;
      OCTET_UNROLL
      for (int i = 0; i < lines; ++i) wide::prefetch(later + i * 64);
    }
    if (single) {
      add_pair_of_steps<S, false>(s, a, a_stride, b);
      left = 0;
    }
    OCTET_UNROLL
    for (int m = 0; m < Rows; ++m) {
      OCTET_UNROLL
      for (int n = 0; n < N; ++n) S::finish(c[m][n], s[m][n]);
    }
  }
}

// Weights in blocks: each column has a multiplier for each of them, by which the sums of a block are multiplied.
struct U8S4Blocks : U8S4 {
  static constexpr bool blocks = true, finishes = false;
  static constexpr int rows(int) { return wide::small_steps > 0 ? 4 : 2; }
};

// (The last step of an odd number is that of the last block.)
template <int Rows, int N>
OCTET_INLINE void add_blocks(wide::i32 (&c)[Rows][N], const Tile& t) {
  const std::byte *a = t.a, *b = t.b, *later = t.later;
  const std::uint8_t* multipliers = t.multipliers;
  for (std::int64_t left = t.steps; left > 0; left -= t.block_steps, multipliers += N * wide::lanes) {
    wide::i32 sums[Rows][N];
    OCTET_UNROLL
    for (int m = 0; m < Rows; ++m) {
      OCTET_UNROLL
      for (int n = 0; n < N; ++n) sums[m][n] = wide::set(0);
    }
    add_steps(sums, a, t.a_stride, b, later, 2 * t.later_step, left < t.block_steps ? left : t.block_steps);
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) {
      const wide::i32 multiplier = wide::load_u8(multipliers + n * wide::lanes);
      OCTET_UNROLL
      for (int m = 0; m < Rows; ++m) c[m][n] = wide::add(c[m][n], wide::mul(sums[m][n], multiplier));
    }
  }
}

template <class T, int Rows, int N>
OCTET_NOINLINE void paired_tile(const Tile& t) {
  typename T::acc c[Rows][N];
  OCTET_UNROLL
  for (int m = 0; m < Rows; ++m) {
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) c[m][n] = T::load(t.init + n * vector_bytes);
  }
  if constexpr (T::blocks) {
    add_blocks(c, t);
  } else {
    const std::byte *a = t.a, *b = t.b, *later = t.later;
    add_steps(c, a, t.a_stride, b, later, 2 * t.later_step, t.steps);
  }
  finish_tile<T>(c, t);
}

inline void gemm_u8s4(const Gemm& g) noexcept { return g.block_steps ? gemm<U8S4Blocks>(g) : gemm<U8S4>(g); }
