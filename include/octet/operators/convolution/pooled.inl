#pragma once
#include "../../graph/range_exchange.hpp"
#include "../pooling/max_pool.hpp"
#include "convolution.hpp"
#include "pooled.hpp"
#include "step.hpp"

OCTET_BEGIN
namespace detail {

/// Runs a convolution and the pooling after it as one step. If possible, the convolution stores only pooled outputs.
/// The results are bit-identical to those of separate steps.
class PooledStep : public Step, public RangeExchange {
 public:
  PooledStep(const Graph& body, const PrepareContext& c) : body_(body) {
    const auto context = [&](std::size_t i) { return PrepareContext(body, body.nodes[i], c.kernels(), c.options()); };
    convolution_ = as<Convolution>(*body.nodes[0].op)->prepare_convolution(context(0));
    pool_ = body.nodes[1].op->prepare(context(1));
  }

  std::size_t packed_bytes() const noexcept override { return convolution_->packed_bytes(); }
  const char* form() const noexcept override {
    return at_once_ ? "Winograd, pooled where it stores" : convolution_->form();
  }

  std::size_t plan(const PlanContext& c) override {
    const std::vector<Shape> shapes = body_.infer_shapes({c.inputs[0].shape});
    const int v = body_.nodes[0].outputs[0];
    between_ = {{body_.value(v).dtype, shapes[static_cast<std::size_t>(v)], nullptr}};
    inputs_ = {c.inputs[0], {}, {}, {}};
    std::size_t scratch = convolution_->plan({inputs_, between_, c.threads});
    at_once_ = convolution_->can_pool();
    convolution_->pool(at_once_);
    if (at_once_) return scratch;
    scratch = std::max(scratch, pool_->plan({between_, c.outputs, c.threads}));
    scratch_at_ = round_up(between_[0].size_bytes(), 64);
    return scratch_at_ + scratch;
  }

  RangeExchange* range_exchange() noexcept override { return convolution_->range_exchange() ? this : nullptr; }
  bool wants_ranges() const noexcept override { return convolution_->range_exchange()->wants_ranges(); }
  bool measures_ranges() const noexcept override {
    return at_once_ && convolution_->range_exchange()->measures_ranges();
  }
  void set_ranges(const Range* input, Range* output) noexcept override {
    convolution_->range_exchange()->set_ranges(input, output);
  }

  void run(const RunContext& c) noexcept override {
    inputs_[0].data = c.inputs[0].data;
    if (at_once_) return convolution_->run({inputs_, c.outputs, c.scratch, c.pool, c.lost});
    between_[0].data = c.scratch;
    std::byte* scratch = c.scratch + scratch_at_;
    convolution_->run({inputs_, between_, scratch, c.pool, c.lost});
    pool_->run({between_, c.outputs, scratch, c.pool, c.lost});
  }

 private:
  const Graph& body_;
  std::unique_ptr<ConvolutionStep> convolution_;
  std::unique_ptr<Step> pool_;
  std::vector<TensorRef> inputs_, between_;
  std::size_t scratch_at_ = 0;
  bool at_once_ = false;
};

}  // namespace detail

OCTET_API bool PooledConvolution::suits(const Graph& g, const Node& convolution, const Node& pooling) {
  using Sizes = std::vector<std::int64_t>;
  const auto* pool = as<MaxPool>(*pooling.op);
  if (!pool || pooling.outputs.size() != 1) return false;
  const Window& p = pool->window;
  const bool unpadded =
      p.padding != Window::Padding::given || (p.pads_before == Sizes{0, 0} && p.pads_after == Sizes{0, 0});
  if (!unpadded || p.kernel != Sizes{2, 2} || p.strides != Sizes{2, 2} || p.dilations != Sizes{1, 1}) return false;
  const Value &in = g.value(pooling.inputs[0]), &out = g.value(pooling.outputs[0]);
  const auto& c = *as<Convolution>(*convolution.op);
  const Shape& w = g.value(convolution.inputs[Convolution::weights]).shape;
  return in.dtype == out.dtype && in.quant == out.quant && c.window.rank() == 2 &&
         detail::suits_winograd(detail::kernel_window(c.window), c.groups, w.back(), w[0]);
}

OCTET_API std::unique_ptr<Step> PooledConvolution::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::PooledStep>(body, c);
}

OCTET_END
