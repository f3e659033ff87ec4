#pragma once
#include <type_traits>

#include "../kernels/half.hpp"
#include "../kernels/pack.hpp"
#include "activation_range.hpp"
#include "operands.hpp"

/// Shared by convolution and fully connected layers of float models: float or half-precision weights, and a float bias.
OCTET_BEGIN
namespace detail {

/// Calls f(W{}) with the type in which the kernels take the weights (input 1).
template <class F>
auto with_weights(const PrepareContext& c, F f) {
  const DType stored = c.input(LayerInputs::weights).dtype;
  if (stored == DType::f16) return f(fp16{});
  if (stored == DType::bf16 && c.kernels().gemm_bf16 && !c.options().same_floats) return f(bf16{});
  return f(float{});
}

/// Weights in type W.
template <class W>
struct KernelWeights {
  Tensor<float> expanded;  // if they are stored in another type
  View<const W> view;

  explicit KernelWeights(const AnyTensor& stored) {
    if constexpr (std::is_same_v<W, float>) {
      expanded = to_float(stored.ref());
      view = expanded;
    } else {
      view = stored.view<W>();
    }
  }
};

/// The bias (input 2), or zeros.
inline Tensor<float> float_bias(const PrepareContext& c, std::int64_t channels) {
  return c.has(LayerInputs::bias) ? pad_columns(to_float(c.constant(LayerInputs::bias).ref()).data(), channels)
                                  : pad_columns<float>(nullptr, channels);
}

inline Epilogue float_epilogue(const ActivationRange& range) noexcept {
  Epilogue e;
  e.store = Store::f32;
  e.low_f32 = static_cast<float>(range.low);
  e.high_f32 = static_cast<float>(range.high);
  return e;
}

}  // namespace detail
OCTET_END
