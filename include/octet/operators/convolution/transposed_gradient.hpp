#pragma once
#include "../activation_gradient.hpp"
#include "../channel_sums.hpp"
#include "../implement.hpp"
#include "data_gradient.hpp"
#include "weight_gradient.hpp"

OCTET_BEGIN
namespace detail {

/// Training of a transposed convolution, which is the gradient of an ordinary one with respect to its input: that one
/// reads images [N, H, W, O] as this one's output and returns images [N, h, w, C] as its input, with weights [C, kh,
/// kw, O / groups]. So forward runs its DataGradient, the gradient of the input is its result, and the gradient of the
/// weights is its WeightGradient. The weights of the layer, [O, kh, kw, C / groups], are rearranged for it.
class TransposedGradient : public GradientStep {
 public:
  using Rule = std::function<std::array<TransposedAxis, 2>(const Shape& in)>;

  TransposedGradient(const PrepareContext& c, Rule rule, std::int64_t groups, const ActivationRange& range)
      : simd_(&c.kernels()),
        rule_(std::move(rule)),
        groups_(groups),
        range_(range),
        bf16_products_(c.options().bf16_products) {
    for (int i : {0, 1, 2})
      c.require(!c.has(i) || c.input(i).dtype == DType::f32, "only float layers can be trained, but '",
                c.has(i) ? c.input(i).name : "", "' is ", octet::name(c.has(i) ? c.input(i).dtype : DType::f32));
  }

  GradientMemory plan(const GradientPlanContext& c) override {
    const Shape &in = c.inputs[0].shape, &out = c.outputs[0].shape;
    const std::array<TransposedAxis, 2> axes = rule_(in);
    ConvolutionShape s;
    s.batch = in[0];
    s.in_h = axes[0].out;
    s.in_w = axes[1].out;
    s.in_c = out.back();
    s.out_h = axes[0].in;
    s.out_w = axes[1].in;
    s.out_c = in.back();
    s.groups = groups_;
    s.kernel_h = axes[0].kernel;
    s.kernel_w = axes[1].kernel;
    s.stride_h = axes[0].stride;
    s.stride_w = axes[1].stride;
    s.dilation_h = axes[0].dilation;
    s.dilation_w = axes[1].dilation;
    s.pad_top = axes[0].before;
    s.pad_left = axes[1].before;
    shape_ = s;
    convolution_ = {*simd_, s, bf16_products_};
    padding_ = Tensor<float>({convolution_.padding_bytes(s) / 4});
    zeros_ = pad_columns<float>(nullptr, s.out_c);
    rearranged_ = round_up(c.inputs[1].shape.elements() * 4, 64);
    std::size_t scratch = transposed_.plan(*simd_, s, c.threads, bf16_products_);
    if (c.wanted[0]) scratch = std::max(scratch, convolution_.plan(s, c.threads));
    if (c.wanted[1]) scratch = std::max(scratch, weights_.plan(*simd_, s, c.threads, bf16_products_));
    if (c.wanted.size() > 2 && c.wanted[2]) scratch = std::max(scratch, sums_.plan(s.batch * s.in_h * s.in_w, s.in_c));
    return {static_cast<std::size_t>(rearranged_) + scratch, 0};
  }

  void forward(const ForwardContext& c) noexcept override {
    auto* w = reinterpret_cast<float*>(c.scratch);
    rearrange(reinterpret_cast<const float*>(c.input(1)), w, true);
    auto* y = reinterpret_cast<float*>(c.output());
    transposed_.run(reinterpret_cast<const float*>(c.input(0)), w, y, c.scratch + rearranged_, *c.pool);
    const float* bias = c.inputs.size() > 2 ? c.inputs[2].as<float>() : nullptr;
    if (!bias && range_.none()) return;
    const std::int64_t channels = shape_.in_c;
    const auto low = static_cast<float>(range_.low), high = static_cast<float>(range_.high);
    c.pool->parallel(shape_.batch * shape_.in_h, [&](std::int64_t row, int) {
      float* to = y + row * shape_.in_w * channels;
      for (std::int64_t x = 0; x < shape_.in_w; ++x, to += channels)
        for (std::int64_t o = 0; o < channels; ++o) to[o] = std::min(std::max(to[o] + (bias ? bias[o] : 0), low), high);
    });
  }

  void backward(const BackwardContext& c) noexcept override {
    float* dy = c.output_gradient();
    std::byte* scratch = c.scratch + rearranged_;
    auto* w = reinterpret_cast<float*>(c.scratch);
    if (!range_.none())
      clamp_gradient(*simd_, range_, c.output(), dy, dy, c.output_gradients[0].shape.elements(), *c.pool);
    if (float* bias = c.input_gradient(2)) sums_.run(*simd_, dy, bias, scratch, *c.pool);
    if (float* dw = c.input_gradient(1)) {
      weights_.run(dy, c.input(0), w, scratch, *c.pool);
      rearrange(w, dw, false);
    }
    if (float* dx = c.input_gradient(0)) {
      rearrange(c.input(1), w, true);
      convolution_.set_weights(
          WeightsView::of_model(w, shape_.out_c, shape_.kernel_h, shape_.kernel_w, shape_.group_in(), groups_),
          shape_.out_c, *c.pool);
      Epilogue e;
      e.store = Store::f32;
      e.low_f32 = -std::numeric_limits<float>::infinity();
      e.high_f32 = -e.low_f32;
      e.out_stride = shape_.out_c * 4;
      e.out = reinterpret_cast<std::byte*>(dx);
      convolution_.run(reinterpret_cast<const std::byte*>(dy), zeros_.bytes(), padding_.bytes(), e, scratch, *c.pool);
    }
  }

  bool reads_outputs() const noexcept override { return !range_.none(); }

 private:
  /// Between [O, kh, kw, C / groups] (the layer's) and [C, kh, kw, O / groups]; each group has its own block of both.
  void rearrange(const float* from, float* to, bool from_layer) const noexcept {
    const std::int64_t outs = shape_.group_in(), ins = shape_.group_out(), taps = shape_.kernel_h * shape_.kernel_w;
    for (std::int64_t g = 0; g < groups_; ++g)
      for (std::int64_t o = 0; o < outs; ++o)
        for (std::int64_t t = 0; t < taps; ++t)
          for (std::int64_t i = 0; i < ins; ++i) {
            const std::int64_t layer = ((g * outs + o) * taps + t) * ins + i,
                               other = ((g * ins + i) * taps + t) * outs + o;
            to[from_layer ? other : layer] = from[from_layer ? layer : other];
          }
  }

  const Kernels* simd_;
  Rule rule_;
  std::int64_t groups_;
  ActivationRange range_;
  bool bf16_products_;
  ConvolutionShape shape_;  // of the ordinary convolution
  DataGradient transposed_;
  VaryingConvolution convolution_;
  WeightGradient weights_;
  ChannelSums sums_;
  Tensor<float> padding_, zeros_;
  std::int64_t rearranged_ = 0;  // bytes
};

}  // namespace detail
OCTET_END
