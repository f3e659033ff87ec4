#pragma once
#include "normalization_step.hpp"

OCTET_BEGIN
namespace detail {

/// MomentNormalization of [images][pixels][groups][elements] over pixels and elements. A line is [groups][elements];
/// short ones are computed several at a time, as one row. Sums are those of parts of the rows, so that they do not
/// depend on the number of threads.
class NormalizeColumnsStep : public NormalizationStep {
 public:
  NormalizeColumnsStep(const PrepareContext& c, const MomentNormalization& op, int phases = 3)
      : NormalizationStep(c, op), phases_(phases) {}

  std::size_t plan(const PlanContext& c) override {
    const Shape& s = c.inputs[0].shape;
    const int rank = s.rank(), begin = static_cast<int>(axes_[0]),
              first = MomentNormalization::first_scaled(axes_, rank);
    int last = rank;  // where the elements of groups begin
    for (auto a = axes_.rbegin(); a != axes_.rend() && *a == last - 1; ++a) --last;
    images_ = s.product(0, begin);
    size_ = s.product(begin, rank);
    line_ = s.product(first, rank);
    group_ = s.product(last, rank);
    row_ = line_ * std::clamp<std::int64_t>(shortest_row / line_, 1, s.product(begin, first));
    scales_ = expanded(scale_, 1, s, first, row_);
    shifts_ = expanded(shift_, 0, s, first, row_);
    part_ = rows_of_part * row_;
    parts_ = (size_ + part_ - 1) / part_;
    chunk_ = std::max<std::int64_t>(1, chunk_elements / row_) * row_;
    each_ = parts_ == 1 && images_ > 1;
    sums_ = round_up(row_, 8);
    worker_ = phases_ == 3 && converts() ? round_up(4 * std::min(chunk_, size_), 64) : 0;
    image_ = 8 * sums_ * parts_ + 3 * round_up(4 * row_, 256);
    return static_cast<std::size_t>(c.threads * worker_ + (each_ ? c.threads : 1) * image_);
  }

  void run(const RunContext& c) noexcept override {
    std::byte* images = c.scratch + c.pool->size() * worker_;
    if (each_)
      return c.pool->parallel(images_, [&](std::int64_t n, int worker) {
        const Image image = image_at(n, images + worker * image_);
        for (int phase = 0; phase < phases_; ++phase) {
          compute(c, image, phase, 0, worker);
          finish(image, phase);
        }
      });
    for (std::int64_t n = 0; n < images_; ++n) {
      const Image image = image_at(n, images);
      for (int phase = 0; phase < phases_; ++phase) {
        c.pool->parallel(parts_, [&](std::int64_t t, int worker) { compute(c, image, phase, t, worker); });
        finish(image, phase);
      }
    }
  }

 protected:
  struct Image {
    std::int64_t first;            // element
    double* sums;                  // [parts][row]
    float *mean, *factor, *shift;  // [row], and memory up to a multiple of 64
  };

  /// Phases: sums, sums of squares, results.
  virtual void compute(const RunContext& c, const Image& image, int phase, std::int64_t part,
                       int worker) const noexcept {
    auto* scratch = reinterpret_cast<float*>(c.scratch + worker * worker_);
    NormalizeColumns a;
    a.sums = image.sums + part * sums_;
    a.mean = image.mean;
    a.factor = image.factor;
    a.shift = image.shift;
    a.low = low_;
    a.high = high_;
    if (phase < 2) std::fill_n(a.sums, row_, 0.0);
    const std::int64_t end = std::min(size_, (part + 1) * part_);
    for (std::int64_t at = part * part_; at < end; at += chunk_) {
      const std::int64_t count = std::min(chunk_, end - at), whole = count / row_ * row_;
      const float* in = read(c, image.first + at, count, scratch);
      float* out = place(c, image.first + at, scratch);
      for (const bool rest : {false, true}) {  // the last row may be shorter
        a.pixels = rest ? 1 : whole / row_;
        a.channels = rest ? count - whole : row_;
        if (a.pixels * a.channels == 0) continue;
        a.in = in + (rest ? whole : 0);
        a.out = out + (rest ? whole : 0);
        if (phase == 0) simd_->column_sums_f32(a);
        if (phase == 1) simd_->column_squares_f32(a);
        if (phase == 2) simd_->normalize_columns_f32(a);
      }
      if (phase == 2) write(c, image.first + at, count, out);
    }
  }

  /// After the sums of all parts: the means; after those of squares: factors and shifts.
  virtual void finish(const Image& image, int phase) const noexcept {
    if (phase == 2) return;
    double* sums = image.sums;
    for (std::int64_t t = 1; t < parts_; ++t)
      for (std::int64_t i = 0; i < row_; ++i) sums[i] += sums[t * sums_ + i];
    for (std::int64_t i = line_; i < row_; ++i) sums[i % line_] += sums[i];
    const double elements = static_cast<double>(size_ / line_ * group_);
    for (std::int64_t g = 0; g < line_; g += group_) {
      double sum = 0;
      for (std::int64_t i = g; i < g + group_; ++i) sum += sums[i];
      const auto mean = static_cast<float>(sum / elements);
      const float value = phase == 0 ? mean : 1 / std::sqrt(mean + epsilon_);
      std::fill_n((phase == 0 ? image.mean : image.factor) + g, group_, value);
    }
    float* all = phase == 0 ? image.mean : image.factor;
    for (std::int64_t i = line_; i < row_; ++i) all[i] = all[i - line_];
    if (phase == 0) return;
    for (std::int64_t i = 0; i < row_; ++i) {
      image.factor[i] *= scales_[static_cast<std::size_t>(i)];
      image.shift[i] = shifts_[static_cast<std::size_t>(i)];
    }
  }

  std::int64_t images_ = 1, size_ = 1, line_ = 1, group_ = 1, row_ = 1;  // elements
  std::int64_t part_ = 1, parts_ = 1, chunk_ = 1, sums_ = 1, worker_ = 0, image_ = 0;
  std::vector<float> scales_, shifts_;

 private:
  static constexpr std::int64_t shortest_row = 128, rows_of_part = 256;
  Image image_at(std::int64_t n, std::byte* memory) const noexcept {
    Image i;
    i.first = n * size_;
    i.sums = reinterpret_cast<double*>(memory);
    i.mean = reinterpret_cast<float*>(memory + 8 * sums_ * parts_);
    i.factor = i.mean + round_up(row_, 64);
    i.shift = i.factor + round_up(row_, 64);
    return i;
  }

  int phases_;
  bool each_ = false;  // images are tasks, not parts of them
};

}  // namespace detail
OCTET_END
