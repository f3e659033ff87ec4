#pragma once
#include "../implement.hpp"
#include "../shape/indexed_copy.hpp"
#include "../weighted_layer.hpp"
#include "dynamic.hpp"
#include "float.hpp"
#include "integer.hpp"
#include "transposed_axis.hpp"
#include "transposed_convolution.hpp"

OCTET_BEGIN
namespace detail {

/// Outputs with the same remainder modulo the stride (a phase) are an ordinary convolution with some of the taps. Each
/// phase is computed separately and its pixels are then spread over the output. Form: the step of an ordinary
/// convolution.
template <class Form>
class TransposedConvolutionStep : public Step {
 public:
  using Axes = std::array<TransposedAxis, 2>;
  using Rule = std::function<Axes(const Shape& in)>;

  /// axes: without sizes.
  TransposedConvolutionStep(const PrepareContext& c, const Axes& axes, Rule rule, std::int64_t groups,
                            const ActivationRange& range, const OperatorPtr& op)
      : rule_(std::move(rule)), groups_(groups), element_(bits(c.output().dtype) / 8) {
    for (std::int64_t y = 0; y < axes[0].phases(); ++y)
      for (std::int64_t x = 0; x < axes[1].phases(); ++x) add_phase(c, axes, y, x, range, op);
    // Outputs without any tap are the bias.
    if (axes[0].phases() < axes[0].stride || axes[1].phases() < axes[1].stride) {
      uncovered_ = true;
      add_phase(c, axes, -1, -1, range, op);
    }
  }
  std::size_t packed_bytes() const noexcept override {
    std::size_t n = 0;
    for (const Phase& p : phases_) n += p.step->packed_bytes();
    return n;
  }

  std::size_t plan(const PlanContext& c) override {
    const Shape &in = c.inputs[0].shape, &out = c.outputs[0].shape;
    axes_ = rule_(in);
    batch_ = in[0];
    pixel_ = out.back() * element_;
    inputs_ = c.inputs;
    outputs_ = c.outputs;
    empty_ = in.elements() == 0 || out.elements() == 0;
    if (empty_) return 0;
    std::int64_t largest = 0;
    std::size_t scratch = 0;
    for (Phase& p : phases_) {
      ConvolutionShape s;
      s.in_c = in.back();
      s.out_c = out.back();
      s.groups = groups_;
      if (p.y >= 0) {
        s.batch = batch_;
        s.in_h = axes_[0].in;
        s.in_w = axes_[1].in;
        s.out_h = axes_[0].count(p.y);
        s.out_w = axes_[1].count(p.x);
        s.kernel_h = axes_[0].taps(p.y);
        s.kernel_w = axes_[1].taps(p.x);
        s.dilation_h = axes_[0].step();
        s.dilation_w = axes_[1].step();
        s.pad_top = -axes_[0].start(p.y);
        s.pad_left = -axes_[1].start(p.x);
      }
      p.pixels = s.rows();
      if (p.pixels == 0) continue;
      largest = std::max(largest, p.pixels * pixel_);
      scratch = std::max(scratch, p.step->plan(s, c.threads));
    }
    direct_ = phases_.size() == 1 && phases_[0].pixels * pixel_ == out.elements() * element_;
    spread_at_ = direct_ ? 0 : round_up(largest, 64);
    return static_cast<std::size_t>(spread_at_) + scratch;
  }

  void run(const RunContext& c) noexcept override {
    if (empty_) return;
    for (std::size_t i = 0; i < inputs_.size(); ++i) inputs_[i].data = c.inputs[i].data;
    outputs_[0].data = direct_ ? c.output() : c.scratch;
    if (uncovered_) {
      run_phase(phases_.back(), c);
      fill(c);
    }
    for (Phase& p : phases_) {
      if (p.pixels == 0 || p.y < 0) continue;
      run_phase(p, c);
      if (!direct_) spread(p, c);
    }
  }

 private:
  struct Phase {
    std::unique_ptr<Form> step;
    std::int64_t y = 0, x = 0;  // phase along each axis; -1 for outputs without taps
    std::int64_t pixels = 0;
  };

  void add_phase(const PrepareContext& c, const Axes& axes, std::int64_t y, std::int64_t x,
                 const ActivationRange& range, const OperatorPtr& op) {
    // A separate graph with the weights of this phase, from which the step is prepared.
    Graph g;
    g.rounding = c.rounding();
    Node n{c.name(), op, {}, {}};
    const AnyTensor weights = phase_weights(c, axes, y, x);
    for (int i = 0; i < c.inputs(); ++i) {
      if (!c.has(i)) {
        n.inputs.push_back(Node::none);
        continue;
      }
      Value v = c.input(i);
      if (i == 1) {
        v.constant = weights;
        v.shape = weights.shape();
      }
      n.inputs.push_back(g.add_value(std::move(v)));
    }
    n.outputs.push_back(g.add_value(c.output()));
    Window window(weights.shape()[1], weights.shape()[2]);
    if (y >= 0) window.dilations = {axes[0].step(), axes[1].step()};
    phases_.push_back({std::make_unique<Form>(PrepareContext(g, n, c.kernels(), c.memory(), false, c.same_floats()),
                                              window, groups_, range),
                       y, x, 0});
  }

