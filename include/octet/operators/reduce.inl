#pragma once
#include "../core/element.hpp"
#include "../core/rounded.hpp"
#include "generic_reduce.hpp"
#include "reduce.hpp"
#include "reduce_gradient.hpp"
#include "spatial_reduce.hpp"

OCTET_BEGIN

OCTET_API bool Reduce::spatial(int rank) const {
  std::array<bool, Shape::max_rank> reduced{};
  for (std::int64_t a : axes) reduced[static_cast<std::size_t>(normalize_axis(a, rank))] = true;
  bool r = rank >= 3 && static_cast<int>(axes.size()) == rank - 2;
  for (int d = 1; d + 1 < rank; ++d) r = r && reduced[static_cast<std::size_t>(d)];
  return r;
}

OCTET_API std::vector<Shape> Reduce::shapes(const ShapeContext& c) const {
  const Shape& in = c.shape(0);
  std::array<bool, Shape::max_rank> reduced{};
  for (std::int64_t a : axes) reduced[static_cast<std::size_t>(normalize_axis(a, in.rank()))] = true;
  Shape out;
  for (int d = 0; d < in.rank(); ++d) {
    const bool gone = axes.empty() || reduced[static_cast<std::size_t>(d)];
    if (!gone || keep_dims) out.push_back(gone ? 1 : in[d]);
  }
  return {out};
}

OCTET_API bool Reduce::by_image(const ShapeContext& c) const {
  return !axes.empty() && std::all_of(axes.begin(), axes.end(), [&](std::int64_t a) { return c.beyond_first(a); });
}

OCTET_API std::unique_ptr<Step> Reduce::prepare(const PrepareContext& c) const {
  const Value& x = c.input(0);
  const bool bytes = detail::int8_format.computes(x.dtype) && x.is_quantized();
  if (kind == ReduceKind::mean && spatial(x.shape.rank()) && (x.dtype == DType::f32 || bytes))
    return detail::make_step<detail::SpatialMean>(c, keep_dims, int8_codes);
  if (kind == ReduceKind::max && spatial(x.shape.rank()) &&
      (x.dtype == DType::f32 || detail::int8_format.computes(x.dtype)) &&
      (!x.is_quantized() || x.quant == c.output().quant))
    return detail::make_step<detail::SpatialMax>(c);
  if (kind == ReduceKind::mean && bytes) return detail::make_step<detail::GenericIntegerMean>(c, axes);
  const bool picks = kind == ReduceKind::max || kind == ReduceKind::min;
  c.require(!x.is_quantized() || (picks && x.quant == c.output().quant),
            "this kind is not supported for quantized tensors");
  return detail::with_number(x.dtype, [&](auto number) -> std::unique_ptr<Step> {
    if constexpr (std::is_arithmetic_v<decltype(number)>)
      return detail::make_step<detail::GenericReduce<decltype(number)>>(kind, axes, &c.kernels());
    c.fail("type ", name(x.dtype), " is not supported");
  });
}

OCTET_API std::unique_ptr<GradientStep> Reduce::prepare_gradient(const PrepareContext& c) const {
  const bool mean = kind == ReduceKind::mean;
  c.require(mean || kind == ReduceKind::sum, "has no gradient: only mean and sum have one");
  return detail::make_step<detail::ReduceGradient>(c, prepare(c), axes, mean);
}

OCTET_API std::string Reduce::summary(const ShapeContext&) const {
  constexpr const char* names[] = {"Mean", "Sum", "Max", "Min", "Product", "L2 norm"};
  static_assert(std::size(names) == static_cast<std::size_t>(ReduceKind::last) + 1);
  return names[static_cast<std::size_t>(kind)];
}

OCTET_API Traits Reduce::traits() const {
  Traits t;
  if (kind != ReduceKind::mean && kind != ReduceKind::sum && kind != ReduceKind::max) return t;
  // If dimensions are removed, the last one is known to stay where the axes are 1, 2, ...
  bool stays = !axes.empty();
  for (std::size_t i = 0; !keep_dims && i < axes.size(); ++i)
    stays = stays && axes[i] == static_cast<std::int64_t>(i) + 1;
  if (stays) t.factors = Traits::Factors::passed;
  return t;
}

OCTET_API OperatorPtr Reduce::for_shifted_codes() const {
  auto op = std::make_shared<Reduce>(*this);
  op->int8_codes = true;
  return op;
}

OCTET_API IntegerForm Reduce::integer_form() const {
  IntegerForm f;
  if (kind == ReduceKind::mean) f.output = IntegerForm::Output::measured;
  if (kind == ReduceKind::max || kind == ReduceKind::min) f.output = IntegerForm::Output::as_input;
  return f;
}

OCTET_END
