#pragma once
#include "plain.hpp"

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

/// Numbers of input i that are computed in each run, as a vector with one for each stored dimension of x. Those from
/// `first` on belong to `axes`; other dimensions have the number `missing`.
inline int stored_numbers(NodeImport& n, int i, const Operand& x, const std::vector<int>& axes, std::size_t first,
                          double missing, const std::string& what) {
  int given = n.builder.value(n.input(i));
  const DType type = n.input(i).dtype();
  const std::int64_t count = n.input(i).shape()[0];
  std::vector<std::int64_t> places(at(x.rank()), count);
  for (std::size_t k = 0; k < axes.size(); ++k)
    places[at(x.order.find(axes[k]))] = static_cast<std::int64_t>(first + k);
  if (axes.size() < places.size()) {
    const AnyTensor one = AnyTensor::make(type, {1}, [&](std::byte* to) { store_element(type, to, 0, missing); });
    const int other = n.builder.add_constant(n.builder.derived(n.name() + "/other " + what), one);
    given = n.step((what + " and other").c_str(), Concat(0), {given, other});
  }
  const int order = n.builder.add_constant(n.builder.derived(n.name() + "/order of " + what),
                                           Tensor<std::int64_t>({static_cast<std::int64_t>(places.size())}, places));
  return n.step(("stored " + what).c_str(), octet::Gather(0), {given, order});
}
/// Requires input i to be a vector of `count` numbers.
inline void require_numbers(const NodeImport& n, int i, std::size_t count) {
  const Shape found = n.input(i).shape(), expected{static_cast<std::int64_t>(count)};
  n.require(found == expected, "input ", i, " ('", n.input(i).name(), "'): expected the shape ", expected, ", found ",
            found);
}

/// Adds an operator whose parameters have the values `values`, for x in the order `stored`. Its results have the order
/// `order`. Quantized tensors are computed as real numbers and get their codes again.
inline void add_parametrized(NodeImport& n, Parametrized op, const Operand& x, const Order& stored,
                             std::vector<int> values, const Order& order) {
  int v = n.builder.value(x, stored);
  if (n.builder.graph.value(v).quant.per_channel()) v = n.builder.value(plain(n, x), stored);
  const QuantParams q = n.builder.graph.value(v).quant;
  const auto outputs = static_cast<int>(op.outputs);
  values.insert(values.begin(), q ? n.step("real", Convert(DType::f32), {v}, Keeps::all) : v);
  if (!q) {
    const int first = n.add(std::move(op), values, Keeps::none, 0, outputs);
    for (int i = 0; i < std::min(outputs, n.outputs()); ++i)
      if (n.wants(i)) n.result(first + i, order, i);
    return;
  }
  const std::string name = n.builder.derived(n.name() + "/computed");
  std::vector<std::string> names;
  for (int i = 0; i < outputs; ++i) names.push_back(n.builder.derived(i ? name + ":" + std::to_string(i) : name));
  const int first = n.builder.add(name, make_operator(std::move(op)), values, std::move(names), Keeps::none);
  for (int i = 0; i < std::min(outputs, n.outputs()); ++i) {
    if (!n.wants(i)) continue;
    const int result = n.add(Convert(x.dtype()), {first + i}, Keeps::all, i);
    n.builder.graph.value(result).quant = q;
    n.result(result, order, i);
  }
}

}  // namespace detail::onnx
OCTET_END
