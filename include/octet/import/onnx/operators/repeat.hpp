#pragma once
#include "plain.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Tile: along each axis, the tensor is concatenated with itself. Axes of size 1 are expanded.
inline void import_tile(NodeImport& n) {
  const Operand& x = n.input(0);
  const std::optional<Sizes> repeats = n.sizes(1);
  n.require(repeats.has_value(), "input 1 ('", n.input(1).name(), "') has to be constant, or computed from sizes");
  n.require(static_cast<int>(repeats->entries.size()) == x.rank(), "has ", repeats->entries.size(),
            " repeats for an input of shape ", x.shape());
  Expand expand;
  expand.shape.assign(static_cast<std::size_t>(x.rank()), 1);
  int v = n.builder.value(x);
  unsigned keeps = ~0u;
  for (int d = 0; d < x.rank(); ++d) {
    const double given = repeats->entries[static_cast<std::size_t>(x.order[d])].value;
    n.require(given == given, "repeat ", x.order[d], " is unknown before the model runs: ", Sizes::advice);
    n.require(given >= 0 && given < 1e12, "repeat ", x.order[d], " is unknown, negative or too large: ", given);
    const auto count = static_cast<std::int64_t>(given);
    if (count != 1) keeps &= ~(1u << d);
    if (n.builder.graph.value(v).shape[d] == 1 && count > 0) {
      expand.shape[static_cast<std::size_t>(d)] = count;
    } else if (count == 0) {
      v = n.step("nothing", Slice({0}, {0}, {d}), {v}, keeps_all_but(d));
    } else if (count > 1) {
      n.builder.spend(512 * static_cast<std::size_t>(count));  // an input of a node, and its shape in inference
      const QuantParams quant = n.builder.graph.value(v).quant;
      v = n.step("repeated", Concat(d), std::vector<int>(static_cast<std::size_t>(count), v), keeps_all_but(d));
      n.builder.graph.value(v).quant = quant;
    }
  }
  n.result(n.add(std::move(expand), {v}, static_cast<Keeps>(keeps)), x.order);
}

}  // namespace detail::onnx
OCTET_END
