#pragma once
#include <algorithm>
#include <cmath>

#include "../../core/index.hpp"
#include "../../core/thread_pool.hpp"
#include "../../kernels/bytes.hpp"
#include "axis.hpp"

OCTET_BEGIN
namespace detail {

/// One dimension of a resizing: [outer, in, inner] to [outer, out, inner].
struct ResizePass {
  std::int64_t outer = 1, in = 1, out = 1, inner = 1;
  ResizeTaps taps;
};

/// Bilinear resizing of bytes: two adjacent dimensions, of two neighbors each, row by row, so that what is between them
/// stays in the cache. Weights are multiples of 2^-15: what is between the dimensions is exact in float, and results
/// are exact sums, rounded half to even.
class BilinearRows {
 public:
  BilinearRows() = default;
  /// down: of rows; along: of the pixels of a row; outside: the code outside the region of interest.
  BilinearRows(const ByteKernels& kernels, const ResizePass& down, const ResizePass& along, std::uint8_t outside)
      : kernels_(&kernels),
        down_(down),
        along_(along),
        outside_(outside),
        down_bits_(fraction_bits(down.taps)),
        along_bits_(fraction_bits(along.taps)) {
    // Lines of the image that are resized first serve several rows of the result, which are then whole rows.
    const auto is_inside = [](std::int64_t i) { return i >= 0; };
    line_first_ = (down.out >= down.in || along.inner < few_channels) &&
                  std::all_of(along.taps.index.begin(), along.taps.index.end(), is_inside);
    for (int bits : along_bits_) most_bits_ = std::max(most_bits_, bits);
    room_ = line_first_ ? 2 * round_up(along.out * along.inner, 16) : round_up(down.inner, 16);
  }

  /// Bytes of scratch memory.
  std::size_t scratch_bytes(int threads) const noexcept { return static_cast<std::size_t>(room_ * threads) * 4; }

  void run(const std::uint8_t* in, std::uint8_t* out, std::byte* scratch, ThreadPool& pool) const noexcept {
    const std::int64_t rows = down_.outer * down_.out, tasks = std::min<std::int64_t>(rows, 4 * pool.size());
    pool.parallel(tasks, [&](std::int64_t t, int worker) {
      float* room = reinterpret_cast<float*>(scratch) + worker * room_;
      Lines lines{{room, room + room_ / 2}, {-1, -1}};
      for (std::int64_t r = rows * t / tasks; r < rows * (t + 1) / tasks; ++r) {
        std::uint8_t* to = out + r * along_.out * along_.inner;
        if (down_.taps.index[static_cast<std::size_t>(r % down_.out * 2)] < 0)
          std::fill_n(to, along_.out * along_.inner, outside_);
        else if (line_first_)
          row_of_lines(r, in, lines, to);
        else
          row_of_pixels(r, in, room, to);
      }
    });
  }

 private:
  /// The last two lines of the images, resized; `number` is -1 if there is none.
  struct Lines {
    float* values[2];
    std::int64_t number[2];
  };

  /// The number of bits after the point that each two weights have.
  static std::vector<int> fraction_bits(const ResizeTaps& taps) {
    std::vector<int> all;
    for (std::size_t i = 0; i < taps.weight.size(); i += 2) {
      int n = 0;
      for (float w : {taps.weight[i], taps.weight[i + 1]})
        while (n < 15 && std::ldexp(w, n) != std::floor(std::ldexp(w, n))) ++n;
      all.push_back(n);
    }
    return all;
  }
  /// Whether floats hold sums of bytes with so many bits after the point.
  static bool is_exact(int bits) noexcept { return bits <= 16; }

