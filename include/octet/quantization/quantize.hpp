#pragma once
#include <optional>

#include "../core/thread_pool.hpp"
#include "../kernels/half.hpp"
#include "range.hpp"

OCTET_BEGIN

/// How a tensor is quantized: granularity, symmetry and choice of the range; or given parameters.
///     quantize<int8>(weights, per_channel(0));
///     quantize<uint8>(image, per_tensor().asymmetric().by(RangeMethod::percentile, 99.9));
struct Calib {
  std::optional<int> axis;  // of the channels, -1 being the last; none: one scale for the whole tensor
  bool is_symmetric = true;
  RangeMethod method = RangeMethod::min_max;
  double percent = 99.99;  // kept by RangeMethod::percentile
  QuantParams given;       // used as they are, where not empty

  Calib symmetric() const {
    return with([](Calib& c) { c.is_symmetric = true; });
  }
  Calib asymmetric() const {
    return with([](Calib& c) { c.is_symmetric = false; });
  }
  Calib by(RangeMethod m, double percentile = 99.99) const {
    return with([&](Calib& c) { c.method = m, c.percent = percentile; });
  }

 private:
  template <class F>
  Calib with(F change) const {
    Calib c = *this;
    change(c);
    return c;
  }
};

inline Calib per_tensor() { return {}; }
inline Calib per_channel(int axis) {
  Calib c;
  c.axis = axis;
  return c;
}
inline Calib given_params(QuantParams params) {
  Calib c;
  c.given = std::move(params);
  return c;
}

namespace detail {

/// The elements of one channel, side by side.
inline std::vector<float> channel_elements(const float* x, const ChannelWalk& w, std::int64_t channel) {
  std::vector<float> v;
  v.reserve(static_cast<std::size_t>(w.outer * w.inner));
  for (std::int64_t o = 0; o < w.outer; ++o) {
    const float* from = x + (o * w.channels + channel) * w.inner;
    v.insert(v.end(), from, from + w.inner);
  }
  return v;
}

/// The range of n numbers by the method; throws where one is not finite, or there are none.
inline Range choose_range(const float* x, std::int64_t n, const Calib& c, DType type) {
  require(n > 0, "an empty tensor has no range");
  float seen[2];
  element_kernels().minmax_f32(x, n, seen);
  require(!std::isnan(seen[0]) && !std::isnan(seen[1]), "the tensor has NaN or infinite elements");
  const Range all{seen[0], seen[1]};
  if (c.method == RangeMethod::min_max || c.method == RangeMethod::moving_average) return all;
  Histogram h;
  h.add(x, n, std::max(-all.low, all.high));
  switch (c.method) {
    case RangeMethod::percentile:
      require(c.percent > 0 && c.percent <= 100, "a percentile is in (0, 100], not ", c.percent);
      return percentile_range(h, all, c.percent);
    case RangeMethod::entropy: return entropy_range(h, all);
    default: return mse_range(h, all, 1 << bits(type), c.is_symmetric);
  }
}

/// Chooses scales and zero points for a tensor.
inline QuantParams choose_params(View<const float> t, const Calib& c, DType type) {
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
    const QuantParams p = params_for(r, type, c.is_symmetric);
    require(p.scale[0] > 0 && std::isfinite(p.scale[0]), axis < 0 ? "the tensor" : concat("channel ", ch),
            " has the range [", r.low, ", ", r.high, "], which no scale can represent");
    params.scale.push_back(p.scale[0]);
    params.zero_point.push_back(p.zero_point[0]);
  }
  return params;
}

/// q = clamp(round_half_even(x / scale) + zero_point): n elements into `out`, from element `at` on.
inline void quantize_run(const float* x, std::int64_t n, float scale, std::int32_t zero, IntegerRange r, DType type,
                         std::byte* out, std::int64_t at) {
  if (is_byte(type)) {
    const std::int32_t offset = type == DType::i8 ? 128 : 0;
    QuantizeF32 q;
    q.in = x, q.out = reinterpret_cast<std::uint8_t*>(out) + at, q.count = n;
    q.scale = scale, q.zero_point = zero + offset;
    q.low = static_cast<std::int32_t>(r.low) + offset, q.high = static_cast<std::int32_t>(r.high) + offset;
    q.flip = type == DType::i8 ? 0x80 : 0;
    element_kernels().quantize_f32(q);
    return;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    const double q = std::nearbyint(static_cast<double>(x[i] / scale)) + zero;
    store_element(type, out, at + i, std::min(std::max(q, static_cast<double>(r.low)), static_cast<double>(r.high)));
  }
}

}  // namespace detail

