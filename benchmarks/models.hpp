#pragma once
#include <octet/operators/all.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/executor.hpp>
#include <random>

#include "../examples/common/text.hpp"

/// Shared by the benchmarks: inputs, and models by name of their precision.

inline const std::vector<std::string>& precision_names() {
  static const std::vector<std::string> names{"int8",    "int4", "int4_block32", "int4_block128",
                                              "dynamic", "fp32", "fp16",         "bf16"};
  return names;
}

inline octet::WeightMemory weight_memory(const std::string& name) {
  return name == "fast"       ? octet::WeightMemory::fast
         : name == "balanced" ? octet::WeightMemory::balanced
                              : octet::WeightMemory::small;
}

/// Pseudo-random numbers in [-1, 1), the same in every run.
inline octet::Tensor<float> random_tensor(octet::Shape shape, std::uint32_t seed = 1) {
  for (int d = 0; d < shape.rank(); ++d)
    if (shape[d] < 0) shape[d] = 1;
  auto t = octet::Tensor<float>::uninitialized(shape);
  std::mt19937_64 random(seed);
  for (float& x : t) x = static_cast<float>(random() >> 40) * 0x1p-23f - 1;
  return t;
}

/// One random tensor for each input of a model, in its type.
inline std::vector<octet::AnyTensor> random_inputs(const octet::Model& model) {
  std::vector<octet::AnyTensor> inputs;
  for (int v : model.inputs) {
    const octet::Tensor<float> x = random_tensor(model.value(v).shape, static_cast<std::uint32_t>(inputs.size()) + 1);
    if (model.value(v).dtype == octet::DType::f32) {
      inputs.push_back(x);
      continue;
    }
    if (model.value(v).dtype == octet::DType::i16) {
      auto codes = octet::Tensor<std::int16_t>::uninitialized(x.shape());
      std::transform(x.begin(), x.end(), codes.begin(), [](float r) { return static_cast<std::int16_t>(32767 * r); });
      inputs.push_back(std::move(codes));
      continue;
    }
    auto bytes = octet::Tensor<std::uint8_t>::uninitialized(x.shape());
    std::transform(x.begin(), x.end(), bytes.begin(), [](float r) { return static_cast<std::uint8_t>(128 * r + 128); });
    inputs.push_back(std::move(bytes));
  }
  return inputs;
}

/// The plan with weights of 4 bits.
inline octet::QuantizationPlan with_small_weights(octet::QuantizationPlan plan) {
  for (auto& [name, layer] : plan.layers) {
    layer.weight_bits = 4;
    for (float& s : layer.weights.scale) s *= 127.0f / 7;
  }
  return plan;
}

/// The weights in a block of a precision such as int4_block32; else 0.
inline std::int64_t weight_block(const std::string& precision) {
  return precision == "int4_block32" ? 32 : precision == "int4_block128" ? 128 : 0;
}

/// Quantizes a float model; int8, int4 (int8 activations; also in blocks) and int16 (16-bit activations) are calibrated
/// with random inputs. Inputs and outputs stay float, or become uint8 for int8 with `byte_borders`, as between two
/// layers of a network.
inline octet::Model in_precision(const octet::Model& model, const std::string& precision, bool byte_borders = false) {
  using namespace octet;
  if (precision == "fp32") return model;
  if (precision == "fp16") return quantize<fp16>(model);
  if (precision == "bf16") return quantize<bf16>(model);
  if (precision == "dynamic") return quantize<dynamic_range>(model);
  require(precision == "int8" || precision == "int4" || precision == "int16" || weight_block(precision) != 0,
          "unknown precision '", precision, "'");
  Calibrator c(model);
  c.add(random_inputs(model));
  Int8Options options;
  options.integer_input = options.integer_output = byte_borders;
  options.weight_block = weight_block(precision);
  if (options.weight_block != 0) options.weight_bits = 4;
  QuantizationPlan plan = plan_quantization<int8>(model, c.result(), options);
  if (precision == "int16")
    for (auto& [name, layer] : plan.layers) layer.form = PlannedForm::integer16;
  Model quantized = quantize(model, precision == "int4" ? with_small_weights(plan) : plan);
  for (const auto* borders : {&quantized.inputs, &quantized.outputs})
    for (const int v : *borders)
      if (byte_borders && quantized.value(v).dtype == DType::i8) {
        quantized.value(v).dtype = DType::u8;
        quantized.value(v).quant.zero_point[0] += 128;
      }
  return quantized;
}

/// The same model with an input [N, C, H, W].
inline octet::Model taking_nchw(octet::Model model) {
  using namespace octet;
  const int image = model.inputs.at(0);
  const Shape s = model.value(image).shape;
  model.inputs[0] = model.add_value({"nchw", DType::f32, {s[0], s[3], s[1], s[2]}, {}, {}});
  model.nodes.insert(model.nodes.begin(), {"to_nhwc",
                                           std::make_shared<const Transpose>(std::vector<std::int64_t>{0, 2, 3, 1}),
                                           {model.inputs[0]},
                                           {image}});
  return model;
}
