#pragma once
#include "../passes/optimize.hpp"
#include "integer_model.hpp"

OCTET_BEGIN

/// Options of quantize<dynamic_range>(model).
struct DynamicRangeOptions {
  bool per_channel = true;
  RangeMethod weights = RangeMethod::min_max;
  std::int64_t least_elements = 1024;   // smaller weights stay float
  std::vector<std::string> keep_float;  // names of layers, * for any text
};

namespace detail {

inline void require_float(const Graph& g) {
  for (const Value& v : g.values)
    require(!v.is_quantized(), "the model is quantized already: tensor '", v.name, "' is ", name(v.dtype));
}

/// Weights and biases in half precision; they are expanded when an executor packs them.
template <class Half>
Model quantize_half(const Model& model) {
  Graph g = optimize(model);
  require_float(g);
  std::map<int, int> done;
  for (Node& n : g.nodes) {
    const IntegerForm form = n.op->integer_form();
    for (const int i : {form.weights, form.bias}) {
      const int v = i < 0 ? Node::none : input_of(n, static_cast<std::size_t>(i));
      if (v == Node::none || !g.value(v).is_constant() || g.value(v).dtype != DType::f32) continue;
      if (!done.count(v)) {
        const auto w = g.value(v).constant.view<float>();
        for (std::int64_t k = 0; k < w.size(); ++k)
          require(std::isfinite(w[k]), "layer '", n.name, "': tensor '", g.value(v).name, "' has NaN or infinite elements");
        done[v] = g.add_constant(g.value(v).name, quantize<Half>(w));
      }
      n.inputs[static_cast<std::size_t>(i)] = done[v];
    }
  }
  g.remove_unused();
  return g;
}

}  // namespace detail

/// quantize<fp16>(model), quantize<bf16>(model): weights of half the size, computed with in float.
/// quantize<dynamic_range>(model): int8 weights; activations are quantized as they arrive, results are float. Depthwise
/// convolutions stay float: their weights are too few to matter, and their products to pay for quantizing activations.
template <class T>
Model quantize(const Model& model, const DynamicRangeOptions& options = {}) {
  static_assert(std::is_same_v<T, fp16> || std::is_same_v<T, bf16> || std::is_same_v<T, dynamic_range>,
                "quantize<int8>(model, calibration) needs a calibration");
  if constexpr (!std::is_same_v<T, dynamic_range>) {
    return detail::quantize_half<T>(model);
  } else {
    Graph g = optimize(model);
    detail::require_float(g);
    for (Node& n : g.nodes) {
      if (!detail::has_float_weights(g, n) || detail::is_depthwise(g, n) || detail::kept(options.keep_float, g, n)) continue;
      const auto i = static_cast<std::size_t>(n.op->integer_form().weights);
      const Value& w = g.value(n.inputs[i]);
      if (w.constant.size() < options.least_elements || g.value(n.inputs[0]).dtype != DType::f32) continue;
      const std::string w_name = w.name;
      QTensor<int8> q = detail::quantize_weights(detail::to_float(w.constant.ref()), options.per_channel, options.weights);
      n.inputs[i] = g.add_constant(w_name, std::move(q.data), std::move(q.params));
    }
    g.remove_unused();
    return g;
  }
}

/// quantize<int8>(model, calibration): the whole model in integers, see Int8Options.
template <class T>
Model quantize(const Model& model, const Calibration& calibration, const Int8Options& options = {}) {
  static_assert(std::is_same_v<T, int8>, "a calibration is for quantize<int8>");
  Graph g = optimize(model);
  detail::require_float(g);
  return detail::IntegerModel(std::move(g), calibration, options).build();
}

OCTET_END
