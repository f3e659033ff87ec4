#pragma once
#include "run_time.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Pads that are known in each run. `op` has its mode and value.
inline void import_run_time_pad(NodeImport& n, Pad op, const std::vector<int>& axes) {
  const Operand& x = n.input(0);
  require_numbers(n, 1, 2 * axes.size());
  const std::optional<Sizes> known = n.sizes(1);
  Shape result = x.source->shape;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    std::int64_t& size = result[x.order.find(axes[i])];
    const double added = known ? known->entries[i].value + known->entries[axes.size() + i].value : -1e9;
    size = size >= 0 && std::abs(added) < 1e6 ? size + static_cast<std::int64_t>(added) : Shape::unknown;
  }
  const int before = stored_numbers(n, 1, x, axes, 0, 0, "pads before"),
            after = stored_numbers(n, 1, x, axes, axes.size(), 0, "pads after");
  add_parametrized(n, Parametrized(std::move(op), "before,after", result), x, x.order, {before, after}, x.order);
}

inline void import_pad(NodeImport& n) {
  const Operand& x = n.input(0);
  const bool as_attributes = n.opset() < 11;
  std::vector<int> axes;
  if (!as_attributes && n.has(3))
    for (std::int64_t a : n.constant_integers(3)) axes.push_back(normalize_axis(a, x.rank()));
  else
    for (int d = 0; d < x.rank(); ++d) axes.push_back(d);
  Pad op;
  op.value = as_attributes ? n.real("value") : 0;
  if (!as_attributes && n.has(2)) {
    const AnyTensor value = n.constant(2);
    n.require(value.size() == 1, "expected one value to pad with, found ", value.size());
    op.value = load_element(value.dtype(), value.data(), 0);
  }
  const std::string mode = n.text("mode", "constant");
  if (mode == "reflect")
    op.mode = PadMode::reflect;
  else if (mode == "edge")
    op.mode = PadMode::edge;
  else if (mode == "wrap")
    op.mode = PadMode::wrap;
  else
    n.require(mode == "constant", "mode '", mode, "' is not supported");
  const int v = n.builder.value(x);
  if (const QuantParams& q = n.builder.graph.value(v).quant;
      q && !q.per_channel())  // the value of Pad is a real number
    op.value = (op.value - q.zero_point[0]) * static_cast<double>(q.scale[0]);
  if (!as_attributes && is_run_time(n, 1)) return import_run_time_pad(n, std::move(op), axes);

  const std::vector<std::int64_t> pads = as_attributes ? n.integers("pads") : n.constant_integers(1);
  n.require(pads.size() == 2 * axes.size(), "expected two pads for each of ", axes.size(), " axes, found ",
            pads.size());
  op.before.assign(at(x.rank()), 0);
  op.after = op.before;
  unsigned keeps = ~0u;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto place = at(x.order.find(axes[i]));
    op.before[place] = pads[i];
    op.after[place] = pads[axes.size() + i];
    if (op.before[place] != 0 || op.after[place] != 0) keeps &= ~(1u << place);
  }
  n.result(n.add(std::move(op), {v}, static_cast<Keeps>(keeps)), x.order);
}

}  // namespace detail::onnx
OCTET_END
