#pragma once
#include "gather_elements.hpp"
#include "indexed_copy.hpp"
#include "places.hpp"

OCTET_BEGIN
namespace detail {

class GatherElementsStep : public Step {
 public:
  GatherElementsStep(const PrepareContext& c, std::int64_t axis)
      : axis_(axis), element_(element_bytes(c, c.input(0))) {}

  std::size_t plan(const PlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    const int axis = normalize_axis(axis_, in.rank());
    size_ = in[axis];
    walk_ = ElementWalk(c.inputs[octet::GatherElements::places].shape, in, axis);
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    const TensorRef& places = c.inputs[octet::GatherElements::places];
    parallel_parts(*c.pool, walk_.count(), 4096, [&](std::int64_t first, std::int64_t n) {
      walk_.each(first, first + n, [&](std::int64_t i, std::int64_t offset) {
        const std::int64_t from = offset + place_at(places, i, size_) * walk_.along();
        copy_bytes(c.output() + i * element_, c.input(0) + from * element_, element_);
      });
    });
  }

 private:
  ElementWalk walk_;
  std::int64_t axis_, element_, size_ = 1;
};

class GatherNDStep : public Step {
 public:
  GatherNDStep(const PrepareContext& c, std::int64_t batch_dims)
      : batch_dims_(batch_dims), element_(element_bytes(c, c.input(0))) {}

  std::size_t plan(const PlanContext& c) override {
    blocks_ = BlockPlaces(c.inputs[0].shape, c.inputs[octet::GatherND::places].shape, static_cast<int>(batch_dims_));
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    if (blocks_.empty()) return;
    const std::int64_t bytes = blocks_.block() * element_;
    const TensorRef& places = c.inputs[octet::GatherND::places];
    parallel_parts(*c.pool, blocks_.rows(), 256, [&](std::int64_t first, std::int64_t n) {
      for (std::int64_t r = first; r < first + n; ++r)
        copy_bytes(c.output() + r * bytes, c.input(0) + blocks_.offset(places, r) * element_, bytes);
    });
  }

 private:
  BlockPlaces blocks_;
  std::int64_t batch_dims_, element_;
};

/// Of operators that copy elements of input 0.
inline IntegerForm copied_form() {
  IntegerForm f;
  f.output = IntegerForm::Output::as_input;
  f.int16 = true;
  return f;
}

}  // namespace detail

OCTET_API std::vector<Shape> GatherElements::shapes(const ShapeContext& c) const {
  const Shape &in = c.shape(0), &at = c.shape(octet::GatherElements::places);
  const int a = detail::require_element_places(c, octet::GatherElements::places, axis);
  c.require(in[a] != 0 || (at.known() && at.elements() == 0), "dimension ", a, " of ", in, " is empty");
  return {at};
}

OCTET_API std::unique_ptr<Step> GatherElements::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::GatherElementsStep>(c, axis);
}

OCTET_API IntegerForm GatherElements::integer_form() const { return detail::copied_form(); }

OCTET_API std::vector<Shape> GatherND::shapes(const ShapeContext& c) const {
  const Shape &in = c.shape(0), &at = c.shape(octet::GatherND::places);
  const int n = detail::BlockPlaces::require_fit(c, octet::GatherND::places, batch_dims),
            b = static_cast<int>(batch_dims);
  Shape out;
  for (int d = 0; d + 1 < at.rank(); ++d) out.push_back(d < b && at[d] == Shape::unknown ? in[d] : at[d]);
  c.require(out.rank() + in.rank() - b - n <= Shape::max_rank, "the result has ", out.rank() + in.rank() - b - n,
            " dimensions, expected at most ", Shape::max_rank);
  for (int d = b; d < b + n; ++d)
    c.require(in[d] != 0 || (out.known() && out.elements() == 0), "dimension ", d, " of ", in, " is empty");
  for (int d = b + n; d < in.rank(); ++d) out.push_back(in[d]);
  return {out};
}

OCTET_API std::unique_ptr<Step> GatherND::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::GatherNDStep>(c, batch_dims);
}

OCTET_API IntegerForm GatherND::integer_form() const { return detail::copied_form(); }

OCTET_END
