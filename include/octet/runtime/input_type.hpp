#pragma once
#include "../core/affine.hpp"
#include "../core/element.hpp"
#include "../graph/graph.hpp"

OCTET_BEGIN
namespace detail {

/// The tensor in the type of the model's input: real values (float32) are quantized or converted if that is another
/// type; other tensors stay as they are.
inline AnyTensor to_input_type(const Value& input, const AnyTensor& tensor) {
  if (tensor.dtype() == input.dtype || tensor.dtype() != DType::f32) return tensor;
  return AnyTensor::make(input.dtype, tensor.shape(), [&](std::byte* to) {
    for (std::int64_t i = 0; i < tensor.size(); ++i) {
      double y = load_element(DType::f32, tensor.data(), i);
      if (input.quant) y = code_of(y, input.quant);
      store_element(input.dtype, to, i, y);
    }
  });
}

/// The same for all inputs of a model. Throws ShapeError if their number differs.
inline std::vector<AnyTensor> to_input_types(const Graph& g, std::vector<AnyTensor> tensors) {
  require<ShapeError>(tensors.size() == g.inputs.size(), "model '", g.name, "': expected ", g.inputs.size(),
                      " inputs, found ", tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i] = to_input_type(g.value(g.inputs[i]), tensors[i]);
  return tensors;
}

}  // namespace detail
OCTET_END
