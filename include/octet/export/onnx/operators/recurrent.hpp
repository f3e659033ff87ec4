#pragma once
#include "../../../operators/recurrent.hpp"
#include "../node_export.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// ONNX multiplies the inputs by weights, which another layer has done: by the unit matrix.
inline void export_recurrent(NodeExport& n) {
  const auto& r = static_cast<const Recurrent&>(n.op());
  const AnyTensor& state = n.constant_input(Recurrent::weights);
  const std::int64_t units = state.shape()[0], rows = state.shape()[1];
  n.require(rows < (1 << 14), "has ", rows, " gates, which octet does not write");
  Tensor<float> unit({1, rows, rows}), weights({1, rows, units}), bias({1, 2 * rows});
  for (std::int64_t i = 0; i < rows; ++i) {
    unit[i * rows + i] = 1;
    for (std::int64_t k = 0; k < units; ++k) weights[i * units + k] = state.view<float>()[k * rows + i];
    if (n.has(Recurrent::bias)) bias[rows + i] = n.constant_input(Recurrent::bias).view<float>()[i];
  }
  File& file = n.tensors().file();
  std::vector<std::string> in{n.real(0, Order::identity(3)), file.add_constant(n.name() + "/unit", std::move(unit)),
                              file.add_constant(n.name() + "/weights", std::move(weights)),
                              file.add_constant(n.name() + "/bias", std::move(bias)), ""};
  for (int i : {int{Recurrent::hidden}, int{Recurrent::cells}})
    in.push_back(n.has(i) ? n.step("state", "Unsqueeze", {n.real(i, Order::identity(2)), n.integers("axes", {0})})
                          : "");
  const bool lstm = r.kind == RecurrentKind::lstm;
  if (!lstm) in.pop_back();
  while (in.back().empty()) in.pop_back();
  std::vector<std::string> out;
  for (int i = 0; i < n.outputs(); ++i) out.push_back(file.unique(n.output(i).name + "/direction"));
  Attributes a;
  a.integer("hidden_size", units).text("direction", r.reverse ? "reverse" : "forward");
  if (r.kind == RecurrentKind::gru_linear_first) a.integer("linear_before_reset", 1);
  file.add_node(n.name(), r.kind == RecurrentKind::rnn ? "RNN" : lstm ? "LSTM" : "GRU", in, out, a, {});
  for (int i = 0; i < n.outputs(); ++i) {
    const std::string axes = n.integers("axes", {i == 0 ? 1 : 0});
    n.result(i, Order::identity(i == 0 ? 3 : 2), {}, [&](const std::string& name) {
      n.tensors().node(n.name() + "/output" + std::to_string(i), "Squeeze", {out[static_cast<std::size_t>(i)], axes},
                       name);
    });
  }
}

}  // namespace detail::onnx
OCTET_END
