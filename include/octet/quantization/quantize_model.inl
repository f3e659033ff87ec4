#pragma once
#include <cmath>
#include <map>
#include <set>

#include "../passes/bound_activations.hpp"
#include "../passes/optimize.hpp"
#include "../runtime/runnable.hpp"
#include "finite_weights.hpp"
#include "integer_model.hpp"
#include "quantize_model.hpp"

OCTET_BEGIN
namespace detail {

inline void require_float(const Graph& g) {
  for (const Value& v : g.values)
    require(!v.is_quantized(), "the model is already quantized: tensor '", v.name, "' is ", name(v.dtype));
  for (const Node& n : g.nodes)
    require(!as<FakeQuantize>(*n.op), "the model has fake quantization (use convert to quantize it): layer '", n.name,
            "' is ", n.op->type());
}

/// Checks that the model can be quantized, and returns it optimized.
inline Graph optimize_for_weights(const Model& model) {
  require_finite_weights(model);
  Graph g = optimize(model);
  require_float(g);
  require_finite_weights(g);
  return g;
}

/// Whether the weights of the node are to be quantized.
inline bool takes_part(const Graph& g, const Node& n, const WeightOptions& options) {
  if (!has_float_weights(g, n) || kept(options.keep_float, g, n)) return false;
  return g.value(n.inputs[static_cast<std::size_t>(n.op->integer_form().weights)]).constant.size() >=
         options.least_elements;
}

/// Whether a weight is too large for Half. If so, adds a note that the tensor stays float32, or throws, as the options
/// say. `range`: smallest and largest weight.
template <class Half>
bool stays_float32(const Node& n, const Value& w, const float* range, const WeightOptions& options) {
  const float largest = -range[0] > range[1] ? range[0] : range[1];
  if (std::isfinite(static_cast<float>(Half(largest)))) return false;
  const std::string found = concat("layer '", n.name, "': tensor '", w.name, "' has the element ", largest,
                                   ", which is too large for ", name(dtype_of<Half>));
  require(options.too_large == TooLarge::keep_float32, found);
  if (options.notes) options.notes->push_back(found + ": it stays float32");
  return true;
}

/// Converts weights to half precision. Executors expand them to float when they pack them. Biases stay float.
template <class Half>
Model quantize_half(const Model& model, const Calibration* calibration, const WeightOptions& options) {
  Graph g = optimize_for_weights(model);
  std::map<int, int> done;
  std::set<int> float32;
  for (Node& n : g.nodes) {
    if (!takes_part(g, n, options)) continue;
    const auto i = static_cast<std::size_t>(n.op->integer_form().weights);
    const int v = n.inputs[i];
    if (g.value(v).dtype != DType::f32 || float32.count(v)) continue;
    const AnyTensor constant = g.value(v).constant;  // a copy (shared): add_constant invalidates references to values
    const auto w = constant.view<float>();
    float range[2];
    element_kernels().minmax_f32(w.data(), w.size(), range);
    if (stays_float32<Half>(n, g.value(v), range, options)) {
      float32.insert(v);
      continue;
    }
    const Tensor<Half> half = quantize<Half>(w);
    correct_bias(g, n, w, mean_inputs(g, n, calibration),
                 [&](std::int64_t, std::int64_t e) { return static_cast<float>(half[e]); });
    if (!done.count(v)) done[v] = g.add_constant(g.value(v).name, half);
    n.inputs[i] = done[v];
  }
  g.remove_unused();
  return runnable(std::move(g));
}

/// Whether the operator can quantize its inputs at run time.
inline bool has_dynamic_form(const Operator& op) { return op.traits().products != Traits::Products::none; }

inline Model quantize_dynamic_range(const Model& model, const Calibration* calibration, const WeightOptions& options) {
  Graph g = optimize_for_weights(model);
  const Links links(g);
  WeightOptions any_size = options;
  any_size.least_elements = 0;
  for (Node& n : g.nodes) {
    if (!has_dynamic_form(*n.op) || !takes_part(g, n, as<Convolution>(*n.op) ? any_size : options)) continue;
    if (g.value(n.inputs[0]).dtype != DType::f32) continue;
    if (is_depthwise(g, n)) {
      const int before = links.producer(n.inputs[0]);
      if (!activation_bounds(g, links, n.inputs[0])) continue;
      if (!has_int8_weights(g, g.nodes[static_cast<std::size_t>(before)])) continue;
    }
    const auto i = static_cast<std::size_t>(n.op->integer_form().weights);
    const Value& w = g.value(n.inputs[i]);
    const std::string w_name = w.name;
    const AnyTensor constant = w.constant;  // a copy (shared): add_constant invalidates references to values
    const FloatElements exact(constant);
    QTensor<int8> q = quantize_weights(*exact, options.per_channel, options.weights);
    correct_bias(g, n, *exact, mean_inputs(g, n, calibration), q);
    n.inputs[i] = g.add_constant(w_name, std::move(q.data), std::move(q.params));
  }
  g.remove_unused();
  return runnable(std::move(g));
}

OCTET_API Model quantize_weights_of(const Model& model, DType form, const Calibration* calibration,
                                    const WeightOptions& options) {
  if (form == DType::f16) return quantize_half<fp16>(model, calibration, options);
  if (form == DType::bf16) return quantize_half<bf16>(model, calibration, options);
  return quantize_dynamic_range(model, calibration, options);
}

OCTET_API Model quantize_to_integers(const Model& model, const Calibration& calibration, const Int8Options& options) {
  return runnable(IntegerModel(optimize_for_weights(model), calibration, options).build());
}

}  // namespace detail
OCTET_END
