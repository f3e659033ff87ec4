// No include guard: part of the operations of the kernels of bytes, the reference of the other files blocks_*.hpp:
// moves elements of `Bytes` bytes between blocks, in parts of 16 bytes.

// Elements of a and b in turn: of the lower halves of their parts, or of the upper ones. 1, 2, 4 or 8 bytes.
template <int Bytes>
wide::block low_of(const wide::block& a, const wide::block& b) {
  return wide::zip<Bytes, 0>(a, b);
}
template <int Bytes>
wide::block high_of(const wide::block& a, const wide::block& b) {
  return wide::zip<Bytes, 8>(a, b);
}

// The elements of a, and then of b, with even places. 1 or 4 bytes.
template <int Bytes>
wide::block even_of(const wide::block& a, const wide::block& b) {
  wide::block r;
  for (int i = 0; i < wide::block_bytes; ++i) {
    const int from = i / Bytes * 2 * Bytes + i % Bytes;
    r.v[i] = from < wide::block_bytes ? a.v[from] : b.v[from - wide::block_bytes];
  }
  return r;
}

// A part, repeated.
inline wide::block repeat_part(const std::uint8_t* p) {
  wide::block r;
  for (int i = 0; i < wide::block_bytes; ++i) r.v[i] = p[i % 16];
  return r;
}

// In each part, the bytes at the given places; 0 where the place is 128.
inline wide::block shuffle(const wide::block& a, const wide::block& places) {
  wide::block r;
  for (int i = 0; i < wide::block_bytes; ++i)
    r.v[i] = places.v[i] < 16 ? a.v[i / 16 * 16 + places.v[i]] : std::uint8_t{0};
  return r;
}
