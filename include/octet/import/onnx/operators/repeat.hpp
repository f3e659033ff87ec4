#pragma once
#include "run_time.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Repeats that are known in each run: the tensor is padded as if it were repeated.
inline void import_run_time_tile(NodeImport& n) {
  const Operand& x = n.input(0);
  require_numbers(n, 1, at(x.rank()));
  const std::optional<Sizes> known = n.sizes(1);
  Shape result;
  std::vector<int> axes;
  std::vector<std::int64_t> places;
  for (int d = 0; d < x.rank(); ++d) {
    const std::int64_t size = x.source->shape[d];
    const double count = known ? known->entries[at(x.order[d])].value : -1;
    result.push_back(size >= 0 && count >= 0 && count < 1e6 ? size * static_cast<std::int64_t>(count) : Shape::unknown);
    axes.push_back(d);
    places.push_back(d);
  }
  const int one = n.builder.add_constant(n.builder.derived(n.name() + "/one"), Tensor<std::int64_t>({1}, {1})),
            repeats = stored_numbers(n, 1, x, axes, 0, 1, "repeats"),
            sizes = n.step("sizes", SizesOf(places), {n.builder.value(x)}),
            more = n.step("more", Binary(BinaryKind::sub), {repeats, one}),
            added = n.step("added", Binary(BinaryKind::mul), {more, sizes});
  Pad op;
  op.mode = PadMode::wrap;
  op.before.assign(at(x.rank()), 0);
  add_parametrized(n, Parametrized(std::move(op), "after", result), x, x.order, {added}, x.order);
}

/// Tile: along each axis, the tensor is concatenated with itself. Axes of size 1 are expanded.
inline void import_tile(NodeImport& n) {
  if (is_run_time(n, 1)) return import_run_time_tile(n);
  const Operand& x = n.input(0);
  const std::optional<Sizes> repeats = n.sizes(1);
  n.require(repeats.has_value(), "input 1 ('", n.input(1).name(), "'): expected a vector of repeats, found the shape ",
            n.input(1).shape());
  n.require(static_cast<int>(repeats->entries.size()) == x.rank(), "has ", repeats->entries.size(),
            " repeats for an input of shape ", x.shape());
  Expand expand;
  expand.shape.assign(static_cast<std::size_t>(x.rank()), 1);
  int v = n.builder.value(x);
  unsigned keeps = ~0u;
  for (int d = 0; d < x.rank(); ++d) {
    const double given = repeats->entries[static_cast<std::size_t>(x.order[d])].value;
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
