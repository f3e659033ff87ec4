#pragma once
#include "../operators/shape/transpose.hpp"
#include "../operators/shape/views.hpp"

/// Depth to space and space to depth of images whose height and width are open. A reshape can compute one size only, so
/// that columns and rows are joined, or divided, one after the other. `add(what, op, v, kept)` adds an operator whose
/// result keeps the first `kept` sizes of its input.
OCTET_BEGIN
namespace detail {

/// [N, H, W, ...] with the rows, columns and channels of blocks as dimensions 3 to 5 in some order, to [N, W b, H b,
/// c]. `channels`: the places of columns, rows and channels.
template <class Add>
int joined_blocks(Add add, int split, const std::vector<std::int64_t>& channels, std::int64_t b, std::int64_t c) {
  int v = add("columns_moved", Transpose({0, 1, 2, channels[0], channels[1], channels[2]}), split, 3);
  v = add("columns", Reshape({0, 0, -1, b, c}), v, 2);
  v = add("rows_moved", Transpose({0, 2, 1, 3, 4}), v, 1);
  return add("rows", Reshape({0, 0, -1, c}), v, 2);
}

/// [N, H, W, c] to [N, W / b, H / b, b b c]: rows of a block, then columns, then channels.
template <class Add>
int divided_blocks(Add add, int x, std::int64_t b, std::int64_t c) {
  int v = add("columns", Reshape({0, 0, -1, b, c}), x, 2);
  v = add("columns_moved", Transpose({0, 2, 1, 3, 4}), v, 1);
  v = add("rows", Reshape({0, 0, -1, b, b * c}), v, 2);
  return add("pixels", Reshape({0, 0, 0, b * b * c}), v, 3);
}

}  // namespace detail
OCTET_END
