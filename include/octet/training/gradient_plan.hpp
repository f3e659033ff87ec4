#pragma once
#include "../graph/gradient.hpp"
#include "../graph/graph.hpp"
#include "../graph/step.hpp"
#include "../runtime/memory_plan.hpp"
#include "../runtime/share_memory.hpp"

OCTET_BEGIN
namespace detail {

/// A layer whose step is planned: an inference step or a training step.
struct PlannedLayer {
  const Step* step = nullptr;
  const GradientStep* gradient = nullptr;
  std::vector<bool> wanted;  // for each input: whether its gradient is needed
  std::size_t saved = 0;

  bool has_gradient() const { return gradient && std::count(wanted.begin(), wanted.end(), true) > 0; }
  bool is_view() const { return step ? step->is_view() : gradient->is_view(); }
  bool can_overwrite(int i) const { return step ? step->can_overwrite(i) : gradient->can_overwrite(i); }
};

/// The memory plan of a forward and backward pass. Layer i of n runs at time i, and its backward pass at time 2 n - i.
/// The loss is computed at time n.
class GradientPlan {
 public:
  static constexpr int none = -1;
  /// Where a layer writes the gradient of an input, and the earlier gradient that is then added to it.
  struct Contribution {
    int buffer = none;          // none: directly into the parameter's gradient
    int added = none;           // buffer to add to it
    bool to_parameter = false;  // added to the parameter's gradient, which is already written
  };
  struct Layer {
    std::vector<int> output_gradients;        // buffers
    std::vector<bool> zeroed;                 // those that no layer writes, which are set to zero
    std::vector<Contribution> contributions;  // one per input
    bool runs_back = false;
    int saved = none;
  };

  /// `bytes`: size of each value; `is_learned(v)`: whether v is a trained parameter.
  template <class IsLearned>
  GradientPlan(const Graph& g, const std::vector<PlannedLayer>& layers, const std::vector<std::size_t>& bytes,
               std::size_t scratch, IsLearned is_learned)
      : layers_(layers.size()), buffers_of_(g.values.size(), none) {
    place_values(g, layers, bytes);
    place_gradients(g, layers, bytes, is_learned);
    scratch_ = add(scratch, 0, 2 * count());
    const MemoryPlan plan = plan_memory(lifetimes_);
    offsets_ = plan.offsets;
    bytes_ = plan.bytes;
  }

  std::size_t bytes() const noexcept { return bytes_; }
  const Layer& layer(std::size_t i) const { return layers_[i]; }
  /// The value whose memory v uses: a constant, or a value in the arena.
  int root(int v) const { return roots_[at(v)]; }
  std::size_t value_offset(int v) const { return offset(buffers_of_[at(root(v))]); }
  std::size_t offset(int buffer) const { return offsets_[at(buffer)]; }
  std::size_t size(int buffer) const { return lifetimes_[at(buffer)].bytes; }
  std::size_t scratch_offset() const { return offset(scratch_); }
  /// The buffer of the gradient with respect to output k of the model.
  int loss_gradient(std::size_t k) const noexcept { return loss_gradients_[k]; }

 private:
  int count() const noexcept { return static_cast<int>(layers_.size()); }
  int back(int layer) const noexcept { return 2 * count() - layer; }
  int add(std::size_t bytes, int first, int last) {
    lifetimes_.push_back({bytes, first, last});
    return static_cast<int>(lifetimes_.size()) - 1;
  }
  void keep(int buffer, int until) { lifetimes_[at(buffer)].last = std::max(lifetimes_[at(buffer)].last, until); }

