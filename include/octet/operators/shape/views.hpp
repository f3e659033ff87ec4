#pragma once
#include "../implement.hpp"

/// Operators that give the same elements another shape: nothing is computed.
OCTET_BEGIN
namespace detail {

class ViewStep : public Step {
 public:
  bool is_view() const noexcept override { return true; }
  void run(const RunContext&) noexcept override {}
};

template <class Derived>
class ViewOperator : public OperatorOf<Derived> {
 public:
  std::unique_ptr<Step> prepare(const PrepareContext&) const override { return std::make_unique<ViewStep>(); }
  std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override {
    return std::make_unique<MovedBack>(prepare(c), prepare(c));
  }
  IntegerForm integer_form() const override {
    IntegerForm f;
    f.output = IntegerForm::Output::as_input;
    return f;
  }
};

}  // namespace detail

/// Passes its input on.
class Identity : public detail::ViewOperator<Identity> {
 public:
  static constexpr const char* type_name = "Identity";
  std::vector<Shape> shapes(const ShapeContext& c) const override { return {c.shape(0)}; }
};

/// New sizes: 0 keeps the input's size at that place (unless allow_zero), one -1 takes what is left.
class Reshape : public detail::ViewOperator<Reshape> {
 public:
  static constexpr const char* type_name = "Reshape";
  std::vector<std::int64_t> target;
  bool allow_zero = false;

  Reshape() = default;
  explicit Reshape(std::vector<std::int64_t> sizes) : target(std::move(sizes)) {}

  void fields(FieldVisitor& v) override {
    v.field("target", target);
    v.field("allow_zero", allow_zero);
  }
  std::vector<Shape> shapes(const ShapeContext& c) const override {
    const Shape& in = c.shape(0);
    Shape out;
    int rest = -1;
    for (std::size_t i = 0; i < target.size(); ++i) {
      const int at = static_cast<int>(i);
      c.require(target[i] >= -1 && (target[i] != -1 || rest < 0), "size ", target[i], " of the new shape is invalid");
      c.require(target[i] != 0 || allow_zero || at < in.rank(), "size 0 of the new shape has no counterpart in ", in);
      if (target[i] == -1) rest = at;
      out.push_back(target[i] == 0 && !allow_zero ? in[at] : target[i]);
    }
    if (!in.known()) return {with_unknown_sizes(in, out, rest)};
    const std::int64_t total = in.elements(), others = known_part(out, rest).elements();
    if (rest >= 0 && others > 0) out[rest] = total / others;
    c.require(out.known() && out.elements() == total, "a tensor of shape ", in, " cannot become ", out);
    return {out};
  }

 private:
  /// The known sizes but that of dimension `left_out`.
  static Shape known_part(const Shape& s, int left_out) {
    Shape r;
    for (int i = 0; i < s.rank(); ++i)
      if (i != left_out && s[i] >= 0) r.push_back(s[i]);
    return r;
  }

  /// -1 can be told where all unknown sizes are kept.
  static Shape with_unknown_sizes(const Shape& in, Shape out, int rest) {
    if (rest < 0) return out;
    const Shape given = known_part(in, -1), wanted = known_part(out, rest);
    const std::int64_t total = given.elements(), others = wanted.elements();
    const bool all_kept = in.rank() - given.rank() == out.rank() - 1 - wanted.rank();
    if (all_kept && others > 0 && total % others == 0) out[rest] = total / others;
    return out;
  }
};

/// Two dimensions: the product of those before `axis`, and of the rest.
class Flatten : public detail::ViewOperator<Flatten> {
 public:
  static constexpr const char* type_name = "Flatten";
  std::int64_t axis = 1;
  Flatten() = default;
  explicit Flatten(std::int64_t a) : axis(a) {}
  void fields(FieldVisitor& v) override { v.field("axis", axis); }
  std::vector<Shape> shapes(const ShapeContext& c) const override {
    const Shape& in = c.shape(0);
    const int a = axis == in.rank() ? in.rank() : normalize_axis(axis, in.rank());
    const auto product = [&](int from, int to) {
      for (int i = from; i < to; ++i)
        if (in[i] < 0) return Shape::unknown;
      return in.product(from, to);
    };
    return {{product(0, a), product(a, in.rank())}};
  }
};

/// Drops the given dimensions, which have to be 1 (all that are 1, if none are given).
class Squeeze : public detail::ViewOperator<Squeeze> {
 public:
  static constexpr const char* type_name = "Squeeze";
  std::vector<std::int64_t> axes;
  Squeeze() = default;
  explicit Squeeze(std::vector<std::int64_t> a) : axes(std::move(a)) {}
  void fields(FieldVisitor& v) override { v.field("axes", axes); }
  std::vector<Shape> shapes(const ShapeContext& c) const override {
    const Shape& in = c.shape(0);
    std::array<bool, Shape::max_rank> drop{};
    for (std::int64_t a : axes) {
      const int i = normalize_axis(a, in.rank());
      c.require(in[i] == 1 || in[i] == Shape::unknown, "dimension ", i, " of ", in, " is not 1");
      drop[static_cast<std::size_t>(i)] = true;
    }
    Shape out;
    for (int i = 0; i < in.rank(); ++i)
      if (!(axes.empty() ? in[i] == 1 : drop[static_cast<std::size_t>(i)])) out.push_back(in[i]);
    return {out};
  }
};

/// Inserts dimensions of size 1 at the given places of the result.
class Unsqueeze : public detail::ViewOperator<Unsqueeze> {
 public:
  static constexpr const char* type_name = "Unsqueeze";
  std::vector<std::int64_t> axes;
  Unsqueeze() = default;
  explicit Unsqueeze(std::vector<std::int64_t> a) : axes(std::move(a)) {}
  void fields(FieldVisitor& v) override { v.field("axes", axes); }
  std::vector<Shape> shapes(const ShapeContext& c) const override {
    const int rank = c.rank(0) + static_cast<int>(std::min<std::size_t>(axes.size(), Shape::max_rank));
    c.require(rank <= Shape::max_rank, "gives more than ", Shape::max_rank, " dimensions");
    std::vector<int> places;
    for (std::int64_t a : axes) places.push_back(normalize_axis(a, rank));
    std::sort(places.begin(), places.end());
    c.require(std::adjacent_find(places.begin(), places.end()) == places.end(), "an axis is given twice");
    Shape out = c.shape(0);
    for (int p : places) out.insert(p, 1);
    return {out};
  }
};

OCTET_END
