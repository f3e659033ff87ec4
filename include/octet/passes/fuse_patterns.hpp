#pragma once
#include "elementwise.hpp"

OCTET_BEGIN
namespace detail {

/// The value of a constant with one element, or nullopt.
inline std::optional<double> constant_number(const Graph& g, int v) {
  const AnyTensor& c = g.value(v).constant;
  if (!c || !is_floating(c.dtype()) || c.size() != 1) return {};
  return load_element(c.dtype(), c.data(), 0);
}

/// If one of a node's two inputs is x: the index of the other one.
inline std::optional<std::size_t> other_than(const Node& n, int x) {
  if (n.inputs.size() != 2 || n.inputs.front() == n.inputs.back()) return {};
  if (n.inputs.front() == x) return 1;
  if (n.inputs.back() == x) return 0;
  return {};
}

inline bool about(std::optional<double> a, double b) { return a && std::abs(*a - b) < 1e-4 * std::abs(b); }

/// Whether `gate` is min(max(x / 6 + 1/2, 0), 1) times `scale` of x, in one of the forms that exporters write.
inline bool is_hard_gate(const Graph& g, const Links& links, int gate, int x, double scale) {
  const int n = links.producer(gate);
  if (n == Node::none || !links.used_once(gate)) return false;
  const Node& node = g.nodes[static_cast<std::size_t>(n)];
  if (const Unary* u = elementwise(node, UnaryKind::hard_sigmoid))
    return node.inputs[0] == x && scale == 1 && about(u->a, 1.0 / 6) && about(u->b, 0.5);
  const Binary* add = elementwise(node, BinaryKind::add);  // x + 3 with a fused clamp to [0, 6]
  if (!add || scale != 6 || add->activation.low != 0 || add->activation.high != 6) return false;
  const auto other = other_than(node, x);
  return other && about(constant_number(g, node.inputs[*other]), 3.0);
}

}  // namespace detail

/// Recognizes activations that exporters write as several operators: x sigmoid(x) is SiLU, x min(max(x + 3, 0), 6) / 6
/// is hard swish. Requires that clamps are already fused.
inline Graph fuse_patterns(Graph graph) {
  return detail::rewrite_until_stable(std::move(graph), [](Graph& g, std::size_t at, const detail::Links& links) {
    const Node n = g.nodes[at];
    const auto* op = as<Binary>(*n.op);
    if (!op || !op->activation.none() || n.inputs.size() != 2 || g.value(n.outputs[0]).dtype != DType::f32)
      return false;
    const auto become = [&](UnaryKind kind, int x) {
      g.nodes[at].op = make_operator(Unary(kind));
      g.nodes[at].inputs = {x};
      return true;
    };
    for (std::size_t k = 0; k < 2; ++k) {
      const int a = n.inputs[k], b = n.inputs[1 - k];
      if (op->kind == BinaryKind::mul) {
        const int source = links.producer(b);
        if (detail::computed_by(g, links, b, UnaryKind::sigmoid) && links.used_once(b) &&
            g.nodes[static_cast<std::size_t>(source)].inputs[0] == a)
          return become(UnaryKind::silu, a);
        if (detail::is_hard_gate(g, links, b, a, 1)) return become(UnaryKind::hard_swish, a);
      }
      // (x * gate) / 6, or times 1/6
      const bool sixth = (op->kind == BinaryKind::div && k == 0 && detail::about(detail::constant_number(g, b), 6.0)) ||
                         (op->kind == BinaryKind::mul && detail::about(detail::constant_number(g, b), 1.0 / 6));
      const Binary* product = detail::computed_by(g, links, a, BinaryKind::mul);
      if (!sixth || !product || !product->activation.none() || !links.used_once(a)) continue;
      const Node& inner = g.nodes[static_cast<std::size_t>(links.producer(a))];
      for (int x : inner.inputs)
        if (const auto gate = detail::other_than(inner, x);
            gate && detail::is_hard_gate(g, links, inner.inputs[*gate], x, 6))
          return become(UnaryKind::hard_swish, x);
    }
    return false;
  });
}

OCTET_END
