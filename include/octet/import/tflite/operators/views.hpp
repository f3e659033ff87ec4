#pragma once
#include "../../open_blocks.hpp"
#include "join.hpp"

/// Reshape, squeeze, pack, unpack and similar operators.
OCTET_BEGIN
namespace detail::tflite {

/// The new shape is input 1, or an option in older files.
inline void import_reshape(OperatorImport& n) {
  const int x = n.value(0);
  Sizes wanted;
  if (n.has(1)) {
    wanted = n.sizes(1);
  } else {
    for (std::int64_t d : n.list(0)) wanted.entries.push_back({d, -1});
  }
  n.require(wanted.entries.size() <= static_cast<std::size_t>(Shape::max_rank), "the new shape has ",
            wanted.entries.size(), " dimensions, expected at most ", Shape::max_rank);
  if (wanted.entries.size() == 1 && wanted.entries[0].known() && wanted.entries[0].value == 0)
    wanted.entries.clear();  // older files use [0] for a scalar
  for (const Size& s : wanted.entries)
    n.require(!s.known() || s.value == -1 || s.value > 0, "the new shape has a size of ", s.value,
              ", expected -1 or a positive one");
  n.add(Reshape(reshape_target(wanted, n.graph_value(x).shape)), {x});
}

inline void import_squeeze(OperatorImport& n) {
  const int x = n.value(0);
  std::vector<std::int64_t> axes = n.list(0);
  const Shape in = n.graph_value(x).shape;
  if (axes.empty())  // all dimensions that are declared as 1
    for (int d = 0; d < in.rank(); ++d)
      if (in[d] == 1 || (d == 0 && in[d] == Shape::unknown)) axes.push_back(d);
  if (axes.empty()) {
    n.add(Identity(), {x});
    return;
  }
  n.add(Squeeze(std::move(axes)), {x});
}

inline void import_expand_dims(OperatorImport& n) { n.add(Unsqueeze(n.integers(1, 1)), {n.value(0)}); }

inline void import_transpose(OperatorImport& n) {
  const int x = n.value(0);
  n.add(Transpose(n.integers(1, n.graph_value(x).shape.rank())), {x});
}

/// Concatenates tensors of one shape along a new axis.
inline void import_pack(OperatorImport& n) {
  const std::int64_t axis = n.integer(1);
  if (n.any_sizes()) return n.result(joined_sizes(n));
  std::vector<int> parts;
  for (int i = 0; i < n.inputs(); ++i) parts.push_back(n.step("part", Unsqueeze({axis}), {n.value(i)}));
  n.require(!parts.empty(), "has no inputs");
  n.add(Concat(normalize_axis(axis, n.graph_value(parts[0]).shape.rank())), parts);
}

inline void import_unpack(OperatorImport& n) {
  const int x = n.value(0);
  const Shape in = n.graph_value(x).shape;
  const std::int64_t axis = normalize_axis(n.integer(1), in.rank());
  n.require(in[static_cast<int>(axis)] == n.outputs(), "cannot unpack ", in, " along axis ", axis, " into ",
            n.outputs(), " tensors");
  for (int i = 0; i < n.outputs(); ++i) {
    const int part = n.step("part", Slice({i}, {i + 1}, {axis}), {x});
    n.add(Squeeze({axis}), {part}, i);
  }
}

inline auto open_step(OperatorImport& n) {
  return [&n](const char* what, auto op, int v, int) { return n.step(what, std::move(op), {v}); };
}

/// DEPTH_TO_SPACE and SPACE_TO_DEPTH. The channels of a block are ordered by pixel first, then by channel.
inline void import_depth_to_space(OperatorImport& n) {
  const std::int64_t b = n.integer(0);
  const int x = n.value(0);
  const Shape s = n.graph_value(x).shape;
  n.require(s.rank() == 4 && b > 0 && b < 65536 && s[3] >= 0 && s[3] % (b * b) == 0, "blocks of ", b,
            " do not divide an input of shape ", s);
  const std::int64_t c = s[3] / (b * b);
  if (s[1] == Shape::unknown || s[2] == Shape::unknown) {
    const int open = n.step("blocks", Reshape({0, 0, 0, b, b, c}), {x});
    n.add(Transpose({0, 2, 1, 3}), {joined_blocks(open_step(n), open, {4, 3, 5}, b, c)});
    return;
  }
  const int split = n.step("blocks", Reshape({0, s[1], s[2], b, b, c}), {x});
  const int moved = n.step("moved", Transpose({0, 1, 3, 2, 4, 5}), {split});
  n.add(Reshape({0, s[1] * b, s[2] * b, c}), {moved});
}

inline void import_space_to_depth(OperatorImport& n) {
  const std::int64_t b = n.integer(0);
  const int x = n.value(0);
  const Shape s = n.graph_value(x).shape;
  const auto divides = [&](std::int64_t d) { return d == Shape::unknown || d % b == 0; };
  n.require(s.rank() == 4 && b > 0 && b < 65536 && s[3] >= 0 && divides(s[1]) && divides(s[2]), "blocks of ", b,
            " do not divide an input of shape ", s);
  if (s[1] == Shape::unknown || s[2] == Shape::unknown) {
    n.add(Transpose({0, 2, 1, 3}), {divided_blocks(open_step(n), x, b, s[3])});
    return;
  }
  const int split = n.step("blocks", Reshape({0, s[1] / b, b, s[2] / b, b, s[3]}), {x});
  const int moved = n.step("moved", Transpose({0, 1, 3, 2, 4, 5}), {split});
  n.add(Reshape({0, s[1] / b, s[2] / b, b * b * s[3]}), {moved});
}

}  // namespace detail::tflite
OCTET_END
