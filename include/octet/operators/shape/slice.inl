#pragma once
#include "indexed_copy.hpp"
#include "slice.hpp"

OCTET_BEGIN

OCTET_API std::vector<std::vector<std::int64_t>> Slice::indices(const Shape& in, const Shape& out) const {
  detail::Indices r;
  for (int d = 0; d < in.rank(); ++d) r.push_back(detail::every(0, 1, out[d]));
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const int d = axis(i, in.rank());
    const Range along = range(i, in[d]);
    r[static_cast<std::size_t>(d)] = detail::every(along.start, along.step, along.count);
  }
  return r;
}

OCTET_API int Slice::axis(std::size_t i, int rank) const {
  return normalize_axis(axes.empty() ? static_cast<std::int64_t>(i) : axes[i], rank);
}

OCTET_API bool Slice::by_image(const ShapeContext& c) const {
  for (std::size_t i = 0; i < starts.size(); ++i)
    if (axis(i, c.rank(0)) == 0) return false;
  return true;
}

OCTET_API Slice::Range Slice::range(std::size_t i, std::int64_t size) const {
  constexpr std::int64_t limit = std::int64_t{1} << 40;  // larger than any size; keeps the sums below from overflowing
  const std::int64_t step = steps.empty() ? 1 : std::clamp(steps[i], -limit, limit);
  const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
  const auto clamped = [&](std::int64_t x, std::int64_t least) {
    return std::max(std::min(x < 0 ? x + size : x, high), least);
  };
  const std::int64_t start = clamped(starts[i], 0), end = clamped(ends[i], low);
  const std::int64_t length = step > 0 ? end - start : start - end, stride = step > 0 ? step : -step;
  return {start, step, size == 0 || length <= 0 ? 0 : (length - 1) / stride + 1};
}

OCTET_API std::vector<Shape> Slice::shapes(const ShapeContext& c) const {
  const std::size_t n = starts.size();
  c.require(ends.size() == n && (axes.empty() || axes.size() == n) && (steps.empty() || steps.size() == n),
            "expected starts, ends, axes and steps of the same length, found ", n, ", ", ends.size(), ", ", axes.size(),
            " and ", steps.size());
  Shape out = c.shape(0);
  c.require(n <= static_cast<std::size_t>(out.rank()), "cannot slice ", n, " dimensions of shape ", out);
  std::array<bool, Shape::max_rank> sliced{};
  for (std::size_t i = 0; i < n; ++i) {
    const int d = axis(i, out.rank());
    c.require(!sliced[static_cast<std::size_t>(d)], "axis ", d, " is sliced twice");
    c.require(steps.empty() || steps[i] != 0, "the step along axis ", d, " is 0");
    sliced[static_cast<std::size_t>(d)] = true;
    if (out[d] != Shape::unknown) out[d] = range(i, out[d]).count;
  }
  return {out};
}

OCTET_API std::unique_ptr<Step> Slice::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::IndexedStep>(
      c, [self = *this](const Shape& in, const Shape& out, std::size_t) { return self.indices(in, out); });
}

OCTET_API std::unique_ptr<GradientStep> Slice::prepare_gradient(const PrepareContext& c) const {
  return detail::indexed_gradient(c, prepare(c),
                                  [self = *this](const Shape& in, const Shape& out) { return self.indices(in, out); });
}

OCTET_API IntegerForm Slice::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::as_input;
  f.int16 = true;
  return f;
}

OCTET_API std::int64_t Split::part_size(std::size_t i, std::int64_t total) const noexcept {
  if (total == Shape::unknown) return Shape::unknown;
  const std::int64_t each = (total + parts - 1) / parts;
  return std::clamp<std::int64_t>(total - static_cast<std::int64_t>(i) * each, 0, each);
}

OCTET_API std::vector<Shape> Split::shapes(const ShapeContext& c) const {
  const Shape& in = c.shape(0);
  const int d = normalize_axis(axis, in.rank());
  c.require(sizes.empty() ? parts >= 1 && parts <= 65536 : parts == 0 || parts == count(), "found ", sizes.size(),
            " sizes for ", parts, " parts");
  std::int64_t rest = in[d];
  std::vector<Shape> out(static_cast<std::size_t>(count()), in);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t n = sizes.empty() ? part_size(i, in[d]) : sizes[i];
    c.require(n >= 0 || in[d] == Shape::unknown, "part ", i, " has the size ", n);
    c.require(in[d] == Shape::unknown || n <= rest, "the parts are larger than dimension ", d, " of ", in);
    out[i][d] = n;
    rest -= n;
  }
  c.require(in[d] == Shape::unknown || rest == 0, "the parts are smaller than dimension ", d, " of ", in, " by ", rest);
  return out;
}

OCTET_API std::unique_ptr<Step> Split::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::IndexedStep>(c, [self = *this](const Shape& in, const Shape& out, std::size_t part) {
    const int along = normalize_axis(self.axis, in.rank());
    std::int64_t from = 0;
    for (std::size_t i = 0; i < part; ++i) from += self.sizes.empty() ? self.part_size(i, in[along]) : self.sizes[i];
    detail::Indices indices;
    for (int d = 0; d < in.rank(); ++d) indices.push_back(detail::every(d == along ? from : 0, 1, out[d]));
    return indices;
  });
}

OCTET_API IntegerForm Split::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::as_input;
  f.int16 = true;
  return f;
}

OCTET_END
