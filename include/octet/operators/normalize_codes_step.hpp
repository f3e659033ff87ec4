#pragma once
#include "../kernels/bytes.hpp"
#include "activation_codes.hpp"
#include "normalize_columns_step.hpp"

/// MomentNormalization of codes to codes: by exact sums of codes and of their squares, in a single pass, and then a
/// line for each element, round(fma(code, factor, offset)) + zero point.
OCTET_BEGIN
namespace detail {

/// What both steps have in common.
class NormalizedCodes {
 public:
  NormalizedCodes(const PrepareContext& c, const MomentNormalization& op)
      : bytes_(&byte_kernels(c.kernels().isa)),
        in_scale_(static_cast<double>(params_of(int8_format, c, c.input(0)).scale[0])),
        out_scale_(params_of(int8_format, c, c.output()).scale[0]),
        epsilon_(op.epsilon),
        block_(4 * bytes_->lanes),
        zero_point_(c.output().quant.zero_point[0]) {
    const IntegerRange range = quantized_range(op.activation, c.output());
    low_ = static_cast<std::int32_t>(range.low);
    high_ = static_cast<std::int32_t>(range.high);
  }

  /// Whether these steps compute what the float ones do, between conversions, up to roundings: no number is lost, and
  /// results are below 2^31 in steps of the output.
  static bool possible(const PrepareContext& c, const MomentNormalization& op) {
    if (c.input(0).dtype == DType::f32 || c.output().dtype == DType::f32 || !(static_cast<float>(op.epsilon) > 0) ||
        c.own_rounding() != Rounding::fp32 || c.rounds_centered())
      return false;
    const double most_deviations = 65536;  // of an element of at most 2^32
    double most = c.has(MomentNormalization::scale) ? 0 : most_deviations;
    for (const int i : {MomentNormalization::scale, MomentNormalization::shift})
      if (c.has(i)) {
        double largest = 0;
        for (const float v : to_float(c.constant(i).ref())) {
          if (!std::isfinite(v)) return false;
          largest = std::max(largest, std::fabs(static_cast<double>(v)));
        }
        most += largest * (i == MomentNormalization::scale ? most_deviations : 1);
      }
    return most / static_cast<double>(c.output().quant.scale[0]) < 1 << 30;
  }

  const ByteKernels& bytes() const noexcept { return *bytes_; }
  std::int64_t block() const noexcept { return block_; }
  double in_scale() const noexcept { return in_scale_; }
  double epsilon() const noexcept { return epsilon_; }
  /// Numbers in steps of the output.
  void scale(std::vector<float>& all) const noexcept {
    for (float& v : all) v /= out_scale_;
  }

  /// Where the line of element i is.
  std::int64_t place(std::int64_t i) const noexcept {
    return i / block_ * block_ + interleaved(i % block_, bytes_->lanes, 4);
  }
  /// Arguments of a kernel that reads and writes codes from element `first` on.
  template <class Arguments>
  Arguments arguments(const RunContext& c, std::int64_t first) const noexcept {
    Arguments a;
    a.in = reinterpret_cast<const std::uint8_t*>(c.input(0)) + first;
    a.out = reinterpret_cast<std::uint8_t*>(c.output()) + first;
    a.zero_point = zero_point_;
    a.low = low_;
    a.high = high_;
    return a;
  }

 private:
  const ByteKernels* bytes_;
  double in_scale_;
  float out_scale_;
  double epsilon_;
  std::int64_t block_;  // elements whose lines are interleaved
  std::int32_t zero_point_, low_, high_;
};

/// Each row of the last dimensions has its own mean and variance.
class NormalizeCodeRowsStep : public NormalizationStep {
 public:
  NormalizeCodeRowsStep(const PrepareContext& c, const MomentNormalization& op)
      : NormalizationStep(c, op), codes_(c, op) {}

