#pragma once
#include <set>

#include "../passes/bound_activations.hpp"
#include "../runtime/runnable.hpp"
#include "finite_weights.hpp"
#include "integer_model.hpp"

OCTET_BEGIN

/// What quantize<fp16>(model) and quantize<bf16>(model) do with weights that round to infinity: from 65520 on for fp16,
/// from 3.3961775e38 on for bf16.
enum class TooLarge : std::uint8_t {
  keep_float32,  // the tensor stays as it is, and WeightOptions::notes tells
  error          // throws, naming the tensor
};

/// Options of quantize<dynamic_range>(model), quantize<fp16>(model), quantize<bf16>(model).
struct WeightOptions {
  bool per_channel = true;                     // dynamic_range only
  RangeMethod weights = RangeMethod::min_max;  // dynamic_range only
  std::int64_t least_elements = 1024;   // smaller weights stay float: they weigh nothing; but for dynamic_range's
                                        // convolutions, whose time matters
  std::vector<std::string> keep_float;  // names of layers, * for any text
  TooLarge too_large = TooLarge::keep_float32;
  std::vector<std::string>* notes = nullptr;  // gets a line, for people, for each thing that was not done as asked
};

namespace detail {

inline void require_float(const Graph& g) {
  for (const Value& v : g.values)
    require(!v.is_quantized(), "the model is quantized already: tensor '", v.name, "' is ", name(v.dtype));
  for (const Node& n : g.nodes)
    require(!as<FakeQuantize>(*n.op), "the model has fake quantization, of which convert makes integers: layer '",
            n.name, "' is ", n.op->type());
}

/// The optimized model, once nothing speaks against quantizing its weights.
inline Graph optimize_for_weights(const Model& model) {
  require_finite_weights(model);
  Graph g = optimize(model);
  require_float(g);
  require_finite_weights(g);
  return g;
}

/// Whether the node has float weights that are to be made smaller.
inline bool takes_part(const Graph& g, const Node& n, const WeightOptions& options) {
  if (!has_float_weights(g, n) || kept(options.keep_float, g, n)) return false;
  return g.value(n.inputs[static_cast<std::size_t>(n.op->integer_form().weights)]).constant.size() >=
         options.least_elements;
}

/// Says that the weights stay float32, or throws, if one of them is too large for Half. range: of the weights.
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

/// Weights in half precision, which are expanded when an executor packs them. Biases stay float.
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
    const AnyTensor constant = g.value(v).constant;  // shared: values move when others are added
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

/// Whether the layer has a form that quantizes its inputs as they arrive: sums of products.
inline bool has_dynamic_form(const Operator& op) {
  return as<Convolution>(op) || as<TransposedConvolution>(op) || as<FullyConnected>(op);
}

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
    const AnyTensor constant = w.constant;  // shared: values move when others are added
    const FloatElements exact(constant);
    QTensor<int8> q = quantize_weights(*exact, options.per_channel, options.weights);
    correct_bias(g, n, *exact, mean_inputs(g, n, calibration), q);
    n.inputs[i] = g.add_constant(w_name, std::move(q.data), std::move(q.params));
  }
  g.remove_unused();
  return runnable(std::move(g));
}

}  // namespace detail

/// quantize<fp16>(model), quantize<bf16>(model): weights of half the size, computed with in float; tensors with a
/// number too large for the type stay float32 (see TooLarge). quantize<dynamic_range>(model): int8 weights; activations
/// are quantized as they arrive, results are float. Depthwise convolutions stay float, since their products are too few
/// to pay for that, unless an activation before them (ReLU6) tells the range. All of them throw where weights are not
/// finite, naming the tensor.
template <class T>
Model quantize(const Model& model, const WeightOptions& options = {}) {
  static_assert(std::is_same_v<T, fp16> || std::is_same_v<T, bf16> || std::is_same_v<T, dynamic_range>,
                "quantize<int8>(model, calibration) needs a calibration");
  if constexpr (std::is_same_v<T, dynamic_range>)
    return detail::quantize_dynamic_range(model, nullptr, options);
  else
    return detail::quantize_half<T>(model, nullptr, options);
}

/// quantize<int8>(model, calibration): the whole model in integers, see Int8Options.
/// The others as above, and biases corrected for the mean error of the rounded weights.
template <class T, class Options = std::conditional_t<std::is_same_v<T, int8>, Int8Options, WeightOptions>>
Model quantize(const Model& model, const Calibration& calibration, const Options& options = {}) {
  if constexpr (std::is_same_v<T, int8>) {
    return runnable(detail::IntegerModel(detail::optimize_for_weights(model), calibration, options).build());
  } else if constexpr (std::is_same_v<T, dynamic_range>) {
    return detail::quantize_dynamic_range(model, &calibration, options);
  } else {
    static_assert(std::is_same_v<T, fp16> || std::is_same_v<T, bf16>,
                  "a model becomes int8, dynamic_range, fp16 or bf16");
    return detail::quantize_half<T>(model, &calibration, options);
  }
}

OCTET_END
