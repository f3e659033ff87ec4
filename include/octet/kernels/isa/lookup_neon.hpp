// No include guard: included once, for the kernels of neon. A table of 256 bytes, looked up for every byte of a block:
// indices beyond a quarter of the table give 0, or leave what is there.
struct byte_table {
  static constexpr bool slower_than_lines = false;
  explicit byte_table(const std::uint8_t* t) {
    for (int k = 0; k < 4; ++k)
      for (int i = 0; i < 4; ++i) parts[k].val[i] = vld1q_u8(t + 64 * k + 16 * i);
  }
  uint8x16_t operator()(uint8x16_t x) const {
    const uint8x16_t quarter = vdupq_n_u8(64);
    uint8x16_t r = vqtbl4q_u8(parts[0], x);
    for (int k = 1; k < 4; ++k) {
      x = vsubq_u8(x, quarter);
      r = vqtbx4q_u8(r, parts[k], x);
    }
    return r;
  }
  uint8x16x4_t parts[4];
};
