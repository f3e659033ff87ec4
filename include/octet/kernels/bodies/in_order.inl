// No include guard: part of every instruction set's kernels.
// Converts rounded sums of consecutive elements to bytes in the same order.
inline wide::u8x4 in_order(const wide::i32 (&q)[4], const wide::u8_limits& limits) {
  return wide::to_rows<1>(wide::pack<Limit::clamp>(q[0], q[1], q[2], q[3], limits));
}
