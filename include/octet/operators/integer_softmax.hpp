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
  static constexpr std::int64_t block = 64;

  /// Rows of elements side by side: four sums at the same time, since each addition waits for the one before.
  void each_row(const std::uint8_t* in, std::uint8_t* out, std::int64_t rows) const noexcept {
    std::array<std::uint8_t, block> largest;
    std::array<float, block> sums;
    const std::int64_t n = view_.n;
    bytes_->extremum_rows(in, rows, n, largest.data(), false);
    const auto term = [&](std::int64_t row, std::int64_t k) {
      return of_codes(largest[static_cast<std::size_t>(row)])[in[row * n + k]];
    };
    std::int64_t r = 0;
    for (; r + 4 <= rows; r += 4) {
      float a = 0, b = 0, c = 0, d = 0;
      for (std::int64_t k = 0; k < n; ++k) {
        a += term(r, k);
        b += term(r + 1, k);
        c += term(r + 2, k);
        d += term(r + 3, k);
      }
      const float four[] = {a, b, c, d};
      std::copy_n(four, 4, sums.begin() + r);
    }
    for (; r < rows; ++r) {
      float sum = 0;
      for (std::int64_t k = 0; k < n; ++k) sum += term(r, k);
      sums[static_cast<std::size_t>(r)] = sum;
    }
    for (r = 0; r < rows; ++r)
      codes(in + r * n, out + r * n, largest[static_cast<std::size_t>(r)], sums[static_cast<std::size_t>(r)]);
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
    if (by_kernel_ && view_.inner == 1 && view_.n >= 48) return by_table(in, out, largest, inverse);
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
  /// Many elements, by the results of all codes that may occur.
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
