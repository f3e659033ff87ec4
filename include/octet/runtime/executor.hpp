#pragma once
#include <chrono>
#include <functional>

#include "../core/element.hpp"
#include "../graph/graph.hpp"
#include "../operators/all.hpp"
#include "../passes/bound_activations.hpp"
#include "../passes/fuse_chains.hpp"
#include "../passes/fuse_pooling.hpp"
#include "../passes/lower.hpp"
#include "../passes/optimize.hpp"
#include "placement.hpp"

OCTET_BEGIN

struct ExecutorOptions {
  int threads = 0;                   // 0: the shared default pool, one thread a processor
  std::shared_ptr<ThreadPool> pool;  // overrides `threads`
  bool optimize = true;              // fold and fuse before running; otherwise every tensor of the model is computed
  WeightMemory memory = WeightMemory::fast;
  // Floats have the same bits on every CPU as well: which algorithm is faster on this one is not asked.
  bool same_floats = false;
};

/// Time one layer took in the last run.
struct LayerTime {
  std::string name, type;
  double milliseconds = 0;
  std::int64_t macs = 0;
};

/// How one layer is computed, and the memory of its packed weights.
struct LayerForm {
  std::string name, type, form;
  std::size_t packed_bytes = 0;
};

/// Runs a model. Making one packs the weights; the first run of a new set of input shapes plans the memory; further
/// runs allocate nothing. Results depend neither on the number of threads nor, for integer models, on the CPU.
/// Not to be used by two threads at once; make one a thread (weights that were not packed are shared).
class Executor {
 public:
  explicit Executor(const Model& model, const ExecutorOptions& options = {})
      : graph_(options.optimize ? fuse_pooling(fuse_chains(bound_activations(detail::lower(optimize(model)))))
                                : detail::lower(model)),
        kernels_(&detail::kernels()),
        pool_(options.pool          ? options.pool
              : options.threads > 0 ? std::make_shared<ThreadPool>(options.threads)
                                    : default_pool()) {
    for (const Node& n : graph_.nodes) {
      check_types(n);
      Layer layer;
      layer.step = n.op->prepare(PrepareContext(graph_, n, *kernels_, options.memory, false, options.same_floats));
      layers_.push_back(std::move(layer));
    }
  }

