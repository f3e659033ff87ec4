#pragma once
#include "dynamic_weights.hpp"
#include "row_weights.hpp"
#include "rows.hpp"

OCTET_BEGIN
namespace detail {

/// Dynamic range: rows of floats, each quantized at run time by its own range, multiplied by int8 weights.
class DynamicRows {
 public:
  DynamicRows(const PrepareContext& c, const RowWeights& weights, const ActivationRange& range)
      : xnnpack_(c.as_xnnpack()),
        simd_(&c.kernels()),
        weights_(c, weights.elements),
        epilogue_(weights_.epilogue(range)),
        zeros_(pad_columns<std::int32_t>(nullptr, weights_.out)) {
    ConvolutionWeights<std::int8_t> w = rows_weights(weights_.values.data(), weights_.out, weights_.k);
    w.small = has_packed_codes(c.input(LayerInputs::weights).dtype);
    w.blocks = weights.blocks;
    kernels_ = {c.kernels(), w};
    weights_.release();
    epilogue_.row_step = 1;
    epilogue_.out_stride = epilogue_.residual_stride = weights_.out * 4;
  }
  std::size_t packed_bytes() const noexcept {
    return kernels_.packed_bytes() + weights_.packed_bytes() + zeros_.size_bytes();
  }
  const char* form() const noexcept { return kernels_.form(); }

  /// Returns the size of the scratch memory of run in bytes.
  std::size_t plan(std::int64_t rows, int threads) {
    ConvolutionShape s;
    s.in_h = s.out_h = rows;
    s.in_c = weights_.k;
    s.out_c = weights_.out;
    rows_ = rows;
    scale_at_ = round_up(rows * weights_.k, 64);
    scratch_at_ = scale_at_ + round_up(rows * 8, 64);
    return static_cast<std::size_t>(scratch_at_) + kernels_.plan(s, threads);
  }
  /// `residual` is added to the output, unless it is null.
  void run(const std::byte* in, const std::byte* residual, std::byte* out, std::byte* scratch,
           ThreadPool& pool) const noexcept {
    auto* scale = reinterpret_cast<float*>(scratch + scale_at_);
    const std::int64_t k = weights_.k, least = std::max<std::int64_t>(1, 1024 / std::max<std::int64_t>(k, 1));
    parallel_parts(pool, rows_, least, [&](std::int64_t first, std::int64_t count) {
      for (std::int64_t r = first; r < first + count; ++r)
        quantize(reinterpret_cast<const float*>(in) + r * k, reinterpret_cast<std::uint8_t*>(scratch) + r * k,
                 scale + r, scale + rows_ + r);
    });
    Epilogue e = epilogue_;
    e.out = out;
    e.residual = residual;
    e.row_scale = scale;
    e.row_shift = scale + rows_;
    kernels_.run(scratch, zeros_.bytes(), nullptr, e, 4, scratch + scratch_at_, pool);
  }

 private:
  void quantize(const float* in, std::uint8_t* out, float* scale, float* shift) const noexcept {
    if (weights_.k == 0) {  // no range
      *scale = 1;
      *shift = 0;
      return;
    }
    if (!xnnpack_) return simd_->quantize_row(in, weights_.k, out, scale, shift);
    std::array<float, 2> range;
    simd_->minmax_f32(in, weights_.k, range.data());
    const DynamicScale s = xnnpack_dynamic_scale({range[0], range[1]});
    simd_->quantize_f32(quantized_by(s, in, weights_.k, out));
    *scale = s.scale;
    *shift = -static_cast<float>(s.zero_point);
  }

  bool xnnpack_;
  const Kernels* simd_;
  DynamicWeights weights_;
  Epilogue epilogue_;
  Tensor<std::int32_t> zeros_;
  GemmConvolution<std::int8_t> kernels_;
  std::int64_t rows_ = 0, scale_at_ = 0, scratch_at_ = 0;  // offsets after the quantized rows
};

}  // namespace detail
OCTET_END