  /// The taps of a phase in reverse order, [O, h, w, C / groups]. For outputs without taps, one tap of zeros.
  static AnyTensor phase_weights(const PrepareContext& c, const Axes& axes, std::int64_t y, std::int64_t x) {
    const Value& w = c.input(LayerInputs::weights);
    const AnyTensor& all = c.constant(LayerInputs::weights);
    const std::int64_t out = all.shape()[0], channels = all.shape().back(), element = element_bytes(c, w);
    const bool none = y < 0;
    const std::int64_t rows = none ? 1 : axes[0].taps(y), columns = none ? 1 : axes[1].taps(x);
    return AnyTensor::make(all.dtype(), {out, rows, columns, channels}, [&](std::byte* to) {
      for (std::int64_t o = 0; o < out; ++o)
        for (std::int64_t i = 0; i < rows * columns; ++i, to += channels * element) {
          if (none) {
            const std::size_t channel = static_cast<std::size_t>(w.quant.per_channel() ? o : 0);
            for (std::int64_t k = 0; k < channels; ++k)
              store_element(w.dtype, to, k, w.is_quantized() ? w.quant.zero_point.at(channel) : 0);
            continue;
          }
          const std::int64_t ky = axes[0].last_tap(y) - i / columns * axes[0].period();
          const std::int64_t kx = axes[1].last_tap(x) - i % columns * axes[1].period();
          const std::int64_t from = ((o * axes[0].kernel + ky) * axes[1].kernel + kx) * channels;
          if (channels) std::memcpy(to, all.data() + from * element, static_cast<std::size_t>(channels * element));
        }
    });
  }

  void run_phase(Phase& p, const RunContext& c) noexcept {
    p.step->run({inputs_, outputs_, c.scratch + spread_at_, c.pool, c.not_finite});
  }

  /// Copies the pixel in scratch memory to all outputs.
  void fill(const RunContext& c) const noexcept {
    c.pool->parallel(batch_ * axes_[0].out, [&](std::int64_t row, int) {
      std::byte* to = c.output() + row * axes_[1].out * pixel_;
      for (std::int64_t x = 0; x < axes_[1].out; ++x, to += pixel_) copy_bytes(to, c.scratch, pixel_);
    });
  }

  /// Copies the pixels of a phase from scratch memory to their positions.
  void spread(const Phase& p, const RunContext& c) const noexcept {
    const std::int64_t rows = axes_[0].count(p.y), columns = axes_[1].count(p.x);
    c.pool->parallel(batch_ * rows, [&](std::int64_t row, int) {
      const std::int64_t y = axes_[0].first(p.y) + row % rows * axes_[0].stride;
      const std::byte* from = c.scratch + row * columns * pixel_;
      std::byte* to = c.output() + ((row / rows * axes_[0].out + y) * axes_[1].out + axes_[1].first(p.x)) * pixel_;
      for (std::int64_t x = 0; x < columns; ++x, from += pixel_, to += axes_[1].stride * pixel_)
        copy_bytes(to, from, pixel_);
    });
  }

  Rule rule_;
  std::int64_t groups_, element_;
  std::vector<Phase> phases_;
  bool uncovered_ = false, direct_ = false, empty_ = false;
  Axes axes_;
  std::int64_t batch_ = 1, pixel_ = 1, spread_at_ = 0;
  std::vector<TensorRef> inputs_, outputs_;
};

}  // namespace detail

OCTET_API detail::TransposedAxis TransposedConvolution::axis(std::size_t i, std::int64_t in) const {
  detail::TransposedAxis a;
  a.in = in;
  a.kernel = window.kernel[i];
  a.stride = window.strides[i];
  a.dilation = window.dilations[i];
  a.out = output_size.empty() ? Shape::unknown : output_size[i];
  if (in == Shape::unknown) return a;
  const std::int64_t full =
      a.stride * (in - 1) + (output_padding.empty() ? 0 : output_padding[i]) + (a.kernel - 1) * a.dilation + 1;
  const auto padding = window.padding;
  const bool same = padding == Window::Padding::same_upper || padding == Window::Padding::same_lower;
  if (output_size.empty() && !same) {
    const bool given = padding == Window::Padding::given;
    a.before = given ? window.pads_before[i] : 0;
    a.out = full - a.before - (given ? window.pads_after[i] : 0);
    return a;
  }
  if (output_size.empty()) a.out = in * a.stride;
  const std::int64_t total = std::max<std::int64_t>(0, full - a.out);
  a.before = padding == Window::Padding::valid        ? 0
             : padding == Window::Padding::same_upper ? total / 2
                                                      : total - total / 2;
  return a;
}