  /// The model as it runs: folded, fused, lowered.
  const Graph& graph() const noexcept { return graph_; }
  int threads() const noexcept { return pool_->size(); }
  /// Bytes of the arena that holds activations and scratch; known once shapes are.
  std::size_t arena_bytes() const noexcept { return arena_.size(); }
  /// Bytes of packed weights and tables; known once shapes are.
  std::size_t packed_bytes() const noexcept {
    std::size_t n = 0;
    for (const Layer& l : layers_) n += l.step->packed_bytes();
    return n;
  }
  /// How the layers are computed, once shapes are known.
  std::vector<LayerForm> layer_forms() const {
    std::vector<LayerForm> forms;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Node& n = graph_.nodes[i];
      forms.push_back({n.name, n.op->type(), layers_[i].step->form(), layers_[i].step->packed_bytes()});
    }
    return forms;
  }
  Isa isa() const noexcept { return kernels_->isa; }

  /// Plans for these input shapes, unless planned already. Returns the shapes of the outputs.
  const std::vector<Shape>& plan(const std::vector<Shape>& input_shapes) {
    if (planned_ != input_shapes || output_shapes_.empty()) make_plan(input_shapes);
    return output_shapes_;
  }

  /// Runs on the caller's memory: one tensor for each input and, of the planned shapes, each output. Allocates
  /// nothing when the shapes are those of the last run. Throws where shapes or types do not fit.
  void run(const TensorRef* inputs, const TensorRef* outputs) {
    bool same = !output_shapes_.empty();
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
      const Value& v = graph_.value(graph_.inputs[i]);
      detail::require<ShapeError>(inputs[i].dtype == v.dtype, "input '", v.name, "' takes ", octet::name(v.dtype),
                                  ", but was given ", octet::name(inputs[i].dtype));
      same = same && inputs[i].shape == planned_[i];
    }
    if (!same) {
      std::vector<Shape> shapes;
      for (std::size_t i = 0; i < graph_.inputs.size(); ++i) shapes.push_back(inputs[i].shape);
      make_plan(shapes);
    }
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      const Value& v = graph_.value(graph_.outputs[i]);
      detail::require<ShapeError>(outputs[i].dtype == v.dtype && outputs[i].shape == output_shapes_[i], "output '",
                                  v.name, "' is ", octet::name(v.dtype), " of shape ", output_shapes_[i],
                                  ", but the memory given is ", octet::name(outputs[i].dtype), " of shape ",
                                  outputs[i].shape);
    }
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i)
      for (TensorRef* r : input_users_[i]) r->data = inputs[i].data;
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i)
      for (TensorRef* r : output_users_[i]) r->data = outputs[i].data;
    run_layers();
    for (std::size_t i = 0; i < results_.size(); ++i)  // what could not be computed where the caller wants it
      if (results_[i].data != outputs[i].data && results_[i].size_bytes() != 0)
        std::memcpy(outputs[i].data, results_[i].data, results_[i].size_bytes());
    if (not_finite_.load(std::memory_order_relaxed)) spoil(outputs);
  }

  /// Runs on tensors of any types and returns new ones.
  std::vector<AnyTensor> run(const std::vector<AnyTensor>& inputs) {
    std::vector<Shape> shapes;
    std::vector<TensorRef> in, out;
    for (const AnyTensor& t : inputs) shapes.push_back(t.shape()), in.push_back(t.ref());
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

  /// For models with one input and one output: float in, float out. Where the model takes or gives integers,
  /// they are quantized and dequantized on the way.
  Tensor<float> operator()(View<const float> input) {
    detail::require<ShapeError>(graph_.inputs.size() == 1 && graph_.outputs.size() == 1, "model '", graph_.name,
                                "' has ", graph_.inputs.size(), " inputs and ", graph_.outputs.size(),
                                " outputs: call run with a tensor for each");
    const Value &from = graph_.value(graph_.inputs[0]), &to = graph_.value(graph_.outputs[0]);
    plan({input.shape()});
    Tensor<float> result = Tensor<float>::uninitialized(output_shapes_[0]);
    TensorRef in{DType::f32, input.shape(), reinterpret_cast<std::byte*>(const_cast<float*>(input.data()))};
    TensorRef out{DType::f32, result.shape(), reinterpret_cast<std::byte*>(result.data())};
    AnyTensor quantized, integers;
    if (from.dtype != DType::f32) {
      quantized = converted(from, in, from.dtype);
      in = quantized.ref();
    }
    if (to.dtype != DType::f32) {
      integers = AnyTensor::make(to.dtype, result.shape(), [](std::byte*) {});
      out = integers.ref();
    }
    run(&in, &out);
    return to.dtype == DType::f32 ? std::move(result) : Tensor<float>(converted(to, out, DType::f32).view<float>());
  }

  /// Calls `see(value, tensor)` for every computed tensor of each run, in the order of computation, while its
  /// contents last. An empty function ends it.
  void observe(std::function<void(const Value&, const TensorRef&)> see) { observer_ = std::move(see); }

  /// Measures every layer in the runs that follow.
  void profile(bool on) { profiling_ = on; }
  /// Times of the last profiled run.
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
    bool skip = false;                                                   // a view: nothing to compute
    detail::ValueRange *input_range = nullptr, *output_range = nullptr;  // in ranges_
    double milliseconds = 0;
  };
  /// A border tensor brought from float to the value's type, or from there to float.
  AnyTensor converted(const Value& border, const TensorRef& t, DType to) const {
    Graph g;
    const bool quantizing = t.dtype == DType::f32;
    const int in = g.add_value({border.name, t.dtype, t.shape, quantizing ? QuantParams{} : border.quant, {}});
    const int out = g.add_value({border.name, to, t.shape, quantizing ? border.quant : QuantParams{}, {}});
    g.nodes.push_back({border.name, std::make_shared<const Convert>(to), {in}, {out}});
    AnyTensor result = AnyTensor::make(to, t.shape, [](std::byte*) {});
    const auto step = g.nodes[0].op->prepare(PrepareContext(g, g.nodes[0], *kernels_));
    const std::vector<TensorRef> ins{t}, outs{result.ref()};
    step->plan({ins, outs, pool_->size()});
    step->run({ins, outs, nullptr, pool_.get(), nullptr});
    return result;
  }

  /// A layer writes elements of its own type, whatever is declared; integer layers may also give their sums as floats.
  void check_types(const Node& n) const {
    const ShapeContext c = graph_.shape_context(n, nullptr);
    for (std::size_t i = 0; i < n.outputs.size(); ++i) {
      const Value& v = graph_.value(n.outputs[i]);
      const DType t = n.op->dtype(c, static_cast<int>(i));
      const bool weights = n.op->integer_form().weights >= 0;
      const bool sums = t == DType::u8 && v.dtype == DType::f32 && weights;
      const bool bounded = t == DType::f32 && v.dtype == DType::u8 && v.is_quantized() && weights;
      detail::require<ShapeError>(v.dtype == t || sums || bounded, "layer '", n.name, "' (", n.op->type(), ") gives ",
                                  octet::name(t), ", but '", v.name, "' is declared ", octet::name(v.dtype));
    }
  }

  void run_layers() {
    not_finite_.store(false, std::memory_order_relaxed);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Layer& l = layers_[i];
      const auto start = profiling_ ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point{};
      if (!l.skip)
        l.step->run({l.inputs, l.outputs, scratch_, pool_.get(), &not_finite_, l.input_range, l.output_range});
      if (profiling_)
        l.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
      if (observer_)
        for (std::size_t o = 0; o < l.outputs.size(); ++o)
          observer_(graph_.value(graph_.nodes[i].outputs[o]), l.outputs[o]);
    }
  }

  /// Makes all float results NaN.
  void spoil(const TensorRef* outputs) const noexcept {
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i)
      if (outputs[i].dtype == DType::f32)
        std::fill_n(outputs[i].as<float>(), outputs[i].shape.elements(), std::numeric_limits<float>::quiet_NaN());
  }

  TensorRef described(int v) const {
    if (v == Node::none) return {};
    return {graph_.value(v).dtype, shapes_[static_cast<std::size_t>(v)], nullptr};
  }

  void make_plan(const std::vector<Shape>& input_shapes) {
    output_shapes_.clear();  // not planned, should something below throw
    shapes_ = graph_.infer_shapes(input_shapes);
    std::size_t scratch = 0;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Layer& l = layers_[i];
      l.inputs.clear(), l.outputs.clear();
      for (int v : graph_.nodes[i].inputs) l.inputs.push_back(described(v));
      for (int v : graph_.nodes[i].outputs) l.outputs.push_back(described(v));
      scratch = std::max(scratch, l.step->plan({l.inputs, l.outputs, pool_->size()}));
      l.skip = l.step->is_view();
    }
    std::vector<const Step*> steps;
    std::vector<std::size_t> bytes;
    for (const Layer& l : layers_) steps.push_back(l.step.get());
    for (std::size_t v = 0; v < graph_.values.size(); ++v) bytes.push_back(described(static_cast<int>(v)).size_bytes());
    const detail::Placement placement = detail::place_values(graph_, steps, bytes, scratch);
    arena_ = detail::AlignedBytes(placement.arena_bytes);
    scratch_ = arena_.data() + placement.scratch_offset;
    connect(placement);
    connect_ranges();
    planned_ = input_shapes;
    for (int v : graph_.outputs) output_shapes_.push_back(shapes_[static_cast<std::size_t>(v)]);
  }

  /// Between layers that measure the range of what they give, and those that can use it.
  void connect_ranges() {
    std::vector<Layer*> makers(graph_.values.size(), nullptr);
    std::size_t images = 0;
    ranges_.clear();
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Layer& l = layers_[i];
      l.input_range = l.output_range = nullptr;
      if (l.step->measures_range()) {
        makers[static_cast<std::size_t>(graph_.nodes[i].outputs[0])] = &l;
        images += static_cast<std::size_t>(l.outputs[0].shape[0]);
      }
    }
    ranges_.resize(images);
    detail::ValueRange* next = ranges_.data();
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      if (!layers_[i].step->wants_range()) continue;
      Layer* maker = makers[static_cast<std::size_t>(graph_.nodes[i].inputs[0])];
      if (!maker) continue;
      if (!maker->output_range) maker->output_range = next, next += maker->outputs[0].shape[0];
      layers_[i].input_range = maker->output_range;
    }
  }

  /// Points every step at its tensors: now for those in the arena, in each run for those of the caller.
  void connect(const detail::Placement& placement) {
    using Home = detail::Placement::Home;
    input_users_.assign(graph_.inputs.size(), {});
    output_users_.assign(graph_.outputs.size(), {});
    const auto index_in = [](const std::vector<int>& list, int v) {
      return static_cast<std::size_t>(std::find(list.begin(), list.end(), v) - list.begin());
    };
    const auto locate = [&](int v, TensorRef& ref) {
      if (v == Node::none) return;
      const detail::Placement::Place& place = placement[v];
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
  const detail::Kernels* kernels_;
  std::shared_ptr<ThreadPool> pool_;
  std::vector<Layer> layers_;
  std::vector<Shape> planned_, shapes_, output_shapes_;
  detail::AlignedBytes arena_;
  std::byte* scratch_ = nullptr;
  std::atomic<bool> not_finite_{false};
  std::vector<std::vector<TensorRef*>> input_users_, output_users_;
  std::vector<detail::ValueRange> ranges_;
  std::vector<TensorRef> results_;  // where the outputs are after the last step
  std::function<void(const Value&, const TensorRef&)> observer_;
  bool profiling_ = false;
};

OCTET_END
