#pragma once
#include "indexed_copy.hpp"
#include "places.hpp"
#include "scatter.hpp"

OCTET_BEGIN
namespace detail {

/// to[i] = to[i] op from[i] for n elements. Integers wrap around; a NaN stays.
using Combine = void (*)(std::byte* to, const std::byte* from, std::int64_t n);

template <class T>
T combined(ScatterKind kind, T a, T b) noexcept {
  if (kind == ScatterKind::min) return b < a || b != b ? b : a;
  if (kind == ScatterKind::max) return b > a || b != b ? b : a;
  const bool adds = kind == ScatterKind::add;
  if constexpr (std::is_integral_v<T>) {
    const auto x = static_cast<std::uint64_t>(a), y = static_cast<std::uint64_t>(b);
    return static_cast<T>(adds ? x + y : x * y);
  } else {
    return adds ? a + b : a * b;
  }
}

template <class T, ScatterKind kind>
void combine(std::byte* to, const std::byte* from, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) store_as(to, i, combined(kind, load_as<T>(to, i), load_as<T>(from, i)));
}

template <class T>
Combine combine_as(ScatterKind kind) noexcept {
  switch (kind) {
    case ScatterKind::add: return combine<T, ScatterKind::add>;
    case ScatterKind::mul: return combine<T, ScatterKind::mul>;
    case ScatterKind::min: return combine<T, ScatterKind::min>;
    case ScatterKind::max: return combine<T, ScatterKind::max>;
    case ScatterKind::replace: break;
  }
  return nullptr;
}

/// Null to replace elements.
inline Combine combine_for(const PrepareContext& c, ScatterKind kind) {
  const Value& x = c.input(0);
  if (kind == ScatterKind::replace) return nullptr;
  c.require(!x.is_quantized(), "expected an input without a scale");
  return with_number(x.dtype, [&](auto number) -> Combine {
    if constexpr (std::is_arithmetic_v<decltype(number)>) return combine_as<decltype(number)>(kind);
    c.fail("type ", name(x.dtype), " is not supported");
  });
}

/// Copies data and then puts blocks of the updates at their places, one after the other.
class ScatterStep : public Step {
 public:
  ScatterStep(const PrepareContext& c, ScatterKind kind)
      : element_(element_bytes(c, c.input(0))), combine_(combine_for(c, kind)) {
    c.require(c.input(2).dtype == c.input(0).dtype && c.input(2).quant == c.input(0).quant,
              "expected updates of the type and scale of data");
  }

 protected:
  void copy_data(const RunContext& c) const noexcept {
    const auto bytes = static_cast<std::size_t>(c.outputs[0].shape.elements() * element_);
    if (bytes > 0) std::memcpy(c.output(), c.input(0), bytes);
  }
  /// Block i of the updates, of n elements, goes to that element.
  void put(const RunContext& c, std::int64_t i, std::int64_t at, std::int64_t n) const noexcept {
    std::byte* to = c.output() + at * element_;
    const std::byte* from = c.input(2) + i * n * element_;
    if (combine_)
      combine_(to, from, n);
    else
      copy_bytes(to, from, n * element_);
  }

 private:
  std::int64_t element_;
  Combine combine_;
};

class ScatterElementsStep : public ScatterStep {
 public:
  ScatterElementsStep(const PrepareContext& c, const ScatterElements& op) : ScatterStep(c, op.kind), axis_(op.axis) {}

  std::size_t plan(const PlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    const int axis = normalize_axis(axis_, in.rank());
    size_ = in[axis];
    walk_ = ElementWalk(c.inputs[ScatterElements::places].shape, in, axis);
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    copy_data(c);
    walk_.each(0, walk_.count(), [&](std::int64_t i, std::int64_t offset) {
      put(c, i, offset + place_at(c.inputs[ScatterElements::places], i, size_) * walk_.along(), 1);
    });
  }

 private:
  ElementWalk walk_;
  std::int64_t axis_, size_ = 1;
};

class ScatterNDStep : public ScatterStep {
 public:
  using ScatterStep::ScatterStep;

  std::size_t plan(const PlanContext& c) override {
    blocks_ = BlockPlaces(c.inputs[0].shape, c.inputs[ScatterND::places].shape, 0);
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    copy_data(c);
    if (blocks_.empty()) return;
    for (std::int64_t r = 0; r < blocks_.rows(); ++r)
      put(c, r, blocks_.offset(c.inputs[ScatterND::places], r), blocks_.block());
  }

 private:
  BlockPlaces blocks_;
};

}  // namespace detail

OCTET_API std::vector<Shape> ScatterElements::shapes(const ShapeContext& c) const {
  const Shape &in = c.shape(0), &at = c.shape(places), &from = c.shape(updates);
  detail::require_element_places(c, places, axis);
  bool fits = from.rank() == at.rank();
  for (int d = 0; fits && d < at.rank(); ++d) fits = detail::may_equal(at[d], from[d]);
  c.require(fits, "expected updates of the shape ", at, " of the places, found ", from);
  return {in};
}

OCTET_API std::unique_ptr<Step> ScatterElements::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::ScatterElementsStep>(c, *this);
}

OCTET_API std::vector<Shape> ScatterND::shapes(const ShapeContext& c) const {
  const Shape &in = c.shape(0), &at = c.shape(places), &from = c.shape(updates);
  const int n = detail::BlockPlaces::require_fit(c, places, 0), rows = at.rank() - 1;
  bool fits = from.rank() == rows + in.rank() - n;
  for (int d = 0; fits && d < from.rank(); ++d) fits = detail::may_equal(from[d], d < rows ? at[d] : in[d - rows + n]);
  c.require(fits, "updates of shape ", from, " do not fit ", in, " and places of shape ", at);
  return {in};
}

OCTET_API std::unique_ptr<Step> ScatterND::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::ScatterNDStep>(c, kind);
}

OCTET_END
