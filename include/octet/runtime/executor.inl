#pragma once
#include <atomic>
#include <chrono>
#include <limits>

#include "../core/element.hpp"
#include "../kernels/stored_range.hpp"
#include "../operators/all.hpp"
#include "../passes/fuse_chains.hpp"
#include "../passes/fuse_pooling.hpp"
#include "../passes/lower.hpp"
#include "executor.hpp"
#include "not_finite.hpp"
#include "placement.hpp"
#include "runnable.hpp"

OCTET_BEGIN
namespace detail {

/// The implementation of Executor; see there for its functions.
class ExecutorState {
 public:
  ExecutorState(const Model& model, const ExecutorOptions& options)
      : graph_(options.optimize ? fuse_pooling(fuse_chains(lower_to_run(model))) : lower(model)),
        kernels_(&kernels()),
        pool_(pool_for(options.pool, options.threads)),
        when_not_finite_(options.not_finite) {
    for (const Node& n : graph_.nodes) {
      require_declared_types(graph_, n);
      Layer layer;
      layer.step = n.op->prepare(PrepareContext(graph_, n, *kernels_, options.memory, false, options.same_floats));
      layers_.push_back(std::move(layer));
    }
  }

  const Graph& graph() const noexcept { return graph_; }
  int threads() const noexcept { return pool_->size(); }
  std::size_t arena_bytes() const noexcept { return arena_.size(); }
  std::size_t packed_bytes() const noexcept {
    std::size_t n = 0;
    for (const Layer& l : layers_) n += l.step->packed_bytes();
    return n;
  }
  std::vector<LayerForm> layer_forms() const {
    std::vector<LayerForm> forms;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Node& n = graph_.nodes[i];
      const Layer& l = layers_[i];
      forms.push_back({n.name, n.op->type(), l.nothing ? "" : l.step->form(), l.step->packed_bytes()});
    }
    return forms;
  }
  Isa isa() const noexcept { return kernels_->isa; }

  const std::vector<Shape>& plan(const std::vector<Shape>& input_shapes) {
    if (planned_ != input_shapes || output_shapes_.empty()) make_plan(input_shapes);
    return output_shapes_;
  }

