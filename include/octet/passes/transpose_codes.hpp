#pragma once
#include "../core/integer_format.hpp"
#include "../operators/convert.hpp"
#include "../operators/shape/transpose.hpp"
#include "rewrite.hpp"

OCTET_BEGIN
namespace detail {

/// Exchanges node n and the only one before it, if they are a Transpose and a Convert between floats and bytes, and
/// bytes are not transposed yet.
inline bool transpose_bytes_instead(Graph& g, std::size_t n, Links& links) {
  const Node second = g.nodes[n];
  const bool converts = as<Convert>(*second.op);
  if (!converts && !as<Transpose>(*second.op)) return false;
  const int between = second.inputs[0], before = links.producer(between);
  if (before == Node::none || !links.used_once(between)) return false;
  const auto at = static_cast<std::size_t>(before);
  const Node first = g.nodes[at];
  if (converts ? !as<Transpose>(*first.op) : !as<Convert>(*first.op)) return false;
  const Value &x = g.value(first.inputs[0]), &y = g.value(second.outputs[0]);
  const Value &floats = converts ? x : y, &codes = converts ? y : x;
  if (floats.dtype != DType::f32 || !int8_format.computes(codes.dtype) || !codes.has_one_scale() || x.is_constant())
    return false;
  Value middle = converts ? y : x;
  middle.shape = converts ? x.shape : y.shape;
  const int exchanged = g.add_value(std::move(middle));
  links.replace(g, at, {second.name, second.op, first.inputs, {exchanged}});
  links.replace(g, n, {first.name, first.op, {exchanged}, second.outputs});
  return true;
}

}  // namespace detail

/// Transposes codes, which are smaller, instead of the floats that are rounded to them or made of them. Only for
/// execution.
inline Graph transpose_codes(Graph graph) {
  return detail::rewrite_until_stable(std::move(graph), detail::transpose_bytes_instead);
}

OCTET_END
