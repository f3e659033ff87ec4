#pragma once
#include <vector>

#include "tensor.hpp"

OCTET_BEGIN

/// Affine quantization: real = scale * (q - zero_point). One scale and zero point for the whole tensor (per_tensor), or
/// one for each index along `axis` (per_channel).
struct QuantParams {
  std::vector<float> scale;              ///< positive and finite; one, or one per channel; empty: not quantized
  std::vector<std::int32_t> zero_point;  ///< as many as scales
  int axis = -1;                         ///< of the channels; -1: per tensor

  QuantParams() = default;
  /// One scale and zero point for the whole tensor.
  QuantParams(float s, std::int32_t z) : scale{s}, zero_point{z} {}
  /// One scale and zero point for each index along channel_axis.
  QuantParams(std::vector<float> s, std::vector<std::int32_t> z, int channel_axis)
      : scale(std::move(s)), zero_point(std::move(z)), axis(channel_axis) {}

  /// Whether there are parameters, that is, whether the tensor is quantized.
  explicit operator bool() const noexcept { return !scale.empty(); }
  /// Whether each index along `axis` has its own scale and zero point.
  bool per_channel() const noexcept { return axis >= 0; }
  /// Number of scales: 1 per tensor, the size of dimension `axis` per channel, 0 if not quantized.
  std::int64_t channels() const noexcept { return static_cast<std::int64_t>(scale.size()); }
  /// The index of a channel's scale and zero point.
  std::size_t index_of(std::int64_t channel) const noexcept { return detail::at(per_channel() ? channel : 0); }
  /// Equal if scales, zero points and axis are.
  friend bool operator==(const QuantParams& a, const QuantParams& b) noexcept {
    return a.scale == b.scale && a.zero_point == b.zero_point && a.axis == b.axis;
  }
  /// The opposite of ==.
  friend bool operator!=(const QuantParams& a, const QuantParams& b) noexcept { return !(a == b); }
};

/// Throws Error unless the parameters suit a tensor of that shape and type: positive finite scales, one per channel,
/// and zero points in the range of the type. The message begins with `where`.
void validate(const QuantParams& p, const Shape& shape, DType dtype, const std::string& where = {});

/// A quantized tensor: integers with their scales and zero points.
template <class T>
struct QTensor {
  Tensor<T> data;      ///< the integers q
  QuantParams params;  ///< scale * (q - zero_point) is the real value
  /// The shape of `data`.
  const Shape& shape() const noexcept { return data.shape(); }
};

/// Strides for iterating over channels: the tensor is `outer` blocks of `channels` runs of `inner` elements. For an
/// axis of -1, one channel that holds everything.
struct ChannelWalk {
  /// Numbers of blocks, of runs in a block (channels), and of elements in a run. Element i of channel c in block o is
  /// at (o * channels + c) * inner + i.
  std::int64_t outer = 1;
  std::int64_t channels = 1;  ///< see outer
  std::int64_t inner = 1;     ///< see outer
  /// Throws ShapeError if a size is unknown. `axis` is in [-1, rank).
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
  std::size_t channel_of(std::int64_t i) const noexcept { return channels == 1 ? 0 : detail::at(i / inner % channels); }
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "quant_params.inl"
#endif
