#pragma once
#include <octet/core/packed_codes.hpp>
#include <octet/graph/graph.hpp>
#include <octet/operators/convolution/convolution.hpp>
#include <octet/quantization/plan.hpp>

#include "testing.hpp"

/// Models with weights of 4 bits.
namespace testing {

/// Adds a convolution with ReLU6 of `v`, an image [N, H, W, C], whose results [N, H, W, out] it returns.
inline int add_convolution(octet::Graph& g, int v, const std::string& name, std::int64_t size, std::int64_t out,
                           std::int64_t groups) {
  octet::Convolution c;
  c.window = octet::Window(size, size, 1, size / 2);
  c.groups = groups;
  c.activation = {0, 6};
  const octet::Shape w{out, size, size, g.value(v).shape.back() / groups};
  return g.add(
      name, c,
      {v, g.add_constant(name + ".w", random_tensor(w, 3)), g.add_constant(name + ".b", random_tensor({out}, 4))});
}

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
