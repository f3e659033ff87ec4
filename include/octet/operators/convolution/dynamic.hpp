#pragma once
#include "../../graph/lost_numbers.hpp"
#include "../../graph/range_exchange.hpp"
#include "../../kernels/quantize_dynamic.hpp"
#include "../dynamic_weights.hpp"
#include "step.hpp"

OCTET_BEGIN
namespace detail {

/// Dynamic range: a float image is quantized at run time (uint8, asymmetric, by its own range) and multiplied by
/// int8 weights. The sums are scaled to float, or requantized to uint8 if the activation bounds the output, so that its
/// scale is known (see bound_activations).
class DynamicConvolution : public ConvolutionStep, public RangeExchange {
 public:
  DynamicConvolution(const PrepareContext& c, const Window& window, std::int64_t groups, const ActivationRange& range,
                     bool depthwise = false)
      : ConvolutionStep(window, groups),
        xnnpack_(c.as_xnnpack()),
        depthwise_(depthwise || (groups > 1 && c.input(ConvolutionInputs::weights).shape.back() == 1)),
        simd_(&c.kernels()),
        weights_(c),
        scale_(weights_.scale),
        epilogue_(weights_.epilogue(range)),
        element_(bits(c.output().dtype) / 8) {
    ConvolutionWeights<std::int8_t> w;
    w.values = weights_.values.data();
    w.out_c = weights_.out;
    w.group_in = weights_.values.shape().back();
    w.window = kernel_window(window);
    w.groups = groups;
    w.memory = c.options().memory;
    w.small = has_packed_codes(c.input(ConvolutionInputs::weights).dtype) && w.small_anywhere(c.kernels());
    if (int8_format.computes(c.output().dtype)) {
      const QuantParams& y = c.output().quant;
      const IntegerRange q = quantized_range(range, c.output());
      epilogue_.store = Store::u8_shifted;
      epilogue_.zero_point = y.zero_point[0];
      epilogue_.low = static_cast<std::int32_t>(q.low);
      epilogue_.high = static_cast<std::int32_t>(q.high);
      for (float& s : scale_) s /= y.scale[0];
      for (float& b : weights_.bias) b /= y.scale[0];
      w.order = ColumnOrder::interleaved;
      w.memory = WeightMemory::small;
    }
    kernels_ = {c.kernels(), w};
    weights_.release();
  }
  std::size_t packed_bytes() const noexcept override {
    return kernels_.packed_bytes() + weights_.packed_bytes() + scale_.size_bytes();
  }

  const char* form() const noexcept override { return kernels_.form(); }
  std::size_t plan(const ConvolutionShape& s, int threads) override {
    by_blocks_ = kernels_.can_quantize(s);
    start_plan(s);
    shape_.batch = 1;
    threads_ = threads;
    return shared_bytes() + kernels_.plan(shape_, threads, by_blocks_);
  }
  void run(const RunContext& c) noexcept override {
    const std::int64_t in = shape_.in_h * shape_.in_w * shape_.in_c * 4;
    const std::int64_t out = shape_.out_h * shape_.out_w * shape_.out_c * element_ / (pooled() ? 4 : 1);
    for (std::int64_t i = 0; i < batch_; ++i) {
      const std::byte* image = c.input(0) + i * in;
      start_image(image, i, c.scratch, c);
      Epilogue e = epilogue(
          c.output() + i * out,
          c.input(ConvolutionInputs::residual) ? c.input(ConvolutionInputs::residual) + i * out : nullptr, c.scratch);
      e.pooled = pooled();
      const StoredRange range(*simd_, threads_, c.scratch + range_at_);
      if (output_ranges_) e.range = range.room();
      kernels_.run(by_blocks_ ? image : c.scratch, c.scratch + init_at_, c.scratch + padding_at_, e, element_,
                   c.scratch + shared_bytes(), *c.pool, image_scale_);
      if (output_ranges_) output_ranges_[i] = range.total();
    }
  }

  bool can_pool() const noexcept override { return kernels_.can_pool(); }
  RangeExchange* range_exchange() noexcept override { return this; }
  bool wants_ranges() const noexcept override { return true; }
  bool measures_ranges() const noexcept override { return element_ == 4 && kernels_.measures_range(); }
  void set_ranges(const Range* input, Range* output) noexcept override {
    input_ranges_ = input;
    output_ranges_ = output;
  }

