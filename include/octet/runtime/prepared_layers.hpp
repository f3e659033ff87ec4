#pragma once
#include "../core/range.hpp"
#include "../graph/graph.hpp"
#include "../graph/range_exchange.hpp"
#include "../graph/require_memory.hpp"
#include "not_finite.hpp"
#include "options.hpp"
#include "placement.hpp"
#include "runnable.hpp"

OCTET_BEGIN
namespace detail {

/// The step of a node, and the tensors that it reads and writes.
struct PreparedLayer {
  std::unique_ptr<Step> step;
  std::vector<TensorRef> inputs, outputs;
  bool nothing = false;  // its results have no elements; it is not planned
  bool skip = false;     // nothing to compute: no elements, or a view
  double milliseconds = 0;
};

/// The layers of a graph, and their memory: one arena, planned for some shapes of the inputs.
class PreparedLayers {
 public:
  /// The graph has to outlive it.
  PreparedLayers(const Graph& graph, const Kernels& kernels, const ExecutorOptions& options) : graph_(graph) {
    PrepareOptions asked;
    asked.memory = options.memory;
    asked.same_floats = options.same_floats;
    for (const Node& n : graph_.nodes) {
      require_declared_types(graph_, n);
      PreparedLayer layer;
      layer.step = n.op->prepare(PrepareContext(graph_, n, kernels, asked));
      layers_.push_back(std::move(layer));
    }
  }

  std::size_t size() const noexcept { return layers_.size(); }
  PreparedLayer& operator[](std::size_t i) noexcept { return layers_[i]; }
  const PreparedLayer& operator[](std::size_t i) const noexcept { return layers_[i]; }
  auto begin() const noexcept { return layers_.begin(); }
  auto end() const noexcept { return layers_.end(); }
  /// Of each value, as planned.
  const std::vector<Shape>& shapes() const noexcept { return shapes_; }
  std::size_t arena_bytes() const noexcept { return arena_.size(); }
  std::byte* scratch() const noexcept { return scratch_; }

  /// Plans the memory for these shapes of the inputs.
  void plan(const std::vector<Shape>& input_shapes, int threads) {
    shapes_ = graph_.infer_shapes(input_shapes);
    std::size_t scratch = 0;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      PreparedLayer& l = layers_[i];
      l.inputs.clear();
      l.outputs.clear();
      for (int v : graph_.nodes[i].inputs) l.inputs.push_back(described(v));
      for (int v : graph_.nodes[i].outputs) l.outputs.push_back(described(v));
      l.nothing = gives_nothing(l.outputs);
      require_memory(graph_.nodes[i], l.inputs, l.outputs);
      if (!l.nothing) scratch = std::max(scratch, l.step->plan({l.inputs, l.outputs, threads}));
      l.skip = l.nothing || l.step->is_view();
    }
    static const NoStep nothing;
    std::vector<const Step*> steps;
    std::vector<std::size_t> bytes;
    for (const PreparedLayer& l : layers_) steps.push_back(l.nothing ? &nothing : l.step.get());
    for (std::size_t v = 0; v < graph_.values.size(); ++v) bytes.push_back(described(static_cast<int>(v)).size_bytes());
    const Placement placement = place_values(graph_, steps, bytes, scratch);
    arena_ = AlignedBytes(placement.arena_bytes);
    scratch_ = arena_.data() + placement.scratch_offset;
    connect(placement);
    connect_ranges();
  }

  /// Sets the memory of the graph's inputs and outputs, for one run.
  void use_memory(const TensorRef* inputs, const TensorRef* outputs) noexcept {
    for (std::size_t i = 0; i < input_users_.size(); ++i)
      for (TensorRef* r : input_users_[i]) r->data = inputs[i].data;
    for (std::size_t i = 0; i < output_users_.size(); ++i)
      for (TensorRef* r : output_users_[i]) r->data = outputs[i].data;
  }
  /// Copies the results that could not be written to the caller's memory directly.
  void store_results(const TensorRef* outputs) const noexcept {
    for (std::size_t i = 0; i < results_.size(); ++i)
      if (results_[i].data != outputs[i].data && results_[i].size_bytes() != 0)
        std::memcpy(outputs[i].data, results_[i].data, results_[i].size_bytes());
  }

 private:
  TensorRef described(int v) const {
    if (v == Node::none) return {};
    return {graph_.value(v).dtype, shapes_[static_cast<std::size_t>(v)], nullptr};
  }

  /// Connects layers that measure the ranges of their results to layers that can use them.
  void connect_ranges() {
    struct Exchange {
      RangeExchange* step = nullptr;
      const Range* input = nullptr;
      Range* output = nullptr;
    };
    std::vector<Exchange> layers(layers_.size());
    std::vector<std::size_t> makers(graph_.values.size(), layers_.size());
    std::size_t images = 0;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      layers[i].step = layers_[i].nothing ? nullptr : layers_[i].step->range_exchange();
      if (!layers[i].step || !layers[i].step->measures_ranges()) continue;
      makers[at(graph_.nodes[i].outputs[0])] = i;
      images += static_cast<std::size_t>(layers_[i].outputs[0].shape[0]);
    }
    ranges_.assign(images, {});
    Range* next = ranges_.data();
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      if (!layers[i].step || !layers[i].step->wants_ranges()) continue;
      const std::size_t maker = makers[at(graph_.nodes[i].inputs[0])];
      if (maker == layers_.size()) continue;
      if (!layers[maker].output) {
        layers[maker].output = next;
        next += layers_[maker].outputs[0].shape[0];
      }
      layers[i].input = layers[maker].output;
    }
    for (const Exchange& l : layers)
      if (l.step) l.step->set_ranges(l.input, l.output);
  }

  /// Sets the tensors of every step. Those in the caller's memory are set in each run.
  void connect(const Placement& placement) {
    using Home = Placement::Home;
    input_users_.assign(graph_.inputs.size(), {});
    output_users_.assign(graph_.outputs.size(), {});
    std::vector<std::size_t> index_in(graph_.values.size());  // of inputs and outputs, in their lists
    for (const std::vector<int>* list : {&graph_.outputs, &graph_.inputs})
      for (std::size_t i = list->size(); i-- > 0;) index_in[static_cast<std::size_t>((*list)[i])] = i;
    const auto locate = [&](int v, TensorRef& ref) {
      if (v == Node::none) return;
      const Placement::Place& place = placement[v];
      switch (place.home) {
        case Home::arena: ref.data = arena_.data() + place.offset; break;
        case Home::constant: ref.data = graph_.value(place.root).constant.ref().data; break;
        case Home::input: input_users_[index_in[static_cast<std::size_t>(place.root)]].push_back(&ref); break;
        case Home::output: output_users_[index_in[static_cast<std::size_t>(place.root)]].push_back(&ref); break;
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

  const Graph& graph_;
  std::vector<PreparedLayer> layers_;
  std::vector<Shape> shapes_;
  AlignedBytes arena_;
  std::byte* scratch_ = nullptr;
  std::vector<std::vector<TensorRef*>> input_users_, output_users_;
  std::vector<Range> ranges_;
  std::vector<TensorRef> results_;  // where the last step leaves the outputs
};

}  // namespace detail
OCTET_END
