// No include guard: included once, after isa/scalar.hpp. A table of 256 bytes, looked up for every byte of a block.
struct byte_table {
  static constexpr bool slower_than_lines = false;
  explicit byte_table(const std::uint8_t* t) : bytes(t) {}
  wide::block operator()(wide::block x) const {
    for (std::uint8_t& v : x.v) v = bytes[v];
    return x;
  }
  const std::uint8_t* bytes;
};
