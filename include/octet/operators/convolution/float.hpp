#pragma once
#include "../../core/element.hpp"
#include "common.hpp"

OCTET_BEGIN
namespace detail {

/// Float images, weights float or half (expanded when packed).
class FloatConvolution : public Step {
 public:
  FloatConvolution(const PrepareContext& c, const Window& window, std::int64_t groups, const ActivationRange& range)
      : window_(window), groups_(groups) {
    const Tensor<float> w = to_float(c.constant(1).ref());
    const std::int64_t out_c = w.shape()[0];
    kernels_ = {c.kernels(), w.data(), out_c, window.taps(), w.shape().back(), groups};
    if (c.has(2))
      bias_ = pad_columns(to_float(c.constant(2).ref()).data(), out_c);
    else
      bias_ = pad_columns<float>(nullptr, out_c);
    epilogue_.store = Store::f32;
    epilogue_.low_f32 = static_cast<float>(range.low);
    epilogue_.high_f32 = static_cast<float>(range.high);
  }
  std::size_t packed_bytes() const noexcept override { return kernels_.packed_bytes() + bias_.size_bytes(); }

  std::size_t plan(const PlanContext& c) override {
    return plan(convolution_shape(window_, groups_, c.inputs[0].shape, c.outputs[0].shape), c.threads);
  }
  std::size_t plan(const ConvolutionShape& s, int threads) {
    padding_ = Tensor<float>({kernels_.padding_bytes(s) / 4});
    out_stride_ = s.out_c * 4;
    return kernels_.plan(s, threads);
  }

  void run(const RunContext& c) noexcept override {
    Epilogue e = epilogue_;
    e.out = c.output();
    e.residual = c.input(3);
    e.out_stride = e.residual_stride = out_stride_;
    kernels_.run(c.input(0), bias_.bytes(), padding_.bytes(), e, 4, c.scratch, *c.pool);
  }

 private:
  Window window_;
  std::int64_t groups_;
  AnyConvolution<float> kernels_;
  Tensor<float> bias_, padding_;
  Epilogue epilogue_;
  std::ptrdiff_t out_stride_ = 0;
};

}  // namespace detail
OCTET_END