  void run(const TensorRef* inputs, const TensorRef* outputs) {
    compute(inputs, outputs);
    if (lost_in_ == Node::none) return;
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i)
      if (!can_hold_nan(outputs[i].dtype)) fail_not_finite(inputs);
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) fill_with_nan(outputs[i]);
  }

  std::vector<AnyTensor> run(const std::vector<AnyTensor>& inputs) {
    std::vector<Shape> shapes;
    std::vector<TensorRef> in, out;
    for (const AnyTensor& t : inputs) {
      shapes.push_back(t.shape());
      in.push_back(t.ref());
    }
    plan(shapes);
    std::vector<AnyTensor> results;
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      const DType dtype = graph_.value(graph_.outputs[i]).dtype;
      results.push_back(AnyTensor::make(dtype, output_shapes_[i], [](std::byte*) {}));
      out.push_back(results.back().ref());
    }
    run(in.data(), out.data());
    return results;
  }

  Tensor<float> operator()(View<const float> input) {
    require<ShapeError>(graph_.inputs.size() == 1 && graph_.outputs.size() == 1, "model '", graph_.name, "' has ",
                        graph_.inputs.size(), " inputs and ", graph_.outputs.size(),
                        " outputs, expected one of each; use run() for other models");
    const Value &from = graph_.value(graph_.inputs[0]), &to = graph_.value(graph_.outputs[0]);
    plan({input.shape()});
    Tensor<float> result = Tensor<float>::uninitialized(output_shapes_[0]);
    TensorRef in{DType::f32, input.shape(), reinterpret_cast<std::byte*>(const_cast<float*>(input.data()))};
    TensorRef out{DType::f32, result.shape(), reinterpret_cast<std::byte*>(result.data())};
    AnyTensor quantized, integers;
    bool lost = false;
    if (from.dtype != DType::f32) {
      lost = !can_hold_nan(from.dtype) && !all_finite(in);
      if (lost && when_not_finite_ == NotFinite::error) require_finite(graph_.inputs, &in, "input '");
      quantized = converted(from, in, from.dtype);
      in = quantized.ref();
    }
    if (to.dtype != DType::f32) {
      integers = AnyTensor::make(to.dtype, result.shape(), [](std::byte*) {});
      out = integers.ref();
    }
    compute(&in, &out);
    if (lost || lost_in_ != Node::none)
      std::fill(result.begin(), result.end(), std::numeric_limits<float>::quiet_NaN());
    else if (to.dtype != DType::f32)
      return Tensor<float>(converted(to, out, DType::f32).view<float>());
    return result;
  }

  void observe(std::function<void(const Value&, const TensorRef&)> see) { observer_ = std::move(see); }

  void profile(bool on) { profiling_ = on; }
  std::vector<LayerTime> layer_times() const {
    std::vector<LayerTime> times;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Node& n = graph_.nodes[i];
      times.push_back({n.name, n.op->type(), layers_[i].milliseconds, n.op->macs(graph_.shape_context(n, &shapes_))});
    }
    return times;
  }

 private:
  struct Layer {
    std::unique_ptr<Step> step;
    std::vector<TensorRef> inputs, outputs;
    bool nothing = false;                                   // its results have no elements; it is not planned
    bool skip = false;                                      // nothing to compute: no elements, or a view
    Range *input_range = nullptr, *output_range = nullptr;  // in ranges_
    double milliseconds = 0;
  };
  /// Converts a model input or output between float and the type of the value.
  AnyTensor converted(const Value& border, const TensorRef& t, DType to) const {
    Graph g;
    const bool quantizing = t.dtype == DType::f32;
    const int in = g.add_value({border.name, t.dtype, t.shape, quantizing ? QuantParams{} : border.quant, {}});
    const int out = g.add_value({border.name, to, t.shape, quantizing ? border.quant : QuantParams{}, {}});
    g.nodes.push_back({border.name, make_operator(Convert(to)), {in}, {out}});
    AnyTensor result = AnyTensor::make(to, t.shape, [](std::byte*) {});
    const auto step = g.nodes[0].op->prepare(PrepareContext(g, g.nodes[0], *kernels_));
    const std::vector<TensorRef> ins{t}, outs{result.ref()};
    step->plan({ins, outs, pool_->size()});
    step->run({ins, outs, nullptr, pool_.get(), nullptr});
    return result;
  }

  /// Runs the layers. The caller has to check lost_in_ afterwards.
  void compute(const TensorRef* inputs, const TensorRef* outputs) {
    bool same = !output_shapes_.empty();
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
      const Value& v = graph_.value(graph_.inputs[i]);
      require<ShapeError>(inputs[i].dtype == v.dtype, "input '", v.name, "': expected ", octet::name(v.dtype),
                          ", found ", octet::name(inputs[i].dtype));
      same = same && inputs[i].shape == planned_[i];
    }
    if (!same) {
      std::vector<Shape> shapes;
      for (std::size_t i = 0; i < graph_.inputs.size(); ++i) shapes.push_back(inputs[i].shape);
      make_plan(shapes);
    }
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      const Value& v = graph_.value(graph_.outputs[i]);
      require<ShapeError>(outputs[i].dtype == v.dtype && outputs[i].shape == output_shapes_[i], "output '", v.name,
                          "': expected memory for ", octet::name(v.dtype), " ", output_shapes_[i], ", found ",
                          octet::name(outputs[i].dtype), " ", outputs[i].shape);
    }
    if (when_not_finite_ == NotFinite::error) require_finite(graph_.inputs, inputs, "input '");
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i)
      for (TensorRef* r : input_users_[i]) r->data = inputs[i].data;
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i)
      for (TensorRef* r : output_users_[i]) r->data = outputs[i].data;
    run_layers();
    for (std::size_t i = 0; i < results_.size();
         ++i)  // results that could not be written to the caller's memory directly
      if (results_[i].data != outputs[i].data && results_[i].size_bytes() != 0)
        std::memcpy(outputs[i].data, results_[i].data, results_[i].size_bytes());
    if (when_not_finite_ == NotFinite::propagate) return;
    if (lost_in_ != Node::none) fail_not_finite(inputs);
    require_finite(graph_.outputs, outputs, "output '");
  }

  void run_layers() {
    lost_in_ = Node::none;
    not_finite_.store(false, std::memory_order_relaxed);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Layer& l = layers_[i];
      const auto start = profiling_ ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point{};
      if (!l.skip)
        l.step->run({l.inputs, l.outputs, scratch_, pool_.get(), &not_finite_, l.input_range, l.output_range});
      if (lost_in_ == Node::none && not_finite_.load(std::memory_order_relaxed)) lost_in_ = static_cast<int>(i);
      if (profiling_)
        l.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
      if (observer_)
        for (std::size_t o = 0; o < l.outputs.size(); ++o)
          observer_(graph_.value(graph_.nodes[i].outputs[o]), l.outputs[o]);
    }
  }

  void require_finite(const std::vector<int>& values, const TensorRef* tensors, const char* what) const {
    for (std::size_t i = 0; i < values.size(); ++i)
      require(all_finite(tensors[i]), what, graph_.value(values[i]).name, "' has NaN or infinite elements");
  }
  /// Reports that a value that is not finite was quantized: names the model input, or else the layer.
  [[noreturn]] void fail_not_finite(const TensorRef* inputs) const {
    require_finite(graph_.inputs, inputs, "input '");
    const Node& n = graph_.nodes[static_cast<std::size_t>(lost_in_)];
    fail("layer '", n.name, "' (", n.op->type(), "): tensor '", graph_.value(n.inputs[0]).name,
         "' has NaN or infinite elements or makes the results infinite, which integers cannot represent");
  }

  TensorRef described(int v) const {
    if (v == Node::none) return {};
    return {graph_.value(v).dtype, shapes_[static_cast<std::size_t>(v)], nullptr};
  }

  void make_plan(const std::vector<Shape>& input_shapes) {
    output_shapes_.clear();  // if an error follows, nothing is planned
    shapes_ = graph_.infer_shapes(input_shapes);
    std::size_t scratch = 0;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Layer& l = layers_[i];
      l.inputs.clear();
      l.outputs.clear();
      for (int v : graph_.nodes[i].inputs) l.inputs.push_back(described(v));
      for (int v : graph_.nodes[i].outputs) l.outputs.push_back(described(v));
      l.nothing = gives_nothing(l.outputs);
      if (!l.nothing) scratch = std::max(scratch, l.step->plan({l.inputs, l.outputs, pool_->size()}));
      l.skip = l.nothing || l.step->is_view();
    }
    static const NoStep nothing;
    std::vector<const Step*> steps;
    std::vector<std::size_t> bytes;
    for (const Layer& l : layers_) steps.push_back(l.nothing ? &nothing : l.step.get());
    for (std::size_t v = 0; v < graph_.values.size(); ++v) bytes.push_back(described(static_cast<int>(v)).size_bytes());
    const Placement placement = place_values(graph_, steps, bytes, scratch);
    arena_ = AlignedBytes(placement.arena_bytes);
    scratch_ = arena_.data() + placement.scratch_offset;
    connect(placement);
    connect_ranges();
    planned_ = input_shapes;
    for (int v : graph_.outputs) output_shapes_.push_back(shapes_[static_cast<std::size_t>(v)]);
  }

  /// Connects layers that measure the range of their result to layers that can use it.
  void connect_ranges() {
    std::vector<Layer*> makers(graph_.values.size(), nullptr);
    std::size_t images = 0;
    ranges_.clear();
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Layer& l = layers_[i];
      l.input_range = l.output_range = nullptr;
      if (!l.nothing && l.step->measures_range()) {
        makers[static_cast<std::size_t>(graph_.nodes[i].outputs[0])] = &l;
        images += static_cast<std::size_t>(l.outputs[0].shape[0]);
      }
    }
    ranges_.resize(images);
    Range* next = ranges_.data();
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      if (layers_[i].nothing || !layers_[i].step->wants_range()) continue;
      Layer* maker = makers[static_cast<std::size_t>(graph_.nodes[i].inputs[0])];
      if (!maker) continue;
      if (!maker->output_range) {
        maker->output_range = next;
        next += maker->outputs[0].shape[0];
      }
      layers_[i].input_range = maker->output_range;
    }
  }

  /// Sets the tensors of every step. Those in the caller's memory are set in each run.
  void connect(const Placement& placement) {
    using Home = Placement::Home;
    input_users_.assign(graph_.inputs.size(), {});
    output_users_.assign(graph_.outputs.size(), {});
    const auto index_in = [](const std::vector<int>& list, int v) {
      return static_cast<std::size_t>(std::find(list.begin(), list.end(), v) - list.begin());
    };
    const auto locate = [&](int v, TensorRef& ref) {
      if (v == Node::none) return;
      const Placement::Place& place = placement[v];
      switch (place.home) {
        case Home::arena: ref.data = arena_.data() + place.offset; break;
        case Home::constant: ref.data = graph_.value(place.root).constant.ref().data; break;
        case Home::input: input_users_[index_in(graph_.inputs, place.root)].push_back(&ref); break;
        case Home::output: output_users_[index_in(graph_.outputs, place.root)].push_back(&ref); break;
      }
    };
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      for (std::size_t k = 0; k < layers_[i].inputs.size(); ++k)
        locate(graph_.nodes[i].inputs[k], layers_[i].inputs[k]);
      for (std::size_t k = 0; k < layers_[i].outputs.size(); ++k)
        locate(graph_.nodes[i].outputs[k], layers_[i].outputs[k]);
    }
    results_.clear();
    for (int v : graph_.outputs) results_.push_back(described(v));
    for (std::size_t i = 0; i < results_.size(); ++i) locate(graph_.outputs[i], results_[i]);
  }

  Graph graph_;
  const Kernels* kernels_;
  std::shared_ptr<ThreadPool> pool_;
  std::vector<Layer> layers_;
  std::vector<Shape> planned_, shapes_, output_shapes_;
  AlignedBytes arena_;
  std::byte* scratch_ = nullptr;
  NotFinite when_not_finite_;
  std::atomic<bool> not_finite_{false};
  int lost_in_ = Node::none;  // the first layer of the last run that set it
  std::vector<std::vector<TensorRef*>> input_users_, output_users_;
  std::vector<Range> ranges_;
  std::vector<TensorRef> results_;  // where the last step leaves the outputs
  std::function<void(const Value&, const TensorRef&)> observer_;
  bool profiling_ = false;
};

}  // namespace detail