/// Quantizes to int8, uint8, int16, uint16, int32 or int4. Symmetric quantization leaves out the lowest code
/// (-128). Throws where the tensor is empty, has NaN or infinite elements or a range of zero, where the axis is
/// outside, or where given parameters do not fit.
template <class T>
auto quantize(View<const float> tensor, const Calib& calib = {})
    -> std::enable_if_t<!std::is_same_v<T, fp16> && !std::is_same_v<T, bf16>, QTensor<T>> {
  constexpr DType type = dtype_of<T>;
  QTensor<T> q{Tensor<T>(tensor.shape()), detail::choose_params(tensor, calib, type)};
  IntegerRange r = integer_range(type);
  if (calib.is_symmetric && !calib.given) r.low = is_signed(type) ? -r.high : 1;
  if (calib.given) {
    float seen[2];
    detail::element_kernels().minmax_f32(tensor.data(), tensor.size(), seen);
    detail::require(tensor.size() == 0 || !std::isnan(seen[0]), "the tensor has NaN or infinite elements");
  }
  const ChannelWalk w(tensor.shape(), q.params.axis);
  for (std::int64_t o = 0; o < w.outer; ++o)
    for (std::int64_t c = 0; c < w.channels; ++c) {
      const std::int64_t at = (o * w.channels + c) * w.inner;
      const auto ch = static_cast<std::size_t>(c);
      detail::quantize_run(tensor.data() + at, w.inner, q.params.scale[ch], q.params.zero_point[ch], r, type,
                           reinterpret_cast<std::byte*>(q.data.data()), at);
    }
  return q;
}

/// Rounds to half precision (fp16 or bf16), to nearest even.
template <class T>
auto quantize(View<const float> tensor)
    -> std::enable_if_t<std::is_same_v<T, fp16> || std::is_same_v<T, bf16>, Tensor<T>> {
  Tensor<T> r = Tensor<T>::uninitialized(tensor.shape());
  constexpr std::int64_t part = 1 << 16;
  default_pool()->parallel((r.size() + part - 1) / part, [&](std::int64_t p, int) {
    const std::int64_t from = p * part;
    detail::to_half(tensor.data() + from, r.data() + from, std::min(part, r.size() - from));
  });
  return r;
}

/// scale * (q - zero_point)
template <class T>
Tensor<float> dequantize(const QTensor<T>& q) {
  validate(q.params, q.shape(), dtype_of<T>);
  Tensor<float> r = Tensor<float>::uninitialized(q.shape());
  const ChannelWalk w(q.shape(), q.params.axis);
  const auto* from = reinterpret_cast<const std::byte*>(q.data.data());
  for (std::int64_t o = 0; o < w.outer; ++o)
    for (std::int64_t c = 0; c < w.channels; ++c)
      for (std::int64_t i = (o * w.channels + c) * w.inner, end = i + w.inner; i < end; ++i) {
        const auto ch = static_cast<std::size_t>(c);
        r[i] = static_cast<float>(detail::load_element(dtype_of<T>, from, i) - q.params.zero_point[ch]) *
               q.params.scale[ch];
      }
  return r;
}
inline Tensor<float> dequantize(const Tensor<fp16>& t) { return detail::to_float(AnyTensor(t).ref()); }
inline Tensor<float> dequantize(const Tensor<bf16>& t) { return detail::to_float(AnyTensor(t).ref()); }

/// What quantization to T and back makes of a tensor.
template <class T>
Tensor<float> fake_quantize(View<const float> tensor, const Calib& calib = {}) {
  return dequantize(quantize<T>(tensor, calib));
}

OCTET_END