  bool runs_bands(bool whole_input) const noexcept override { return whole_input; }
  std::size_t plan_bands(const ConvolutionShape& s, std::int64_t rows) override {
    by_blocks_ = false;
    start_plan(s);
    return kernels_.plan_rows(s, rows);
  }
  std::size_t shared_bytes() const noexcept override {
    return static_cast<std::size_t>(range_at_ + round_up(StoredRange::bytes(*simd_, threads_), 64));
  }
  /// Computes the scale of the image and quantizes it, unless its blocks are quantized one by one.
  void start_image(const std::byte* in, std::int64_t image, std::byte* shared, const RunContext& c) noexcept override {
    const std::int64_t n = shape_.in_h * shape_.in_w * shape_.in_c;
    const auto* x = reinterpret_cast<const float*>(in);
    const DynamicScale s = scale_of(x, n, image, *c.pool);
    image_scale_ = s;
    if (!by_blocks_) quantize_by(*simd_, s, x, n, reinterpret_cast<std::uint8_t*>(shared), *c.pool);
    std::memset(shared + padding_at_, s.zero_point, static_cast<std::size_t>(init_at_ - padding_at_));
    weights_.start(s, reinterpret_cast<std::int32_t*>(shared + init_at_));
    auto* scale = reinterpret_cast<float*>(shared + scale_at_);
    if (xnnpack_)
      scale[0] = s.scale;
    else
      for (std::int64_t o = 0; o < scale_.size(); ++o) scale[o] = scale_[o] * s.scale;
    if (element_ == 1 && std::isnan(s.scale)) report_lost_number(c);
  }
  void run_band(const Band& b) noexcept override {
    kernels_.run_rows(b.shared, b.shared + init_at_, b.shared + padding_at_, epilogue(b.out, b.residual, b.shared),
                      element_, b.scratch, b.first, b.last, shape_.out_w);
  }

 private:
  /// With Rounding::xnnpack as in LiteRT, which gives all but depthwise convolutions to XNNPACK.
  DynamicScale scale_of(const float* x, std::int64_t n, std::int64_t image, ThreadPool& pool) const noexcept {
    if (n == 0) return {};  // an empty image has no range
    const Range r = input_ranges_ ? input_ranges_[image] : range_of(*simd_, x, n, pool);
    if (!xnnpack_) return dynamic_scale(r);
    return depthwise_ ? tflite_dynamic_scale(r) : xnnpack_dynamic_scale(r);
  }
  void start_plan(const ConvolutionShape& s) {
    shape_ = s;
    batch_ = s.batch;
    epilogue_.out_stride = epilogue_.residual_stride = s.out_c * element_;
    padding_at_ = by_blocks_ ? 0 : round_up(s.in_h * s.in_w * s.in_c, 64);
    init_at_ = padding_at_ + round_up(kernels_.padding_bytes(s), 64);
    scale_at_ = init_at_ + static_cast<std::int64_t>(weights_.sums.size_bytes());
    range_at_ = scale_at_ + round_up(static_cast<std::int64_t>(scale_.size_bytes()), 64);
  }
  Epilogue epilogue(std::byte* out, const std::byte* added, const std::byte* shared) const noexcept {
    Epilogue e = epilogue_;
    e.out = out;
    e.residual = added;
    // XNNPACK multiplies sums by the scale of the image, and then by those of the weights.
    (xnnpack_ ? e.row_scale : e.scale) = reinterpret_cast<const float*>(shared + scale_at_);
    return e;
  }

  bool xnnpack_, depthwise_;
  const Range* input_ranges_ = nullptr;
  Range* output_ranges_ = nullptr;
  std::int64_t batch_ = 1;
  int threads_ = 1;
  bool by_blocks_ = false;
  DynamicScale image_scale_;  // of the current image
  const Kernels* simd_;
  DynamicWeights weights_;
  Tensor<float> scale_;  // of the weights, divided by that of a uint8 output
  Epilogue epilogue_;
  std::int64_t element_;
  AnyConvolution<std::int8_t> kernels_;
  ConvolutionShape shape_;
  std::int64_t padding_at_ = 0, init_at_ = 0, scale_at_ = 0, range_at_ = 0;  // offsets after the quantized image
};

}  // namespace detail
OCTET_END
