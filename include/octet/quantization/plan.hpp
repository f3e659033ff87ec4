#pragma once
#include <map>
#include <string>
#include <vector>

#include "../core/integer_format.hpp"
#include "../passes/optimize.hpp"
#include "calibration.hpp"
#include "options.hpp"

/// The step between deciding how to quantize a model and converting it:
/// ```
/// QuantizationPlan plan = plan_quantization<int8>(model, calibration);
/// plan.layers.at("classifier").form = PlannedForm::floating;
/// Model q = quantize(model, plan);
/// ```
/// quantize<T>(model, ...) makes a plan and applies it; convert does so with what quantization-aware training learned.
OCTET_BEGIN

/// How a layer computes.
enum class PlannedForm : std::uint8_t {
  floating,  ///< as in the float model
  integer,   ///< int8. A layer whose result has the scale of its input (pooling, reshape) is int8 only where
             ///< its input is, and float otherwise
  dynamic,   ///< int8 weights; inputs are quantized at run time, results are float
  half,      ///< float, with fp16 weights
  bfloat16,  ///< float, with bf16 weights
  integer16  ///< int16 activations (symmetric) and int8 weights, TFLite's 16x8. A layer whose result has the scale of
             ///< its input is int16 wherever its input is, also if its form is `integer`
};

/// The name of a form as plan files have it: "float", "int8", "dynamic_range", "fp16", "bf16", "int16".
const char* name(PlannedForm form) noexcept;

/// Scale and zero point of an int8 activation: real = scale * (q - zero_point). Where a layer is int16, its activations
/// have the scale of int16 codes for the same range.
struct ActivationPlan {
  float scale = 1;              ///< positive and finite
  std::int32_t zero_point = 0;  ///< -128 to 127

  /// Equal if scale and zero point are.
  friend bool operator==(const ActivationPlan& a, const ActivationPlan& b) noexcept {
    return a.scale == b.scale && a.zero_point == b.zero_point;
  }
  /// The opposite of ==.
  friend bool operator!=(const ActivationPlan& a, const ActivationPlan& b) noexcept { return !(a == b); }
};

/// How a layer is quantized. All members except the form are for layers with weights.
struct LayerPlan {
  PlannedForm form = PlannedForm::floating;  ///< how the layer computes
  QuantParams weights;  ///< int8, int16 and dynamic_range: a scale for each output channel (axis 0), or one for all
                        ///< (axis -1); zero points are 0
  int weight_bits = 8;  ///< 2 to 8: codes reach from -(2^(bits-1) - 1) to 2^(bits-1) - 1
  /// Fully connected layers with at most 4 bits: 32, 64, 128 or 256 inputs are a block of weights, whose codes are
  /// multiplied by a number of their own; 0: there are no blocks.
  std::int64_t weight_block = 0;
  /// The multiplier of each block, [output channels, blocks of inputs]: a weight is scale * multiplier * code. Products
  /// of multipliers and codes are in int8, so that multipliers are 1 to 18 for 4 bits.
  std::vector<std::uint8_t> block_multipliers;
  /// The weights as integers, in their order in the float model, as a rounding algorithm chose them. Empty: each weight
  /// divided by its scale, rounded to nearest.
  std::vector<std::int8_t> weight_codes;
  /// The mean of each channel of the layer's input. The bias is corrected by the mean error that the rounded weights
  /// cause with them; empty: it is not corrected.
  std::vector<double> input_means;
  /// What is added to each element of the bias, as a rounding algorithm chose it; empty: nothing.
  std::vector<double> bias_shift;

  /// Equal if all members are.
  friend bool operator==(const LayerPlan& a, const LayerPlan& b) noexcept {
    return a.form == b.form && a.weights == b.weights && a.weight_bits == b.weight_bits &&
           a.weight_block == b.weight_block && a.block_multipliers == b.block_multipliers &&
           a.weight_codes == b.weight_codes && a.input_means == b.input_means && a.bias_shift == b.bias_shift;
  }
  /// The opposite of ==.
  friend bool operator!=(const LayerPlan& a, const LayerPlan& b) noexcept { return !(a == b); }
};

