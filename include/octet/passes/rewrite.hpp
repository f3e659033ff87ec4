#pragma once
#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>

#include "../core/rounded.hpp"
#include "../graph/graph.hpp"
#include "../kernels/half.hpp"
#include "../operators/operands.hpp"

/// Shared by the passes: queries and small changes of graphs.
OCTET_BEGIN
namespace detail {

/// Producers and users of a graph's values. Kept up to date only by the changes below.
class Links {
 public:
  explicit Links(const Graph& g)
      : graph_(g),
        producers_(g.producers()),
        uses_(g.use_counts()),
        users_(g.values.size()),
        is_output_(g.values.size(), false) {
    for (int v : g.outputs) is_output_[static_cast<std::size_t>(v)] = true;
    for (std::size_t n = 0; n < g.nodes.size(); ++n)
      for (int v : g.nodes[n].inputs)
        if (v != Node::none) users_[static_cast<std::size_t>(v)].push_back(static_cast<int>(n));
  }
  /// The node that writes the value, or none.
  int producer(int value) const {
    return value == Node::none ? Node::none : producers_[static_cast<std::size_t>(value)];
  }
  /// The operator that writes the value, if it is a T.
  template <class T>
  const T* produced_by(int value) const {
    const int n = producer(value);
    return n == Node::none ? nullptr : as<T>(*graph_.nodes[static_cast<std::size_t>(n)].op);
  }
  /// The nodes that read the value; a node that reads it twice is listed twice.
  const std::vector<int>& users(int value) const { return users_[static_cast<std::size_t>(value)]; }
  /// Whether the value is an output of the model.
  bool is_output(int value) const { return is_output_[static_cast<std::size_t>(value)]; }
  /// Whether exactly one node reads the value, once, and it is not an output.
  bool used_once(int value) const { return uses_[static_cast<std::size_t>(value)] == 1 && !is_output(value); }

  // Changes of the graph that keep the links valid. Their time is proportional to the size of the change, so that
  // passes take linear time.

  /// Removes node n, leaving an empty node in its place.
  void remove(Graph& g, std::size_t n) {
    Node& node = g.nodes[n];
    for (int v : node.inputs) forget_user(v, n);
    for (int v : node.outputs)
      if (producer(v) == static_cast<int>(n)) producers_[static_cast<std::size_t>(v)] = Node::none;
    node = {};
  }
  /// Replaces node n by another one, which may have new values of the graph.
  void replace(Graph& g, std::size_t n, Node node) {
    grow();
    std::vector<int> before = g.nodes[n].inputs, after = node.inputs, gone, added;
    std::sort(before.begin(), before.end());
    std::sort(after.begin(), after.end());
    std::set_difference(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(gone));
    std::set_difference(after.begin(), after.end(), before.begin(), before.end(), std::back_inserter(added));
    for (int v : gone) forget_user(v, n);
    for (int v : added) add_user(v, n);
    for (int v : g.nodes[n].outputs)
      if (producer(v) == static_cast<int>(n)) producers_[static_cast<std::size_t>(v)] = Node::none;
    for (int v : node.outputs) producers_[static_cast<std::size_t>(v)] = static_cast<int>(n);
    g.nodes[n] = std::move(node);
  }
  /// Adds a node after node n. Returns its index, which is the largest: move_inserted() gives it its place.
  std::size_t insert_after(Graph& g, std::size_t n, Node node) {
    const std::size_t index = g.nodes.size();
    if (next_.empty())
      for (std::size_t i = 1; i <= index; ++i) next_.push_back(i < index ? i : end);
    next_.push_back(next_[n]);
    next_[n] = index;
    g.nodes.emplace_back();
    replace(g, index, std::move(node));
    return index;
  }
  /// Whether nodes were inserted.
  bool has_inserted() const noexcept { return !next_.empty(); }
  /// Sorts the nodes. The links are invalid after it.
  void move_inserted(Graph& g) const {
    std::vector<Node> sorted;
    for (std::size_t n = 0; n != end; n = next_[n]) sorted.push_back(std::move(g.nodes[n]));
    g.nodes = std::move(sorted);
  }
  /// Replaces all uses of `from` by `to`.
  void replace_uses(Graph& g, int from, int to) {
    const auto f = static_cast<std::size_t>(from), t = static_cast<std::size_t>(to);
    for (int n : users_[f]) {
      auto& in = g.nodes[static_cast<std::size_t>(n)].inputs;
      std::replace(in.begin(), in.end(), from, to);
    }
    if (is_output_[f]) {
      std::replace(g.outputs.begin(), g.outputs.end(), from, to);
      is_output_[f] = false;
      is_output_[t] = true;
    }
    uses_[t] += uses_[f];
    uses_[f] = 0;
    const auto middle = static_cast<std::ptrdiff_t>(users_[t].size());
    users_[t].insert(users_[t].end(), users_[f].begin(), users_[f].end());
    std::inplace_merge(users_[t].begin(), users_[t].begin() + middle, users_[t].end());
    users_[f].clear();
  }
  /// Makes the node that writes `from` write `to` instead.
  void write_instead(Graph& g, int from, int to) {
    const int n = producer(from);
    auto& out = g.nodes[static_cast<std::size_t>(n)].outputs;
    std::replace(out.begin(), out.end(), from, to);
    producers_[static_cast<std::size_t>(from)] = Node::none;
    producers_[static_cast<std::size_t>(to)] = n;
  }

