#pragma once
#include "../core/integer_format.hpp"
#include "../operators/convert.hpp"
#include "normalization_pattern.hpp"

OCTET_BEGIN

/// Makes one layer of a normalization that is written as several: layer, instance and group normalization. It reads and
/// writes codes of 8 bits where conversions surround it. Only for execution.
inline Graph fuse_normalization(Graph graph) {
  return detail::rewrite_until_stable(std::move(graph), [](Graph& g, std::size_t n, detail::Links& links) {
    const auto found = detail::NormalizationSearch(g, links).find(n);
    if (!found) return false;
    const auto node = [&](int i) -> const Node& { return g.nodes[static_cast<std::size_t>(i)]; };
    const auto is_code = [&](int v) {
      return detail::int8_format.computes(g.value(v).dtype) && g.value(v).has_one_scale();
    };
    std::vector<int> inputs = found->inputs;
    const int from = links.producer(inputs[0]);
    if (links.produced_by<Convert>(inputs[0]) && is_code(node(from).inputs[0])) inputs[0] = node(from).inputs[0];
    int last = found->last;
    for (const int m : found->members)
      if (m != last) links.remove(g, static_cast<std::size_t>(m));
    const std::string name = node(last).name;
    if (const int v = node(last).outputs[0]; links.used_once(v)) {
      const int next = links.users(v)[0];
      if (as<Convert>(*node(next).op) && is_code(node(next).outputs[0])) {
        links.remove(g, static_cast<std::size_t>(last));
        last = next;
      }
    }
    MomentNormalization op = found->op;
    op.to = g.value(node(last).outputs[0]).dtype;
    links.replace(g, static_cast<std::size_t>(last),
                  {name, make_operator(std::move(op)), std::move(inputs), node(last).outputs});
    return true;
  });
}

OCTET_END