OCTET_API std::array<detail::TransposedAxis, 2> TransposedConvolution::axes(const Shape& in) const {
  std::array<detail::TransposedAxis, 2> r;
  const std::size_t n = window.kernel.size();
  for (std::size_t i = 0; i < n; ++i) r[2 - n + i] = axis(i, in[static_cast<int>(i) + 1]);
  return r;
}

template <class Form>
std::unique_ptr<Step> TransposedConvolution::step(const PrepareContext& c) const {
  const auto self = std::make_shared<const TransposedConvolution>(*this);
  return detail::make_step<detail::TransposedConvolutionStep<Form>>(
      c, axes(c.input(0).shape), [self](const Shape& in) { return self->axes(in); }, groups, activation, self);
}

OCTET_API std::vector<Shape> TransposedConvolution::shapes(const ShapeContext& c) const {
  const Shape &x = c.shape(0), &w = c.shape(LayerInputs::weights);
  const std::size_t n = window.kernel.size();
  const bool given = window.padding == Window::Padding::given;
  c.require(c.inputs() <= 3, "expected image, weights and bias, found ", c.inputs(), " inputs");
  c.require((n == 1 || n == 2) && window.strides.size() == n && window.dilations.size() == n &&
                (!given || !output_size.empty() || (window.pads_before.size() == n && window.pads_after.size() == n)) &&
                (output_padding.empty() || output_padding.size() == n) &&
                (output_size.empty() || output_size.size() == n),
            "kernel, strides, dilations, pads and output sizes have to have one entry for each of 1 or 2 spatial "
            "dimensions");
  c.require(x.rank() == static_cast<int>(n) + 2, "expected a tensor [N, ..., C] with ", n,
            " spatial dimensions, found ", x);
  bool fits = w.rank() == static_cast<int>(n) + 2 && groups >= 1 && w[0] % groups == 0 && w.back() >= 1;
  for (std::size_t i = 0; fits && i < n; ++i) fits = w[static_cast<int>(i) + 1] == window.kernel[i];
  c.require(fits, "weights of shape ", w, " do not match ", groups, " groups and the kernel");
  c.require(x.back() == Shape::unknown || x.back() == w.back() * groups, "expected an input with ", w.back() * groups,
            " channels (weights ", w, ", ", groups, " groups), found ", x);
  if (c.has(LayerInputs::bias))
    c.require(c.shape(LayerInputs::bias) == Shape{w[0]}, "bias has shape ", c.shape(LayerInputs::bias), ", expected [",
              w[0], "]");
  Shape out{x[0]};
  for (std::size_t i = 0; i < n; ++i) {
    constexpr std::int64_t limit = 1 << 20;
    for (const std::vector<std::int64_t>* v : {&window.kernel, &window.strides, &window.dilations})
      c.require((*v)[i] >= 1 && (*v)[i] <= limit, "expected kernel, stride and dilation in 1 .. ", limit, ", found ",
                (*v)[i]);
    for (const std::vector<std::int64_t>* v :
         {&window.pads_before, &window.pads_after, &output_padding, &output_size}) {
      const std::int64_t size = v->size() > i ? (*v)[i] : 0;
      c.require(size >= 0 && size <= limit, "expected padding and sizes in 0 .. ", limit, ", found ", size);
    }
    const std::int64_t in = x[static_cast<int>(i) + 1];
    c.require(in != 0, "expected images of at least one pixel, found ", x);
    out.push_back(axis(i, in).out);
    c.require(in == Shape::unknown || out.back() >= 0, "the padding is larger than the output of ", x);
  }
  out.push_back(w[0]);
  return {out};
}

OCTET_API std::unique_ptr<Step> TransposedConvolution::prepare(const PrepareContext& c) const {
  switch (detail::weighted_form(c, "images")) {
    case detail::WeightedForm::dynamic: return step<detail::DynamicConvolution>(c);
    case detail::WeightedForm::integer: return step<detail::IntegerConvolution>(c);
    case detail::WeightedForm::floating: break;
  }
  return step<detail::FloatConvolution<float>>(c);
}

OCTET_API void TransposedConvolution::check(const PrepareContext& c) const {
  detail::check_weighted(c, "images", activation, -1);
}

OCTET_API OperatorPtr TransposedConvolution::clamped(double low, double high) const {
  return detail::with_clamp(*this, low, high);
}

OCTET_API Traits TransposedConvolution::traits() const {
  Traits t;
  t.products = Traits::Products::some;
  t.groups = groups;
  t.clamps = !activation.none();
  return t;
}

OCTET_API IntegerForm TransposedConvolution::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::measured;
  f.weights = weights;
  f.bias = bias;
  return f;
}

OCTET_API std::int64_t TransposedConvolution::macs(const ShapeContext& c) const {
  const Shape &x = c.shape(0), &w = c.shape(LayerInputs::weights);
  return x.product(0, x.rank() - 1) * w.elements();
}

OCTET_END
