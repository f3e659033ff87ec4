#pragma once
#include <optional>
#include <type_traits>

#include "../core/quant_params.hpp"
#include "../core/range.hpp"
#include "range_method.hpp"

OCTET_BEGIN

struct TensorRef;

/// How a tensor is quantized: granularity, symmetry and range method, or given scales and zero points.
///     quantize<int8>(weights, per_channel(0));
///     quantize<uint8>(image, per_tensor().asymmetric().by(RangeMethod::percentile, 99.9));
struct Calib {
  std::optional<int> axis;   ///< of the channels, negative ones count from the back; none: per tensor
  bool is_symmetric = true;  ///< the range is symmetric about 0, the zero point the middle of the type's range
  RangeMethod method = RangeMethod::min_max;  ///< how the range is chosen
  double percent = 99.99;                     ///< for RangeMethod::percentile: percent of the values inside the range
  QuantParams given;                          ///< used instead of chosen ones, unless empty

  /// The same with a symmetric range.
  Calib symmetric() const {
    return with([](Calib& c) { c.is_symmetric = true; });
  }
  /// The same with a range that need only contain 0, and any zero point.
  Calib asymmetric() const {
    return with([](Calib& c) { c.is_symmetric = false; });
  }
  /// The same with another method; `percentile` is for RangeMethod::percentile, in percent.
  Calib by(RangeMethod m, double percentile = 99.99) const {
    return with([&](Calib& c) {
      c.method = m;
      c.percent = percentile;
    });
  }

 private:
  template <class F>
  Calib with(F change) const {
    Calib c = *this;
    change(c);
    return c;
  }
};

/// One scale and zero point for the whole tensor.
inline Calib per_tensor() { return {}; }
/// One scale and zero point for each index along an axis; negative axes count from the back.
inline Calib per_channel(int axis) {
  Calib c;
  c.axis = axis;
  return c;
}
/// The given scales and zero points instead of chosen ones.
inline Calib given_params(QuantParams params) {
  Calib c;
  c.given = std::move(params);
  return c;
}

namespace detail {

/// The range of n numbers by c.method. Throws Error if n is 0 or a number is not finite.
Range choose_range(const float* x, std::int64_t n, const Calib& c, DType type);
/// Writes q = clamp(round_half_even(x / scale) + zero_point, r) of n numbers to elements [at, at + n) of `out`.
void quantize_run(const float* x, std::int64_t n, float scale, std::int32_t zero, IntegerRange r, DType type,
                  std::byte* out, std::int64_t at);
/// Chooses scales and zero points for a tensor.
QuantParams choose_params(View<const float> t, const Calib& c, DType type);
/// Quantizes a tensor with the given parameters to elements of the type in `out`.
void quantize_elements(View<const float> t, const QuantParams& params, const Calib& calib, DType type, std::byte* out);
/// Converts all elements to the type `half` (f16 or bf16), rounding to nearest even.
void to_half(View<const float> t, DType half, std::byte* out);
/// The elements of a tensor as real numbers: dequantized if there are parameters, which are not checked.
Tensor<float> real_values(const TensorRef& t, const QuantParams& params);
Tensor<float> dequantize(DType type, const std::byte* q, const Shape& shape, const QuantParams& params);

}  // namespace detail

/// Quantizes to int8, uint8, int16, uint16, int32 or int4: q = clamp(round_half_even(x / scale) + zero_point).
/// Symmetric quantization does not use the lowest code (-128 of int8). A channel of zeros gets the scale 1. Throws
/// Error if the tensor is empty, has NaN or infinite elements, or elements so small that no scale can represent their
/// range, if the axis is out of range, or if the given parameters do not suit the tensor.
template <class T>
auto quantize(View<const float> tensor, const Calib& calib = {})
    -> std::enable_if_t<!std::is_same_v<T, fp16> && !std::is_same_v<T, bf16>, QTensor<T>> {
  constexpr DType type = dtype_of<T>;
  QTensor<T> q{Tensor<T>(tensor.shape()), detail::choose_params(tensor, calib, type)};
  detail::quantize_elements(tensor, q.params, calib, type, reinterpret_cast<std::byte*>(q.data.data()));
  return q;
}

/// Converts to fp16 or bf16, rounding to nearest even.
template <class T>
auto quantize(View<const float> tensor)
    -> std::enable_if_t<std::is_same_v<T, fp16> || std::is_same_v<T, bf16>, Tensor<T>> {
  Tensor<T> r = Tensor<T>::uninitialized(tensor.shape());
  detail::to_half(tensor, dtype_of<T>, reinterpret_cast<std::byte*>(r.data()));
  return r;
}

/// Returns scale * (q - zero_point).
template <class T>
Tensor<float> dequantize(const QTensor<T>& q) {
  return detail::dequantize(dtype_of<T>, reinterpret_cast<const std::byte*>(q.data.data()), q.shape(), q.params);
}
/// Converts to float, exactly.
Tensor<float> dequantize(const Tensor<fp16>& t);
/// Converts to float, exactly.
Tensor<float> dequantize(const Tensor<bf16>& t);

/// Quantizes to T and back.
template <class T>
Tensor<float> fake_quantize(View<const float> tensor, const Calib& calib = {}) {
  return dequantize(quantize<T>(tensor, calib));
}

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "quantize.inl"
#endif