  void place_values(const Graph& g, const std::vector<PlannedLayer>& layers, const std::vector<std::size_t>& bytes) {
    std::vector<int> first(g.values.size(), 0), last(g.values.size(), none);
    const auto use = [&](int v, int time) { last[at(v)] = std::max(last[at(v)], time); };
    for (int v : g.inputs) use(v, 2 * count());
    for (int v : g.outputs) use(v, count());
    for (int i = 0; i < count(); ++i) {
      const Node& n = g.nodes[at(i)];
      const PlannedLayer& l = layers[at(i)];
      for (std::size_t k = 0; k < n.inputs.size(); ++k) {
        if (n.inputs[k] == Node::none) continue;
        use(n.inputs[k], i);
        if (l.has_gradient() && l.gradient->reads_input(static_cast<int>(k))) use(n.inputs[k], back(i));
      }
      for (int v : n.outputs) {
        first[at(v)] = i;
        use(v, l.has_gradient() && l.gradient->reads_outputs() ? back(i) : i);
      }
    }
    roots_ = share_memory(
        g, bytes, last, [&](int i) -> const PlannedLayer& { return layers[at(i)]; },
        [&](int v) { return !g.value(v).is_constant() && std::count(g.inputs.begin(), g.inputs.end(), v) == 0; });
    for (std::size_t v = 0; v < roots_.size(); ++v)
      if (roots_[v] == static_cast<int>(v) && !g.values[v].is_constant() && last[v] != none)
        buffers_of_[v] = add(bytes[v], first[v], last[v]);
  }

  template <class IsLearned>
  void place_gradients(const Graph& g, const std::vector<PlannedLayer>& layers, const std::vector<std::size_t>& bytes,
                       IsLearned is_learned) {
    std::vector<int> gradients(g.values.size(), none);  // buffer of the gradient of each value, as far as known
    std::vector<bool> has_one(g.values.size(), false);  // of parameters
    for (int v : g.outputs) {
      loss_gradients_.push_back(add(bytes[at(v)], count(), count()));
      gradients[at(v)] = loss_gradients_.back();
    }
    for (int i = count() - 1; i >= 0; --i) {
      const Node& n = g.nodes[at(i)];
      const PlannedLayer& planned = layers[at(i)];
      Layer& l = layers_[at(i)];
      if (planned.saved) l.saved = add(planned.saved, i, back(i));
      const auto reached = [&](int v) { return gradients[at(v)] != none; };
      l.runs_back = planned.has_gradient() && std::any_of(n.outputs.begin(), n.outputs.end(), reached);
      if (!l.runs_back) continue;
      for (int v : n.outputs) {
        l.zeroed.push_back(!reached(v));
        if (!reached(v)) gradients[at(v)] = add(bytes[at(v)], back(i), back(i));
        keep(gradients[at(v)], back(i));
        l.output_gradients.push_back(gradients[at(v)]);
      }
      bool overwritten = false;
      for (std::size_t k = 0; k < n.inputs.size(); ++k) {
        Contribution c;
        const int v = n.inputs[k];
        if (v != Node::none && planned.wanted[k] && is_learned(v)) {
          c.to_parameter = has_one[at(v)];
          if (c.to_parameter) c.buffer = add(bytes[at(v)], back(i), back(i));
          has_one[at(v)] = true;
        } else if (v != Node::none && planned.wanted[k]) {
          const bool here = !overwritten && bytes[at(v)] == bytes[at(n.outputs[0])] &&
                            planned.gradient->gradient_can_overwrite(static_cast<int>(k));
          c.buffer = here ? l.output_gradients[0] : add(bytes[at(v)], back(i), back(i));
          overwritten = overwritten || here;
          c.added = gradients[at(v)];
          if (c.added != none) keep(c.added, back(i));
          gradients[at(v)] = c.buffer;
        }
        l.contributions.push_back(c);
      }
    }
  }

  std::vector<Layer> layers_;
  std::vector<int> roots_, buffers_of_, loss_gradients_;
  std::vector<Lifetime> lifetimes_;
  std::vector<std::size_t> offsets_;
  std::size_t bytes_ = 0;
  int scratch_ = none;
};

}  // namespace detail
OCTET_END
