#pragma once
#include <algorithm>
#include <array>

#include "../implement.hpp"
#include "views.hpp"

OCTET_BEGIN
namespace detail {

class ViewStep : public Step {
 public:
  bool is_view() const noexcept override { return true; }
  void run(const RunContext&) noexcept override {}
};

OCTET_API std::unique_ptr<Step> make_view_step() { return make_step<ViewStep>(); }
OCTET_API std::unique_ptr<GradientStep> make_view_gradient() {
  return make_step<MovedBack>(make_view_step(), make_view_step());
}

/// The known sizes except that of dimension `left_out`.
inline Shape known_part(const Shape& s, int left_out) {
  Shape r;
  for (int i = 0; i < s.rank(); ++i)
    if (i != left_out && s[i] >= 0) r.push_back(s[i]);
  return r;
}

/// Computes the size for -1 if all unknown sizes are kept.
inline Shape with_unknown_sizes(const Shape& in, Shape out, int rest) {
  if (rest < 0) return out;
  const Shape given = detail::known_part(in, -1), wanted = detail::known_part(out, rest);
  const std::int64_t total = given.elements(), others = wanted.elements();
  const bool all_kept = in.rank() - given.rank() == out.rank() - 1 - wanted.rank();
  if (all_kept && others > 0 && total % others == 0) out[rest] = total / others;
  return out;
}

}  // namespace detail

OCTET_API std::vector<Shape> Identity::shapes(const ShapeContext& c) const { return {c.shape(0)}; }

OCTET_API std::vector<Shape> Reshape::shapes(const ShapeContext& c) const {
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
  if (!in.known()) return {detail::with_unknown_sizes(in, out, rest)};
  const std::int64_t total = in.elements(), others = detail::known_part(out, rest).elements();
  if (rest >= 0 && others > 0) out[rest] = total / others;
  c.require(out.known() && out.elements() == total, "a tensor of shape ", in, " cannot be reshaped to ", out);
  return {out};
}

OCTET_API std::vector<Shape> Flatten::shapes(const ShapeContext& c) const {
  const Shape& in = c.shape(0);
  const int a = axis == in.rank() ? in.rank() : normalize_axis(axis, in.rank());
  const auto product = [&](int from, int to) {
    for (int i = from; i < to; ++i)
      if (in[i] < 0) return Shape::unknown;
    return in.product(from, to);
  };
  return {{product(0, a), product(a, in.rank())}};
}

OCTET_API std::vector<Shape> Squeeze::shapes(const ShapeContext& c) const {
  const Shape& in = c.shape(0);
  std::array<bool, Shape::max_rank> drop{};
  for (std::int64_t a : axes) {
    const int i = normalize_axis(a, in.rank());
    c.require(in[i] == 1 || in[i] == Shape::unknown, "dimension ", i, " of ", in, ", expected a size of 1");
    drop[static_cast<std::size_t>(i)] = true;
  }
  Shape out;
  for (int i = 0; i < in.rank(); ++i)
    if (!(axes.empty() ? in[i] == 1 : drop[static_cast<std::size_t>(i)])) out.push_back(in[i]);
  return {out};
}

OCTET_API std::vector<Shape> Unsqueeze::shapes(const ShapeContext& c) const {
  const int rank = c.rank(0) + static_cast<int>(std::min<std::size_t>(axes.size(), Shape::max_rank));
  c.require(rank <= Shape::max_rank, "the result can have at most ", Shape::max_rank, " dimensions");
  std::vector<int> places;
  for (std::int64_t a : axes) places.push_back(normalize_axis(a, rank));
  std::sort(places.begin(), places.end());
  c.require(std::adjacent_find(places.begin(), places.end()) == places.end(), "duplicate axis");
  Shape out = c.shape(0);
  for (int p : places) out.insert(p, 1);
  return {out};
}

OCTET_END
