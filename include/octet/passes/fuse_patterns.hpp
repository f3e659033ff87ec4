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

/// Appends the factors of the product n, also those of its factors that are products, until there are more than three.
inline void collect_factors(const Graph& g, const Links& links, const Node& n, std::vector<int>& factors) {
  for (int v : n.inputs) {
    const Binary* product = computed_by(g, links, v, BinaryKind::mul);
    if (product && product->activation.none() && links.used_once(v) && factors.size() < 3)
      collect_factors(g, links, g.nodes[at(links.producer(v))], factors);
    else
      factors.push_back(v);
  }
}

/// x if v is 1 + erf(x / sqrt(2)), where other nodes use none of it; else none.
inline int argument_of_one_plus_erf(const Graph& g, const Links& links, int v) {
  const auto inputs_of = [&](int value, auto kind) {
    const auto* op = computed_by(g, links, value, kind);
    return op && links.used_once(value) ? g.nodes[at(links.producer(value))].inputs : std::vector<int>();
  };
  const Binary* sum = computed_by(g, links, v, BinaryKind::add);
  if (!sum || !sum->activation.none()) return Node::none;
  const std::vector<int> terms = inputs_of(v, BinaryKind::add);
  for (std::size_t k = 0; k < terms.size(); ++k) {
    const std::vector<int> erf = inputs_of(terms[k], UnaryKind::erf);
    if (erf.empty() || !about(constant_number(g, terms[1 - k]), 1)) continue;
    for (const BinaryKind kind : {BinaryKind::div, BinaryKind::mul}) {
      const std::vector<int> in = inputs_of(erf[0], kind);
      const double factor = kind == BinaryKind::div ? std::sqrt(2.0) : std::sqrt(0.5);
      for (std::size_t i = 0; i < in.size(); ++i)
        if ((i == 0 || kind == BinaryKind::mul) && about(constant_number(g, in[1 - i]), factor)) return in[i];
    }
  }
  return Node::none;
}

/// x if the product n is x (1 + erf(x / sqrt(2))) / 2, else none.
inline int argument_of_gelu(const Graph& g, const Links& links, const Node& n) {
  std::vector<int> factors;
  collect_factors(g, links, n, factors);
  if (factors.size() != 3) return Node::none;
  for (int v : factors) {
    const int x = argument_of_one_plus_erf(g, links, v);
    if (x == Node::none) continue;
    // The others are x and 1/2.
    std::size_t halves = 0, same = 0;
    for (int other : factors) {
      halves += about(constant_number(g, other), 0.5);
      same += other == x;
    }
    if (halves == 1 && same == 1) return x;
  }
  return Node::none;
}

}  // namespace detail

/// Recognizes activations that exporters write as several operators: x sigmoid(x) is SiLU, x min(max(x + 3, 0), 6) / 6
/// is hard swish, x (1 + erf(x / sqrt(2))) / 2 is GELU. Requires that clamps are already fused.
inline Graph fuse_patterns(Graph graph) {
  return detail::rewrite_until_stable(std::move(graph), [](Graph& g, std::size_t at, detail::Links& links) {
    const Node n = g.nodes[at];
    const auto* op = as<Binary>(*n.op);
    if (!op || !op->activation.none() || n.inputs.size() != 2 || g.value(n.outputs[0]).dtype != DType::f32)
      return false;
    const auto become = [&](UnaryKind kind, int x) {
      links.replace(g, at, {n.name, make_operator(Unary(kind)), {x}, n.outputs});
      return true;
    };
    if (op->kind == BinaryKind::mul)
      if (const int x = detail::argument_of_gelu(g, links, n); x != Node::none) return become(UnaryKind::gelu, x);
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
