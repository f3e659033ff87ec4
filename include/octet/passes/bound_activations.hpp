#pragma once
#include "../core/affine.hpp"
#include "../core/integer_format.hpp"
#include "../operators/activation_range.hpp"
#include "../operators/operands.hpp"
#include "rewrite.hpp"

OCTET_BEGIN
namespace detail {

/// Wider limits than this, such as those against an overflow of fp16, say nothing of the values between them.
constexpr double widest_bounds = 8;

/// The limits of the activation of the layer that writes the value, if it has two that are close (ReLU6), widened to
/// contain 0. None if the layer cannot write integers: one with a residual writes floats only.
inline std::optional<ActivationRange> activation_bounds(const Graph& g, const Links& links, int value) {
  const int writer = links.producer(value);
  if (writer == Node::none || links.is_output(value)) return std::nullopt;
  const Node& layer = g.nodes[static_cast<std::size_t>(writer)];
  const Traits t = layer.op->traits();
  if (!t.exchanges_codes || has_residual(layer) || !std::isfinite(t.low) || !std::isfinite(t.high)) return std::nullopt;
  const ActivationRange r{std::min(t.low, 0.0), std::max(t.high, 0.0)};
  const double size = r.high - r.low;
  return size > 0 && size <= widest_bounds ? std::optional<ActivationRange>(r) : std::nullopt;
}

/// Whether the layer has integer weights, and can exchange 8-bit integers with another such layer.
inline bool exchanges_codes(const Graph& g, const Node& n) {
  const int w = input_of(n, LayerInputs::weights);
  if (int16_format.computes(g.value(n.inputs[0]).dtype)) return false;
  return n.op->traits().exchanges_codes && w != Node::none && g.value(w).is_constant() &&
         int8_format.has_dynamic_weights(g.value(w).dtype);
}

}  // namespace detail

/// In a dynamic-range model: a tensor between two convolutions with int8 weights becomes integer if the activation of
/// the first one bounds its range, which then need not be measured. Only for execution.
inline Graph bound_activations(Graph g) {
  using namespace detail;
  if (g.rounding != Rounding::fp32 && g.rounding != Rounding::fp32_centered) return g;
  const Links links(g);
  for (const Node& n : g.nodes) {
    const int v = n.outputs[0];
    const auto range = activation_bounds(g, links, v);
    if (!range || !exchanges_codes(g, n) || g.value(v).dtype != DType::f32) continue;
    const std::vector<int>& users = links.users(v);
    const bool fits = std::all_of(users.begin(), users.end(), [&](int u) {
      const Node& user = g.nodes[static_cast<std::size_t>(u)];
      return exchanges_codes(g, user) && user.inputs[0] == v && residual_of(user) != v;
    });
    if (!fits || users.empty()) continue;
    const IntegerRange codes = integer_range(int8_format.computed);
    const double scale = (range->high - range->low) / static_cast<double>(codes.high - codes.low);
    if (!is_usable_scale(scale)) continue;
    QuantParams q;
    q.scale = {static_cast<float>(scale)};
    q.zero_point = {static_cast<std::int32_t>(codes.low) +
                    static_cast<std::int32_t>(std::nearbyint(-range->low / scale))};
    g.value(v).dtype = int8_format.computed;
    g.value(v).quant = q;
  }
  return g;
}

OCTET_END
