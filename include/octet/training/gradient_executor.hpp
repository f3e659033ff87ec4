#pragma once
#include <chrono>
#include <cmath>
#include <optional>

#include "../kernels/dispatch.hpp"
#include "gradient_options.hpp"
#include "gradient_plan.hpp"
#include "trained_model.hpp"

OCTET_BEGIN

/// Forward and backward passes of a float model. The backward pass computes the gradients of a loss with respect to all
/// weights, biases, scales and shifts from its gradients with respect to the outputs. Frozen layers behave as in
/// inference. Memory is planned once per input shape; passes do not allocate. Results do not depend on the number of
/// threads. Must not be used by two threads at the same time. Throws Error if the model cannot be trained.
class GradientExecutor : public detail::TrainedModel {
 public:
  explicit GradientExecutor(const Model& model, const GradientOptions& options = {})
      : TrainedModel(model, options.freeze, options.logits),
        kernels_(&detail::kernels()),
        pool_(detail::pool_for(options.pool, options.threads)) {
    prepare(options.bf16_products);
  }

  ThreadPool& pool() const noexcept { return *pool_; }
  const std::shared_ptr<ThreadPool>& shared_pool() const noexcept { return pool_; }
  std::size_t arena_bytes() const noexcept { return arena_.size(); }

  /// Plans the memory for this shape of the only input, batch included, unless it is already planned.
  void plan(const Shape& input) { plan_all({input}); }
  /// The same for the shapes of all inputs.
  void plan_all(const std::vector<Shape>& inputs) {
    if (plan_ && inputs == planned_) return;
    plan_.reset();
    shapes_ = graph_.infer_shapes(inputs);
    planned_ = inputs;
    for (const Node& n : graph_.nodes)
      for (int v : n.outputs)
        detail::require<ShapeError>(shapes_[at(v)].elements() != 0, "layer '", n.name, "' (", n.op->type(),
                                    "): expected a result with elements, found shape ", shapes_[at(v)]);
    std::size_t scratch = 0;
    std::vector<std::size_t> bytes;
    for (std::size_t v = 0; v < graph_.values.size(); ++v) bytes.push_back(described(static_cast<int>(v)).size_bytes());
    for (std::size_t i = 0; i < layers_.size(); ++i) scratch = std::max(scratch, plan_layer(i));
    std::vector<detail::PlannedLayer> planned;
    for (const Layer& l : layers_) planned.push_back({l.step.get(), l.gradient.get(), l.wanted, l.saved_bytes});
    detail::GradientPlan p(graph_, planned, bytes, scratch, [&](int v) { return learned(v) != nullptr; });
    arena_ = {};  // free the old arena before allocating the new one
    arena_ = detail::AlignedBytes(p.bytes());
    plan_ = std::move(p);
    connect();
  }

  /// The memory of input k; fill it before forward(). This and the functions below require plan().
  View<float> input(std::size_t k = 0) const {
    detail::require(plan_.has_value(), "GradientExecutor: expected a call of plan() before a pass");
    return view(data_of(graph_.inputs[k]), graph_.inputs[k]);
  }
  /// Forward pass. Returns the first output. The results are valid until the next pass.
  View<const float> forward(const TrainingPass& pass) {
    for (std::size_t i = 0; i < layers_.size(); ++i) timed(layers_[i].forward_ms, [&] { forward_layer(i, pass); });
    return output();
  }
  View<const float> output(std::size_t k = 0) const { return view(data_of(graph_.outputs[k]), graph_.outputs[k]); }
  /// The memory of the gradient of the loss with respect to output k; fill that of all outputs between forward() and
  /// backward().
  View<float> output_gradient(std::size_t k = 0) const {
    return view(buffer(plan_->loss_gradient(k)), graph_.outputs[k]);
  }

  /// Backward pass. Writes the gradients of the loss to parameters().gradients().
  void backward(const TrainingPass& pass) {
    for (std::size_t i = layers_.size(); i-- > 0;)
      if (plan_->layer(i).runs_back) timed(layers_[i].backward_ms, [&] { backward_layer(i, pass); });
  }

