#pragma once
#include "../core/packed_codes.hpp"
#include "../kernels/half.hpp"
#include "../kernels/pack.hpp"
#include "../kernels/quantize_dynamic.hpp"
#include "float_weights.hpp"

OCTET_BEGIN
namespace detail {

/// Prepared weights of convolution and fully connected layers of dynamic-range models: int8 weights (symmetric, output
/// channels along axis 0) and a float bias (optional input 2).
struct DynamicWeights {
  AnyTensor codes;                 // int8: the graph's constant, or its packed integers as bytes
  View<const std::int8_t> values;  // [out][k], of `codes`
  std::int64_t out = 0, k = 0;
  Tensor<float> scale, bias;
  Tensor<std::int32_t> sums;  // of the weights of each output channel
  Tensor<float> float_sums;

  explicit DynamicWeights(const PrepareContext& c) : DynamicWeights(c, c.constant(LayerInputs::weights)) {}
  /// The same for weights that are given, in place of the context's ones.
  DynamicWeights(const PrepareContext& c, const AnyTensor& given) {
    const Value& w = checked(c);
    codes = whole_bytes(given);
    values = codes.view<std::int8_t>();
    out = w.shape[0];
    k = values.size() / std::max<std::int64_t>(out, 1);
    scale = pad_columns<float>(nullptr, out);
    sums = pad_columns<std::int32_t>(nullptr, out);
    for (std::int64_t o = 0; o < out; ++o) {
      scale[o] = w.quant.scale[w.quant.index_of(o)];
      for (std::int64_t i = 0; i < k; ++i) sums[o] += values[o * k + i];
    }
    float_sums = Tensor<float>(sums.shape());
    std::copy(sums.begin(), sums.end(), float_sums.begin());
    bias = float_bias(c, out);
  }

  /// Checks weights and bias, and returns the weights.
  static const Value& checked(const PrepareContext& c) {
    const Value& w = c.input(LayerInputs::weights);
    c.constant(LayerInputs::weights);
    c.validate(w);
    c.require(w.quant.axis <= 0, "expected weights quantized along axis 0, found axis ", w.quant.axis);
    for (std::int32_t z : w.quant.zero_point) c.require(z == 0, "expected symmetric weights, found zero point ", z);
    if (c.has(LayerInputs::bias)) c.constant(LayerInputs::bias);
    return w;
  }

  std::size_t packed_bytes() const noexcept { return 4 * scale.size_bytes(); }
  /// Called when the kernels have packed the weights, which are not read again.
  void release() noexcept {
    values = {};
    codes = {};
  }

  /// The epilogue that scales sums to float, except for the input scale.
  Epilogue epilogue(const ActivationRange& range) const noexcept {
    Epilogue e;
    e.store = Store::scaled_f32;
    e.scale = scale.data();
    e.shift = bias.data();
    e.sums = float_sums.data();
    e.low_f32 = static_cast<float>(range.low);
    e.high_f32 = static_cast<float>(range.high);
    return e;
  }
  /// Initial values of the accumulators if all activations are quantized with `s`.
  void start(const ScaleAndZero& s, std::int32_t* init) const noexcept {
    for (std::int64_t o = 0; o < sums.size(); ++o) init[o] = -s.zero_point * sums[o];
  }
};

}  // namespace detail
OCTET_END
