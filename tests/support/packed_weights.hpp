#pragma once
#include <octet/core/packed_codes.hpp>
#include <octet/graph/graph.hpp>
#include <octet/quantization/plan.hpp>

/// Models with weights of 4 bits.
namespace testing {

/// The plan with so many bits for all weights.
inline octet::QuantizationPlan with_weight_bits(octet::QuantizationPlan plan, int bits) {
  for (auto& [name, layer] : plan.layers) {
    layer.weight_bits = bits;
    for (float& s : layer.weights.scale) s *= 127.0f / static_cast<float>((1 << (bits - 1)) - 1);
  }
  return plan;
}

/// The model with these weights as int8 or uint8, which has to give the same results.
inline octet::Model with_whole_bytes(octet::Model m) {
  for (octet::Value& v : m.values) {
    if (!v.is_constant()) continue;
    v.constant = octet::detail::whole_bytes(v.constant);
    v.dtype = v.constant.dtype();
  }
  return m;
}

/// How many constants are packed.
inline int packed_constants(const octet::Graph& g) {
  int n = 0;
  for (const octet::Value& v : g.values) n += v.is_constant() && octet::detail::has_packed_codes(v.dtype);
  return n;
}

}  // namespace testing
