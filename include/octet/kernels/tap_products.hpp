#pragma once
#include <array>
#include <limits>

#include "convolution.hpp"
#include "transposed_axis.hpp"

OCTET_BEGIN
namespace detail {

/// Transposed convolution with few output channels, of floats, or (T is int8) of uint8 images and int8 weights: one
/// product of pixels and the weights of all taps, whose columns are (ky, kx, output channel), and sums of what reaches
/// the same outputs. As matrix products of windows, most columns would be empty. A convolution of stride 1 is one, too,
/// with its taps in reverse order.
///
/// A cell is stride_w output pixels of a row: pixel ix adds taps [u * stride_w, (u + 1) * stride_w) to cell ix + u.
/// Each thread computes the products of a row of pixels at a time, and keeps as many rows as outputs need.
template <class T>
class TapProducts {
 public:
  using Sum = std::conditional_t<sizeof(T) == 1, std::int32_t, float>;
  using Axes = std::array<TransposedAxis, 2>;

  /// Whether it is faster than other ways. axes: sizes of images do not matter.
  static bool pays(const Axes& axes, std::int64_t in_c, std::int64_t out_c) noexcept {
    const std::int64_t taps = axes[0].kernel * axes[1].kernel;
    return out_c <= 8 && in_c >= 2 && taps >= 3 && taps <= 4096 && axes[0].dilation == 1 && axes[1].dilation == 1;
  }
  /// The axes of a convolution of stride 1 without dilation.
  static Axes axes_of(const ConvolutionShape& s) noexcept {
    const auto axis = [](std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t pad) {
      TransposedAxis a;
      a.in = in;
      a.out = out;
      a.kernel = kernel;
      a.before = kernel - 1 - pad;
      return a;
    };
    return {axis(s.in_h, s.out_h, s.kernel_h, s.pad_top), axis(s.in_w, s.out_w, s.kernel_w, s.pad_left)};
  }

  TapProducts() = default;
  /// weights: [out_c][kernel_h][kernel_w][in_c]; axes: without sizes of images. reversed: the last tap first.
  /// zero_point: of the images.
  TapProducts(const Kernels& kernels, const T* weights, const Axes& axes, std::int64_t in_c, std::int64_t out_c,
              bool reversed, Sum zero_point = 0)
      : simd_(&kernels), out_c_(out_c), columns_(axes[0].kernel * padded(axes[1]) * out_c) {
    const std::int64_t width = axes[1].kernel, taps = axes[0].kernel * width;
    Tensor<T> ordered({columns_, in_c});
    for (std::int64_t o = 0; o < out_c; ++o)
      for (std::int64_t t = 0; t < taps; ++t)
        std::copy_n(weights + (o * taps + (reversed ? taps - 1 - t : t)) * in_c, in_c,
                    ordered.data() + ((t / width * padded(axes[1]) + t % width) * out_c + o) * in_c);
    ConvolutionWeights<T> w;
    w.values = ordered.data();
    w.out_c = columns_;
    w.group_in = in_c;
    w.same_floats = true;  // sums over channels have one order
    products_ = {kernels, w};
    start_ = pad_columns<Sum>(nullptr, columns_);
    for (std::int64_t c = 0; zero_point != 0 && c < columns_; ++c)
      for (std::int64_t k = 0; k < in_c; ++k) start_[c] -= zero_point * static_cast<Sum>(ordered[c * in_c + k]);
  }
  bool empty() const noexcept { return columns_ == 0; }
  std::int64_t channels() const noexcept { return out_c_; }
  std::size_t packed_bytes() const noexcept { return products_.packed_bytes(); }
  const char* form() const noexcept { return "products of taps"; }

  /// Returns the size of the scratch memory of run in bytes. Neither images nor outputs may be empty.
  std::size_t plan(std::int64_t batch, const Axes& axes, std::int64_t in_c, int threads) {
    batch_ = batch;
    axes_ = axes;
    axes_[1].kernel = padded(axes[1]);
    const auto& [y, x] = axes_;
    in_row_ = x.in * in_c;
    first_ = y.before / y.stride;
    rows_ = (y.out - 1 + y.before) / y.stride + 1 - first_;
    cells_ = (x.out - 1 + x.before) / x.stride + 1;
    kept_ = reach(y);
    margin_ = reach(x) - 1;
    line_ = round_up((margin_ + std::max(cells_, x.in)) * columns_ + widest, widest);
    ConvolutionShape s;
    s.in_w = s.out_w = x.in;
    s.in_c = in_c;
    s.out_c = columns_;
    const std::int64_t cell = x.stride * out_c_;
    std::int64_t at = kept_ * line_ * 4;
    const auto place = [&at](std::int64_t bytes) { return std::exchange(at, at + round_up(bytes, 64)); };
    result_at_ = place((cells_ * cell + widest) * 4);
    init_at_ = place((cell + widest) * 4);
    terms_at_ = place(kept_ * (margin_ + 1) * static_cast<std::int64_t>(sizeof(Sum*)));
    products_at_ = place(static_cast<std::int64_t>(products_.plan_rows(s, x.in)));
    worker_ = at;
    parts_ = std::min<std::int64_t>(rows_, (threads + batch - 1) / std::max<std::int64_t>(1, batch));
    return static_cast<std::size_t>(worker_ * threads);
  }

