#pragma once
#include "../../core/affine.hpp"
#include "indexed_copy.hpp"
#include "pad.hpp"

OCTET_BEGIN

OCTET_API std::vector<std::vector<std::int64_t>> Pad::indices(const Shape& in, const Shape& out) const {
  detail::Indices r;
  for (int d = 0; d < in.rank(); ++d) {
    r.emplace_back();
    r.back().reserve(static_cast<std::size_t>(out[d]));
    for (std::int64_t i = 0; i < out[d]; ++i)
      r.back().push_back(source(i - before[static_cast<std::size_t>(d)], in[d]));
  }
  return r;
}

OCTET_API std::int64_t Pad::source(std::int64_t i, std::int64_t n) const noexcept {
  if (i >= 0 && i < n) return i;
  switch (mode) {
    case PadMode::constant: return -1;
    case PadMode::edge: return i < 0 ? 0 : n - 1;
    case PadMode::wrap: return (i % n + n) % n;
    case PadMode::reflect:
    case PadMode::symmetric: break;
  }
  const std::int64_t shared = mode == PadMode::reflect ? 1 : 0;  // elements between an image and its mirror image
  const std::int64_t period = std::max<std::int64_t>(1, 2 * (n - shared)), at = (i % period + period) % period;
  return at < n ? at : period + shared - 1 - at;
}

OCTET_API std::vector<Shape> Pad::shapes(const ShapeContext& c) const {
  Shape out = c.shape(0);
  c.require(before.size() == static_cast<std::size_t>(out.rank()) && after.size() == before.size(), "padding of ",
            before.size(), " and ", after.size(), " dimensions does not match ", out);
  for (int d = 0; d < out.rank(); ++d) {
    constexpr std::int64_t limit = std::int64_t{1} << 40;
    const std::int64_t b = before[static_cast<std::size_t>(d)], a = after[static_cast<std::size_t>(d)];
    c.require(b >= -limit && b <= limit && a >= -limit && a <= limit, "padding of ", b, " and ", a, " is too large");
    if (out[d] == Shape::unknown) continue;
    c.require(out[d] + b + a >= 0, "more elements are cropped than dimension ", d, " of ", c.shape(0), " has");
    c.require(mode == PadMode::constant || out[d] > 0 || b + a == 0, "dimension ", d, " of ", c.shape(0),
              " is empty and cannot be padded in this mode");
    out[d] += b + a;
  }
  return {out};
}

OCTET_API std::unique_ptr<Step> Pad::prepare(const PrepareContext& c) const {
  detail::Fill fill;
  const Value& x = c.input(0);
  double element = value;
  if (x.is_quantized()) {
    c.one_scale(x);
    c.require(x.quant == c.output().quant, "input and output have to share one scale");
    c.require(!std::isnan(value), "NaN cannot be a padding of ", name(x.dtype));
    element = detail::code_of(value, x.quant);
  }
  detail::element_bytes(c, x);
  detail::store_element(x.dtype, fill.element.data(), 0, element);
  return detail::make_step<detail::IndexedStep>(
      c, [self = *this](const Shape& in, const Shape& out, std::size_t) { return self.indices(in, out); }, fill);
}

OCTET_API std::unique_ptr<GradientStep> Pad::prepare_gradient(const PrepareContext& c) const {
  c.require(mode == PadMode::constant, "has no gradient except for constant padding");
  return detail::indexed_gradient(c, prepare(c),
                                  [self = *this](const Shape& in, const Shape& out) { return self.indices(in, out); });
}

OCTET_API IntegerForm Pad::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::as_input;
  f.int16 = true;
  f.rescales = f.input_rescaled = f.widens =
      mode == PadMode::constant && value != 0;  // which may be outside the input's range
  return f;
}

OCTET_END
