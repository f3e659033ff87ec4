#pragma once
#include "../core/integer_format.hpp"
#include "../operators/arithmetic/binary.hpp"
#include "../operators/convert.hpp"
#include "../operators/unary.hpp"
#include "rewrite.hpp"

OCTET_BEGIN
namespace detail {

/// Node n, which makes codes of the greatest or the least of two tensors that were codes before, becomes that of codes:
/// both tensors are converted to the output's parameters first. Conversions keep the order, so the result is the same.
inline bool move_extremum_to_codes(Graph& g, std::size_t n, Links& links) {
  const auto is_code = [&](int v) {
    // The limit keeps the codes finite as floats.
    return int8_format.computes(g.value(v).dtype) && g.value(v).has_one_scale() && !g.value(v).is_constant() &&
           g.value(v).quant.scale[0] < 1e30f;
  };
  const Node end = g.nodes[n];
  if (!as<Convert>(*end.op) || !is_code(end.outputs[0]) || !links.used_once(end.inputs[0])) return false;
  const auto* binary = links.produced_by<Binary>(end.inputs[0]);
  if (!binary || (binary->kind != BinaryKind::max && binary->kind != BinaryKind::min)) return false;
  const auto at = static_cast<std::size_t>(links.producer(end.inputs[0]));
  const Node extremum = g.nodes[at];
  for (int v : extremum.inputs)
    if (!links.produced_by<Convert>(v) || !is_code(g.nodes[static_cast<std::size_t>(links.producer(v))].inputs[0]))
      return false;

  const ActivationRange range = binary->activation;
  std::vector<int> codes;
  for (int v : extremum.inputs) {
    const int from = g.nodes[static_cast<std::size_t>(links.producer(v))].inputs[0];
    const Value& y = g.value(end.outputs[0]);
    if (range.none() && g.value(from).dtype == y.dtype && g.value(from).quant == y.quant) {
      codes.push_back(from);
      continue;
    }
    Value converted = g.value(v);
    converted.dtype = y.dtype;
    converted.quant = y.quant;
    const int code = g.add_value(std::move(converted));
    std::size_t last = at;
    if (!range.none()) {
      const int limited = g.add_value(Value(g.value(v)));
      last = links.insert_after(
          g, last, {extremum.name, make_operator(Unary(UnaryKind::clip, range.low, range.high)), {v}, {limited}});
      v = limited;
    }
    links.insert_after(g, last, {extremum.name, end.op, {v}, {code}});
    codes.push_back(code);
  }
  links.replace(g, n, {extremum.name, make_operator(Binary(binary->kind)), codes, end.outputs});
  links.remove(g, at);
  return true;
}

}  // namespace detail

/// The greatest or the least of two tensors of codes, computed in float between conversions, becomes one of codes. Only
/// for execution.
inline Graph move_extrema_to_codes(Graph graph) {
  return detail::rewrite_until_stable(std::move(graph), detail::move_extremum_to_codes);
}

OCTET_END
