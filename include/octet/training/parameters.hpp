#pragma once
#include "../core/element.hpp"
#include "../graph/graph.hpp"
#include "../kernels/half.hpp"

OCTET_BEGIN

/// One tensor that training changes.
struct Parameter {
  std::string name;            ///< of the tensor
  std::string layer;           ///< the first layer that reads it
  Shape shape;                 ///< of the tensor in the graph; weights are [O, ...]
  int value = Node::none;      ///< of the graph
  bool learned = true;         ///< by its gradient; false for running statistics
  std::int64_t offset = 0;     ///< of its elements in Parameters::values() and gradients(); a multiple of 16
  std::int64_t size = 0;       ///< number of elements
  bool in_proportion = false;  ///< Adam's steps are in proportion to its size, as for scales
};

/// All tensors that training changes, in one block of memory: first learned parameters, then running statistics. The
/// gradients have the same layout.
class Parameters {
 public:
  Parameters() = default;
  /// The parameters of the layers for which `takes_part(node)` is true.
  template <class TakesPart>
  Parameters(const Graph& g, TakesPart takes_part) {
    collect(g, takes_part, true);
    learned_ = total_;
    collect(g, takes_part, false);
    values_ = zeros(total_);
    gradients_ = zeros(learned_);
    for (const Parameter& p : list_) {
      const Tensor<float> initial = detail::to_float(g.value(p.value).constant.ref());
      std::copy(initial.begin(), initial.end(), values() + p.offset);
    }
  }

  /// All parameters in memory order.
  const std::vector<Parameter>& list() const noexcept { return list_; }
  /// The parameter that is value v of the graph, or null.
  const Parameter* find(int v) const noexcept {
    for (const Parameter& p : list_)
      if (p.value == v) return &p;
    return nullptr;
  }
  /// Number of elements of all, and of the learned ones, including padding.
  std::int64_t size() const noexcept { return total_; }
  /// Number of elements of the learned parameters, which come first; including padding.
  std::int64_t learned_size() const noexcept { return learned_; }
  /// size() elements, aligned to 64 bytes.
  float* values() const noexcept { return reinterpret_cast<float*>(values_.data()); }
  /// learned_size() elements, aligned to 64 bytes.
  float* gradients() const noexcept { return reinterpret_cast<float*>(gradients_.data()); }

 private:
  static detail::AlignedBytes zeros(std::int64_t n) {
    detail::AlignedBytes b(static_cast<std::size_t>(n) * sizeof(float));
    if (b.size()) std::memset(b.data(), 0, b.size());
    return b;
  }

  template <class TakesPart>
  void collect(const Graph& g, TakesPart takes_part, bool learned) {
    for (const Node& n : g.nodes) {
      if (!takes_part(n)) continue;
      for (std::size_t i = 0; i < n.inputs.size(); ++i) {
        const int v = n.inputs[i];
        const Learning how = n.op->learning(static_cast<int>(i));
        const bool proportional = how == Learning::in_proportion;
        if (v == Node::none || !g.value(v).is_constant() || find(v)) continue;
        if (learned ? how != Learning::by_gradient && !proportional : how != Learning::by_statistics) continue;
        const Value& c = g.value(v);
        detail::require(is_floating(c.dtype), "layer '", n.name, "' (", n.op->type(), "): expected float parameter '",
                        c.name, "', found ", octet::name(c.dtype));
        const std::int64_t size = c.constant.size();
        list_.push_back({c.name, n.name, c.constant.shape(), v, learned, total_, size, proportional});
        total_ += (size + 15) / 16 * 16;
      }
    }
  }

  std::vector<Parameter> list_;
  std::int64_t total_ = 0, learned_ = 0;
  detail::AlignedBytes values_, gradients_;
};

OCTET_END
