#pragma once
#include <algorithm>
#include <array>
#include <cmath>

#include "../kernels/bytes.hpp"
#include "activation_codes.hpp"
#include "axis_view.hpp"
#include "fold.hpp"

OCTET_BEGIN
namespace detail {

/// Softmax of uint8, by a table of the exponentials of all differences to the largest input, as in TFLite.
class IntegerSoftmax : public Step {
 public:
  IntegerSoftmax(const PrepareContext& c, std::int64_t axis, double beta)
      : bytes_(&byte_kernels(c.kernels().isa)), axis_(axis) {
    const Value &x = c.input(0), &y = c.output();
    c.require(int8_format.computes(x.dtype) && int8_format.computes(y.dtype) && x.is_quantized() && y.is_quantized(),
              "expected quantized uint8 input and output, found ", name(x.dtype), " and ", name(y.dtype));
    exp_.fill(1);
    for (int d = 0; d < 256; ++d)
      exp_[static_cast<std::size_t>(255 - d)] =
          static_cast<float>(std::exp(-static_cast<double>(x.quant.scale[0]) * beta * d));
    scale_ = y.quant.scale[0];
    zero_point_ = y.quant.zero_point[0];
    // Sums are at least 1, so that lower exponentials round to 0; not if beta is negative or not finite.
    const auto one = exp_.begin() + 255;
    by_kernel_ = *one == 1 && std::is_sorted(exp_.begin(), exp_.end()) && std::isfinite(1 / scale_);
    if (by_kernel_) visible_ = static_cast<int>(one - std::lower_bound(exp_.begin(), one, 0.49f * scale_));
  }
  std::size_t packed_bytes() const noexcept override { return sizeof exp_; }
  std::size_t plan(const PlanContext& c) override {
    view_ = {c.inputs[0].shape, normalize_axis(axis_, c.inputs[0].shape.rank())};
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    const auto* in = reinterpret_cast<const std::uint8_t*>(c.input(0));
    auto* out = reinterpret_cast<std::uint8_t*>(c.output());
    if (view_.n == 0) return;
    if (view_.inner == 1)
      return parallel_parts(*c.pool, view_.outer, block, [&](std::int64_t from, std::int64_t rows) {
        each_row(in + from * view_.n, out + from * view_.n, rows);
      });
    c.pool->parallel(view_.outer, [&](std::int64_t o, int) {
      for (std::int64_t i = 0; i < view_.inner; ++i) {
        const std::int64_t at = o * view_.n * view_.inner + i;
        one(in + at, out + at);
      }
    });
  }

 private:
  static constexpr std::int64_t block = 64, least_rounded = 16, most_rounded = 256;

  /// Rows of elements side by side: four sums at the same time, since each addition waits for the one before.
  void each_row(const std::uint8_t* in, std::uint8_t* out, std::int64_t rows) const noexcept {
    std::array<std::uint8_t, block> largest;
    bytes_->extremum_rows(in, rows, view_.n, largest.data(), false);
    const bool rounds = by_kernel_ && view_.n >= least_rounded && view_.n <= most_rounded;
    const auto four = rounds ? &IntegerSoftmax::some_rows<4, true> : &IntegerSoftmax::some_rows<4, false>;
    const auto single = rounds ? &IntegerSoftmax::some_rows<1, true> : &IntegerSoftmax::some_rows<1, false>;
    for (std::int64_t r = 0, n; r < rows; r += n, in += n * view_.n, out += n * view_.n) {
      n = r + 4 <= rows ? 4 : 1;
      (this->*(n == 4 ? four : single))(in, out, largest.data() + r);
    }
  }
  /// `Round`: the results are exponentials that a kernel rounds; else there is a table of those of all codes, or they
  /// are rounded one by one.
  template <int Rows, bool Round>
  void some_rows(const std::uint8_t* in, std::uint8_t* out, const std::uint8_t* largest) const noexcept {
    std::array<float, Round ? Rows * most_rounded : 1> terms;
    const std::int64_t n = view_.n;
    const float* exponentials[Rows];
    float sums[Rows] = {};
    for (int i = 0; i < Rows; ++i) exponentials[i] = of_codes(largest[i]);
    for (std::int64_t k = 0; k < n; ++k) {
      OCTET_UNROLL
      for (int i = 0; i < Rows; ++i) {
        const float term = exponentials[i][in[i * n + k]];
        if constexpr (Round) terms[static_cast<std::size_t>(i * n + k)] = term;
        sums[i] += term;
      }
    }
    for (int i = 0; i < Rows; ++i) {
      if constexpr (Round)
        bytes_->round_half_up({terms.data() + i * n, out + i * n, n, 1.0f / (sums[i] * scale_), zero_point_});
      else
        codes(in + i * n, out + i * n, largest[i], sums[i]);
    }
  }

  void one(const std::uint8_t* in, std::uint8_t* out) const noexcept {
    const auto larger = [](int a, int b) { return std::max(a, b); };
    const int largest = fold(
        view_.n, 0, [&](int& m, std::int64_t k) { m = larger(m, in[k * view_.inner]); }, larger);
    float sum = 0;
    for (std::int64_t k = 0; k < view_.n; ++k) sum += of_codes(largest)[in[k * view_.inner]];
    codes(in, out, largest, sum);
  }
  void codes(const std::uint8_t* in, std::uint8_t* out, int largest, float sum) const noexcept {
    const float inverse = 1.0f / (sum * scale_);
    if (by_kernel_ && view_.inner == 1 && view_.n > most_rounded) return by_table(in, out, largest, inverse);
    const float* exponentials = of_codes(largest);
    for (std::int64_t k = 0; k < view_.n; ++k) out[k * view_.inner] = code(exponentials[in[k * view_.inner]] * inverse);
  }
  /// The exponentials of the codes of a row with that largest one.
  const float* of_codes(int largest) const noexcept { return exp_.data() + 255 - largest; }
  std::uint8_t code(float p) const noexcept {
    // The order of arguments turns NaN (from a beta that is not finite) into 0.
    const float x = std::min(std::max(0.0f, p), 512.0f);
    const auto below = static_cast<std::int32_t>(x);  // rounded half up; the difference is exact
    const std::int32_t q = below + (x - static_cast<float>(below) >= 0.5f) + zero_point_;
    return static_cast<std::uint8_t>(std::clamp(q, 0, 255));
  }
  /// A row of many elements, by the results of all codes that may occur.
  void by_table(const std::uint8_t* in, std::uint8_t* out, int largest, float inverse) const noexcept {
    std::array<std::uint8_t, 256> table;
    const int first = std::max(0, largest - visible_);
    std::fill_n(table.begin(), first, static_cast<std::uint8_t>(std::clamp(zero_point_, 0, 255)));
    bytes_->round_half_up({of_codes(largest) + first, table.data() + first, largest + 1 - first, inverse, zero_point_});
    LookupU8 p;
    p.table = table.data();
    p.in = in;
    p.out = out;
    p.count = view_.n;
    bytes_->lookup(p);
  }

  const ByteKernels* bytes_;
  std::int64_t axis_;
  std::array<float, 511> exp_;  // of -255 steps to 0, and then 1
  bool by_kernel_ = false;
  int visible_ = 255;  // steps below the largest code, at most, with results that are not 0
  float scale_ = 1;
  std::int32_t zero_point_ = 0;
  AxisView view_;
};

}  // namespace detail
OCTET_END
