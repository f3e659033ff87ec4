#pragma once
#include "../core/element.hpp"
#include "code_table.hpp"
#include "float_array_function.hpp"
#include "int16_unary.hpp"
#include "tflite_unary.hpp"
#include "unary.hpp"
#include "unary_gradient.hpp"
#include "xnnpack_formulas.hpp"

OCTET_BEGIN
namespace detail {

class FloatUnary : public ElementwiseStep {
 public:
  FloatUnary(const PrepareContext& c, const UnaryFunction& f) : f_(c, f) {}

 private:
  void compute(const RunContext& c, std::int64_t first, std::int64_t count) const noexcept override {
    f_(reinterpret_cast<const float*>(c.input(0)) + first, reinterpret_cast<float*>(c.output()) + first, count);
  }

  FloatArrayFunction f_;
};

/// With 16-bit activations: as TFLite's kernels compute it, or rounded from the function of the real numbers.
inline std::unique_ptr<Step> make_unary_int16(const PrepareContext& c, const UnaryFunction& f) {
  if (std::unique_ptr<Step> fixed = make_tflite_int16_function(c, f)) return fixed;
  return make_step<Int16RealFunction<FloatArrayFunction>>(c, FloatArrayFunction(c, f));
}

/// The same, in fixed point if the model uses TFLite's rounding and TFLite has a fixed-point form.
inline std::unique_ptr<Step> make_unary_table(const PrepareContext& c, const UnaryFunction& f) {
  require_bytes(c);
  if (c.own_rounding() != Rounding::fp32) {
    const Value &x = c.input(0), &y = c.output();
    if (c.as_xnnpack() && f.kind == UnaryKind::leaky_relu)
      if (const auto g = XnnpackScale::make(x.quant.scale[0] / y.quant.scale[0], static_cast<float>(f.first)))
        return make_code_table(c, x, y, *g);
    std::unique_ptr<Step> step;
    const bool fixed =
        with_fixed_point(f, x.quant.scale[0], y.quant.scale[0], c.own_rounding() == Rounding::tflite_double,
                         [&](auto code) { step = make_code_table(c, x, y, code); });
    if (fixed) return step;
  }
  return make_table(c, f);
}

/// For plain integers: exact for functions on integers, else computed in double.
template <class T>
T integer_unary(const UnaryFunction& f, T x) noexcept {
  const auto negated = [&] { return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(x)); };
  switch (f.kind) {
    case UnaryKind::clip: return std::min(saturate_to<T>(f.second), std::max(saturate_to<T>(f.first), x));
    case UnaryKind::negate: return negated();
    case UnaryKind::abs: return x < 0 ? negated() : x;
    case UnaryKind::sign: return static_cast<T>((x > 0) - (x < 0));
    case UnaryKind::floor:
    case UnaryKind::ceil:
    case UnaryKind::round: return x;
    default: return saturate_to<T>(f(static_cast<double>(x)));
  }
}

/// Plain numbers of type T, one at a time.
template <class T>
class GenericUnary : public ElementwiseStep {
 public:
  explicit GenericUnary(const UnaryFunction& f) : f_(f) {}

 private:
  void compute(const RunContext& c, std::int64_t first, std::int64_t count) const noexcept override {
    for (std::int64_t i = first; i < first + count; ++i) {
      const T x = load_as<T>(c.input(0), i);
      if constexpr (std::is_integral_v<T>)
        store_as(c.output(), i, integer_unary(f_, x));
      else
        store_as(c.output(), i, f_(x));
    }
  }

  UnaryFunction f_;
};

}  // namespace detail

OCTET_API std::vector<Shape> Unary::shapes(const ShapeContext& c) const { return {c.shape(0)}; }

OCTET_API std::unique_ptr<Step> Unary::prepare(const PrepareContext& c) const {
  const detail::UnaryFunction f{kind, a, b};
  if (c.input(0).dtype == DType::f32) return detail::make_step<detail::FloatUnary>(c, f);
  if (c.input(0).is_quantized() && detail::int16_format.computes(c.input(0).dtype))
    return detail::make_unary_int16(c, f);
  if (c.input(0).is_quantized()) return detail::make_unary_table(c, f);
  return detail::with_number(c.input(0).dtype, [&](auto number) -> std::unique_ptr<Step> {
    if constexpr (std::is_arithmetic_v<decltype(number)>)
      return detail::make_step<detail::GenericUnary<decltype(number)>>(f);
    c.fail("type ", name(c.input(0).dtype), " is not supported");
  });
}

OCTET_API std::unique_ptr<GradientStep> Unary::prepare_gradient(const PrepareContext& c) const {
  return detail::make_step<detail::UnaryGradient>(c, detail::UnaryDerivative{kind, a, b}, prepare(c));
}

OCTET_API std::string Unary::summary(const ShapeContext&) const {
  constexpr const char* names[] = {"Clip",        "LeakyReLU", "Sigmoid",  "HardSigmoid", "HardSwish", "SiLU", "Tanh",
                                   "ELU",         "GELU",      "Softplus", "Exp",         "Log",       "Sqrt", "Negate",
                                   "Abs",         "Floor",     "Ceil",     "Round",       "1/x",       "Erf",  "Sign",
                                   "GELU (tanh)", "1/sqrt",    "Sin",      "Cos",         "Tan",       "Asin", "Acos",
                                   "Atan",        "Sinh",      "Cosh",     "Asinh",       "Acosh",     "Atanh"};
  static_assert(std::size(names) == static_cast<std::size_t>(UnaryKind::last) + 1);
  if (kind == UnaryKind::clip && a == 0) {
    if (std::isinf(b)) return "ReLU";
    if (b == 6) return "ReLU6";
  }
  return names[static_cast<std::size_t>(kind)];
}

OCTET_API bool Unary::passes_on(const Value&, const Value&, bool) const {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return kind == UnaryKind::clip && a == -infinity && b == infinity;
}

OCTET_API IntegerForm Unary::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::measured;
  f.int16 =
      kind == UnaryKind::sigmoid || kind == UnaryKind::tanh || kind == UnaryKind::clip || kind == UnaryKind::leaky_relu;
  if (kind == UnaryKind::sigmoid) {
    f.output = IntegerForm::Output::fixed;
    f.range = {0, 1};
  }
  if (kind == UnaryKind::tanh) {
    f.output = IntegerForm::Output::fixed;
    f.range = {-1, 1};
  }
  return f;
}

OCTET_END
