#pragma once
#include <functional>

#include "finite_weights.hpp"
#include "integer_placement.hpp"

OCTET_BEGIN
namespace detail {

/// Scale and zero point of data that are constant, from their elements; for codes of that type.
inline QuantParams params_of_constant(const Value& v, DType codes) {
  require_finite_constant(v, "");
  const Tensor<float> t = to_float(v.constant.ref());
  const bool nonzero = std::any_of(t.begin(), t.end(), [](float x) { return x != 0; });
  return choose_params(t, nonzero ? per_tensor().asymmetric() : given_params({1.0f, 0}), codes);
}

/// Scale and zero point of each value that becomes an integer; empty for others. `own` gives them for the values that
/// have their own (IntegerPlacement::Source::measured).
inline std::vector<QuantParams> activation_params(const Graph& g, const IntegerPlacement& placement,
                                                  const IntegerFormat& format,
                                                  const std::function<QuantParams(int)>& own) {
  using Source = IntegerPlacement::Source;
  std::vector<QuantParams> params;
  for (int v = 0; v < static_cast<int>(g.values.size()); ++v) {
    const int root = placement.root(v);
    QuantParams p;
    if (placement.source(root) == Source::measured) p = own(root);
    if (placement.source(root) == Source::constant) p = params_of_constant(g.value(root), format.activations);
    if (placement.source(root) == Source::fixed)
      p = params_dividing(g.nodes[static_cast<std::size_t>(placement.links().producer(root))].op->integer_form().range,
                          format.activations);
    params.push_back(std::move(p));
  }
  return params;
}

/// The scale of 16-bit activations that hold every number that 8-bit ones with these parameters hold.
inline QuantParams int16_params(const QuantParams& p, DType codes) {
  const IntegerRange r = integer_range(codes);
  const double step = static_cast<double>(p.scale[0]), z = p.zero_point[0];
  // Half a step more: the zero point of the 8-bit codes is rounded, which moves their range.
  const double most = step * (0.5 + std::max(z - static_cast<double>(r.low), static_cast<double>(r.high) - z));
  return {static_cast<float>(most / static_cast<double>(integer_range(int16_format.activations).high)), 0};
}

/// The scale of 16-bit activations whose range their operator gives.
inline QuantParams int16_params_dividing(const Range& r) {
  const float most = std::max(-r.low, r.high);
  return params_dividing({-most, most}, int16_format.activations);
}

}  // namespace detail
OCTET_END
