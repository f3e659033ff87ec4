#pragma once
#include "rewrite.hpp"

OCTET_BEGIN

/// Removes what changes nothing: identities, dropout (unless it is to be trained on), conversions to the same type,
/// clamps without limits, transpositions and paddings that do nothing; merges two transpositions into one.
inline Graph remove_identities(Graph graph, bool keep_dropout = false) {
  return detail::rewrite_until_stable(
      std::move(graph), [keep_dropout](Graph& g, std::size_t n, const detail::Links& links) {
        Node& node = g.nodes[n];
        const Operator& op = *node.op;
        if (as<Identity>(op) || (as<Dropout>(op) && !keep_dropout)) return detail::bypass(g, n, links);
        if (const auto* c = as<Convert>(op)) {
          const Value &from = g.value(node.inputs[0]), &to = g.value(node.outputs[0]);
          return from.dtype == c->to && from.quant == to.quant && detail::bypass(g, n, links);
        }
        if (const auto* u = as<Unary>(op)) {
          const double inf = std::numeric_limits<double>::infinity();
          return u->kind == UnaryKind::clip && u->a == -inf && u->b == inf && detail::bypass(g, n, links);
        }
        if (const auto* p = as<Pad>(op)) {
          const auto zero = [](const std::vector<std::int64_t>& v) {
            return std::all_of(v.begin(), v.end(), [](std::int64_t x) { return x == 0; });
          };
          return zero(p->before) && zero(p->after) && detail::bypass(g, n, links);
        }
        if (const auto* t = as<Transpose>(op)) {
          bool same = true;
          for (std::size_t i = 0; i < t->perm.size(); ++i) same = same && t->perm[i] == static_cast<std::int64_t>(i);
          if (same && !t->perm.empty()) return detail::bypass(g, n, links);
          const auto* first = links.produced_by<Transpose>(node.inputs[0]);
          if (!first || first->perm.size() != t->perm.size() || t->perm.empty()) return false;
          std::vector<std::int64_t> both;
          for (std::int64_t d : t->perm) both.push_back(first->perm[static_cast<std::size_t>(d)]);
          node.inputs[0] = g.nodes[static_cast<std::size_t>(links.producer(node.inputs[0]))].inputs[0];
          Transpose merged;
          merged.perm = std::move(both);
          node.op = std::make_shared<const Transpose>(std::move(merged));
          return true;
        }
        return false;
      });
}

namespace detail {

/// Computes a node whose inputs are all constant.
inline std::vector<AnyTensor> evaluate(const Graph& g, const Node& n, const std::vector<Shape>& shapes) {
  std::vector<TensorRef> in, out;
  for (int v : n.inputs) in.push_back(v == Node::none ? TensorRef{} : g.value(v).constant.ref());
  std::vector<AnyTensor> results;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    results.push_back(AnyTensor::make(g.value(n.outputs[i]).dtype, shapes[i], [](std::byte*) {}));
    out.push_back(results.back().ref());
  }
  const std::unique_ptr<Step> step = n.op->prepare(PrepareContext(g, n, kernels(), WeightMemory::fast, false, true));
  AlignedBytes scratch(step->plan({in, out, 1}));
  ThreadPool pool(1);
  if (step->is_view())
    std::copy(in[0].data, in[0].data + in[0].size_bytes(), out[0].data);
  else
    step->run({in, out, scratch.data(), &pool});
  return results;
}

}  // namespace detail

/// Computes once what depends on constants only. Weights that are stored in fewer bits stay that way: what would
/// grow beyond four times its inputs (and a megabyte) is left to be computed.
inline Graph fold_constants(Graph graph) {
  return detail::rewrite_until_stable(std::move(graph), [](Graph& g, std::size_t n, const detail::Links&) {
    const Node node = g.nodes[n];
    std::size_t in_bytes = 0, out_bytes = 0;
    for (int v : node.inputs) {
      if (v == Node::none) continue;
      if (!g.value(v).is_constant()) return false;
      in_bytes += g.value(v).constant.size_bytes();
    }
    const std::vector<Shape> shapes = node.op->shapes(g.shape_context(node, nullptr));
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      if (g.is_output(node.outputs[i])) return false;
      out_bytes += bytes(g.value(node.outputs[i]).dtype, shapes[i].elements());
    }
    if (out_bytes > std::max<std::size_t>(4 * in_bytes, std::size_t{1} << 20)) return false;
    std::vector<AnyTensor> results = detail::evaluate(g, node, shapes);
    for (std::size_t i = 0; i < results.size(); ++i) {
      Value& v = g.value(node.outputs[i]);
      v.constant = std::move(results[i]);
      v.shape = shapes[i];
    }
    g.nodes.erase(g.nodes.begin() + static_cast<std::ptrdiff_t>(n));
    return true;
  });
}

OCTET_END
