#pragma once
#include "../core/affine.hpp"
#include "../core/integer_format.hpp"
#include "../core/rounded.hpp"
#include "../core/thread_pool.hpp"
#include "../core/weight_blocks.hpp"
#include "../passes/rewrite.hpp"
#include "quantize.hpp"

OCTET_BEGIN
namespace detail {

/// Whether the node has constant float weights that can be quantized.
inline bool has_float_weights(const Graph& g, const Node& n) {
  const int w = n.op->integer_form().weights;
  const int v = w < 0 ? Node::none : input_of(n, static_cast<std::size_t>(w));
  return v != Node::none && g.value(v).is_constant() && is_floating(g.value(v).dtype);
}

/// Whether the operator can quantize its inputs at run time: sums of products.
inline bool has_dynamic_form(const Operator& op) { return op.traits().products != Traits::Products::none; }

/// The elements of a constant as floats. Converts them only if they have another type.
class FloatElements {
 public:
  explicit FloatElements(const AnyTensor& t) {
    if (t.dtype() != DType::f32) converted_ = to_float(t.ref());
    view_ = t.dtype() == DType::f32 ? t.view<float>() : View<const float>(converted_);
  }
  FloatElements(const FloatElements&) = delete;
  FloatElements& operator=(const FloatElements&) = delete;
  const View<const float>& operator*() const noexcept { return view_; }

 private:
  Tensor<float> converted_;
  View<const float> view_;
};

/// The squared error of n weights rounded to multiples of a step, from -most to most of them.
inline double rounding_error(const float* w, std::int64_t n, float step, float most) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const float code = std::min(std::max(std::nearbyint(w[i] / step), -most), most);
    const double e = static_cast<double>(w[i]) - static_cast<double>(rounded(code * step));
    sum += rounded(e * e);
  }
  return sum;
}

/// The range of n weights for which codes from -largest to largest have the least squared error: the best of
/// 1 %, 2 %, ... 100 % of the full range. Errors are those of the weights themselves: with few bits, estimates from a
/// histogram are too inaccurate.
inline Range least_error_range(const float* w, std::int64_t n, const Range& all, std::int32_t largest) {
  const float full = std::max(-all.low, all.high), most = static_cast<float>(largest);
  float best = full;
  double error = std::numeric_limits<double>::infinity();
  for (int part = 100; part > 0; --part) {
    const float end = full * static_cast<float>(part) / 100, scale = end / most;
    if (!(scale >= std::numeric_limits<float>::min())) break;
    const double sum = rounding_error(w, n, scale, most);
    if (sum < error) {
      error = sum;
      best = end;
    }
  }
  return {-best, best};
}

/// Scales of symmetric weights [O, ...]: one for each index of axis 0, or one for all. Channels of zeros get the
/// scale 1. `least` (one per channel, may be empty): lower bounds of the scales, so that biases fit. `largest_codes`
/// (one per scale; empty: that of the format): the codes of the largest weights.
inline QuantParams weight_params(View<const float> w, const IntegerFormat& format, bool by_channel, RangeMethod method,
                                 const std::vector<double>& least = {},
                                 const std::vector<std::int32_t>& largest_codes = {}) {
  by_channel = by_channel && w.shape().rank() > 0;  // the slope of a PRelu may be a scalar
  Calib calib = by_channel ? per_channel(0) : per_tensor();
  calib.method = method;
  QuantParams params;
  params.axis = by_channel ? 0 : -1;
  const ChannelWalk walk(w.shape(), params.axis);
  for (std::int64_t c = 0; c < walk.channels; ++c) {
    const bool exact = method == RangeMethod::mse && format.bits < 8;
    if (exact) calib.method = RangeMethod::min_max;
    Range r = choose_range(w.data() + c * walk.inner, walk.inner, calib, format.weights);
    if (exact) r = least_error_range(w.data() + c * walk.inner, walk.inner, r, format.largest_weight());
    double floor = 0;
    for (std::size_t i = 0; i < least.size(); ++i)
      if (!by_channel || static_cast<std::int64_t>(i) == c) floor = std::max(floor, least[i]);
    const std::int64_t levels =
        largest_codes.empty() ? format.largest_weight() : largest_codes[static_cast<std::size_t>(c)];
    params.scale.push_back(weight_scale(r, levels, floor));
    params.zero_point.push_back(0);
  }
  return params;
}

/// Weights of up to 8 bits, rounded to nearest with such scales, times the multipliers of `blocks`.
inline QTensor<std::int8_t> quantize_weights(View<const float> w, const QuantParams& params,
                                             const IntegerFormat& format, const WeightBlocks& blocks = {}) {
  const std::int64_t largest = format.largest_weight();
  QTensor<std::int8_t> q{Tensor<std::int8_t>::uninitialized(w.shape()), params};
  const auto quantize = [&](std::int64_t from, std::int64_t n, float scale) {
    quantize_run(w.data() + from, n, scale, 0, {-largest, largest}, dtype_of<std::int8_t>,
                 reinterpret_cast<std::byte*>(q.data.data()), from);
  };
  if (blocks.size == 0) {
    const ChannelWalk walk(w.shape(), params.axis);
    default_pool()->parallel(walk.channels, [&](std::int64_t c, int) {
      quantize(c * walk.inner, walk.inner, params.scale[static_cast<std::size_t>(c)]);
    });
    return q;
  }
  const std::int64_t k = w.shape()[1];
  default_pool()->parallel(w.shape()[0], [&](std::int64_t o, int) {
    const std::uint8_t* multiplier = blocks.multipliers + o * weight_blocks(k, blocks.size);
    for (std::int64_t i = 0; i < k; i += blocks.size)
      quantize(o * k + i, std::min(blocks.size, k - i),
               params.scale[params.index_of(o)] * static_cast<float>(*multiplier++));
  });
  return q;
}

}  // namespace detail
OCTET_END
