#pragma once
#include "../core/element.hpp"
#include "elements.hpp"

/// Conversion of whole arrays between float and half precision.
OCTET_BEGIN
namespace detail {

/// Converts n floats to fp16 or bf16, rounding to nearest, ties to even.
inline void to_half(const float* x, fp16* to, std::int64_t n) noexcept {
  element_kernels().f32_to_fp16(x, reinterpret_cast<std::byte*>(to), n);
}
inline void to_half(const float* x, bf16* to, std::int64_t n) noexcept {
  element_kernels().f32_to_bf16(x, reinterpret_cast<std::byte*>(to), n);
}

inline Tensor<float> to_float(View<const fp16> x) {
  Tensor<float> r = Tensor<float>::uninitialized(x.shape());
  element_kernels().fp16_to_f32(reinterpret_cast<const std::byte*>(x.data()), r.data(), r.size());
  return r;
}
inline Tensor<float> to_float(View<const bf16> x) {
  Tensor<float> r = Tensor<float>::uninitialized(x.shape());
  element_kernels().bf16_to_f32(reinterpret_cast<const std::byte*>(x.data()), r.data(), r.size());
  return r;
}

/// Converts all elements to float. The tensor is fp16, bf16 or float.
inline Tensor<float> to_float(const TensorRef& t) {
  Tensor<float> r = Tensor<float>::uninitialized(t.shape);
  switch (t.dtype) {
    case DType::f32:
      if (r.size()) std::memcpy(r.data(), t.data, r.size_bytes());
      break;
    case DType::f16: element_kernels().fp16_to_f32(t.data, r.data(), r.size()); break;
    case DType::bf16: element_kernels().bf16_to_f32(t.data, r.data(), r.size()); break;
    default:
      for (std::int64_t i = 0; i < r.size(); ++i) r[i] = static_cast<float>(load_element(t.dtype, t.data, i));
  }
  return r;
}

}  // namespace detail
OCTET_END