  bool can_overwrite(int input) const noexcept override { return input == 0; }
  std::size_t plan(const PlanContext& c) override {
    const Shape& s = c.inputs[0].shape;
    const int first = static_cast<int>(axes_[0]);
    count_ = s.product(first, s.rank());
    all_ = s.product(0, first);
    rows_ = std::max<std::int64_t>(1, chunk_elements / count_);
    scales_ = interleaved_lines(expanded(scale_, 1, s, first, count_));
    shifts_ = interleaved_lines(expanded(shift_, 0, s, first, count_));
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    c.pool->parallel((all_ + rows_ - 1) / rows_, [&](std::int64_t t, int) {
      auto a = codes_.arguments<NormalizeRowsU8>(c, t * rows_ * count_);
      a.rows = std::min(rows_, all_ - t * rows_);
      a.count = count_;
      a.scale = scales_.data();
      a.shift = shifts_.data();
      a.in_scale = codes_.in_scale();
      a.epsilon = codes_.epsilon();
      codes_.bytes().normalize_rows(a);
    });
  }

 private:
  std::vector<float> interleaved_lines(std::vector<float> all) const {
    codes_.scale(all);
    std::vector<float> placed(static_cast<std::size_t>(round_up(count_, codes_.block())));
    for (std::int64_t i = 0; i < count_; ++i)
      placed[static_cast<std::size_t>(codes_.place(i))] = all[static_cast<std::size_t>(i)];
    return placed;
  }
  NormalizedCodes codes_;
  std::int64_t all_ = 0, rows_ = 1, count_ = 1;
  std::vector<float> scales_, shifts_;
};

/// Means and variances of columns. Two phases: sums of both kinds, results.
class NormalizeCodeColumnsStep : public NormalizeColumnsStep {
 public:
  NormalizeCodeColumnsStep(const PrepareContext& c, const MomentNormalization& op)
      : NormalizeColumnsStep(c, op, 2), codes_(c, op) {}

  bool can_overwrite(int input) const noexcept override { return input == 0; }
  std::size_t plan(const PlanContext& c) override {
    const std::size_t size = NormalizeColumnsStep::plan(c);
    codes_.scale(scales_);
    codes_.scale(shifts_);
    return size;
  }

 private:
  void compute(const RunContext& c, const Image& image, int phase, std::int64_t part, int) const noexcept override {
    const std::int64_t count = std::min(part_, size_ - part * part_), first = image.first + part * part_,
                       whole = count / row_ * row_;
    if (phase == 0) {
      std::int32_t *sums = sums_of(image, part), *squares = sums + sums_;
      const auto* in = reinterpret_cast<const std::uint8_t*>(c.input(0)) + first;
      codes_.bytes().column_moments(in, whole / row_, row_, sums, squares);
      for (std::int64_t i = whole; i < count; ++i) {  // the last row may be shorter
        sums[i - whole] += in[i];
        squares[i - whole] += in[i] * in[i];
      }
      return;
    }
    const std::int64_t period = round_up(row_, codes_.block()), at_once = row_ == period ? count : row_;
    for (std::int64_t i = 0; i < count; i += at_once) {
      auto a = codes_.arguments<LinesU8>(c, first + i);
      a.count = std::min(at_once, count - i);
      a.factors = image.factor;
      a.offsets = image.shift;
      a.period = period;
      codes_.bytes().lines(a);
    }
  }

  /// Factors and offsets, after the sums of all parts.
  void finish(const Image& image, int phase) const noexcept override {
    if (phase != 0) return;
    for (std::int64_t g = 0; g < line_; g += group_) {
      MomentsU8 all;
      for (std::int64_t t = 0; t < parts_; ++t)
        for (std::int64_t line = g; line < row_; line += line_)
          for (std::int64_t i = line; i < line + group_; ++i) {
            all.sum += sums_of(image, t)[i];
            all.squares += sums_of(image, t)[sums_ + i];
          }
      const NormalizedLine m(all, size_ / line_ * group_, codes_.in_scale(), codes_.epsilon());
      for (std::int64_t line = g; line < row_; line += line_)
        for (std::int64_t i = line; i < line + group_; ++i) {
          const std::int64_t at = codes_.place(i);
          const auto k = static_cast<std::size_t>(i);
          image.factor[at] = m.factor * scales_[k];
          image.shift[at] = std::fma(-m.mean, image.factor[at], shifts_[k]);
        }
    }
  }

  std::int32_t* sums_of(const Image& image, std::int64_t part) const noexcept {
    return reinterpret_cast<std::int32_t*>(image.sums + part * sums_);
  }
  NormalizedCodes codes_;
};

}  // namespace detail
OCTET_END