 private:
  /// Makes room for values that were added to the graph.
  void grow() {
    producers_.resize(graph_.values.size(), Node::none);
    uses_.resize(graph_.values.size(), 0);
    users_.resize(graph_.values.size());
    is_output_.resize(graph_.values.size(), false);
  }
  void add_user(int v, std::size_t n) {
    if (v == Node::none) return;
    auto& list = users_[static_cast<std::size_t>(v)];
    list.insert(std::upper_bound(list.begin(), list.end(), static_cast<int>(n)), static_cast<int>(n));
    ++uses_[static_cast<std::size_t>(v)];
  }
  void forget_user(int v, std::size_t n) {
    if (v == Node::none) return;
    auto& list = users_[static_cast<std::size_t>(v)];
    list.erase(std::lower_bound(list.begin(), list.end(), static_cast<int>(n)));
    --uses_[static_cast<std::size_t>(v)];
  }

  const Graph& graph_;
  std::vector<int> producers_, uses_;
  std::vector<std::vector<int>> users_;  // ascending
  std::vector<bool> is_output_;
  static constexpr std::size_t end = ~std::size_t{0};
  std::vector<std::size_t> next_;  // the order of the nodes once some were inserted
};

/// Input i of a node, or none.
inline int input_of(const Node& n, std::size_t i) { return i < n.inputs.size() ? n.inputs[i] : Node::none; }

/// The tensor that the layer adds to its products, or none.
inline int residual_of(const Node& n) {
  const int i = n.op->traits().residual;
  return i < 0 ? Node::none : input_of(n, static_cast<std::size_t>(i));
}
inline bool has_residual(const Node& n) { return residual_of(n) != Node::none; }

inline void set_input(Node& n, std::size_t i, int value) {
  if (n.inputs.size() <= i) n.inputs.resize(i + 1, Node::none);
  n.inputs[i] = value;
}

/// Calls step(graph, node index, links) for every node, repeatedly until no call reports a change. step changes nodes
/// only by functions of Links, and returns whether it did.
inline Graph rewrite_until_stable(Graph g, const std::function<bool(Graph&, std::size_t, Links&)>& step) {
  std::optional<Links> links;
  bool ever = false;
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t n = 0; n < g.nodes.size();) {
      if (!links) links.emplace(g);
      if (g.nodes[n].op && step(g, n, *links))
        ever = changed = true;
      else
        ++n;
    }
    if (links && links->has_inserted()) {
      links->move_inserted(g);
      links.reset();
    }
  }
  if (!ever) return g;
  g.nodes.erase(std::remove_if(g.nodes.begin(), g.nodes.end(), [](const Node& n) { return !n.op; }), g.nodes.end());
  g.remove_unused();
  return g;
}

