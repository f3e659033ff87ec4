// No include guard: part of every instruction set's kernels of bytes. Planes of elements become pixels, and back.

// Part `part` of 16 bytes.
OCTET_INLINE void store_part(std::byte* out, const wide::block& v, int part) {
  wide::store_row<16 / wide::lanes>(reinterpret_cast<std::uint8_t*>(out), v, part, 16);
}

// Places of the bytes of 16 pixels of three: at[part][plane][byte]; 128 where the byte is of another plane.
struct places_of_three {
  std::uint8_t at[3][3][16];
  constexpr places_of_three() : at{} {
    for (int part = 0; part < 3; ++part)
      for (int plane = 0; plane < 3; ++plane)
        for (int i = 0; i < 16; ++i) {
          const int byte = 16 * part + i;
          at[part][plane][i] = static_cast<std::uint8_t>(byte % 3 == plane ? byte / 3 : 128);
        }
  }
};
inline constexpr places_of_three three_places;

template <int Bytes, class Load>
OCTET_INLINE void merge_three(Load load, std::byte* out) {
  const wide::block v[3] = {load(0), load(1), load(2)};
  wide::block r[3];
  OCTET_UNROLL
  for (int k = 0; k < 3; ++k) {
    const auto bytes_of = [&](int plane) { return shuffle(v[plane], repeat_part(three_places.at[k][plane])); };
    r[k] = wide::max_u8(wide::max_u8(bytes_of(0), bytes_of(1)), bytes_of(2));
  }
  OCTET_UNROLL
  for (int part = 0; part < Bytes / 16; ++part) {
    OCTET_UNROLL
    for (int k = 0; k < 3; ++k, out += 16) store_part(out, r[k], part);
  }
}

// Merges the first bytes, 16 or a block, of each plane. (Of pixels of three floats, 4 bytes behind them are
// overwritten.)
template <int Element, int Planes, int Bytes>
OCTET_INLINE void merge_block(const std::byte* in, std::int64_t step, std::byte* out) {
  constexpr int vectors = Planes == 2 ? 2 : 4;
  const auto load = [&](int k) {
    if (k >= Planes) return wide::as_block(wide::set_i16(0));
    return Bytes == wide::block_bytes ? wide::load_block(in + k * step) : wide::load_block_first(in + k * step, Bytes);
  };
  if constexpr (Element == 1 && Planes == 3) return merge_three<Bytes>(load, out);
  const wide::block a = load(0), b = load(1);
  const wide::block low = low_of<Element>(a, b), high = high_of<Element>(a, b);
  wide::block all[vectors] = {low, high};
  if constexpr (Planes > 2) {
    const wide::block c = load(2), d = load(3);
    const wide::block more_low = low_of<Element>(c, d), more_high = high_of<Element>(c, d);
    all[0] = low_of<2 * Element>(low, more_low);
    all[1] = high_of<2 * Element>(low, more_low);
    all[2] = low_of<2 * Element>(high, more_high);
    all[3] = high_of<2 * Element>(high, more_high);
  }
  OCTET_UNROLL
  for (int part = 0; part < Bytes / 16; ++part) {  // blocks interleave in parts of 16 bytes
    OCTET_UNROLL
    for (int k = 0; k < vectors; ++k, out += Planes == 3 ? 12 : 16) store_part(out, all[k], part);
  }
}

template <int Element, int Planes>
void merge(const std::byte* in, std::int64_t step, std::byte* out, std::int64_t count) noexcept {
  constexpr int few = 16 / Element, many = wide::block_bytes / Element;
  constexpr int kept = Planes == 3 && Element > 1;  // pixels behind a block, which may be overwritten
  const auto merge_some = [&](auto bytes, std::int64_t i) {
    merge_block<Element, Planes, bytes()>(in + i * Element, step, out + i * Element * Planes);
  };
  const std::integral_constant<int, 16> some;
  const std::integral_constant<int, wide::block_bytes> block;
  std::int64_t i = 0;
  for (; i + many + kept <= count; i += many) merge_some(block, i);
  if (kept)
    for (; i + few + kept <= count; i += few) merge_some(some, i);
  else if (count >= few)
    for (; i < count; i += few) merge_some(some, i < count - few ? i : count - few);  // some again
  for (; i < count; ++i)
    for (int k = 0; k < Planes; ++k)
      std::memcpy(out + (i * Planes + k) * Element, in + k * step + i * Element, Element);
}

inline void merge_planes(const std::byte* in, std::int64_t step, std::byte* out, std::int64_t count,
                         std::int64_t planes, std::int64_t element) noexcept {
  const auto all = [&](auto n) {
    element == 1 ? merge<1, n()>(in, step, out, count) : merge<4, n()>(in, step, out, count);
  };
  if (planes == 2) return all(std::integral_constant<int, 2>());
  if (planes == 3) return all(std::integral_constant<int, 3>());
  all(std::integral_constant<int, 4>());
}

template <int Element>
void even_elements(const std::byte* in, std::byte* out, std::int64_t count) noexcept {
  constexpr int block = wide::block_bytes, some = block / Element;
  std::int64_t i = 0;
  for (; i + some < count; i += some) {  // (Behind the last element there may be nothing to read.)
    const wide::block a = wide::load_block(in + 2 * i * Element), b = wide::load_block(in + 2 * i * Element + block);
    wide::store_block(out + i * Element, even_of<Element>(a, b));
  }
  for (; i < count; ++i) std::memcpy(out + i * Element, in + 2 * i * Element, Element);
}

inline void every_second(const std::byte* in, std::byte* out, std::int64_t count, std::int64_t element) noexcept {
  element == 1 ? even_elements<1>(in, out, count) : even_elements<4>(in, out, count);
}