  void row_of_lines(std::int64_t r, const std::uint8_t* in, Lines& lines, std::uint8_t* out) const noexcept {
    const auto y = static_cast<std::size_t>(r % down_.out);
    const std::int64_t image = r / down_.out * down_.in;
    const std::int64_t above = image + down_.taps.index[2 * y], below = image + down_.taps.index[2 * y + 1];
    BlendRows b;
    b.a_f32 = line(above, below, in, lines);
    b.b_f32 = line(below, above, in, lines);
    b.out = out;
    b.count = along_.out * along_.inner;
    b.weight_a = down_.taps.weight[2 * y];
    b.weight_b = down_.taps.weight[2 * y + 1];
    b.exact = is_exact(most_bits_ + down_bits_[y]);
    kernels_->blend(b);
  }
  /// A resized line; `other` is kept.
  const float* line(std::int64_t number, std::int64_t other, const std::uint8_t* in, Lines& lines) const noexcept {
    for (int i : {0, 1})
      if (lines.number[i] == number) return lines.values[i];
    const int i = lines.number[0] == other ? 1 : 0;
    lines.number[i] = number;
    const std::uint8_t* from = in + number * along_.in * along_.inner;
    float* to = lines.values[i];
    along_.inner < few_channels ? resize_few(from, to) : resize_line(from, to);
    return lines.values[i];
  }

  void resize_line(const std::uint8_t* in, float* out) const noexcept {
    const std::int64_t inner = along_.inner;
    BlendRows b;
    b.count = inner;
    for (std::size_t x = 0; x < static_cast<std::size_t>(2 * along_.out); x += 2, out += inner) {
      b.a = in + along_.taps.index[x] * inner;
      b.b = in + along_.taps.index[x + 1] * inner;
      b.weight_a = along_.taps.weight[x];
      b.weight_b = along_.taps.weight[x + 1];
      b.out_f32 = out;
      kernels_->blend(b);
    }
  }
  void resize_few(const std::uint8_t* in, float* out) const noexcept {
    const std::int64_t inner = along_.inner;
    const std::int64_t* index = along_.taps.index.data();
    const float* weight = along_.taps.weight.data();
    for (std::int64_t x = 0; x < along_.out; ++x, index += 2, weight += 2, out += inner) {
      const std::uint8_t *a = in + index[0] * inner, *b = in + index[1] * inner;
      const float wa = weight[0], wb = weight[1];
      for (std::int64_t c = 0; c < inner; ++c) out[c] = wa * static_cast<float>(a[c]) + wb * static_cast<float>(b[c]);
    }
  }

  void row_of_pixels(std::int64_t r, const std::uint8_t* in, float* sums, std::uint8_t* out) const noexcept {
    const auto y = static_cast<std::size_t>(r % down_.out);
    const std::uint8_t* image = in + r / down_.out * down_.in * down_.inner;
    BlendRows b;
    b.a = image + down_.taps.index[2 * y] * down_.inner;
    b.b = image + down_.taps.index[2 * y + 1] * down_.inner;
    b.out_f32 = sums;
    b.count = down_.inner;
    b.weight_a = down_.taps.weight[2 * y];
    b.weight_b = down_.taps.weight[2 * y + 1];
    kernels_->blend(b);
    const std::int64_t inner = along_.inner;
    BlendRows p;
    p.count = inner;
    for (std::size_t x = 0; x < static_cast<std::size_t>(along_.out); ++x, out += inner) {
      const std::int64_t* index = &along_.taps.index[2 * x];
      if (index[0] < 0) {
        std::fill_n(out, inner, outside_);
        continue;
      }
      p.a_f32 = sums + index[0] * inner;
      p.b_f32 = sums + index[1] * inner;
      p.out = out;
      p.weight_a = along_.taps.weight[2 * x];
      p.weight_b = along_.taps.weight[2 * x + 1];
      p.exact = is_exact(down_bits_[y] + along_bits_[x]);
      kernels_->blend(p);
    }
  }

  static constexpr std::int64_t few_channels = 12;  // a kernel's call takes longer

  const ByteKernels* kernels_ = nullptr;
  ResizePass down_, along_;
  std::uint8_t outside_ = 0;
  std::vector<int> down_bits_, along_bits_;  // fraction bits of each place's weights
  int most_bits_ = 0;                        // of along_bits_
  bool line_first_ = false;                  // lines of the image are resized before they are blended
  std::int64_t room_ = 0;                    // floats of scratch memory for each thread
};

}  // namespace detail
OCTET_END
