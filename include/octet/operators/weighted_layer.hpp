#pragma once
#include "../graph/graph.hpp"
#include "dynamic_weights.hpp"
#include "implement.hpp"
#include "int16_sums.hpp"
#include "requantizer.hpp"

/// Forms of layers with weights (input 1), selected by the types of input and weights.
OCTET_BEGIN
namespace detail {

enum class WeightedForm : std::uint8_t { floating, dynamic, integer };

/// Whether the layer has 16-bit activations. Convolutions and fully connected layers have a form for them.
inline bool has_int16_activations(const PrepareContext& c) {
  return int16_format.computes(c.input(0).dtype) && int16_format.has_weights(c.input(LayerInputs::weights).dtype);
}

/// The form of a layer. Throws Error if there is none. `inputs`: name of input 0 in messages.
inline WeightedForm weighted_form(const PrepareContext& c, const char* inputs) {
  const DType x = c.input(0).dtype, w = c.input(LayerInputs::weights).dtype;
  if (x == DType::f32 && is_floating(w)) return WeightedForm::floating;
  if (x == DType::f32 && int8_format.has_dynamic_weights(w)) return WeightedForm::dynamic;
  if (int8_format.computes(x) && int8_format.has_weights(w)) return WeightedForm::integer;
  c.fail(name(x), " ", inputs, " with ", name(w), " weights are not supported");
}

/// The step of a layer with weights in the form that its types require: the context and `parameters` construct it.
template <class Dynamic, class Integer, template <class> class Float, class Base = Step, class... Parameters>
std::unique_ptr<Base> weighted_step(const PrepareContext& c, const char* inputs, const Parameters&... parameters) {
  switch (weighted_form(c, inputs)) {
    case WeightedForm::dynamic: return make_step<Dynamic, Base>(c, parameters...);
    case WeightedForm::integer: return make_step<Integer, Base>(c, parameters...);
    case WeightedForm::floating: break;
  }
  return with_weights(
      c, [&](auto type) -> std::unique_ptr<Base> { return make_step<Float<decltype(type)>, Base>(c, parameters...); });
}

/// Throws ShapeError unless the bias, if there is one, has one element for each output channel.
inline void require_bias(const ShapeContext& c, std::int64_t channels) {
  if (!c.has(LayerInputs::bias)) return;
  const Shape& bias = c.shape(LayerInputs::bias);
  c.require(bias == Shape{channels}, "bias has shape ", bias, ", expected [", channels, "]");
}

/// int16: see IntegerForm.
inline IntegerForm weighted_integer_form(bool int16) {
  IntegerForm f;
  f.output = IntegerForm::Output::measured;
  f.weights = LayerInputs::weights;
  f.bias = LayerInputs::bias;
  f.int16 = int16;
  return f;
}

/// Products of 8-bit numbers of which that many surely fit into a sum of 32 bits.
constexpr std::int64_t always_fit = (std::int64_t{1} << 31) / (255 * 255);

/// The same as check_weighted for a layer with 16-bit activations.
inline void check_int16(const PrepareContext& c, int residual, const AnyTensor& given = {}) {
  Int16Sums::check(c, residual);
  const AnyTensor& stored = given ? given : c.constant(LayerInputs::weights);
  if (stored.shape().product(1, stored.shape().rank()) <= always_fit) return;
  const CenteredWeights w(stored, c.input(LayerInputs::weights).quant.zero_point);
  for (std::int64_t o = 0; o < w.out; ++o) w.sum(o, c);
}

/// Implements Operator::check for such a layer. Reads the weights only if their sums matter. `residual`: index of the
/// input that is added to the output, or -1; `given`: integer weights in place of the context's ones.
inline void check_weighted(const PrepareContext& c, const char* inputs, const ActivationRange& range, int residual,
                           const AnyTensor& given = {}) {
  switch (weighted_form(c, inputs)) {
    case WeightedForm::floating:
      c.constant(LayerInputs::weights);
      if (c.has(LayerInputs::bias)) c.constant(LayerInputs::bias);
      return;
    case WeightedForm::dynamic: DynamicWeights::checked(c); return;
    case WeightedForm::integer: break;
  }
  const QuantParams& w = IntegerWeights::checked(c);
  Requantizer::check_output(c, residual);
  const Value& y = c.output();
  for (float s : w.scale)
    c.multiplier(static_cast<double>(c.input(0).quant.scale[0]) * static_cast<double>(s) /
                 (y.is_quantized() ? static_cast<double>(y.quant.scale[0]) : 1.0));
  const AnyTensor& stored = given ? given : c.constant(LayerInputs::weights);
  const Shape& shape = stored.shape();
  const bool float_bias = c.has(LayerInputs::bias) && c.constant(LayerInputs::bias).dtype() != int8_format.sums;
  if (shape.product(1, shape.rank()) <= always_fit && !(float_bias && int8_format.computes(y.dtype))) return;
  const IntegerWeights weights(c, stored, false);
  Requantizer(c, weights, range, residual, false);
}

}  // namespace detail
OCTET_END
