#pragma once
#include "../kernels/float_functions.hpp"
#include "float_batches.hpp"
#include "implement.hpp"
#include "unary_function.hpp"

OCTET_BEGIN
namespace detail {

/// The function in wide vectors; null if there is none.
inline FloatFunction wide_function(UnaryKind kind, const FloatFunctions& f) noexcept {
  switch (kind) {
    case UnaryKind::exp: return f.exp;
    case UnaryKind::sigmoid: return f.sigmoid;
    case UnaryKind::silu: return f.silu;
    case UnaryKind::tanh: return f.tanh;
    case UnaryKind::gelu: return f.gelu;
    default: return nullptr;
  }
}

/// A function of n floats; out may be in.
class FloatArrayFunction {
 public:
  FloatArrayFunction(const PrepareContext& c, const UnaryFunction& f)
      : f_(f), wide_(wide_function(f.kind, float_functions(c.kernels().isa))) {}

  void operator()(const float* in, float* out, std::int64_t n) const noexcept {
    if (wide_) return wide_(in, out, n);
    f_.with_formula<FloatBatch>([&](const auto& g) { apply_to_batches(g, out, n, FloatOperand{in}); });
  }

 private:
  UnaryFunction f_;
  FloatFunction wide_;
};

}  // namespace detail
OCTET_END
