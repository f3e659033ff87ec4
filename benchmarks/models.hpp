#pragma once
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/executor.hpp>

/// What the benchmarks share: inputs, and models in a precision by name.

inline const std::vector<std::string>& precision_names() {
  static const std::vector<std::string> names{"int8", "dynamic", "fp32", "fp16", "bf16"};
  return names;
}

/// Numbers in [-1, 1), the same in every run.
inline octet::Tensor<float> random_tensor(octet::Shape shape, std::uint32_t seed = 1) {
  for (int d = 0; d < shape.rank(); ++d)
    if (shape[d] < 0) shape[d] = 1;
  auto t = octet::Tensor<float>::uninitialized(shape);
  for (float& x : t) {
    seed = seed * 1664525 + 1013904223;
    x = static_cast<float>(seed >> 8) * 0x1p-23f - 1;
  }
  return t;
}

/// One random tensor for each input of a model.
inline std::vector<octet::AnyTensor> random_inputs(const octet::Model& model) {
  std::vector<octet::AnyTensor> inputs;
  for (int v : model.inputs)
    inputs.push_back(random_tensor(model.value(v).shape, static_cast<std::uint32_t>(inputs.size()) + 1));
  return inputs;
}

/// A float model quantized; int8 with ranges as random inputs give them. Inputs and outputs stay float.
inline octet::Model in_precision(const octet::Model& model, const std::string& precision) {
  using namespace octet;
  if (precision == "fp32") return model;
  if (precision == "fp16") return quantize<fp16>(model);
  if (precision == "bf16") return quantize<bf16>(model);
  if (precision == "dynamic") return quantize<dynamic_range>(model);
  octet::detail::require(precision == "int8", "no such precision: ", precision);
  Calibrator c(model);
  c.add(random_inputs(model));
  return quantize<int8>(model, c.result());
}
