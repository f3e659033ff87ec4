#pragma once
#include "../../kernels/convolution.hpp"
#include "../float_weights.hpp"
#include "../implement.hpp"
#include "transposed_axis.hpp"

OCTET_BEGIN
namespace detail {

/// Transposed convolution of floats with few output channels: one product of pixels and the weights of all taps, whose
/// columns are (ky, kx, output channel), and sums of what reaches the same outputs. As phases (transposed_step.hpp),
/// most columns of the products would be empty.
///
/// A cell is stride_w output pixels of a row: pixel ix adds taps [u * stride_w, (u + 1) * stride_w) to cell ix + u.
/// Each thread computes the products of a row of pixels at a time, and keeps as many rows as outputs need.
class TransposedProducts : public Step {
 public:
  using Axes = std::array<TransposedAxis, 2>;
  using Rule = std::function<Axes(const Shape& in)>;

  static bool pays(const Axes& axes, std::int64_t groups, std::int64_t out_c) noexcept {
    return groups == 1 && out_c <= 8 && axes[0].dilation == 1 && axes[1].dilation == 1 &&
           axes[0].kernel * axes[1].kernel <= 4096;
  }

  /// axes: without sizes.
  TransposedProducts(const PrepareContext& c, const Axes& axes, Rule rule, const ActivationRange& range)
      : rule_(std::move(rule)), simd_(&c.kernels()), epilogue_(float_epilogue(range)) {
    const Tensor<float> all = to_float(c.constant(LayerInputs::weights).ref());
    const std::int64_t taps = axes[0].kernel * axes[1].kernel, in_c = all.shape().back();
    out_c_ = all.shape()[0];
    columns_ = taps * out_c_;
    auto ordered = Tensor<float>::uninitialized({columns_, in_c});
    for (std::int64_t o = 0; o < out_c_; ++o)
      for (std::int64_t t = 0; t < taps; ++t)
        std::copy_n(all.data() + (o * taps + t) * in_c, in_c, ordered.data() + (t * out_c_ + o) * in_c);
    ConvolutionWeights<float> w;
    w.values = ordered.data();
    w.out_c = columns_;
    w.group_in = in_c;
    products_ = {c.kernels(), w};
    zeros_ = pad_columns<float>(nullptr, columns_);
    const Tensor<float> bias = float_bias(c, out_c_);
    init_ = Tensor<float>({round_up(axes[1].stride * out_c_, widest) + widest});
    for (std::int64_t i = 0; i < axes[1].stride * out_c_; ++i) init_[i] = bias[i % out_c_];
  }
  std::size_t packed_bytes() const noexcept override { return products_.packed_bytes() + init_.size_bytes(); }
  const char* form() const noexcept override { return "products of taps"; }

  std::size_t plan(const PlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    axes_ = rule_(in);
    batch_ = in[0];
    empty_ = in.elements() == 0 || c.outputs[0].shape.elements() == 0;
    if (empty_) return 0;
    const auto& [y, x] = axes_;
    in_row_ = x.in * in.back();
    first_ = y.before / y.stride;
    rows_ = (y.out - 1 + y.before) / y.stride + 1 - first_;
    cells_ = (x.out - 1 + x.before) / x.stride + 1;
    kept_ = taps_per(y);
    margin_ = taps_per(x) - 1;
    line_ = round_up((margin_ + std::max(cells_, x.in)) * columns_ + widest, widest);
    result_ = round_up(cells_ * x.stride * out_c_ + widest, widest);
    ConvolutionShape s;
    s.in_h = s.out_h = 1;
    s.in_w = s.out_w = x.in;
    s.in_c = in.back();
    s.out_c = columns_;
    const std::int64_t scratch = round_up(static_cast<std::int64_t>(products_.plan_rows(s, x.in)), 64);
    terms_at_ = (kept_ * line_ + result_) * 4;
    products_at_ = terms_at_ + round_up(kept_ * (margin_ + 1) * static_cast<std::int64_t>(sizeof(float*)), 64);
    worker_ = products_at_ + scratch;
    parts_ = std::min<std::int64_t>(rows_, std::max<std::int64_t>(1, (c.threads + batch_ - 1) / batch_));
    return static_cast<std::size_t>(worker_ * c.threads);
  }

