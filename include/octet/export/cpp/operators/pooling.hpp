#pragma once
#include "../../../operators/integer_mean.hpp"
#include "../../../operators/pooling/average_pool.hpp"
#include "../../../operators/pooling/max_pool.hpp"
#include "../../../operators/reduce.hpp"
#include "cmsis_nn.hpp"

/// Pooling, and means over images.
OCTET_BEGIN
namespace detail::cpp {

using WindowAxes = std::array<WindowAxis, 3>;

inline WindowAxes window_axes(NodeExport& n, const Window& window) {
  n.require_codes(n.id(0));
  n.require_codes(n.out_id());
  n.require_one_image(n.id(0));
  static const std::string unnamed;
  const WindowAxes axes = resolve(window, n.input(0).shape, ShapeContext(unnamed, "Pool", {}, {}));
  n.require(axes[0].in == 1 && axes[0].out == 1 && axes[0].before == 0, "C++ source has no form of it for volumes");
  return axes;
}

inline std::string pool_shape(NodeExport& n, const WindowAxis& h, const WindowAxis& w) {
  std::vector<std::string> members;
  for (std::int64_t x : {h.in, w.in, n.input(0).shape.back(), h.out, w.out, h.kernel, w.kernel, h.stride, w.stride,
                         h.dilation, w.dilation, h.before, w.before})
    members.push_back(literal(x));
  return n.structure("Pool", members);
}

inline void export_max_pool(NodeExport& n) {
  const auto& op = static_cast<const MaxPool&>(n.op());
  const WindowAxes axes = window_axes(n, op.window);
  n.require(n.outputs() == 1, "C++ source has no form of it that returns indices");
  n.require(n.stored().same(n.id(0), n.out_id()), "input and output have to share one scale");
  if (cmsis_pool(n, axes[1], axes[2], false)) return;
  n.use("max_pool");
  n.call("max_pool(" + listed({pool_shape(n, axes[1], axes[2]), n.in(), n.out()}) + ")");
}

/// The factor of a mean of that many codes, as in IntegerMean.
inline float mean_factor(const NodeExport& n, std::int64_t count) {
  return finite_factor(static_cast<double>(n.input(0).quant.scale[0]) /
                       (static_cast<double>(n.output().quant.scale[0]) * static_cast<double>(count)));
}

inline void call_average_pool(NodeExport& n, const WindowAxis& h, const WindowAxis& w,
                              const std::vector<float>& factors, bool by_count) {
  const IntegerRange limits = integer_range(n.output().dtype);
  n.use("average_pool");
  n.call("average_pool(" +
         listed({pool_shape(n, h, w), n.array("factors", factors), by_count ? "true" : "false",
                 literal(n.stored().zero(n.id(0))), n.in(), n.out(), "Codes" + n.codes(limits.low, limits.high)}) +
         ")");
}

inline void export_average_pool(NodeExport& n) {
  const auto& op = static_cast<const AveragePool&>(n.op());
  const WindowAxes axes = window_axes(n, op.window);
  const auto beyond = [](const WindowAxis& a, std::int64_t after) {
    return (a.out - 1) * a.stride - a.before + a.reach() > a.in + after;
  };
  const bool padded = axes[1].before + axes[2].before > 0 || beyond(axes[1], 0) || beyond(axes[2], 0);
  const std::int64_t taps = axes[1].kernel * axes[2].kernel;
  const bool one_divisor = !padded || op.include_padding;
  n.require(!op.include_padding || (!beyond(axes[1], axes[1].after) && !beyond(axes[2], axes[2].after)),
            "C++ source has no form of it with windows beyond the padding");
  // TFLite's pools, which keep the scale, have a rounding of their own.
  if (n.context().rounding() != Rounding::fp32 && n.input(0).quant == n.output().quant) {
    if (!op.include_padding && op.int8_ties && cmsis_pool(n, axes[1], axes[2], true)) return;
    const std::int32_t middle = (op.int8_ties ? 128 : 0) + n.stored().shift(n.id(0));
    n.use("fixed_average_pool");
    return n.call(
        "fixed_average_pool(" +
        listed({pool_shape(n, axes[1], axes[2]), literal(one_divisor ? taps : 0), literal(middle), n.in(), n.out()}) +
        ")");
  }
  if (one_divisor) return call_average_pool(n, axes[1], axes[2], {mean_factor(n, taps)}, false);
  std::vector<float> factors;
  for (std::int64_t count = 1; count <= taps; ++count) factors.push_back(mean_factor(n, count));
  call_average_pool(n, axes[1], axes[2], factors, true);
}

/// Whether exactly the dimensions between the first and the last are reduced.
inline bool reduces_pixels(const Reduce& op, int rank) {
  std::vector<bool> reduced(at(rank), false);
  for (std::int64_t a : op.axes) reduced[at(normalize_axis(a, rank))] = true;
  bool all = rank >= 3 && !reduced.front() && !reduced.back();
  for (int d = 1; d + 1 < rank; ++d) all = all && reduced[at(d)];
  return all;
}

inline void export_reduce(NodeExport& n) {
  const auto& op = static_cast<const Reduce&>(n.op());
  n.require_codes(n.id(0));
  n.require_codes(n.out_id());
  n.require(op.kind == ReduceKind::mean && reduces_pixels(op, n.rank()),
            "C++ source only has means over height and width");
  n.require_one_image(n.id(0));
  const Shape& x = n.input(0).shape;
  WindowAxis pixels;
  pixels.in = pixels.kernel = x.product(1, x.rank() - 1);
  const PrepareContext c = n.context();
  if (c.rounding() == Rounding::fp32)
    return call_average_pool(n, pixels, WindowAxis(), {mean_factor(n, pixels.in)}, false);
  n.require(!c.as_litert() || !op.keep_dims || x.rank() != 4, "C++ source has no form of LiteRT's mean of pixels");
  const FixedPointMultiplier ratio(static_cast<double>(n.input(0).quant.scale[0]) /
                                   static_cast<double>(n.output().quant.scale[0]));
  const IntegerRange limits = integer_range(n.output().dtype);
  n.use("fixed_mean");
  n.call("fixed_mean(" +
         listed({pool_shape(n, pixels, WindowAxis()),
                 fixed_type(n, c.rounding()) + fixed_literal(IntegerMean::divided(ratio, pixels.in)),
                 literal(n.stored().zero(n.id(0))), n.in(), n.out(), "Codes" + n.codes(limits.low, limits.high)}) +
         ")");
}

}  // namespace detail::cpp
OCTET_END
