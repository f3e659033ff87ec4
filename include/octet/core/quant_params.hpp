#pragma once
#include <vector>

#include "tensor.hpp"

OCTET_BEGIN

/// Affine quantization: real = scale * (q - zero_point). One scale and zero point for the whole tensor (per_tensor), or
/// one for each index along `axis` (per_channel).
struct QuantParams {
  std::vector<float> scale;
  std::vector<std::int32_t> zero_point;  // as many as scales
  int axis = -1;                         // of the channels; -1: per tensor

  QuantParams() = default;
  QuantParams(float s, std::int32_t z) : scale{s}, zero_point{z} {}
  QuantParams(std::vector<float> s, std::vector<std::int32_t> z, int channel_axis)
      : scale(std::move(s)), zero_point(std::move(z)), axis(channel_axis) {}

  explicit operator bool() const noexcept { return !scale.empty(); }
  bool per_channel() const noexcept { return axis >= 0; }
  std::int64_t channels() const noexcept { return static_cast<std::int64_t>(scale.size()); }
  /// The index of a channel's scale and zero point.
  std::size_t index_of(std::int64_t channel) const noexcept { return detail::at(per_channel() ? channel : 0); }
  friend bool operator==(const QuantParams& a, const QuantParams& b) noexcept {
    return a.scale == b.scale && a.zero_point == b.zero_point && a.axis == b.axis;
  }
  friend bool operator!=(const QuantParams& a, const QuantParams& b) noexcept { return !(a == b); }
};

/// Throws Error unless the parameters suit a tensor of that shape and type: positive finite scales, one per channel,
/// and zero points in the range of the type. The message begins with `where`.
void validate(const QuantParams& p, const Shape& shape, DType dtype, const std::string& where = {});

/// A quantized tensor: integers with their scales and zero points.
template <class T>
struct QTensor {
  Tensor<T> data;
  QuantParams params;
  const Shape& shape() const noexcept { return data.shape(); }
};

/// Strides for iterating over channels: the tensor is `outer` blocks of `channels` runs of `inner` elements. For an
/// axis of -1, one channel that holds everything.
struct ChannelWalk {
  std::int64_t outer = 1, channels = 1, inner = 1;
  ChannelWalk(const Shape& shape, int axis) {
    if (axis < 0) {
      inner = shape.elements();
    } else {
      outer = shape.product(0, axis);
      channels = shape[axis];
      inner = shape.product(axis + 1, shape.rank());
    }
  }
  /// The channel of element i.
  std::size_t channel_of(std::int64_t i) const noexcept { return detail::at(i / inner % channels); }
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "quant_params.inl"
#endif
