#pragma once
#include "pooling.hpp"

/// Pixels at places that are computed, and sequences of given lengths.
OCTET_BEGIN
namespace detail::onnx {

inline void import_grid_sample(NodeImport& n) {
  const Operand &x = n.input(0), &grid = n.input(1);
  n.require(x.rank() == 4, "expected images [N, C, H, W], found ", x.shape());
  GridSample op;
  const std::string mode = n.text("mode", "linear"), padding = n.text("padding_mode", "zeros");
  if (mode == "nearest")
    op.mode = ResizeMode::nearest;
  else if (mode == "cubic" || mode == "bicubic")
    op.mode = ResizeMode::cubic;
  else
    n.require(mode == "linear" || mode == "bilinear", "mode '", mode, "' is not supported");
  if (padding == "border")
    op.padding = GridPadding::border;
  else if (padding == "reflection")
    op.padding = GridPadding::reflection;
  else
    n.require(padding == "zeros", "padding_mode '", padding, "' is not supported");
  op.align_corners = n.flag("align_corners");
  const std::vector<int> in{image_value(n, x), n.builder.value(grid, Order::identity(grid.rank()))};
  n.result(n.add(op, in, Keeps::batch), Order::channels_last(4));
}

/// The grid for GridSample that moves images by matrices theta [N, 2, 3]: [N, H, W, 2].
inline void import_affine_grid(NodeImport& n) {
  const Operand& theta = n.input(0);
  n.require(theta.rank() == 3 && theta.shape()[1] == 2 && theta.shape()[2] == 3,
            "expected matrices [N, 2, 3] for 2-D images, found ", theta.shape());
  const std::vector<std::int64_t> size = n.constant_integers(1);
  n.require(size.size() == 4 && size[2] >= 1 && size[3] >= 1 && size[2] < 1 << 20 && size[3] < 1 << 20,
            "expected the size [N, C, H, W] of images");
  const bool corners = n.flag("align_corners");
  const auto place = [&](std::int64_t i, std::int64_t of) {
    if (corners) return of > 1 ? 2 * static_cast<double>(i) / static_cast<double>(of - 1) - 1 : 0.0;
    return static_cast<double>(2 * i + 1) / static_cast<double>(of) - 1;
  };
  const std::int64_t pixels = size[2] * size[3];
  n.builder.spend(static_cast<std::size_t>(pixels) * 3 * sizeof(float));
  Tensor<float> places({1, pixels, 3});
  for (std::int64_t i = 0; i < pixels; ++i) {
    places[3 * i] = static_cast<float>(place(i % size[3], size[3]));
    places[3 * i + 1] = static_cast<float>(place(i / size[3], size[2]));
    places[3 * i + 2] = 1;
  }
  const int all = n.builder.add_constant(n.builder.derived(n.name() + "/places"), std::move(places));
  const int moved = n.step("moved", MatMul(), {all, n.builder.value(theta, Order{0, 2, 1})});
  n.result(n.add(Reshape({-1, size[2], size[3], 2}), {moved}), Order::identity(4));
}

inline void import_max_unpool(NodeImport& n) {
  const Operand& x = n.input(0);
  n.require(x.rank() >= 3 && n.input(1).rank() == x.rank(), "expected images [N, C, spatial ...] and indices, found ",
            x.shape(), " and ", n.input(1).shape());
  Unpool op;
  op.window = import_window(n, n.integers("kernel_shape"));
  if (n.has(2)) {
    const std::vector<std::int64_t> shape = n.constant_integers(2);
    n.require(static_cast<int>(shape.size()) == x.rank(), "the output's shape has ", shape.size(),
              " entries, expected ", x.rank());
    op.sizes.assign(shape.begin() + 2, shape.end());
    for (std::int64_t d : op.sizes) n.require(d >= 0, "a size is ", d, ", expected at least 0");
  }
  const std::vector<int> in{image_value(n, x), image_value(n, n.input(1))};
  n.result(n.add(std::move(op), in, Keeps::batch), Order::channels_last(x.rank()));
}

inline void import_reverse_sequence(NodeImport& n) {
  const Operand& x = n.input(0);
  const auto place = [&](const char* key, std::int64_t missing) {
    return x.order.find(normalize_axis(n.integer(key, missing), x.rank()));
  };
  const ReverseSequence op(place("time_axis", 0), place("batch_axis", 1));
  n.result(n.add(op, {n.builder.value(x), n.builder.value(n.input(1))}, Keeps::all), x.order);
}

}  // namespace detail::onnx
OCTET_END
