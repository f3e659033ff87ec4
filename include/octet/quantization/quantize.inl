#pragma once
#include <cmath>

#include "../core/affine.hpp"
#include "../core/integer_format.hpp"
#include "../core/thread_pool.hpp"
#include "../kernels/half.hpp"
#include "entropy_range.hpp"
#include "quantize.hpp"

OCTET_BEGIN
namespace detail {

/// The elements of one channel, contiguous.
inline std::vector<float> channel_elements(const float* x, const ChannelWalk& w, std::int64_t channel) {
  std::vector<float> v;
  v.reserve(static_cast<std::size_t>(w.outer * w.inner));
  for (std::int64_t o = 0; o < w.outer; ++o) {
    const float* from = x + (o * w.channels + channel) * w.inner;
    v.insert(v.end(), from, from + w.inner);
  }
  return v;
}

OCTET_API Range choose_range(const float* x, std::int64_t n, const Calib& c, DType type) {
  require(n > 0, "an empty tensor cannot be quantized");
  float seen[2];
  element_kernels().minmax_f32(x, n, seen);
  require(!std::isnan(seen[0]) && !std::isnan(seen[1]), "the tensor has NaN or infinite elements");
  const Range all{seen[0], seen[1]};
  if (c.method == RangeMethod::min_max || c.method == RangeMethod::moving_average) return all;
  Histogram h;
  h.add(x, n);
  switch (c.method) {
    case RangeMethod::percentile:
      require(c.percent > 0 && c.percent <= 100, "expected a percent in (0, 100], found ", c.percent);
      return percentile_range(h, all, c.percent);
    case RangeMethod::entropy: return entropy_range(h, all);
    default: return mse_range(h, all, 1 << bits(type), c.is_symmetric);
  }
}

OCTET_API QuantParams choose_params(View<const float> t, const Calib& c, DType type) {
  if (c.given) {
    validate(c.given, t.shape(), type);
    return c.given;
  }
  const int axis = c.axis ? normalize_axis(*c.axis, t.shape().rank()) : -1;
  const ChannelWalk w(t.shape(), axis);
  QuantParams params;
  params.axis = axis;
  for (std::int64_t ch = 0; ch < w.channels; ++ch) {
    const bool contiguous = w.outer == 1;
    const std::vector<float> gathered = contiguous ? std::vector<float>{} : channel_elements(t.data(), w, ch);
    const Range r = choose_range(contiguous ? t.data() + ch * w.inner : gathered.data(), w.outer * w.inner, c, type);
    QuantParams p = params_for(r, type, c.is_symmetric);
    if (r.low == 0 && r.high == 0) p.scale[0] = 1;  // any scale is exact
    require(p.scale[0] > 0 && std::isfinite(p.scale[0]), axis < 0 ? "the tensor" : concat("channel ", ch),
            " has the range [", r.low, ", ", r.high, "], which no scale can represent");
    params.scale.push_back(p.scale[0]);
    params.zero_point.push_back(p.zero_point[0]);
  }
  return params;
}

OCTET_API void quantize_run(const float* x, std::int64_t n, float scale, std::int32_t zero, IntegerRange r, DType type,
                            std::byte* out, std::int64_t at) {
  if (is_byte(type)) {
    const std::int32_t offset = code_shift(type, int8_format.computed);
    QuantizeF32 q;
    q.in = x;
    q.out = reinterpret_cast<std::uint8_t*>(out) + at;
    q.count = n;
    q.scale = scale;
    q.zero_point = zero + offset;
    q.low = static_cast<std::int32_t>(r.low) + offset;
    q.high = static_cast<std::int32_t>(r.high) + offset;
    q.flip = offset ? 0x80 : 0;
    element_kernels().quantize_f32(q);
    return;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    const double q = std::nearbyint(static_cast<double>(x[i] / scale)) + zero;
    store_element(type, out, at + i, std::min(std::max(q, static_cast<double>(r.low)), static_cast<double>(r.high)));
  }
}

OCTET_API void quantize_elements(View<const float> t, const QuantParams& params, const Calib& calib, DType type,
                                 std::byte* out) {
  IntegerRange r = integer_range(type);
  if (calib.is_symmetric && !calib.given) r.low = is_signed(type) ? -r.high : 1;
  if (calib.given) {
    float seen[2];
    element_kernels().minmax_f32(t.data(), t.size(), seen);
    require(t.size() == 0 || !std::isnan(seen[0]), "the tensor has NaN or infinite elements");
  }
  const ChannelWalk w(t.shape(), params.axis);
  for (std::int64_t o = 0; o < w.outer; ++o)
    for (std::int64_t c = 0; c < w.channels; ++c) {
      const std::int64_t at = (o * w.channels + c) * w.inner;
      const auto ch = static_cast<std::size_t>(c);
      quantize_run(t.data() + at, w.inner, params.scale[ch], params.zero_point[ch], r, type, out, at);
    }
}

OCTET_API void to_half(View<const float> t, DType half, std::byte* out) {
  const auto convert = half == DType::f16 ? element_kernels().f32_to_fp16 : element_kernels().f32_to_bf16;
  parallel_parts(*default_pool(), t.size(), 1 << 16,
                 [&](std::int64_t first, std::int64_t count) { convert(t.data() + first, out + 2 * first, count); });
}

OCTET_API Tensor<float> real_values(const TensorRef& t, const QuantParams& params) {
  if (!params) return to_float(t);
  Tensor<float> r = Tensor<float>::uninitialized(t.shape);
  const ChannelWalk w(t.shape, params.axis);
  for (std::int64_t o = 0; o < w.outer; ++o)
    for (std::int64_t c = 0; c < w.channels; ++c)
      for (std::int64_t i = (o * w.channels + c) * w.inner, end = i + w.inner; i < end; ++i)
        r[i] = static_cast<float>(load_element(t.dtype, t.data, i) - params.zero_point[at(c)]) * params.scale[at(c)];
  return r;
}

OCTET_API Tensor<float> dequantize(DType type, const std::byte* q, const Shape& shape, const QuantParams& params) {
  validate(params, shape, type);
  return real_values({type, shape, const_cast<std::byte*>(q)}, params);
}

}  // namespace detail

OCTET_API Tensor<float> dequantize(const Tensor<fp16>& t) { return detail::to_float(View<const fp16>(t)); }
OCTET_API Tensor<float> dequantize(const Tensor<bf16>& t) { return detail::to_float(View<const bf16>(t)); }

OCTET_END