  void run(const RunContext& c) noexcept override {
    if (empty_) return;
    c.pool->parallel(batch_ * parts_, [&](std::int64_t task, int worker) {
      const std::int64_t image = task / parts_, part = task % parts_;
      const Work w{reinterpret_cast<const float*>(c.input(0)) + image * axes_[0].in * in_row_,
                   reinterpret_cast<float*>(c.output()) + image * axes_[0].out * axes_[1].out * out_c_,
                   c.scratch + worker * worker_};
      std::memset(w.scratch, 0, static_cast<std::size_t>(kept_ * line_ * 4));  // beside a row's pixels, products are 0
      const std::int64_t from = first_ + rows_ * part / parts_, to = first_ + rows_ * (part + 1) / parts_;
      for (std::int64_t y = from - kept_ + 1; y < to; ++y) {
        multiply(w, y);
        if (y >= from) add(w, y);
      }
    });
  }

 private:
  static constexpr std::int64_t widest = 16;  // elements of the widest vectors

  struct Work {
    const float* in;
    float* out;
    std::byte* scratch;
    /// The products of a row of pixels.
    float* line(std::int64_t y, const TransposedProducts& p) const noexcept {
      return reinterpret_cast<float*>(scratch) + (y + p.kept_) % p.kept_ * p.line_;
    }
  };

  /// How many pixels along an axis reach an output.
  static std::int64_t taps_per(const TransposedAxis& a) noexcept { return (a.kernel + a.stride - 1) / a.stride; }

  void multiply(const Work& w, std::int64_t y) const noexcept {
    if (y < 0 || y >= axes_[0].in) return;
    Epilogue e;
    e.store = Store::f32;
    e.low_f32 = -std::numeric_limits<float>::infinity();
    e.high_f32 = std::numeric_limits<float>::infinity();
    e.out = reinterpret_cast<std::byte*>(w.line(y, *this) + margin_ * columns_);
    e.out_stride = columns_ * 4;
    products_.run_rows(reinterpret_cast<const std::byte*>(w.in + y * in_row_), zeros_.bytes(), nullptr, e, 4,
                       w.scratch + products_at_, 0, axes_[1].in);
  }

  /// The outputs of stride_h rows from stride_h * y on.
  void add(const Work& w, std::int64_t y) const noexcept {
    const auto& [ay, ax] = axes_;
    const std::int64_t whole = ax.kernel / ax.stride, rest = ax.kernel % ax.stride;
    auto* result = reinterpret_cast<float*>(w.scratch) + kept_ * line_;
    auto** terms = reinterpret_cast<const float**>(w.scratch + terms_at_);
    ShiftedSums s;
    s.terms = terms;
    s.step = columns_;
    s.cells = cells_;
    s.width = ax.stride * out_c_;
    s.part_width = rest * out_c_;
    s.init = init_.data();
    s.out = result;
    s.low = epilogue_.low_f32;
    s.high = epilogue_.high_f32;
    for (std::int64_t phase = 0; phase < ay.stride; ++phase) {
      const std::int64_t row = y * ay.stride + phase - ay.before;
      if (row < 0 || row >= ay.out) continue;
      std::int64_t n = 0;
      const auto gather = [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t t = 0; t < kept_; ++t) {
          const std::int64_t ky = t * ay.stride + phase;
          if (ky >= ay.kernel || y - t < 0 || y - t >= ay.in) continue;
          for (std::int64_t u = from; u < to; ++u)
            terms[n++] = w.line(y - t, *this) + (margin_ - u) * columns_ + (ky * ax.kernel + u * ax.stride) * out_c_;
        }
        return n;
      };
      s.whole = gather(0, whole);
      s.parts = gather(whole, whole + (rest != 0)) - s.whole;
      simd_->shifted_sums_f32(s);
      std::copy_n(result + ax.before * out_c_, ax.out * out_c_, w.out + row * ax.out * out_c_);
    }
  }

  Rule rule_;
  const Kernels* simd_;
  GemmConvolution<float> products_;
  Tensor<float> zeros_, init_;
  Epilogue epilogue_;  // only its limits
  std::int64_t out_c_ = 1, columns_ = 1;
  Axes axes_;
  bool empty_ = false;
  std::int64_t batch_ = 1, parts_ = 1, in_row_ = 0;
  std::int64_t first_ = 0, rows_ = 0, cells_ = 0;  // rows of cells that have outputs; cells of a row
  std::int64_t kept_ = 1, margin_ = 0;             // rows of products; pixels of zeros at the beginning of each
  std::int64_t line_ = 0, result_ = 0;             // elements of a row of products, of a row of results
  std::int64_t terms_at_ = 0, products_at_ = 0, worker_ = 0;
};

}  // namespace detail
OCTET_END