  /// Switches the measurement of each layer's time on or off.
  void profile(bool on) { profiling_ = on; }
  std::vector<LayerPassTime> layer_times() const {
    std::vector<LayerPassTime> times;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Node& n = graph_.nodes[i];
      times.push_back({n.name, n.op->type(), layers_[i].forward_ms, layers_[i].backward_ms,
                       n.op->macs(graph_.shape_context(n, &shapes_))});
    }
    return times;
  }

  /// Finds the source of numbers that are not finite: repeats the forward pass on the current input and describes the
  /// first layer with such results.
  std::string find_not_finite(const TrainingPass& pass) {
    const auto finite = [](const float* p, std::int64_t n) {
      return std::all_of(p, p + n, [](float x) { return std::isfinite(x); });
    };
    for (std::size_t k = 0; k < graph_.inputs.size(); ++k)
      if (!finite(input(k).data(), input(k).size()))
        return detail::concat("input '", graph_.value(graph_.inputs[k]).name, "' has elements that are not finite");
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Node& n = graph_.nodes[i];
      const std::string layer = detail::concat("layer '", n.name, "' (", n.op->type(), ")");
      for (int v : n.inputs) {
        const Parameter* p = v == Node::none ? nullptr : parameters_.find(v);
        if (p && !finite(parameters_.values() + p->offset, p->size))
          return detail::concat(layer, ": parameter '", p->name, "' has elements that are not finite");
      }
      forward_layer(i, pass);
      for (const TensorRef& out : layers_[i].outputs)
        if (out.dtype == DType::f32 && !finite(out.as<float>(), out.shape.elements()))
          return detail::concat(layer, " is the first layer with results that are not finite");
    }
    return "the results of all layers are finite";
  }

 private:
  struct Layer {
    std::unique_ptr<Step> step;              // if neither it nor any layer before it has learned parameters
    std::unique_ptr<GradientStep> gradient;  // otherwise
    std::vector<bool> wanted,
        follows;  // for each input: whether its gradient is needed; whether it is a running statistic
    std::size_t saved_bytes = 0;
    std::byte* saved = nullptr;
    std::vector<TensorRef> inputs, outputs, output_gradients, input_gradients;
    double forward_ms = 0, backward_ms = 0;
  };
  static std::size_t at(int i) { return detail::at(i); }

  void prepare(bool bf16_products) {
    PrepareOptions asked;
    asked.bf16_products = bf16_products;
    std::vector<bool> depends(graph_.values.size(), false);  // on a learned parameter
    for (const Node& n : graph_.nodes) {
      Layer l;
      bool any = false, changes = false;
      for (std::size_t k = 0; k < n.inputs.size(); ++k) {
        const int v = n.inputs[k];
        const bool differs = v != Node::none && n.op->learning(static_cast<int>(k)) != Learning::elsewhere;
        l.wanted.push_back(differs && (depends[at(v)] || learned(v)));
        any = any || l.wanted.back();
        const Parameter* p = v == Node::none ? nullptr : parameters_.find(v);
        l.follows.push_back(p && !p->learned);
        changes = changes || p;
      }
      const PrepareContext c(graph_, n, *kernels_, asked);
      if (any || changes)
        l.gradient = n.op->prepare_gradient(c);
      else
        l.step = n.op->prepare(c);
      for (int v : n.outputs) depends[at(v)] = any;
      layers_.push_back(std::move(l));
    }
    bool any = false;
    for (int v : graph_.outputs) {
      detail::require(graph_.value(v).dtype == DType::f32, "model '", graph_.name, "': expected output '",
                      graph_.value(v).name, "' of type float32, found ", name(graph_.value(v).dtype));
      any = any || depends[at(v)];
    }
    detail::require(any, graph_.outputs.size() == 1 ? "the output" : "no output", " of model '", graph_.name,
                    graph_.outputs.size() == 1 ? "' does not depend" : "' depends", " on any trained layer");
  }

  TensorRef described(int v) const {
    if (v == Node::none) return {};
    return {graph_.value(v).dtype, shapes_[at(v)], nullptr};
  }

  /// Returns the size in bytes of the scratch memory that the layer needs.
  std::size_t plan_layer(std::size_t i) {
    Layer& l = layers_[i];
    l.inputs.clear();
    l.outputs.clear();
    for (int v : graph_.nodes[i].inputs) l.inputs.push_back(described(v));
    for (int v : graph_.nodes[i].outputs) l.outputs.push_back(described(v));
    const PlanContext c{l.inputs, l.outputs, pool_->size()};
    if (l.step) return l.step->plan(c);
    const GradientMemory m = l.gradient->plan({c, l.wanted, l.follows});
    l.saved_bytes = m.saved;
    return m.scratch;
  }

  /// Sets the tensors of every layer.
  void connect() {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Layer& l = layers_[i];
      const Node& n = graph_.nodes[i];
      const detail::GradientPlan::Layer& p = plan_->layer(i);
      for (std::size_t k = 0; k < n.inputs.size(); ++k)
        if (n.inputs[k] != Node::none) l.inputs[k].data = data_of(n.inputs[k]);
      for (std::size_t k = 0; k < n.outputs.size(); ++k) l.outputs[k].data = data_of(n.outputs[k]);
      l.saved = p.saved == detail::GradientPlan::none ? nullptr : buffer(p.saved);
      l.output_gradients.clear();
      l.input_gradients.clear();
      if (!p.runs_back) continue;
      for (std::size_t k = 0; k < n.outputs.size(); ++k) {
        l.output_gradients.push_back(l.outputs[k]);
        l.output_gradients[k].data = buffer(p.output_gradients[k]);
      }
      for (std::size_t k = 0; k < n.inputs.size(); ++k) {
        l.input_gradients.push_back(described(n.inputs[k]));
        if (!l.wanted[k]) continue;
        const int b = p.contributions[k].buffer;
        l.input_gradients[k].data = b != detail::GradientPlan::none ? buffer(b) : gradient_of(n.inputs[k]);
      }
    }
  }

  std::byte* buffer(int b) const { return arena_.data() + plan_->offset(b); }
  std::byte* gradient_of(int v) const {
    return reinterpret_cast<std::byte*>(parameters_.gradients() + learned(v)->offset);
  }
  std::byte* data_of(int v) const {
    const int root = plan_->root(v);
    if (const Parameter* p = parameters_.find(root))
      return reinterpret_cast<std::byte*>(parameters_.values() + p->offset);
    return graph_.value(root).is_constant() ? graph_.value(root).constant.ref().data
                                            : arena_.data() + plan_->value_offset(v);
  }
  View<float> view(std::byte* data, int v) const { return {reinterpret_cast<float*>(data), shapes_[at(v)]}; }
  std::byte* scratch() const { return arena_.data() + plan_->scratch_offset(); }

  template <class F>
  void timed(double& milliseconds, const F& f) {
    if (!profiling_) return f();
    const auto start = std::chrono::steady_clock::now();
    f();
    milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  }

  void forward_layer(std::size_t i, const TrainingPass& pass) {
    Layer& l = layers_[i];
    const RunContext c{l.inputs, l.outputs, scratch(), pool_.get()};
    if (l.step) {
      if (!l.step->is_view()) l.step->run(c);
    } else if (!l.gradient->is_view()) {
      l.gradient->forward({c, l.saved, &pass});
    }
  }

  void backward_layer(std::size_t i, const TrainingPass& pass) {
    Layer& l = layers_[i];
    const detail::GradientPlan::Layer& p = plan_->layer(i);
    for (std::size_t k = 0; k < l.output_gradients.size(); ++k)
      if (p.zeroed[k]) std::memset(l.output_gradients[k].data, 0, l.output_gradients[k].size_bytes());
    l.gradient->backward(
        {l.inputs, l.outputs, l.output_gradients, l.input_gradients, l.saved, scratch(), pool_.get(), &pass});
    for (std::size_t k = 0; k < l.input_gradients.size(); ++k) {
      const detail::GradientPlan::Contribution& c = p.contributions[k];
      if (c.added != detail::GradientPlan::none) add(buffer(c.added), l.input_gradients[k].data, l.input_gradients[k]);
      if (c.to_parameter) add(l.input_gradients[k].data, gradient_of(graph_.nodes[i].inputs[k]), l.input_gradients[k]);
    }
  }

  /// to += from
  void add(const std::byte* from, std::byte* to, const TensorRef& described) const {
    detail::parallel_parts(*pool_, described.shape.elements(), 16384, [&](std::int64_t first, std::int64_t count) {
      kernels_->gradient.add_scaled(reinterpret_cast<const float*>(from) + first, 1,
                                    reinterpret_cast<float*>(to) + first, count);
    });
  }

  const detail::Kernels* kernels_;
  std::shared_ptr<ThreadPool> pool_;
  std::vector<Layer> layers_;
  std::vector<Shape> shapes_, planned_;  // of the values; of the inputs
  std::optional<detail::GradientPlan> plan_;
  detail::AlignedBytes arena_;
  bool profiling_ = false;
};

OCTET_END
