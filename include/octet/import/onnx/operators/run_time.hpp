#pragma once
#include "../node.hpp"

/// Operators with parameters that are known only when the model runs.
OCTET_BEGIN
namespace detail::onnx {

/// Whether input i is given, and computed in each run.
inline bool is_run_time(const NodeImport& n, int i) {
  return n.has(i) && (!n.input(i).is_constant() || n.input(i).source->is_run_time());
}

/// The sizes that input i gives, as far as they are known; the others are Shape::unknown. If `zero_keeps`, so are those
/// of 0.
inline Shape known_sizes(const NodeImport& n, int i, bool zero_keeps) {
  const Shape length = n.input(i).shape();
  n.require(length.rank() == 1 && length[0] >= 0 && length[0] <= Shape::max_rank, "input ", i, " ('", n.input(i).name(),
            "'): expected a vector of a known number of sizes, found the shape ", length);
  const std::optional<Sizes> sizes = n.sizes(i);
  Shape s;
  for (std::size_t k = 0; k < static_cast<std::size_t>(length[0]); ++k) {
    const double v = sizes ? sizes->entries[k].value : -1;
    s.push_back(v > (zero_keeps ? 0 : -1) && v < 1e12 ? static_cast<std::int64_t>(v) : Shape::unknown);
  }
  return s;
}

/// Adds an operator with the parameters `names`, whose values are `values`. `result`: the shape, as far as it is known,
/// in that order.
template <class Op>
void add_parametrized(NodeImport& n, Op op, int x, const char* names, std::vector<int> values, const Shape& result,
                      const Order& order) {
  n.require(!n.builder.graph.value(x).is_quantized(),
            "depends on sizes that are unknown before the model runs, and is quantized: ", Sizes::advice);
  values.insert(values.begin(), x);
  n.result(n.add(Parametrized(std::move(op), names, result), values), order);
}

}  // namespace detail::onnx
OCTET_END
