#pragma once
#include "../operator_import.hpp"

/// Concatenation, padding, resizing, and operators that compute shapes.
OCTET_BEGIN
namespace detail::tflite {

/// Concatenates sizes.
inline Sizes joined_sizes(OperatorImport& n) {
  Sizes all;
  for (int i = 0; i < n.inputs(); ++i) {
    const Sizes part = n.sizes(i);
    all.entries.insert(all.entries.end(), part.entries.begin(), part.entries.end());
    n.require(static_cast<std::int64_t>(all.entries.size()) <= Sizes::most, "concatenates ", all.entries.size(),
              " sizes, expected at most ", Sizes::most);
  }
  return all;
}

inline void import_concatenation(OperatorImport& n) {
  if (n.any_sizes()) return n.result(joined_sizes(n));
  std::vector<int> parts;
  for (int i = 0; i < n.inputs(); ++i) parts.push_back(n.value(i));
  n.require(!parts.empty(), "has no inputs");
  n.add_clamped(Concat(n.integer(0)), parts, n.activation(1));
}

/// Input 1: paddings [rank, 2].
inline Pad padding(OperatorImport& n, PadMode mode, int rank) {
  const std::vector<std::int64_t> both = n.matrix(1, rank, 2);
  Pad op;
  op.mode = mode;
  for (std::size_t d = 0; d < static_cast<std::size_t>(rank); ++d) {
    n.require(both[2 * d] >= 0 && both[2 * d + 1] >= 0, "expected paddings >= 0, found ", both[2 * d], " and ",
              both[2 * d + 1]);
    op.before.push_back(both[2 * d]);
    op.after.push_back(both[2 * d + 1]);
  }
  return op;
}

/// Pads with zeros, or with the element of input 2.
inline void import_pad(OperatorImport& n) {
  const int x = n.value(0);
  Pad op = padding(n, PadMode::constant, n.graph_value(x).shape.rank());
  if (n.has(2)) op.value = n.element(2);
  n.add(std::move(op), {x});
}

inline void import_mirror_pad(OperatorImport& n) {
  const int x = n.value(0);
  n.require(n.choice(0) == 0 || n.choice(0) == 1, "mode ", n.choice(0), " is not supported");
  const Shape in = n.graph_value(x).shape;
  Pad op = padding(n, n.choice(0) == 0 ? PadMode::reflect : PadMode::symmetric, in.rank());
  for (int d = 0; d < in.rank(); ++d) {
    const std::int64_t most = in[d] - (op.mode == PadMode::reflect ? 1 : 0);
    const std::int64_t added = std::max(op.before[static_cast<std::size_t>(d)], op.after[static_cast<std::size_t>(d)]);
    n.require(added == 0 || in[d] == Shape::unknown || added <= most, "dimension ", d, " of ", in,
              " can be padded by at most ", most, ", found ", added);
  }
  n.add(std::move(op), {x});
}

/// Input 1: the new height and width. align_corners and half_pixel_centers are fields `first` and `first` + 1.
inline void import_resize(OperatorImport& n, ResizeMode mode, int first) {
  const int x = n.value(0);
  const std::vector<std::int64_t> size = n.integers(1, 2);
  n.require(n.graph_value(x).shape.rank() == 4 && size[0] > 0 && size[1] > 0, "cannot resize ", n.graph_value(x).shape,
            " to ", size[0], " x ", size[1]);
  const bool corners = n.flag(first), centers = n.flag(first + 1);
  n.require(!(corners && centers), "align_corners and half_pixel_centers cannot both be set");
  Resize op;
  op.mode = mode;
  op.sizes = {0, size[0], size[1], 0};
  op.coordinate_transformation_mode = corners   ? CoordinateMode::align_corners
                                      : centers ? CoordinateMode::half_pixel
                                                : CoordinateMode::asymmetric;
  op.nearest_mode = corners || centers ? NearestMode::round_prefer_ceil : NearestMode::floor;
  n.add(std::move(op), {x});
}

/// Sparse constants are expanded when they are read.
inline void import_densify(OperatorImport& n) { n.result_is_constant(n.constant(0)); }

inline void import_shape(OperatorImport& n) {
  const Shape in = n.graph_value(n.value(0)).shape;
  Sizes s;
  for (int d = 0; d < in.rank(); ++d) s.entries.push_back(size_of(in, d));
  n.result(std::move(s));
}

}  // namespace detail::tflite
OCTET_END
