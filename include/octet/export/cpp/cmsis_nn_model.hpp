#pragma once
#include "../../core/integer_format.hpp"
#include "../../operators/arithmetic/binary.hpp"
#include "../../operators/convolution/convolution.hpp"
#include "../../passes/optimize.hpp"
#include "../before_residual.hpp"

/// CMSIS-NN rounds as TFLite does, and adds tensors in a layer of its own.
OCTET_BEGIN
namespace detail::cpp {

inline bool has_cmsis_nn_rounding(const Graph& g) {
  return g.rounding == Rounding::tflite_double || g.rounding == Rounding::tflite_single;
}

/// Separates sums from integer convolutions whose own result has a known range. Returns how many.
inline int separate_sums(Graph& g) {
  std::vector<Node> nodes;
  int separated = 0;
  for (Node& n : g.nodes) {
    const auto* c = as<Convolution>(*n.op);
    const auto r = static_cast<std::size_t>(Convolution::residual);
    const bool added = c && n.inputs.size() > r && n.inputs[r] != Node::none;
    const auto own = added ? params_before_residual(*c) : std::nullopt;
    if (!own || !is_byte(g.value(n.outputs[0]).dtype)) {
      nodes.push_back(std::move(n));
      continue;
    }
    const Value& sum = g.value(n.outputs[0]);
    QuantParams q = *own;
    q.zero_point[0] += code_shift(int8_format.activations, sum.dtype);
    const int product = g.add_value({sum.name + "/unsummed", sum.dtype, sum.shape, q, {}});
    Convolution alone = *c;
    alone.activation = {};
    alone.unsummed_scale = 0;
    alone.unsummed_zero_point = 0;
    std::vector<int> inputs(n.inputs.begin(), n.inputs.begin() + Convolution::residual);
    nodes.push_back({n.name, make_operator(alone), std::move(inputs), {product}});
    nodes.push_back(
        {n.name + "/sum", make_operator(Binary(BinaryKind::add, c->activation)), {product, n.inputs[r]}, n.outputs});
    ++separated;
  }
  g.nodes = std::move(nodes);
  return separated;
}

/// The model that is written for CMSIS-NN. `notes`: what is changed, if anything.
inline Model cmsis_nn_model(const Model& model, std::vector<std::string>* notes = nullptr) {
  Model g = optimize(model);
  const auto note = [&](const std::string& text) {
    if (notes) notes->push_back(text);
  };
  if (!has_cmsis_nn_rounding(g)) {
    g.rounding = Rounding::tflite_double;
    note("the rounding is tflite_double, as CMSIS-NN's, instead of the model's");
  }
  if (const int sums = separate_sums(g); sums > 0)
    note(std::to_string(sums) + " sums that the model adds to convolutions are layers, and rounded, of their own");
  return g;
}

}  // namespace detail::cpp
OCTET_END
