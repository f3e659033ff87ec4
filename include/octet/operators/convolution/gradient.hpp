#pragma once
#include "../activation_gradient.hpp"
#include "../channel_sums.hpp"
#include "../implement.hpp"
#include "data_gradient.hpp"
#include "weight_gradient.hpp"

OCTET_BEGIN
namespace detail {

/// Training step of a layer with weights and bias: a convolution, or a fully connected layer as a 1x1 convolution.
/// Inputs: x, weights, bias (optional), residual (optional).
class LinearGradient : public GradientStep {
 public:
  LinearGradient(const PrepareContext& c, const ActivationRange& range)
      : simd_(&c.kernels()),
        range_(range),
        has_bias_(c.has(ConvolutionInputs::bias)),
        bf16_products_(c.options().bf16_products) {
    for (int i : {0, 1, 2, 3})
      c.require(!c.has(i) || is_floating(c.input(i).dtype), "only float layers can be trained, but '",
                c.has(i) ? c.input(i).name : "", "' is ", octet::name(c.has(i) ? c.input(i).dtype : DType::f32));
  }

  GradientMemory plan(const GradientPlanContext& c) final {
    shape_ = shape(c.inputs[0].shape, c.outputs[0].shape);
    forward_ = {*simd_, shape_, bf16_products_};
    bias_ = pad_columns<float>(nullptr, shape_.out_c);
    padding_ = Tensor<float>({forward_.padding_bytes(shape_) / 4});
    const auto wanted = [&](std::size_t i) { return i < c.wanted.size() && c.wanted[i]; };
    wants_weights_ = wanted(1);
    GradientMemory m;
    m.scratch = forward_.plan(shape_, c.threads);
    if (wanted(0)) m.scratch = std::max(m.scratch, data_.plan(*simd_, shape_, c.threads, bf16_products_));
    if (wanted(1)) m.scratch = std::max(m.scratch, weights_.plan(*simd_, shape_, c.threads, bf16_products_));
    if (wanted(2)) m.scratch = std::max(m.scratch, sums_.plan(shape_.rows(), shape_.out_c));
    return m;
  }

  void forward(const ForwardContext& c) noexcept final {
    forward_.set_weights(model_weights(reinterpret_cast<const float*>(c.input(ConvolutionInputs::weights))),
                         shape_.out_c, *c.pool);
    if (has_bias_)
      std::memcpy(bias_.data(), c.input(ConvolutionInputs::bias),
                  static_cast<std::size_t>(shape_.out_c) * sizeof(float));
    Epilogue e;
    e.store = Store::f32;
    e.low_f32 = static_cast<float>(range_.low);
    e.high_f32 = static_cast<float>(range_.high);
    e.out = c.output();
    e.residual = c.input(ConvolutionInputs::residual);
    e.out_stride = e.residual_stride = shape_.out_c * 4;
    forward_.run(c.input(0), bias_.bytes(), padding_.bytes(), e, c.scratch, *c.pool);
  }

  void backward(const BackwardContext& c) noexcept final {
    float* dy = c.output_gradient();
    const std::int64_t n = c.output_gradients[0].shape.elements();
    if (!range_.none()) clamp_gradient(*simd_, range_, c.output(), dy, dy, n, *c.pool);
    if (float* bias = c.input_gradient(ConvolutionInputs::bias)) sums_.run(*simd_, dy, bias, c.scratch, *c.pool);
    if (float* w = c.input_gradient(ConvolutionInputs::weights)) weights_.run(c.input(0), dy, w, c.scratch, *c.pool);
    if (float* x = c.input_gradient(0)) data_.run(dy, c.input(ConvolutionInputs::weights), x, c.scratch, *c.pool);
    if (float* added = c.input_gradient(ConvolutionInputs::residual)) move_elements(dy, added, n, *c.pool);
  }

  bool gradient_can_overwrite(int input) const noexcept final { return input == ConvolutionInputs::residual; }
  bool reads_input(int input) const noexcept final {
    return input == ConvolutionInputs::weights || (input == 0 && wants_weights_);
  }
  bool reads_outputs() const noexcept final { return !range_.none(); }

 protected:
  virtual ConvolutionShape shape(const Shape& in, const Shape& out) const = 0;

 private:
  WeightsView model_weights(const float* w) const noexcept {
    return WeightsView::of_model(w, shape_.out_c, shape_.kernel_h, shape_.kernel_w, shape_.group_in(), shape_.groups);
  }

  const Kernels* simd_;
  ActivationRange range_;
  bool has_bias_, bf16_products_, wants_weights_ = false;
  ConvolutionShape shape_;
  VaryingConvolution forward_;
  Tensor<float> bias_, padding_;
  DataGradient data_;
  WeightGradient weights_;
  ChannelSums sums_;
};

class ConvolutionGradient : public LinearGradient {
 public:
  ConvolutionGradient(const PrepareContext& c, const Window& window, std::int64_t groups, const ActivationRange& range)
      : LinearGradient(c, range), window_(window), groups_(groups) {}

 private:
  ConvolutionShape shape(const Shape& in, const Shape& out) const override {
    return convolution_shape(window_, groups_, in, out);
  }
  Window window_;
  std::int64_t groups_;
};

}  // namespace detail
OCTET_END
