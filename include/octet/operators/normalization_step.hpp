#pragma once
#include <array>
#include <optional>

#include "../graph/lost_numbers.hpp"
#include "../kernels/half.hpp"
#include "implement.hpp"
#include "moment_normalization.hpp"
#include "quantize_arguments.hpp"

OCTET_BEGIN
namespace detail {

/// What both forms have in common: scales and shifts, and codes that become floats in scratch memory, or the reverse.
class NormalizationStep : public Step {
 public:
  NormalizationStep(const PrepareContext& c, const MomentNormalization& op)
      : axes_(op.axes),
        epsilon_(static_cast<float>(op.epsilon)),
        low_(static_cast<float>(op.activation.low)),
        high_(static_cast<float>(op.activation.high)),
        simd_(&c.kernels()),
        from_(c.input(0).quant),
        reads_codes_(c.input(0).dtype != DType::f32) {
    if (c.output().dtype != DType::f32) to_ = quantize_arguments(c, c.output().quant, c.output().dtype);
    for (const int i : {MomentNormalization::scale, MomentNormalization::shift})
      if (c.has(i)) (i == MomentNormalization::scale ? scale_ : shift_) = to_float(c.constant(i).ref());
  }
  bool can_overwrite(int input) const noexcept override { return input == 0 && !converts(); }

 protected:
  bool converts() const noexcept { return reads_codes_ || to_; }
  const float* read(const RunContext& c, std::int64_t first, std::int64_t count, float* scratch) const noexcept {
    if (!reads_codes_) return reinterpret_cast<const float*>(c.input(0)) + first;
    simd_->dequantize_u8(reinterpret_cast<const std::uint8_t*>(c.input(0)) + first, scratch, count, from_.scale[0],
                         from_.zero_point[0]);
    return scratch;
  }
  /// Where the results from element `first` on are written before write().
  float* place(const RunContext& c, std::int64_t first, float* scratch) const noexcept {
    return to_ ? scratch : reinterpret_cast<float*>(c.output()) + first;
  }
  void write(const RunContext& c, std::int64_t first, std::int64_t count, const float* scratch) const noexcept {
    if (!to_) return;
    QuantizeF32 q = *to_;
    q.in = scratch;
    q.out = reinterpret_cast<std::uint8_t*>(c.output()) + first;
    q.count = count;
    if (!simd_->quantize_f32(q)) report_lost_number(c);
  }

  /// The scales, or shifts, of `size` elements: those of the dimensions from `first` on, repeated.
  static std::vector<float> expanded(const std::optional<Tensor<float>>& given, float missing, const Shape& shape,
                                     int first, std::int64_t size) {
    std::vector<float> all(static_cast<std::size_t>(size), missing);
    if (!given) return all;
    const Shape& own = given->shape();
    for (std::int64_t i = 0; i < size; ++i) {
      std::int64_t rest = i, at = 0, stride = 1;
      for (int d = shape.rank() - 1, k = own.rank() - 1; d >= first && k >= 0; --d, --k) {
        if (own[k] > 1) at += rest % shape[d] * stride;
        rest /= shape[d];
        stride *= own[k];
      }
      all[static_cast<std::size_t>(i)] = (*given)[at];
    }
    return all;
  }

  const std::vector<std::int64_t> axes_;
  const float epsilon_, low_, high_;
  const Kernels* simd_;
  std::optional<Tensor<float>> scale_, shift_;
  static constexpr std::int64_t chunk_elements = 8192;  // that stay in the cache

 private:
  QuantParams from_;
  bool reads_codes_;
  std::optional<QuantizeF32> to_;
};

/// Each row of the last dimensions has its own mean and variance.
class NormalizeRowsStep : public NormalizationStep {
 public:
  using NormalizationStep::NormalizationStep;

  std::size_t plan(const PlanContext& c) override {
    const Shape& s = c.inputs[0].shape;
    const int first = static_cast<int>(axes_[0]);
    count_ = s.product(first, s.rank());
    all_ = s.product(0, first);
    const std::int64_t size = count_ * (count_ < NormalizeRows::short_row ? NormalizeRows::block : 1);
    scales_ = expanded(scale_, 1, s, first, size);
    shifts_ = expanded(shift_, 0, s, first, size);
    rows_ = std::max<std::int64_t>(1, chunk_elements / count_);
    worker_ = converts() ? round_up(4 * rows_ * count_, 64) : 0;
    return static_cast<std::size_t>(worker_ * c.threads);
  }
  void run(const RunContext& c) noexcept override {
    c.pool->parallel((all_ + rows_ - 1) / rows_, [&](std::int64_t t, int worker) {
      const std::int64_t rows = std::min(rows_, all_ - t * rows_), first = t * rows_ * count_, n = rows * count_;
      auto* scratch = reinterpret_cast<float*>(c.scratch + worker * worker_);
      NormalizeRows a;
      a.in = read(c, first, n, scratch);
      a.out = place(c, first, scratch);
      a.rows = rows;
      a.count = count_;
      a.scale = scales_.data();
      a.shift = shifts_.data();
      a.epsilon = epsilon_;
      a.low = low_;
      a.high = high_;
      simd_->normalize_rows_f32(a);
      write(c, first, n, a.out);
    });
  }

 private:
  std::int64_t all_ = 0, rows_ = 1, count_ = 1, worker_ = 0;  // rows: of a task
  std::vector<float> scales_, shifts_;
};

}  // namespace detail
OCTET_END
