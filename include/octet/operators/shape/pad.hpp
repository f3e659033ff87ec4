#pragma once
#include "../declare.hpp"

OCTET_BEGIN

/// Where the added elements come from.
enum class PadMode : std::uint8_t {
  constant,
  reflect,    ///< mirrored about the first and the last element, which are not repeated
  edge,       ///< the first and the last element, repeated
  wrap,       ///< as if the tensor were repeated
  symmetric,  ///< mirrored; the first and the last element are repeated
  last = symmetric
};

/// Adds `before` and `after` elements (negative: removes them) at both ends of every dimension. The constant of a
/// quantized tensor is a real number, quantized like the tensor.
class Pad : public OperatorOf<Pad> {
 public:
  static constexpr const char* type_name = "Pad";  ///< see Operator::type
  PadMode mode = PadMode::constant;                ///< where added elements come from
  std::vector<std::int64_t> before;                ///< one per dimension, outermost first; negative: removes
  std::vector<std::int64_t> after;                 ///< likewise
  double value = 0;                                ///< of mode constant

  Pad() = default;
  /// One entry per dimension in both vectors.
  Pad(PadMode m, std::vector<std::int64_t> at_front, std::vector<std::int64_t> at_back, double v = 0)
      : mode(m), before(std::move(at_front)), after(std::move(at_back)), value(v) {}

  void fields(FieldVisitor& v) override {
    v.field("mode", mode, PadMode::last);
    v.field("before", before);
    v.field("after", after);
    v.field("value", value);
  }

  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool passes_on(const Value&, const Value&, bool) const override {
    const auto none = [](const std::vector<std::int64_t>& v) {
      for (std::int64_t n : v)
        if (n != 0) return false;
      return true;
    };
    return none(before) && none(after);
  }

  bool by_image(const ShapeContext&) const override { return before[0] == 0 && after[0] == 0; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  Traits traits() const override {
    Traits t;
    t.makes_elements = true;
    if (mode != PadMode::constant || value == 0) t.factors = Traits::Factors::passed;
    return t;
  }
  /// Only for constant padding: removes the gradients of added elements; removed elements get 0.
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;

 private:
  OCTET_API std::vector<std::vector<std::int64_t>> indices(const Shape& in, const Shape& out) const;

  /// The index in [0, n) of the element at position i; -1 for the constant.
  OCTET_API std::int64_t source(std::int64_t i, std::int64_t n) const noexcept;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "pad.inl"
#endif
