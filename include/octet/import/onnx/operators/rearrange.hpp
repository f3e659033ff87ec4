#pragma once
#include "../../open_blocks.hpp"
#include "movement.hpp"
#include "reshape.hpp"

/// DepthToSpace and SpaceToDepth: reshape, transpose, reshape.
OCTET_BEGIN
namespace detail::onnx {

/// Adds a step of an image that is stored with channels last.
inline auto open_step(NodeImport& n) {
  return [&n](const char* what, auto op, int v, int kept) {
    return n.step(what, std::move(op), {v}, static_cast<Keeps>((1u << kept) - 1));
  };
}

inline void import_depth_to_space(NodeImport& n) {
  const Operand& x = n.input(0);
  const std::int64_t b = n.integer("blocksize");
  const Shape s = x.shape();
  n.require(x.rank() == 4 && b > 0 && b < 65536 && s[1] >= 0 && s[1] % (b * b) == 0, "blocks of ", b,
            " do not divide an input of shape ", s);
  const std::string mode = n.text("mode", "DCR");
  n.require(mode == "DCR" || mode == "CRD", "mode '", mode, "' is not supported");
  const bool depth_first = mode == "DCR";
  const std::int64_t c = s[1] / (b * b);
  if (s[2] == Shape::unknown && s[3] == Shape::unknown) {
    const int v = n.builder.value(x, Order::channels_last(4));
    const int split = n.step("blocks", depth_first ? Reshape({0, 0, 0, b, b, c}) : Reshape({0, 0, 0, c, b, b}), {v},
                             static_cast<Keeps>(7u));
    const std::vector<std::int64_t> channels =
        depth_first ? std::vector<std::int64_t>{4, 3, 5} : std::vector<std::int64_t>{5, 4, 3};
    return n.result(joined_blocks(open_step(n), split, channels, b, c), Order{0, 3, 2, 1});
  }
  std::vector<Target> blocks{{s[0], 0}, {b}, {b}, {c}, {s[2], 2}, {s[3], 3}};
  if (!depth_first) std::swap(blocks[1], blocks[3]);
  const Operand split = reshaped(n, x, blocks, "blocks");
  const Operand moved = reordered(split, depth_first ? Order{0, 3, 4, 1, 5, 2} : Order{0, 1, 4, 2, 5, 3});
  const auto times = [&](std::int64_t d) { return d < 0 ? d : Shape{d, b}.elements(); };
  n.result(reshaped(n, moved, {{s[0], 0}, {c}, {times(s[2])}, {times(s[3])}}));
}

inline void import_space_to_depth(NodeImport& n) {
  const Operand& x = n.input(0);
  const std::int64_t b = n.integer("blocksize");
  const Shape s = x.shape();
  const auto divides = [&](std::int64_t d) { return d == Shape::unknown || d % b == 0; };
  n.require(x.rank() == 4 && b > 0 && b < 65536 && s[1] >= 0 && divides(s[2]) && divides(s[3]), "blocks of ", b,
            " do not divide an input of shape ", s);
  if (s[2] == Shape::unknown || s[3] == Shape::unknown)
    return n.result(divided_blocks(open_step(n), n.builder.value(x, Order::channels_last(4)), b, s[1]),
                    Order{0, 3, 2, 1});
  const Operand split = reshaped(n, x, {{s[0], 0}, {s[1], 1}, {s[2] / b}, {b}, {s[3] / b}, {b}}, "blocks");
  const Operand moved = reordered(split, {0, 3, 5, 1, 2, 4});
  n.result(reshaped(n, moved, {{s[0], 0}, {Shape{s[1], b, b}.elements()}, {s[2] / b}, {s[3] / b}}));
}

}  // namespace detail::onnx
OCTET_END
