#pragma once
#include "../core/element.hpp"
#include "tflite_unary.hpp"
#include "unary_gradient.hpp"

OCTET_BEGIN

namespace detail {

class FloatUnary : public Step {
 public:
  explicit FloatUnary(const UnaryFunction& f) : f_(f) {}
  std::size_t plan(const PlanContext& c) override {
    size_ = c.inputs[0].shape.elements();
    return 0;
  }
  bool can_overwrite(int input) const noexcept override { return input == 0; }
  void run(const RunContext& c) noexcept override {
    constexpr std::int64_t part = 8192;
    c.pool->parallel((size_ + part - 1) / part, [&](std::int64_t t, int) {
      apply(reinterpret_cast<const float*>(c.input(0)) + t * part, reinterpret_cast<float*>(c.output()) + t * part,
            std::min(part, size_ - t * part));
    });
  }

 private:
  void apply(const float* in, float* out, std::int64_t n) const noexcept {
    constexpr std::int64_t lanes = FloatBatch::size;
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) f_(FloatBatch::load_unaligned(in + i)).store_unaligned(out + i);
    if (i == n) return;
    // The rest in a batch as well: the same bits wherever an element stands.
    std::array<float, lanes> rest{};
    std::copy(in + i, in + n, rest.begin());
    f_(FloatBatch::load_unaligned(rest.data())).store_unaligned(rest.data());
    std::copy(rest.begin(), rest.begin() + (n - i), out + i);
  }
  UnaryFunction f_;
  std::int64_t size_ = 0;
};

/// Any function of one uint8 as a table of its 256 values.
class TableStep : public Step {
 public:
  template <class F>
  explicit TableStep(F f) {
    for (int q = 0; q < 256; ++q) table_[static_cast<std::size_t>(q)] = f(q);
  }
  std::size_t packed_bytes() const noexcept override { return table_.size(); }
  std::size_t plan(const PlanContext& c) override {
    size_ = c.inputs[0].shape.elements();
    return 0;
  }
  bool can_overwrite(int input) const noexcept override { return input == 0; }
  void run(const RunContext& c) noexcept override {
    constexpr std::int64_t part = 16384;
    c.pool->parallel((size_ + part - 1) / part, [&](std::int64_t t, int) {
      const auto* in = reinterpret_cast<const std::uint8_t*>(c.input(0));
      auto* out = reinterpret_cast<std::uint8_t*>(c.output());
      for (std::int64_t i = t * part; i < std::min(size_, (t + 1) * part); ++i) out[i] = table_[in[i]];
    });
  }

 private:
  std::array<std::uint8_t, 256> table_;
  std::int64_t size_ = 0;
};

/// A table of codes between two quantized values of 8 bits. code: from one less its zero point to the other less its
/// own, as a double or an integer; what comes out is clamped, NaN to the lowest.
template <class F>
std::unique_ptr<Step> make_code_table(const Value& x, const Value& y, F code) {
  const IntegerRange limits = integer_range(y.dtype);
  return std::make_unique<TableStep>([&](int byte) {
    const int q = x.dtype == DType::i8 && byte > 127 ? byte - 256 : byte;
    double r = static_cast<double>(code(q - x.quant.zero_point[0])) + y.quant.zero_point[0];
    r = std::min(std::max(static_cast<double>(limits.low), r), static_cast<double>(limits.high));  // in this order
    return static_cast<std::uint8_t>(static_cast<std::int64_t>(r) & 0xff);
  });
}

/// Throws unless input and output are quantized values of 8 bits.
inline void require_bytes(const PrepareContext& c) {
  const Value &x = c.input(0), &y = c.output();
  c.require(is_byte(x.dtype) && is_byte(y.dtype), "takes and gives int8 or uint8, found ", name(x.dtype), " and ",
            name(y.dtype));
  c.one_scale(x), c.one_scale(y);
}

