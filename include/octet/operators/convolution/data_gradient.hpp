#pragma once
#include "transposed_phase.hpp"
#include "varying.hpp"

OCTET_BEGIN
namespace detail {

/// The gradient with respect to a convolution's input: the transposed convolution of the gradient with respect to its
/// output. The pixels with the same remainder modulo the stride (a phase) are an ordinary convolution with some of the
/// taps in reverse order. Each phase is computed separately and its pixels are then spread. With stride 1, the only
/// phase is computed in place.
class DataGradient {
 public:
  /// Returns the size of the scratch memory that run needs, in bytes.
  std::size_t plan(const Kernels& kernels, const ConvolutionShape& s, int threads, bool bf16_products) {
    shape_ = s;
    axes_[0] = {s.out_h, s.in_h, s.kernel_h, s.stride_h, s.dilation_h, s.pad_top};
    axes_[1] = {s.out_w, s.in_w, s.kernel_w, s.stride_w, s.dilation_w, s.pad_left};
    phases_.clear();
    zeros_ = pad_columns<float>(nullptr, s.in_c);
    std::int64_t largest = 0, padding = 0;
    std::size_t scratch = 0;
    for (std::int64_t y = 0; y < axes_[0].phases(); ++y)
      for (std::int64_t x = 0; x < axes_[1].phases(); ++x) {
        Phase p{{y, x}, TransposedPhase{y, x}.shape(axes_), {}};
        p.shape.batch = s.batch;
        p.shape.groups = s.groups;
        p.shape.in_c = s.out_c;
        p.shape.out_c = s.in_c;
        if (p.shape.rows() == 0) continue;
        p.kernels = {kernels, p.shape, bf16_products};
        scratch = std::max(scratch, p.kernels.plan(p.shape, threads));
        padding = std::max(padding, p.kernels.padding_bytes(p.shape));
        largest = std::max(largest, p.shape.rows());
        phases_.push_back(std::move(p));
      }
    padding_ = Tensor<float>({padding / 4});
    pixels_ = s.batch * s.in_h * s.in_w;
    direct_ = phases_.size() == 1 && phases_[0].shape.rows() == pixels_;
    covered_ = axes_[0].phases() == s.stride_h && axes_[1].phases() == s.stride_w;
    spread_bytes_ = direct_ ? 0 : round_up(largest * s.in_c * 4, 64);
    return static_cast<std::size_t>(spread_bytes_) + scratch;
  }

  /// gradient: [N, out_h, out_w, O], with respect to the output; weights: [O, kernel_h, kernel_w, I / groups]; out: [N,
  /// H, W, I].
  void run(const float* gradient, const float* weights, float* out, std::byte* scratch, ThreadPool& pool) noexcept {
    if (!covered_) clear(out, pool);
    Epilogue e;
    e.store = Store::f32;
    e.low_f32 = -std::numeric_limits<float>::infinity();
    e.high_f32 = -e.low_f32;
    e.out_stride = shape_.in_c * 4;
    e.out = direct_ ? reinterpret_cast<std::byte*>(out) : scratch;
    for (Phase& p : phases_) {
      p.kernels.set_weights(view(p, weights), shape_.in_c, pool);
      p.kernels.run(reinterpret_cast<const std::byte*>(gradient), zeros_.bytes(), padding_.bytes(), e,
                    scratch + spread_bytes_, pool);
      if (!direct_) p.at.spread(axes_, shape_.batch, scratch, reinterpret_cast<std::byte*>(out), shape_.in_c * 4, pool);
    }
  }

 private:
  struct Phase {
    TransposedPhase at;
    ConvolutionShape shape;
    VaryingConvolution kernels;
  };

  /// The taps of a phase in reverse order, with input and output channels swapped.
  WeightsView view(const Phase& p, const float* weights) const noexcept {
    WeightsView w = WeightsView::of_model(weights, shape_.out_c, shape_.kernel_h, shape_.kernel_w, shape_.group_in(),
                                          shape_.groups);
    std::swap(w.in, w.out);
    w.data += axes_[0].last_tap(p.at.y) * w.row + axes_[1].last_tap(p.at.x) * w.tap;
    w.row *= -axes_[0].period();
    w.tap *= -axes_[1].period();
    w.kernel_h = p.shape.kernel_h;
    w.kernel_w = p.shape.kernel_w;
    return w;
  }

  void clear(float* out, ThreadPool& pool) const noexcept {
    const std::int64_t row = shape_.in_w * shape_.in_c;
    pool.parallel(shape_.batch * shape_.in_h,
                  [&](std::int64_t r, int) { std::fill(out + r * row, out + (r + 1) * row, 0.0f); });
  }

  ConvolutionShape shape_;
  std::array<TransposedAxis, 2> axes_;
  std::vector<Phase> phases_;
  Tensor<float> zeros_, padding_;
  std::int64_t pixels_ = 0, spread_bytes_ = 0;
  bool direct_ = false, covered_ = false;
};

}  // namespace detail
OCTET_END
