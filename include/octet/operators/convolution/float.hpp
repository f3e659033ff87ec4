#pragma once
#include "../float_weights.hpp"
#include "step.hpp"

OCTET_BEGIN
namespace detail {

/// Convolution of float images with float or half-precision weights in type W (see with_weights).
template <class W>
class FloatConvolution : public ConvolutionStep {
 public:
  FloatConvolution(const PrepareContext& c, const Window& window, std::int64_t groups, const ActivationRange& range)
      : ConvolutionStep(window, groups) {
    const KernelWeights<W> values(c.constant(ConvolutionInputs::weights));
    ConvolutionWeights<W> w;
    w.values = values.view.data();
    w.out_c = values.view.shape()[0];
    w.group_in = values.view.shape().back();
    w.window = kernel_window(window);
    w.groups = groups;
    w.memory = c.options().memory;
    w.adds = c.has(ConvolutionInputs::residual);
    w.same_floats = c.options().same_floats;
    kernels_ = {c.kernels(), w};
    bias_ = float_bias(c, w.out_c);
    epilogue_ = float_epilogue(range);
  }
  std::size_t packed_bytes() const noexcept override { return kernels_.packed_bytes() + bias_.size_bytes(); }

  const char* form() const noexcept override { return kernels_.form(); }
  std::size_t plan(const ConvolutionShape& s, int threads) override {
    start_plan(s);
    return kernels_.plan(s, threads);
  }
  void run(const RunContext& c) noexcept override {
    Epilogue e = epilogue(c.output(), c.input(ConvolutionInputs::residual));
    e.pooled = pooled();
    kernels_.run(c.input(0), bias_.bytes(), padding_.bytes(), e, 4, c.scratch, *c.pool);
  }
  bool can_pool() const noexcept override { return kernels_.can_pool(); }

  bool runs_bands(bool) const noexcept override { return true; }
  std::size_t plan_bands(const ConvolutionShape& s, std::int64_t rows) override {
    start_plan(s);
    return kernels_.plan_rows(s, rows);
  }
  void run_band(const Band& b) noexcept override {
    kernels_.run_rows(b.in, bias_.bytes(), padding_.bytes(), epilogue(b.out, b.residual), 4, b.scratch, b.first, b.last,
                      out_w_);
  }

 private:
  void start_plan(const ConvolutionShape& s) {
    padding_ = Tensor<float>({kernels_.padding_bytes(s) / 4});
    epilogue_.out_stride = epilogue_.residual_stride = s.out_c * 4;
    out_w_ = s.out_w;
  }
  Epilogue epilogue(std::byte* out, const std::byte* added) const noexcept {
    Epilogue e = epilogue_;
    e.out = out;
    e.residual = added;
    return e;
  }

  AnyConvolution<W> kernels_;
  Tensor<float> bias_, padding_;
  Epilogue epilogue_;
  std::int64_t out_w_ = 0;
};

}  // namespace detail
OCTET_END