/// Removes node n, whose output 0 equals its input 0, if possible. Outputs keep their names.
inline bool bypass(Graph& g, std::size_t n, Links& links) {
  const int in = g.nodes[n].inputs[0], out = g.nodes[n].outputs[0];
  if (!links.is_output(out)) {
    links.replace_uses(g, out, in);
    links.remove(g, n);
    return true;
  }
  if (links.producer(in) == Node::none || links.is_output(in)) return false;  // no other node can write the output
  g.value(out).shape = g.value(in).shape;
  links.remove(g, n);
  links.write_instead(g, in, out);
  links.replace_uses(g, in, out);
  return true;
}

/// Weights [O, ...] multiplied by one factor per output channel.
inline AnyTensor scale_outputs(const AnyTensor& weights, const std::vector<double>& factors) {
  Tensor<float> w = to_float(weights.ref());
  const std::int64_t out = w.shape()[0], k = out ? w.size() / out : 0;
  for (std::int64_t o = 0; o < out; ++o)
    for (std::int64_t i = 0; i < k; ++i)
      w[o * k + i] = static_cast<float>(static_cast<double>(w[o * k + i]) * factors[static_cast<std::size_t>(o)]);
  return w;
}

/// bias * factor + shift. A missing bias counts as zeros.
inline AnyTensor affine_bias(const Graph& g, int bias, const std::vector<double>& factors,
                             const std::vector<double>& shifts) {
  const auto n = static_cast<std::int64_t>(factors.size());
  const Tensor<float> old = bias == Node::none ? Tensor<float>({n}) : to_float(g.value(bias).constant.ref());
  Tensor<float> b = Tensor<float>::uninitialized({n});
  for (std::int64_t i = 0; i < n; ++i) {
    const auto c = static_cast<std::size_t>(i);
    b[i] = static_cast<float>(rounded(static_cast<double>(old[i]) * factors[c]) + shifts[c]);
  }
  return b;
}

/// Whether the node is a convolution (not a transposed one): its weights have spatial dimensions.
inline bool is_convolution(const Graph& g, const Node& n) {
  return n.op->traits().products == Traits::Products::all && g.value(n.inputs[LayerInputs::weights]).shape.rank() > 2;
}

/// Whether the node is a depthwise convolution.
inline bool is_depthwise(const Graph& g, const Node& n) {
  return is_convolution(g, n) && n.op->traits().groups > 1 && g.value(n.inputs[LayerInputs::weights]).shape.back() == 1;
}

/// Whether the node is a layer with constant float weights [O, ...] and an optional constant bias, without residual and
/// activation.
inline bool is_linear_layer(const Graph& g, const Node& n) {
  const Traits t = n.op->traits();
  if (t.products == Traits::Products::none || t.clamps() || has_residual(n)) return false;
  const int w = input_of(n, LayerInputs::weights), b = input_of(n, LayerInputs::bias);
  if (w == Node::none || !g.value(w).is_constant() || !is_floating(g.value(w).dtype)) return false;
  return b == Node::none || (g.value(b).is_constant() && is_floating(g.value(b).dtype));
}

/// Folds a multiplication of a linear layer's outputs by factors, and an addition of shifts (one per channel), into its
/// weights and bias.
inline void scale_layer(Graph& g, Node& n, const std::vector<double>& factors, const std::vector<double>& shifts) {
  const int w = n.inputs[LayerInputs::weights], b = input_of(n, LayerInputs::bias);
  const std::string bias_name = b == Node::none ? g.value(n.outputs[0]).name + ".bias" : g.value(b).name;
  const int weights = g.add_constant(g.value(w).name, scale_outputs(g.value(w).constant, factors));
  const int bias = g.add_constant(bias_name, affine_bias(g, b, factors, shifts));
  set_input(n, LayerInputs::weights, weights);
  set_input(n, LayerInputs::bias, bias);
}

}  // namespace detail
OCTET_END