/// How a model is quantized. Names are those of the optimized model (batch normalization folded, activations fused), as
/// `optimize` gives it. Of several layers with the same name, the second is called NAME#2, see plan_layer_names.
struct QuantizationPlan {
  /// Every int8 activation with a scale of its own, by name. Others have the scale of their input or of the concat they
  /// are read by, or the one that their operator prescribes (softmax, sigmoid).
  std::map<std::string, ActivationPlan> activations;
  std::map<std::string, LayerPlan> layers;  ///< every layer, by name
  /// For each channel (last dimension) of a tensor, by name: the power of two, -30 to 30, that the channel is
  /// multiplied by before quantization. Weights and biases of the layers that write and read the tensor are changed so
  /// that the outputs of the model stay the same (cross-layer equalization). Scales are those of the changed tensors
  /// and weights.
  std::map<std::string, std::vector<int>> channel_exponents;
  bool integer_input = false;          ///< the model takes int8 instead of float; int16 where only int16 layers read it
  bool integer_output = false;         ///< the model returns int8, or int16 of an int16 layer, instead of float
  Rounding rounding = Rounding::fp32;  ///< of int8 and int16 layers

  /// Equal if all members are.
  friend bool operator==(const QuantizationPlan& a, const QuantizationPlan& b) {
    return a.activations == b.activations && a.layers == b.layers && a.integer_input == b.integer_input &&
           a.integer_output == b.integer_output && a.rounding == b.rounding &&
           a.channel_exponents == b.channel_exponents;
  }
  /// The opposite of ==.
  friend bool operator!=(const QuantizationPlan& a, const QuantizationPlan& b) { return !(a == b); }
};

/// The names of the layers of an optimized model in plans.
std::vector<std::string> plan_layer_names(const OptimizedModel& model);

namespace detail {

/// The number format of layers with that form; null where they compute in float. The only place that chooses one.
constexpr const IntegerFormat* format_of(PlannedForm form) noexcept {
  if (form == PlannedForm::integer16) return &int16_format;
  return form == PlannedForm::integer || form == PlannedForm::dynamic ? &int8_format : nullptr;
}

/// Whether layers with that form compute in integers between integer activations.
constexpr bool has_integer_activations(PlannedForm form) noexcept {
  return form == PlannedForm::integer || form == PlannedForm::integer16;
}

/// Without a calibration, biases are not corrected.
QuantizationPlan plan_weights_of(const Model& model, PlannedForm form, const Calibration* calibration,
                                 const WeightOptions& options);
QuantizationPlan plan_integers(const Model& model, const Calibration& calibration, const Int8Options& options);

template <class T>
constexpr PlannedForm weight_form() {
  static_assert(std::is_same_v<T, fp16> || std::is_same_v<T, bf16> || std::is_same_v<T, dynamic_range>,
                "a model can be quantized to int8 (with a calibration), dynamic_range, fp16 or bf16");
  return std::is_same_v<T, fp16>   ? PlannedForm::half
         : std::is_same_v<T, bf16> ? PlannedForm::bfloat16
                                   : PlannedForm::dynamic;
}

}  // namespace detail

/// The plan that quantize<T>(model, options) applies; T: dynamic_range, fp16, bf16.
template <class T>
QuantizationPlan plan_quantization(const Model& model, const WeightOptions& options = {}) {
  return detail::plan_weights_of(model, detail::weight_form<T>(), nullptr, options);
}

/// The plan that quantize<T>(model, calibration, options) applies; T: int8, dynamic_range, fp16, bf16.
template <class T, class Options = std::conditional_t<std::is_same_v<T, int8>, Int8Options, WeightOptions>>
QuantizationPlan plan_quantization(const Model& model, const Calibration& calibration, const Options& options = {}) {
  if constexpr (std::is_same_v<T, int8>)
    return detail::plan_integers(model, calibration, options);
  else
    return detail::plan_weights_of(model, detail::weight_form<T>(), &calibration, options);
}

/// Applies a plan to the float model it was made for. Throws, naming the layer or tensor, where the plan does not fit:
/// unknown or missing names, scales that are missing, not positive or of the wrong number, zero points outside int8,
/// forms that a layer does not have.
Model quantize(const Model& model, const QuantizationPlan& plan);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "plan.inl"
#endif