  /// Images [H, W, C]; `bias` of each output channel. Calls store(sums, index of the first output pixel, pixels), where
  /// floats are clamped.
  template <class F>
  void run(const std::byte* in, const Sum* bias, Sum low, Sum high, std::byte* scratch, ThreadPool& pool,
           F store) const noexcept {
    pool.parallel(batch_ * parts_, [&](std::int64_t task, int worker) {
      const std::int64_t image = task / parts_, part = task % parts_;
      const Work w{in + image * axes_[0].in * in_row_ * element, image * axes_[0].out, scratch + worker * worker_, low,
                   high};
      std::memset(w.scratch, 0, static_cast<std::size_t>(kept_ * line_ * 4));  // beside a row's pixels, products are 0
      auto* init = reinterpret_cast<Sum*>(w.scratch + init_at_);
      for (std::int64_t i = 0; i < axes_[1].stride * out_c_; ++i) init[i] = bias[i % out_c_];
      const std::int64_t from = first_ + rows_ * part / parts_, to = first_ + rows_ * (part + 1) / parts_;
      for (std::int64_t y = from - kept_ + 1; y < to; ++y) {
        multiply(w, y);
        if (y >= from) add(w, y, store);
      }
    });
  }

 private:
  static constexpr std::int64_t widest = 16;  // elements of the widest vectors
  static constexpr std::int64_t element = GemmConvolution<T>::element;

  struct Work {
    const std::byte* in;
    std::int64_t first_row;  // of the image's outputs, in all images
    std::byte* scratch;
    Sum low, high;
  };

  /// The width of kernels. Those of integers have taps of zeros at the end, so that each pixel adds whole cells. (Zero
  /// times an infinite float is not zero.)
  static std::int64_t padded(const TransposedAxis& x) noexcept {
    return sizeof(T) == 1 ? round_up(x.kernel, x.stride) : x.kernel;
  }
  /// How many pixels along an axis reach an output.
  static std::int64_t reach(const TransposedAxis& a) noexcept { return (a.kernel + a.stride - 1) / a.stride; }
  /// The products of a row of pixels.
  Sum* line(const Work& w, std::int64_t y) const noexcept {
    return reinterpret_cast<Sum*>(w.scratch) + y % kept_ * line_;
  }

  void multiply(const Work& w, std::int64_t y) const noexcept {
    if (y < 0 || y >= axes_[0].in) return;
    Epilogue e;
    e.store = sizeof(T) == 1 ? Store::accumulator : Store::f32;
    e.low_f32 = -std::numeric_limits<float>::infinity();
    e.high_f32 = std::numeric_limits<float>::infinity();
    e.out = reinterpret_cast<std::byte*>(line(w, y) + margin_ * columns_);
    e.out_stride = columns_ * 4;
    products_.run_rows(w.in + y * in_row_ * element, start_.bytes(), nullptr, e, 4, w.scratch + products_at_, 0,
                       axes_[1].in);
  }

  /// The outputs of stride_h rows from stride_h * y on.
  template <class F>
  void add(const Work& w, std::int64_t y, const F& store) const noexcept {
    const TransposedAxis &ay = axes_[0], &ax = axes_[1];
    const std::int64_t whole = ax.kernel / ax.stride, rest = ax.kernel % ax.stride;
    auto* result = reinterpret_cast<Sum*>(w.scratch + result_at_);
    auto** terms = reinterpret_cast<const Sum**>(w.scratch + terms_at_);
    ShiftedSums<Sum> s;
    s.terms = terms;
    s.step = columns_;
    s.cells = cells_;
    s.width = ax.stride * out_c_;
    s.part_width = rest * out_c_;
    s.init = reinterpret_cast<const Sum*>(w.scratch + init_at_);
    s.out = result;
    s.low = w.low;
    s.high = w.high;
    for (std::int64_t phase = 0; phase < ay.stride; ++phase) {
      const std::int64_t row = y * ay.stride + phase - ay.before;
      if (row < 0 || row >= ay.out) continue;
      std::int64_t n = 0;
      const auto gather = [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t t = 0; t < kept_; ++t) {
          const std::int64_t ky = t * ay.stride + phase;
          if (ky >= ay.kernel || y - t < 0 || y - t >= ay.in) continue;
          for (std::int64_t u = from; u < to; ++u)
            terms[n++] = line(w, y - t) + (margin_ - u) * columns_ + (ky * ax.kernel + u * ax.stride) * out_c_;
        }
        return n;
      };
      s.whole = gather(0, whole);
      s.parts = gather(whole, whole + (rest != 0)) - s.whole;
      if constexpr (sizeof(T) == 1)
        simd_->shifted_sums_i32(s);
      else
        simd_->shifted_sums_f32(s);
      store(result + ax.before * out_c_, (w.first_row + row) * ax.out, ax.out);
    }
  }

  const Kernels* simd_ = nullptr;
  GemmConvolution<T> products_;
  Tensor<Sum> start_;
  std::int64_t out_c_ = 1, columns_ = 0;
  Axes axes_;
  std::int64_t batch_ = 1, parts_ = 1, in_row_ = 0;
  std::int64_t first_ = 0, rows_ = 0, cells_ = 0;  // rows of cells that have outputs; cells of a row
  std::int64_t kept_ = 1, margin_ = 0;             // rows of products; pixels of zeros at the beginning of each
  std::int64_t line_ = 0;                          // elements of a row of products
  std::int64_t result_at_ = 0, init_at_ = 0, terms_at_ = 0, products_at_ = 0, worker_ = 0;  // bytes of a worker
};

}  // namespace detail
OCTET_END
