#pragma once
#include "../core/integer_format.hpp"
#include "moment_normalization.hpp"
#include "normalize_codes_step.hpp"

OCTET_BEGIN
namespace detail {

/// Which dimensions the axes contain.
inline std::array<bool, Shape::max_rank> reduced_dimensions(const std::vector<std::int64_t>& axes, int rank) {
  std::array<bool, Shape::max_rank> reduced{};
  for (const std::int64_t a : axes) reduced[static_cast<std::size_t>(normalize_axis(a, rank))] = true;
  return reduced;
}

/// Whether rows of the dimensions from `first` on are known to be shorter than vectors. Floats are faster then.
inline bool has_short_rows(const Shape& x, int first) {
  std::int64_t count = 1;
  for (int d = first; d < x.rank() && count < NormalizeRows::short_row; ++d)
    count = x[d] == Shape::unknown ? NormalizeRows::short_row : count * x[d];
  return count < NormalizeRows::short_row;
}

}  // namespace detail

OCTET_API bool MomentNormalization::supports(const std::vector<std::int64_t>& axes, int rank) {
  const auto reduced = detail::reduced_dimensions(axes, rank);
  int blocks = 0;
  for (int d = 0; d < rank; ++d) {
    const auto i = static_cast<std::size_t>(d);
    blocks += reduced[i] && (d == 0 || !reduced[i - 1]);
  }
  return blocks == 1 || (blocks == 2 && reduced[static_cast<std::size_t>(rank - 1)]);
}

OCTET_API int MomentNormalization::first_scaled(const std::vector<std::int64_t>& axes, int rank) {
  const auto reduced = detail::reduced_dimensions(axes, rank);
  int d = 0;
  while (d < rank && !reduced[static_cast<std::size_t>(d)]) ++d;
  const int first = d;
  while (d < rank && reduced[static_cast<std::size_t>(d)]) ++d;
  return d == rank ? first : d;
}

OCTET_API std::vector<Shape> MomentNormalization::shapes(const ShapeContext& c) const {
  const Shape& x = c.shape(image);
  for (const int i : {int{scale}, int{shift}}) {
    if (!c.has(i)) continue;
    const Shape& s = c.shape(i);
    const int more = x.rank() - s.rank(), first = first_scaled(axes, x.rank());
    bool fits = more >= 0;
    for (int d = 0; fits && d < s.rank(); ++d)
      fits = s[d] == 1 || (d + more >= first && (s[d] == x[d + more] || x[d + more] < 0));
    c.require(fits, "scales or shifts of shape ", s, " do not fit to ", x);
  }
  return {x};
}

OCTET_API std::unique_ptr<Step> MomentNormalization::prepare(const PrepareContext& c) const {
  const Value &x = c.input(image), &y = c.output();
  c.require(supports(axes, x.shape.rank()), "the axes are not supported");
  for (const Value* v : {&x, &y}) {
    const bool codes = detail::int8_format.computes(v->dtype) && v->is_quantized();
    c.require(v->dtype == DType::f32 || codes, "type ", name(v->dtype), " is not supported");
    if (codes) c.one_scale(*v);
  }
  const auto first = static_cast<int>(axes[0]);
  const bool rows = first_scaled(axes, x.shape.rank()) == first;
  if (detail::NormalizedCodes::possible(c, *this) && !(rows && detail::has_short_rows(x.shape, first))) {
    if (rows) return detail::make_step<detail::NormalizeCodeRowsStep>(c, *this);
    return detail::make_step<detail::NormalizeCodeColumnsStep>(c, *this);
  }
  if (rows) return detail::make_step<detail::NormalizeRowsStep>(c, *this);
  return detail::make_step<detail::NormalizeColumnsStep>(c, *this);
}

OCTET_END
