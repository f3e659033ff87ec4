#pragma once
#include "../implement.hpp"
#include "../shape/indexed_copy.hpp"
#include "../window.hpp"

OCTET_BEGIN
namespace detail {

/// Iterates over the windows of a pooling over an NHWC tensor with up to three spatial dimensions.
class PoolWindows {
 public:
  PoolWindows() = default;
  PoolWindows(const Window& window, const PlanContext& c) : element_(bits(c.inputs[0].dtype) / 8) {
    static const std::string unnamed;
    const Shape& in = c.inputs[0].shape;
    axes_ = resolve(window, in, ShapeContext(unnamed, "Pool", {}, {}));
    batch_ = in[0];
    channels_ = in.back();
    clipped_rows_ = batch_ == 0 || channels_ == 0 ? 0 : 1;  // tensors without elements have no windows
    for (std::size_t i = 0; i < 2; ++i) clipped_rows_ *= std::min(axes_[i].kernel, axes_[i].in);
    clipped_taps_ = clipped_rows_ * std::min(axes_[2].kernel, axes_[2].in);
  }

  std::int64_t channels() const noexcept { return channels_; }
  std::int64_t pixel_bytes() const noexcept { return channels_ * element_; }
  const WindowAxis& width() const noexcept { return axes_[2]; }
  /// Whether all windows are without gaps, and have a pixel of the image.
  bool contiguous() const noexcept {
    return clipped_taps_ > 0 && std::all_of(axes_.begin(), axes_.end(), [](const WindowAxis& a) {
             const Span first = span(a, 0), last = span(a, a.out - 1);
             return a.dilation == 1 && first.first < first.end && last.first < last.end;
           });
  }
  /// Pixels of a window, as far as the image has so many.
  std::int64_t taps() const noexcept { return clipped_taps_; }
  /// Size of the scratch memory for the threads' lists of pixels.
  std::size_t scratch_bytes(int threads) const {
    return static_cast<std::size_t>(threads * list_size()) * sizeof(void*);
  }

  /// Calls f(window, padded count, output pixel, worker) for each window. `window` has the pixels inside the input; the
  /// padded count includes those on the padding (but not beyond it).
  template <class F>
  void each(const std::byte* in, std::byte* scratch, ThreadPool& pool, F f) const noexcept {
    each_part(scratch, pool, [&](const std::byte** list, std::int64_t first, std::int64_t last, int worker) {
      each_of<false>(in, list, first, last,
                     [&](const PoolWindow& p, std::int64_t padded, std::int64_t pixel, std::int64_t) {
                       f(p, padded, pixel, worker);
                     });
    });
  }
  /// The same with all whole windows of an output row as one, whose "channels" are those of consecutive pixels:
  /// f(window, padded count, first output pixel, count of output pixels, worker). With a stride, also the windows
  /// between those of the output are in it; see keep_windows().
  template <class F>
  void each_joined(const std::byte* in, std::byte* scratch, ThreadPool& pool, F f) const noexcept {
    each_part(scratch, pool, [&](const std::byte** list, std::int64_t first, std::int64_t last, int worker) {
      each_of<true>(in, list, first, last,
                    [&](const PoolWindow& p, std::int64_t padded, std::int64_t pixel, std::int64_t n) {
                      f(p, padded, pixel, n, worker);
                    });
    });
  }
  /// The most elements of a window from each_joined().
  std::int64_t joined_channels() const noexcept { return joined(axes_[2].out) * channels_; }
  /// Copies those of joined results that are `count` pixels of the output.
  void keep_windows(std::byte* out, const std::byte* results, std::int64_t count) const noexcept {
    for (std::int64_t i = 0; i < count; ++i)
      copy_bytes(out + i * pixel_bytes(), results + i * axes_[2].stride * pixel_bytes(), pixel_bytes());
  }
  /// Calls f(rows, count, output row, worker) for each row of the output. `rows` are the beginnings of the `count`
  /// input rows of its windows.
  template <class F>
  void each_row(const std::byte* in, std::byte* scratch, ThreadPool& pool, F f) const noexcept {
    each_part(scratch, pool, [&](const std::byte** list, std::int64_t first, std::int64_t last, int worker) {
      for (std::int64_t row = first; row < last; ++row) f(list, list_rows(in, row, list).count, row, worker);
    });
  }
  /// The same on the calling thread, in order: f(window, padded count, output pixel).
  template <class F>
  void each_in_order(const std::byte* in, std::byte* scratch, F f) const noexcept {
    each_of<false>(
        in, reinterpret_cast<const std::byte**>(scratch), 0, rows(),
        [&](const PoolWindow& p, std::int64_t padded, std::int64_t pixel, std::int64_t) { f(p, padded, pixel); });
  }

