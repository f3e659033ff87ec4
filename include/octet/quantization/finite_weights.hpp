#pragma once
#include "../passes/rewrite.hpp"
#include "../runtime/not_finite.hpp"

OCTET_BEGIN
namespace detail {

inline void require_finite_constant(const Value& v, const std::string& where) {
  require(all_finite(v.constant.ref()), where, "tensor '", v.name, "' has NaN or infinite elements");
}

/// Throws Error if a weight, bias or batch normalization parameter is not finite. Call it before batch normalization is
/// folded, too: afterwards the error would name the weights instead of the normalization.
inline void require_finite_weights(const Graph& g) {
  for (const Node& n : g.nodes) {
    const IntegerForm form = n.op->integer_form();
    const bool normalization = n.op->traits().normalizes;
    for (std::size_t i = 1; i < n.inputs.size(); ++i) {
      const int v = n.inputs[i], k = static_cast<int>(i);
      if (v != Node::none && g.value(v).is_constant() && (normalization || k == form.weights || k == form.bias))
        require_finite_constant(g.value(v), concat("layer '", n.name, "': "));
    }
  }
}

}  // namespace detail
OCTET_END
