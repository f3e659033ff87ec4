#pragma once
#include "int16_sums.hpp"
#include "rows.hpp"

OCTET_BEGIN
namespace detail {

/// A fully connected layer with 16-bit inputs and 8-bit weights: the rows of both planes of bytes are one matrix, so
/// that weights are read once.
class Int16FullyConnected : public Step {
 public:
  Int16FullyConnected(const PrepareContext& c, const ActivationRange& range) : bytes_(&byte_kernels(c.kernels().isa)) {
    Int16Sums::check(c, -1);
    const CenteredWeights w(c.constant(LayerInputs::weights), c.input(LayerInputs::weights).quant.zero_point);
    sums_ = Int16Sums(c, w, range, -1, true);
    zeros_ = pad_columns<std::int32_t>(nullptr, w.out);
    ConvolutionWeights<std::int8_t> weights = rows_weights(w.values.data(), w.out, w.k);
    weights.repeat = w.repeat;
    kernels_ = {c.kernels(), weights};
  }
  std::size_t packed_bytes() const noexcept override {
    return kernels_.packed_bytes() + sums_.packed_bytes() + zeros_.size_bytes();
  }
  const char* form() const noexcept override { return kernels_.form(); }

  std::size_t plan(const PlanContext& c) override {
    ConvolutionShape s = rows_shape(c.inputs[0].shape, c.outputs[0].shape);
    rows_ = s.in_h;
    channels_ = s.out_c;
    planes_ = Int16Planes(rows_ * s.in_c);
    s.in_h = s.out_h = 2 * rows_;
    scratch_at_ = planes_.bytes() + 4 * sums_.room(2 * rows_);
    return static_cast<std::size_t>(scratch_at_) + kernels_.plan(s, c.threads);
  }
  void run(const RunContext& c) noexcept override {
    planes_.split(*bytes_, c.input(0), c.scratch, *c.pool);
    Epilogue e;
    e.out = c.scratch + planes_.bytes();
    e.out_stride = channels_ * 4;
    kernels_.run(c.scratch, zeros_.bytes(), nullptr, e, 4, c.scratch + scratch_at_, *c.pool);
    const auto* sums = reinterpret_cast<const std::int32_t*>(c.scratch + planes_.bytes());
    parallel_parts(*c.pool, rows_, std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(1, channels_)),
                   [&](std::int64_t first, std::int64_t count) {
                     sums_.store(sums + first * channels_, sums + (rows_ + first) * channels_, count,
                                 c.output() + first * channels_ * sums_.out_element(), nullptr);
                   });
  }

 private:
  const ByteKernels* bytes_;
  GemmConvolution<std::int8_t> kernels_;
  Int16Sums sums_;
  Tensor<std::int32_t> zeros_;
  Int16Planes planes_;
  std::int64_t rows_ = 0, channels_ = 0, scratch_at_ = 0;
};

}  // namespace detail
OCTET_END
