#pragma once
#include "../../core/packed_codes.hpp"
#include "../activation_range.hpp"
#include "../implement.hpp"
#include "../operands.hpp"
#include "../window.hpp"
#include "step.hpp"
#include "transposed_phase.hpp"

OCTET_BEGIN
namespace detail {

/// Outputs with the same remainder modulo the stride (a phase) are an ordinary convolution with some of the taps. Each
/// phase is computed separately and its pixels are then spread over the output.
class TransposedConvolutionStep : public Step {
 public:
  using Axes = std::array<TransposedAxis, 2>;
  using Rule = std::function<Axes(const Shape& in)>;
  /// Makes the step of an ordinary convolution.
  using Make = std::unique_ptr<ConvolutionStep> (*)(const PrepareContext& c, const Window& window, std::int64_t groups,
                                                    const ActivationRange& range);

  /// axes: without sizes.
  TransposedConvolutionStep(const PrepareContext& c, const Axes& axes, Rule rule, std::int64_t groups,
                            const ActivationRange& range, const OperatorPtr& op, Make make)
      : rule_(std::move(rule)), make_(make), groups_(groups), element_(bits(c.output().dtype) / 8) {
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
      if (p.has_taps()) {
        s = p.at.shape(axes_);
        s.batch = batch_;
      }
      s.in_c = in.back();
      s.out_c = out.back();
      s.groups = groups_;
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
      if (p.pixels == 0 || !p.has_taps()) continue;
      run_phase(p, c);
      if (!direct_) p.at.spread(axes_, batch_, c.scratch, c.output(), pixel_, *c.pool);
    }
  }

 private:
  struct Phase {
    std::unique_ptr<ConvolutionStep> step;
    TransposedPhase at;  // -1 for outputs without taps
    std::int64_t pixels = 0;
    bool has_taps() const noexcept { return at.y >= 0; }
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
        v.dtype = weights.dtype();
        v.shape = weights.shape();
      }
      n.inputs.push_back(g.add_value(std::move(v)));
    }
    n.outputs.push_back(g.add_value(c.output()));
    Window window(weights.shape()[1], weights.shape()[2]);
    if (y >= 0) window.dilations = {axes[0].step(), axes[1].step()};
    phases_.push_back({make_(PrepareContext(g, n, c.kernels(), c.options()), window, groups_, range), {y, x}, 0});
  }

  /// The taps of a phase in reverse order, [O, h, w, C / groups]. For outputs without taps, one tap of zeros.
  static AnyTensor phase_weights(const PrepareContext& c, const Axes& axes, std::int64_t y, std::int64_t x) {
    const Value& w = c.input(LayerInputs::weights);
    const AnyTensor all = whole_bytes(c.constant(LayerInputs::weights));
    const std::int64_t out = all.shape()[0], channels = all.shape().back(), element = bits(all.dtype()) / 8;
    const bool none = y < 0;
    const std::int64_t rows = none ? 1 : axes[0].taps(y), columns = none ? 1 : axes[1].taps(x);
    return AnyTensor::make(all.dtype(), {out, rows, columns, channels}, [&](std::byte* to) {
      for (std::int64_t o = 0; o < out; ++o)
        for (std::int64_t i = 0; i < rows * columns; ++i, to += channels * element) {
          if (none) {
            const std::size_t channel = w.quant.index_of(o);
            for (std::int64_t k = 0; k < channels; ++k)
              store_element(all.dtype(), to, k, w.is_quantized() ? w.quant.zero_point.at(channel) : 0);
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
    p.step->run({inputs_, outputs_, c.scratch + spread_at_, c.pool, c.lost});
  }

  /// Copies the pixel in scratch memory to all outputs.
  void fill(const RunContext& c) const noexcept {
    c.pool->parallel(batch_ * axes_[0].out, [&](std::int64_t row, int) {
      std::byte* to = c.output() + row * axes_[1].out * pixel_;
      for (std::int64_t x = 0; x < axes_[1].out; ++x, to += pixel_) copy_bytes(to, c.scratch, pixel_);
    });
  }

  Rule rule_;
  Make make_;
  std::int64_t groups_, element_;
  std::vector<Phase> phases_;
  bool uncovered_ = false, direct_ = false, empty_ = false;
  Axes axes_;
  std::int64_t batch_ = 1, pixel_ = 1, spread_at_ = 0;
  std::vector<TensorRef> inputs_, outputs_;
};

}  // namespace detail
OCTET_END
