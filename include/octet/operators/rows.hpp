#pragma once
#include "../kernels/convolution.hpp"

OCTET_BEGIN
namespace detail {

/// A matrix product as a 1x1 convolution: all dimensions except the last one are rows.
inline ConvolutionShape rows_shape(const Shape& in, const Shape& out) {
  ConvolutionShape s;
  s.in_h = s.out_h = in.product(0, in.rank() - 1);
  s.in_c = in.back();
  s.out_c = out.back();
  return s;
}

/// Weights [out][k] as weights of a 1x1 convolution.
template <class T>
ConvolutionWeights<T> rows_weights(const T* values, std::int64_t out, std::int64_t k) {
  ConvolutionWeights<T> w;
  w.values = values;
  w.out_c = out;
  w.group_in = k;
  return w;
}

}  // namespace detail
OCTET_END
