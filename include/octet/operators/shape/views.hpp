#pragma once
#include "../../graph/gradient.hpp"
#include "../declare.hpp"

/// Operators that change only the shape. They do not compute anything.
OCTET_BEGIN
namespace detail {

std::unique_ptr<Step> make_view_step();
std::unique_ptr<GradientStep> make_view_gradient();

template <class Derived>
class ViewOperator : public OperatorOf<Derived> {
 public:
  bool by_image(const ShapeContext&) const override { return true; }
  std::unique_ptr<Step> prepare(const PrepareContext&) const override { return make_view_step(); }
  std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext&) const override { return make_view_gradient(); }
  Traits traits() const override {
    Traits t;
    t.factors = Traits::Factors::passed;
    return t;
  }
  IntegerForm integer_form() const override {
    IntegerForm f;
    f.output = IntegerForm::Output::as_input;
    f.int16 = true;
    return f;
  }
};

}  // namespace detail

/// Returns its input.
class Identity : public detail::ViewOperator<Identity> {
 public:
  static constexpr const char* type_name = "Identity";  ///< see Operator::type
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool passes_on(const Value&, const Value&, bool) const override { return true; }
};

/// New sizes: 0 keeps the input's size at that index (unless allow_zero); one -1 is computed from the others.
class Reshape : public detail::ViewOperator<Reshape> {
 public:
  static constexpr const char* type_name = "Reshape";  ///< see Operator::type
  std::vector<std::int64_t> target;                    ///< one size per dimension of the output
  bool allow_zero = false;                             ///< whether 0 is a size, as in ONNX with allowzero

  Reshape() = default;
  /// Reshapes to `sizes`, of which one may be -1.
  explicit Reshape(std::vector<std::int64_t> sizes) : target(std::move(sizes)) {}

  void fields(FieldVisitor& v) override {
    v.field("target", target);
    v.field("allow_zero", allow_zero);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool by_image(const ShapeContext&) const override {
    return !target.empty() && (target[0] == -1 || (target[0] == 0 && !allow_zero));
  }
};

/// Reshapes to two dimensions: the product of the sizes before `axis`, and of the others.
class Flatten : public detail::ViewOperator<Flatten> {
 public:
  static constexpr const char* type_name = "Flatten";  ///< see Operator::type
  std::int64_t axis = 1;                               ///< in [-rank, rank]
  Flatten() = default;
  /// Joins the dimensions before axis a, and those from it on.
  explicit Flatten(std::int64_t a) : axis(a) {}
  void fields(FieldVisitor& v) override { v.field("axis", axis); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
};

/// Removes the given dimensions, whose sizes have to be 1 (if none are given: all of size 1).
class Squeeze : public detail::ViewOperator<Squeeze> {
 public:
  static constexpr const char* type_name = "Squeeze";  ///< see Operator::type
  std::vector<std::int64_t> axes;                      ///< each in [-rank, rank); empty: all of size 1
  Squeeze() = default;
  /// Removes the dimensions a, each of size 1.
  explicit Squeeze(std::vector<std::int64_t> a) : axes(std::move(a)) {}
  void fields(FieldVisitor& v) override { v.field("axes", axes); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
};

/// Inserts dimensions of size 1 at the given axes of the result.
class Unsqueeze : public detail::ViewOperator<Unsqueeze> {
 public:
  static constexpr const char* type_name = "Unsqueeze";  ///< see Operator::type
  std::vector<std::int64_t> axes;                        ///< each in [-rank, rank) of the result
  Unsqueeze() = default;
  /// Inserts a dimension of size 1 at each axis of a.
  explicit Unsqueeze(std::vector<std::int64_t> a) : axes(std::move(a)) {}
  void fields(FieldVisitor& v) override { v.field("axes", axes); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "views.inl"
#endif