  /// The index of a pixel of `in` within its image.
  std::int64_t pixel_index(const std::byte* in, const std::byte* pixel) const noexcept {
    return (pixel - in) / (channels_ * element_) % (axes_[0].in * axes_[1].in * axes_[2].in);
  }
  std::int64_t image_of(const std::byte* in, const std::byte* pixel) const noexcept {
    return (pixel - in) / (channels_ * element_) / (axes_[0].in * axes_[1].in * axes_[2].in);
  }
  std::int64_t image_pixels() const noexcept { return axes_[0].in * axes_[1].in * axes_[2].in; }

 private:
  std::int64_t rows() const noexcept { return batch_ * axes_[0].out * axes_[1].out; }

  struct Span {
    std::int64_t first, end, padded;  // taps [first, end) inside the input; number of taps on the input or its padding
  };
  static Span span(const WindowAxis& a, std::int64_t out) noexcept {
    const std::int64_t start = out * a.stride - a.before;
    const std::int64_t skipped = start < 0 ? (-start + a.dilation - 1) / a.dilation : 0;
    const std::int64_t first = start + skipped * a.dilation, end = std::min(a.in, start + a.reach());
    const std::int64_t padded = (std::min(a.in + a.after, start + a.reach()) - start + a.dilation - 1) / a.dilation;
    return {first, std::max(first, end), padded};
  }

  /// Windows at each pixel from the first to the last of `count` windows of the output.
  std::int64_t joined(std::int64_t count) const noexcept { return (count - 1) * axes_[2].stride + 1; }
  std::int64_t list_size() const noexcept { return clipped_rows_ + clipped_taps_; }

  /// Calls f(memory for a list, first row, last row, worker) for parts of the output's rows.
  template <class F>
  void each_part(std::byte* scratch, ThreadPool& pool, F f) const noexcept {
    const std::int64_t rows = this->rows(), tasks = std::min<std::int64_t>(rows, 4 * pool.size());
    pool.parallel(tasks, [&](std::int64_t task, int worker) {
      f(reinterpret_cast<const std::byte**>(scratch) + worker * list_size(), rows * task / tasks,
        rows * (task + 1) / tasks, worker);
    });
  }

  struct Rows {
    std::int64_t count, padded;  // rows of the image; rows of it or its padding
  };
  /// Lists the beginnings of the input rows of a row of the output.
  Rows list_rows(const std::byte* in, std::int64_t row, const std::byte** list) const noexcept {
    const WindowAxis &d = axes_[0], &h = axes_[1], &w = axes_[2];
    const std::int64_t y = row % h.out, z = row / h.out % d.out, n = row / h.out / d.out;
    const Span sz = span(d, z), sy = span(h, y);
    std::int64_t count = 0;
    for (std::int64_t iz = sz.first; iz < sz.end; iz += d.dilation)
      for (std::int64_t iy = sy.first; iy < sy.end; iy += h.dilation)
        list[count++] = in + ((n * d.in + iz) * h.in + iy) * w.in * pixel_bytes();
    return {count, sz.padded * sy.padded};
  }

  /// The windows of rows [first, last) of the output. `list`: memory for the lists of rows and pixels.
  template <bool Join, class F>
  void each_of(const std::byte* in, const std::byte** list, std::int64_t first, std::int64_t last, F f) const noexcept {
    const WindowAxis& w = axes_[2];
    const std::byte** pixels = list + clipped_rows_;
    PoolWindow p;
    p.pixels = pixels;
    for (std::int64_t row = first; row < last; ++row) {
      const Rows rows = list_rows(in, row, list);
      bool whole = false;  // the window before was
      for (std::int64_t x = 0, n = 1; x < w.out; x += n) {
        const Span sx = span(w, x);
        const bool next = whole;
        whole = sx.end - sx.first == w.reach();
        n = Join && whole ? std::min(w.out - x, (w.in - sx.end) / w.stride + 1) : 1;
        p.channels = joined(n) * channels_;
        if (next && whole) {
          for (std::int64_t i = 0; i < p.count; ++i) pixels[i] += w.stride * pixel_bytes();
        } else {
          p.count = 0;
          for (std::int64_t r = 0; r < rows.count; ++r)
            for (std::int64_t ix = sx.first; ix < sx.end; ix += w.dilation)
              pixels[p.count++] = list[r] + ix * pixel_bytes();
        }
        f(p, rows.padded * sx.padded, row * w.out + x, n);
      }
    }
  }

  std::array<WindowAxis, 3> axes_;
  std::int64_t batch_ = 1, channels_ = 1, clipped_rows_ = 1, clipped_taps_ = 1, element_ = 1;
};

}  // namespace detail
OCTET_END
