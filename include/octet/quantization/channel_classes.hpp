#pragma once
#include <numeric>

#include "weights.hpp"

OCTET_BEGIN
namespace detail {

/// Which channels (indices of the last dimension) of the values of an optimized float graph can be multiplied by a
/// factor without a change of the model's outputs, and which of them have to have the same factor. A layer with weights
/// takes up any factors: of its input channels into the columns of its weights, of its output channels into the rows
/// and the bias. Layers with f(s x) = s f(x) for s > 0 pass factors on; those of sums and concats are the same on both
/// sides. Channels that other layers read or write, and those of the model's inputs and outputs, cannot be scaled.
class ChannelClasses {
 public:
  explicit ChannelClasses(const Graph& g) : g_(g), first_(g.values.size(), Node::none) {
    std::size_t total = 0;
    for (std::size_t v = 0; v < g.values.size(); ++v) {
      const Value& x = g.values[v];
      const int rank = x.shape.rank();
      if (x.dtype != DType::f32 || rank < (x.is_constant() ? 1 : 2) || x.shape[rank - 1] <= 0) continue;
      first_[v] = static_cast<std::int64_t>(total);
      total += at(x.shape[rank - 1]);
    }
    parent_.resize(total);
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
    fixed_.assign(total, false);
    for (int v : g.inputs) fix(v);
    for (int v : g.outputs) fix(v);
    for (const Node& n : g.nodes) visit(n);
    for (std::size_t c = 0; c < total; ++c)
      if (fixed_[c]) fixed_[root(c)] = true;
  }

  /// The number of channels of a value; 0 if they cannot be scaled.
  std::int64_t channels(int v) const { return first_[at(v)] < 0 ? 0 : g_.value(v).shape.back(); }
  /// The class of channel c: channels with the same number have the same factor.
  std::size_t of(int v, std::int64_t c) const { return root(at(first_[at(v)] + c)); }
  /// The number of classes, some of which are unused.
  std::size_t count() const noexcept { return parent_.size(); }
  /// Whether the factor has to be 1.
  bool is_fixed(std::size_t of_class) const { return fixed_[of_class]; }
  /// Whether one of the value's channels can be scaled.
  bool scalable(int v) const {
    for (std::int64_t c = 0; c < channels(v); ++c)
      if (!is_fixed(of(v, c))) return true;
    return false;
  }

  /// Whether the node is a layer with weights that take up factors.
  static bool absorbs(const Graph& g, const Node& n) {
    if (n.op->traits().products == Traits::Products::none || !has_float_weights(g, n)) return false;
    const int w = n.inputs[LayerInputs::weights], b = input_of(n, LayerInputs::bias);
    return g.value(n.outputs[0]).dtype == DType::f32 && g.value(w).shape.rank() > 1 &&
           (b == Node::none || (g.value(b).is_constant() && is_floating(g.value(b).dtype)));
  }

 private:
  std::size_t root(std::size_t c) const {
    while (parent_[c] != c) c = parent_[c] = parent_[parent_[c]];
    return c;
  }
  void fix(int v) {
    for (std::int64_t c = 0; v != Node::none && c < channels(v); ++c) fixed_[at(first_[at(v)] + c)] = true;
  }
  /// The channels of a from `begin` on are those of b.
  void join(int a, int b, std::int64_t begin = 0) {
    if (channels(a) < begin + channels(b) || channels(b) == 0 || (begin == 0 && channels(a) != channels(b))) {
      fix(a);
      return fix(b);
    }
    join_at(a, b, begin);
  }
  void join_at(int a, int b, std::int64_t begin) {
    for (std::int64_t c = 0; c < channels(b); ++c)
      parent_[root(at(first_[at(b)] + c))] = root(at(first_[at(a)] + begin + c));
  }

  void visit(const Node& n) {
    const int x = n.inputs.empty() ? Node::none : n.inputs[0], y = n.outputs[0];
    if (absorbs(g_, n)) {
      const std::int64_t in = g_.value(n.inputs[LayerInputs::weights]).shape.back() * n.op->traits().groups;
      if (x == Node::none || channels(x) != in) fix(x);
      if (channels(y) != g_.value(n.inputs[LayerInputs::weights]).shape[0]) fix(y);
      if (has_residual(n)) join(y, residual_of(n));
      return;
    }
    if (x != Node::none && g_.value(x).dtype == DType::f32) {
      if (n.op->traits().joins) return visit_concat(n);
      if (passes_factors(n)) return visit_elements(n);
    }
    for (int v : n.inputs) fix(v);
    for (int v : n.outputs) fix(v);
  }

  void visit_concat(const Node& n) {
    const int y = n.outputs[0];
    std::int64_t begin = 0, all = 0;
    bool known = true, same = true;
    for (int v : n.inputs) {
      known = known && v != Node::none && channels(v) > 0;
      if (!known) break;
      all += channels(v);
      same = same && channels(v) == channels(y);
    }
    const bool of_channels = all == channels(y);
    if (!known || !(of_channels || same)) {
      for (int v : n.inputs) fix(v);
      return fix(y);
    }
    for (int v : n.inputs) {
      if (of_channels)
        join_at(y, v, begin);
      else
        join(y, v);
      begin += channels(v);
    }
  }

  /// Joins the channels of the output to those of the inputs from which they have their factors.
  void visit_elements(const Node& n) {
    const int a = n.inputs[0], y = n.outputs[0];
    const Traits::Factors factors = n.op->traits().factors;
    if (factors == Traits::Factors::passed) return join(y, a);
    const int b = n.inputs[1];
    if (factors == Traits::Factors::summed) {
      join(y, a);
      return join(y, b);
    }
    const bool right = factors == Traits::Factors::multiplied && g_.value(a).shape != g_.value(y).shape;
    fix(right ? a : b);  // a gate, or a constant
    join(y, right ? b : a);
  }

  /// Whether channels keep their factors (Traits::factors) and their places.
  bool passes_factors(const Node& n) const {
    const Traits::Factors factors = n.op->traits().factors;
    if (factors == Traits::Factors::other || n.outputs.size() != 1) return false;
    if (factors != Traits::Factors::passed) return true;
    for (std::size_t i = 1; i < n.inputs.size(); ++i)
      if (n.inputs[i] != Node::none && !g_.value(n.inputs[i]).is_constant()) return false;
    const Shape &x = g_.value(n.inputs[0]).shape, &y = g_.value(n.outputs[0]).shape;
    return x.rank() > 1 && y.rank() > 1 && x.back() == y.back() && x.back() > 0;
  }

  const Graph& g_;
  std::vector<std::int64_t> first_;  // of each value: the number of its channel 0, or none
  mutable std::vector<std::size_t> parent_;
  std::vector<bool> fixed_;
};

}  // namespace detail
OCTET_END
