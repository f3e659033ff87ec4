#pragma once
#include "../graph/lost_numbers.hpp"
#include "../graph/run_constant.hpp"
#include "../operators/shape/transpose.hpp"
#include "rewrite.hpp"

OCTET_BEGIN

/// Removes operators without effect: identities, dropout (unless kept for training), conversions to the same type,
/// clamps without limits, trivial transpositions and paddings. Merges two transpositions into one.
inline Graph remove_identities(Graph graph, bool keep_dropout = false) {
  graph.remove_unused();
  return detail::rewrite_until_stable(std::move(graph), [keep_dropout](Graph& g, std::size_t n, detail::Links& links) {
    const Node& node = g.nodes[n];
    const OperatorPtr op = node.op;
    if (!node.inputs.empty() && node.inputs[0] != Node::none &&
        op->passes_on(g.value(node.inputs[0]), g.value(node.outputs[0]), keep_dropout))
      return detail::bypass(g, n, links);
    if (const auto* t = as<Transpose>(*op)) {
      const auto* first = links.produced_by<Transpose>(node.inputs[0]);
      if (!first || first->perm.size() != t->perm.size() || t->perm.empty()) return false;
      std::vector<std::int64_t> both;
      for (std::int64_t d : t->perm) both.push_back(first->perm[static_cast<std::size_t>(d)]);
      Transpose merged;
      merged.perm = std::move(both);
      const int in = g.nodes[static_cast<std::size_t>(links.producer(node.inputs[0]))].inputs[0];
      links.replace(g, n, {node.name, make_operator(std::move(merged)), {in}, node.outputs});
      return true;
    }
    return false;
  });
}

namespace detail {

/// The size of a constant in bytes. Elements below 8 bits count as bytes, so that they, too, may become floats.
inline std::size_t whole_size(const AnyTensor& t) {
  return std::max(t.size_bytes(), t ? static_cast<std::size_t>(t.size()) : 0);
}

/// Limits the size of a graph's constants during constant folding, so that a small file cannot use unlimited memory.
class ConstantMemory {
 public:
  explicit ConstantMemory(const Graph& g) : uses_(g.use_counts()) {
    for (const Value& v : g.values) taken_ += whole_size(v.constant);
    limit_ = 8 * taken_ + (std::size_t{1} << 20);
  }
  /// Whether n more bytes are allowed. (int8 weights that are converted to float and transposed need eight times their
  /// size.)
  bool has_room(std::size_t n) const noexcept { return n <= limit_ && taken_ <= limit_ - n; }
  /// Updates the size after folding a node. Constants that only it has read are no longer needed.
  void fold(Graph& g, const Node& n) {
    for (int v : n.outputs) taken_ += whole_size(g.value(v).constant);
    for (int v : n.inputs) {
      if (v == Node::none || --uses_[static_cast<std::size_t>(v)] > 0) continue;
      taken_ -= whole_size(g.value(v).constant);
      g.value(v).constant = {};
    }
  }

 private:
  std::vector<int> uses_;
  std::size_t taken_ = 0, limit_ = 0;
};

}  // namespace detail

/// Computes nodes whose inputs are all constant. Leaves nodes for run time if the result would be larger than four
/// times its inputs (and a megabyte), so that compressed weights stay compressed, if constants would grow without
/// limit, or if a NaN or infinity would be quantized, which the run then reports. `needed` (of each value, null: all):
/// other results are only folded if they are conversions of types and scales.
inline Graph fold_constants(Graph g, const std::vector<bool>* needed = nullptr) {
  detail::ConstantMemory memory(g);
  std::vector<bool> output(g.values.size(), false);
  for (int v : g.outputs) output[static_cast<std::size_t>(v)] = true;
  const auto try_fold = [&](const Node& node) {
    const Traits traits = node.op->traits();
    if (traits.data_sized) return false;
    if (needed && !traits.converts && !(*needed)[static_cast<std::size_t>(node.outputs[0])]) return false;
    std::size_t in_bytes = 0, out_bytes = 0;
    for (int v : node.inputs) {
      if (v == Node::none) continue;
      if (!g.value(v).is_constant()) return false;
      in_bytes += detail::whole_size(g.value(v).constant);
    }
    const std::vector<Shape> shapes = node.op->shapes(g.shape_context(node, nullptr));
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      if (output[static_cast<std::size_t>(node.outputs[i])]) return false;
      out_bytes += bytes(g.value(node.outputs[i]).dtype, shapes[i].elements());
    }
    if (out_bytes > std::max<std::size_t>(4 * in_bytes, std::size_t{1} << 20) || !memory.has_room(out_bytes))
      return false;
    LostNumbers lost;
    std::vector<AnyTensor> results = detail::run_constant(g, node, shapes, &lost);
    if (lost.any()) return false;
    for (std::size_t i = 0; i < results.size(); ++i) {
      Value& v = g.value(node.outputs[i]);
      v.constant = std::move(results[i]);
      v.shape = shapes[i];
    }
    memory.fold(g, node);
    return true;
  };
  g.nodes.erase(std::remove_if(g.nodes.begin(), g.nodes.end(), try_fold), g.nodes.end());  // in order, producers first
  g.remove_unused();
  return g;
}

OCTET_END
