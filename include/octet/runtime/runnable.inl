#pragma once

#include "../core/integer_format.hpp"
#include "../kernels/dispatch.hpp"
#include "../passes/lower.hpp"
#include "runnable.hpp"

OCTET_BEGIN

namespace detail {

OCTET_API void require_declared_types(const Graph& g, const Node& n) {
  const ShapeContext c = g.shape_context(n, nullptr);
  for (std::size_t i = 0; i < n.outputs.size(); ++i) {
    const Value& v = g.value(n.outputs[i]);
    const DType t = n.op->dtype(c, static_cast<int>(i));
    const bool weights = n.op->integer_form().weights >= 0;
    const bool sums = is_computed(t) && v.dtype == DType::f32 && weights;
    const bool bounded = t == DType::f32 && is_computed(v.dtype) && v.is_quantized() && weights;
    require<ShapeError>(v.dtype == t || sums || bounded, "layer '", n.name, "' (", n.op->type(), "): expected output '",
                        v.name, "' of type ", octet::name(t), ", found ", octet::name(v.dtype));
  }
}

}  // namespace detail

OCTET_API void require_runnable(const Model& model) {
  const detail::LoweredGraph g = detail::lower(optimize(model), false);
  for (const Node& n : g.nodes) {
    detail::require_declared_types(g, n);
    n.op->check(PrepareContext(g, n, detail::kernels()));
  }
}

OCTET_API Model runnable(Model model) {
  require_runnable(model);
  return model;
}

OCTET_END
