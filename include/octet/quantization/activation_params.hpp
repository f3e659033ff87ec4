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

}  // namespace detail
OCTET_END
