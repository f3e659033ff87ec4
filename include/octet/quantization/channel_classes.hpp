#pragma once
#include <numeric>

#include "../operators/all.hpp"
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
  /// The limits of an activation, on one channel.
  struct Limits {
    double low, high;
  };

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

  /// The activation of a layer.
  static Limits limits(const Node& n) {
    const Traits t = n.op->traits();
    if (const auto* binary = as<Binary>(*n.op)) return {binary->activation.low, binary->activation.high};
    if (const auto* unary = as<Unary>(*n.op); unary && unary->kind == UnaryKind::clip) return {unary->a, unary->b};
    return {t.low, t.high};
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
      if (const auto* concat = as<Concat>(*n.op)) return visit_concat(n, concat->axis);
      if (const auto* binary = as<Binary>(*n.op)) return visit_binary(n, *binary);
      if (passes_factors(n)) return join(y, x);
    }
    for (int v : n.inputs) fix(v);
    for (int v : n.outputs) fix(v);
  }

  void visit_concat(const Node& n, std::int64_t axis) {
    const int y = n.outputs[0], rank = g_.value(y).shape.rank();
    const bool of_channels = axis == -1 || axis == rank - 1;
    std::int64_t begin = 0, all = 0;
    bool known = true;
    for (int v : n.inputs) {
      known = known && v != Node::none && channels(v) > 0;
      if (known) all += channels(v);
    }
    if (!known || (of_channels && all != channels(y))) {
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

  void visit_binary(const Node& n, const Binary& binary) {
    const int a = n.inputs[Binary::left], b = n.inputs[Binary::right], y = n.outputs[0];
    switch (binary.kind) {
      case BinaryKind::add:
      case BinaryKind::sub: join(y, a); return join(y, b);
      case BinaryKind::mul:
      case BinaryKind::div: {
        const bool right = binary.kind == BinaryKind::mul && g_.value(a).shape != g_.value(y).shape;
        fix(right ? a : b);  // a gate, or a constant
        return join(y, right ? b : a);
      }
      default:
        fix(a);
        fix(b);
        fix(y);
    }
  }

  /// Whether the operator treats the channels of input 0 separately, and f(s x) = s f(x) for s > 0, apart from the
  /// limits of an activation.
  bool passes_factors(const Node& n) const {
    const Operator& op = *n.op;
    const Shape &x = g_.value(n.inputs[0]).shape, &y = g_.value(n.outputs[0]).shape;
    if (const auto* unary = as<Unary>(op))
      return (unary->kind == UnaryKind::clip && unary->a <= 0 && unary->b >= 0) || unary->kind == UnaryKind::leaky_relu;
    if (as<PRelu>(op)) return g_.value(n.inputs[PRelu::slopes]).is_constant();
    if (as<MaxPool>(op) || as<AveragePool>(op) || as<Identity>(op)) return n.outputs.size() == 1;
    if (const auto* resize = as<Resize>(op)) return resize->extrapolation_value == 0 && x.back() == y.back();
    if (const auto* pad = as<Pad>(op))
      return (pad->mode != PadMode::constant || pad->value == 0) && x.back() == y.back();
    if (as<Reshape>(op) || as<Flatten>(op) || as<Squeeze>(op)) return keeps_channels(x, y);
    if (const auto* reduce = as<Reduce>(op)) {
      if (reduce->kind != ReduceKind::mean && reduce->kind != ReduceKind::sum && reduce->kind != ReduceKind::max)
        return false;
      for (std::int64_t axis : reduce->axes)
        if (axis == -1 || axis == x.rank() - 1) return false;
      return !reduce->axes.empty();
    }
    return false;
  }

  /// Whether a reshape keeps the last dimension: neither has another number of channels per pixel.
  static bool keeps_channels(const Shape& x, const Shape& y) {
    return x.rank() > 1 && y.rank() > 1 && x.back() == y.back() && x.back() > 0;
  }

  const Graph& g_;
  std::vector<std::int64_t> first_;  // of each value: the number of its channel 0, or none
  mutable std::vector<std::size_t> parent_;
  std::vector<bool> fixed_;
};

}  // namespace detail
OCTET_END