/// A table for `f` of real numbers between two quantized values of 8 bits.
template <class F>
std::unique_ptr<Step> make_table(const PrepareContext& c, F f) {
  require_bytes(c);
  const Value &x = c.input(0), &y = c.output();
  const double sx = static_cast<double>(x.quant.scale[0]), sy = static_cast<double>(y.quant.scale[0]);
  return make_code_table(
      x, y, [&](int q) { return std::nearbyint(static_cast<double>(f(static_cast<float>(sx * q))) / sy); });
}

/// The same, in fixed point where the model asks for TFLite's rounding and TFLite has a form of its own.
inline std::unique_ptr<Step> make_unary_table(const PrepareContext& c, const UnaryFunction& f) {
  require_bytes(c);
  if (c.rounding() != Rounding::fp32) {
    const Value &x = c.input(0), &y = c.output();
    std::unique_ptr<Step> step;
    const bool fixed = with_fixed_point(f, x.quant.scale[0], y.quant.scale[0], c.rounding() == Rounding::tflite_double,
                                        [&](auto code) { step = make_code_table(x, y, code); });
    if (fixed) return step;
  }
  return make_table(c, f);
}

/// Plain integers: exact where the function is one of integers, else in double.
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
class GenericUnary : public Step {
 public:
  explicit GenericUnary(const UnaryFunction& f) : f_(f) {}
  std::size_t plan(const PlanContext& c) override {
    size_ = c.inputs[0].shape.elements();
    return 0;
  }
  bool can_overwrite(int input) const noexcept override { return input == 0; }
  void run(const RunContext& c) noexcept override {
    for (std::int64_t i = 0; i < size_; ++i) {
      const T x = load_as<T>(c.input(0), i);
      if constexpr (std::is_integral_v<T>)
        store_as(c.output(), i, integer_unary(f_, x));
      else
        store_as(c.output(), i, f_(x));
    }
  }

 private:
  UnaryFunction f_;
  std::int64_t size_ = 0;
};

}  // namespace detail

/// A function of each element by itself: activations and elementary functions.
class Unary : public detail::OperatorOf<Unary> {
 public:
  static constexpr const char* type_name = "Unary";
  UnaryKind kind = UnaryKind::clip;
  double a = 0, b = 0;  // parameters, see UnaryKind

  Unary() = default;
  explicit Unary(UnaryKind k, double first = 0, double second = 0) : kind(k), a(first), b(second) {}

  void fields(FieldVisitor& v) override {
    v.field("kind", kind, UnaryKind::last);
    v.field("a", a);
    v.field("b", b);
  }
  std::vector<Shape> shapes(const ShapeContext& c) const override { return {c.shape(0)}; }
  std::unique_ptr<Step> prepare(const PrepareContext& c) const override {
    const detail::UnaryFunction f{kind, a, b};
    if (c.input(0).dtype == DType::f32) return std::make_unique<detail::FloatUnary>(f);
    if (c.input(0).is_quantized()) return detail::make_unary_table(c, f);
    return detail::with_number(c.input(0).dtype, [&](auto number) -> std::unique_ptr<Step> {
      if constexpr (std::is_arithmetic_v<decltype(number)>)
        return std::make_unique<detail::GenericUnary<decltype(number)>>(f);
      c.fail("no form for ", name(c.input(0).dtype));
    });
  }
  std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override {
    return std::make_unique<detail::UnaryGradient>(c, detail::UnaryDerivative{kind, a, b}, prepare(c));
  }
  IntegerForm integer_form() const override {
    IntegerForm f;
    f.output = IntegerForm::Output::measured;
    if (kind == UnaryKind::sigmoid) f.output = IntegerForm::Output::fixed, f.params = QuantParams(1.0f / 256, -128);
    if (kind == UnaryKind::tanh) f.output = IntegerForm::Output::fixed, f.params = QuantParams(1.0f / 128, 0);
    return f;
  }
};

OCTET_END
