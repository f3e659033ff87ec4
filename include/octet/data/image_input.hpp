#pragma once
#include "../core/thread_pool.hpp"
#include "../graph/graph.hpp"
#include "dataset.hpp"
#include "preprocessing.hpp"

OCTET_BEGIN
/// The image input of a model: size, channels, layout and element type.
class ImageInput {
 public:
  /// For a model with one image input. `size` is used for height and width if the model leaves them unknown. Throws
  /// ShapeError for other models.
  explicit ImageInput(const Model& model, std::int64_t size = 224) {
    detail::require<ShapeError>(model.inputs.size() == 1, "model '", model.name, "' has ", model.inputs.size(),
                                " inputs, expected one image input");
    const Value& v = model.value(model.inputs[0]);
    const Shape& s = v.shape;
    const auto is_channels = [](std::int64_t d) { return d == 1 || d == 3; };
    channels_first_ = s.rank() == 4 && is_channels(s[1]) && !is_channels(s[3]);
    const int c = channels_first_ ? 1 : 3, h = channels_first_ ? 2 : 1;
    detail::require<ShapeError>(s.rank() == 4 && (is_channels(s[c]) || s[c] < 0), "model '", model.name,
                                "': expected an image input [N, H, W, 1 or 3], found input '", v.name, "' of shape ",
                                s);
    channels_ = s[c] < 0 ? 3 : s[c];
    height_ = s[h] < 0 ? size : s[h];
    width_ = s[h + 1] < 0 ? size : s[h + 1];
    dtype_ = v.dtype;
    quant_ = v.quant;
  }

  /// Height of the images that prepare returns, in pixels.
  std::int64_t height() const noexcept { return height_; }
  /// Width of the images that prepare returns, in pixels.
  std::int64_t width() const noexcept { return width_; }
  /// Channels of the images that prepare returns: 1 (gray) or 3 (in the order of Normalization::bgr).
  std::int64_t channels() const noexcept { return channels_; }
  /// The shape of one image with a batch dimension of 1.
  Shape shape() const {
    return channels_first_ ? Shape{1, channels_, height_, width_} : Shape{1, height_, width_, channels_};
  }

  /// Whether the model takes 8-bit integers.
  bool takes_bytes() const noexcept { return is_byte(dtype_); }
  /// The normalization with which such an input equals the pixel values (minus 128 for int8).
  Normalization as_pixels() const {
    Normalization n;
    const double scale = quant_ ? static_cast<double>(quant_.scale[0]) : 1.0;
    const double zero = (quant_ ? quant_.zero_point[0] : 0) + (dtype_ == DType::i8 ? 128 : 0);
    n.mean = {zero, zero, zero};
    n.deviation = {1 / scale, 1 / scale, 1 / scale};
    return n;
  }

  /// Converts an image [H, W, C] to a model input with batch size 1.
  Tensor<float> prepare(const ImageView& image, const Preprocessing& p) const {
    Tensor<float> x = preprocess(image, p, height_, width_, channels_);
    if (!channels_first_) return std::move(x).reshaped(shape());
    Tensor<float> planes = Tensor<float>::uninitialized(shape());
    const std::int64_t pixels = height_ * width_;
    for (std::int64_t i = 0; i < pixels; ++i)
      for (std::int64_t c = 0; c < channels_; ++c) planes[c * pixels + i] = x[i * channels_ + c];
    return planes;
  }

  /// Converts images [from, to) of a data set, in parallel. Throws FormatError, naming the image, if a result is not
  /// finite.
  std::vector<Tensor<float>> load(const Dataset& images, std::int64_t from, std::int64_t to, const Preprocessing& p,
                                  ThreadPool& pool) const;

 private:
  std::int64_t height_ = 0, width_ = 0, channels_ = 0;
  bool channels_first_ = false;
  DType dtype_ = DType::f32;
  QuantParams quant_;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "image_input.inl"
#endif