OCTET_API Executor::Executor(const Model& model, const ExecutorOptions& options)
    : state_(std::make_unique<detail::ExecutorState>(model, options)) {}
OCTET_API Executor::~Executor() = default;
OCTET_API Executor::Executor(Executor&&) noexcept = default;
OCTET_API Executor& Executor::operator=(Executor&&) noexcept = default;
OCTET_API const Graph& Executor::graph() const noexcept { return state_->graph(); }
OCTET_API int Executor::threads() const noexcept { return state_->threads(); }
OCTET_API std::size_t Executor::arena_bytes() const noexcept { return state_->arena_bytes(); }
OCTET_API std::size_t Executor::packed_bytes() const noexcept { return state_->packed_bytes(); }
OCTET_API std::vector<LayerForm> Executor::layer_forms() const { return state_->layer_forms(); }
OCTET_API Isa Executor::isa() const noexcept { return state_->isa(); }
OCTET_API const std::vector<Shape>& Executor::plan(const std::vector<Shape>& input_shapes) {
  return state_->plan(input_shapes);
}
OCTET_API void Executor::run(const TensorRef* inputs, const TensorRef* outputs) { state_->run(inputs, outputs); }
OCTET_API std::vector<AnyTensor> Executor::run(const std::vector<AnyTensor>& inputs) { return state_->run(inputs); }
OCTET_API Tensor<float> Executor::operator()(View<const float> input) { return (*state_)(input); }
OCTET_API void Executor::observe(std::function<void(const Value&, const TensorRef&)> see) {
  state_->observe(std::move(see));
}
OCTET_API void Executor::profile(bool on) { state_->profile(on); }
OCTET_API std::vector<LayerTime> Executor::layer_times() const { return state_->layer_times(); }

OCTET_END
