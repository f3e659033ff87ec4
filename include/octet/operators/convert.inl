#pragma once
#include <array>

#include "../core/affine.hpp"
#include "../core/element.hpp"
#include "../core/integer_format.hpp"
#include "../graph/lost_numbers.hpp"
#include "../kernels/requantize.hpp"
#include "code_table.hpp"
#include "convert.hpp"
#include "elementwise_step.hpp"
#include "int16_convert.hpp"
#include "quantize_arguments.hpp"
#include "tflite_unary.hpp"
#include "xnnpack_formulas.hpp"

OCTET_BEGIN
namespace detail {

/// float -> int8 or uint8 with one scale.
class QuantizeStep : public ElementwiseStep {
 public:
  QuantizeStep(const PrepareContext& c, const QuantParams& q, DType to)
      : simd_(&c.kernels()), params_(quantize_arguments(c, q, to)) {}

 private:
  void compute(const RunContext& c, std::int64_t first, std::int64_t count) const noexcept override {
    QuantizeF32 p = params_;
    p.in = reinterpret_cast<const float*>(c.input(0)) + first;
    p.out = reinterpret_cast<std::uint8_t*>(c.output()) + first;
    p.count = count;
    if (!simd_->quantize_f32(p)) report_lost_number(c);
  }

  const Kernels* simd_;
  QuantizeF32 params_;
};

/// uint8 -> float with one scale.
class DequantizeStep : public ElementwiseStep {
 public:
  DequantizeStep(const PrepareContext& c, const QuantParams& q) : simd_(&c.kernels()), q_(q) {}

 private:
  void compute(const RunContext& c, std::int64_t first, std::int64_t count) const noexcept override {
    simd_->dequantize_u8(reinterpret_cast<const std::uint8_t*>(c.input(0)) + first,
                         reinterpret_cast<float*>(c.output()) + first, count, q_.scale[0], q_.zero_point[0]);
  }

  const Kernels* simd_;
  QuantParams q_;
};

/// Converts between any two types, plain or quantized, one element at a time.
class GenericConvert : public Step {
 public:
  GenericConvert(const QuantParams& from, const QuantParams& to) : from_(from), to_(to) {}
  void run(const RunContext& c) noexcept override {
    const Shape& shape = c.inputs[0].shape;
    const DType in = c.inputs[0].dtype, out = c.outputs[0].dtype;
    const ChannelWalk wf(shape, from_.axis), wt(shape, to_.axis);
    const IntegerRange range = to_ ? integer_range(out) : IntegerRange{0, 0};
    const bool integers = is_floating(in) && !is_floating(out) && out != DType::boolean;  // NaN converts to true
    for (std::int64_t i = 0, n = shape.elements(); i < n; ++i) {
      double x = load_element(in, c.input(0), i);
      if (integers && !std::isfinite(x)) report_lost_number(c);
      if (from_) {
        x = real_value(x, from_, wf.channel_of(i));
      }
      if (to_) {
        x = code_of(x, to_, wt.channel_of(i));
        x = std::min(std::max(x, static_cast<double>(range.low)), static_cast<double>(range.high));
      }
      store_element(out, c.output(), i, x);
    }
  }

 private:
  QuantParams from_, to_;
};

}  // namespace detail

OCTET_API std::vector<Shape> Convert::shapes(const ShapeContext& c) const { return {c.shape(0)}; }

OCTET_API std::unique_ptr<Step> Convert::prepare(const PrepareContext& c) const {
  const Value &x = c.input(0), &y = c.output();
  for (const Value* v : {&x, &y})
    if (v->is_quantized()) c.validate(*v);
  const bool single = !x.quant.per_channel() && !y.quant.per_channel();
  if (single && x.dtype == DType::f32 && is_byte(y.dtype) && y.is_quantized())
    return detail::make_step<detail::QuantizeStep>(c, y.quant, y.dtype);
  if (single && detail::int8_format.computes(x.dtype) && x.is_quantized() && y.dtype == DType::f32)
    return detail::make_step<detail::DequantizeStep>(c, x.quant);
  if (single && is_byte(x.dtype) && is_byte(y.dtype) && x.is_quantized() && y.is_quantized()) {
    if (c.as_xnnpack())
      if (const auto f = detail::XnnpackScale::make(x.quant.scale[0] / y.quant.scale[0]))
        return detail::make_code_table(c, x, y, *f);
    if (c.own_rounding() == Rounding::fp32) return detail::make_table(c, [](float v) { return v; });
    const double ratio = static_cast<double>(x.quant.scale[0]) / static_cast<double>(y.quant.scale[0]);
    const bool twice = c.own_rounding() == Rounding::tflite_double;
    return detail::make_code_table(c, x, y, detail::FixedScale{detail::FixedPointMultiplier(ratio), twice});
  }
  if (detail::Int16Convert::has(x, y)) return detail::make_step<detail::Int16Convert>(c, x, y);
  return detail::make_step<detail::GenericConvert>(x.quant, y.quant);
}

OCTET_END
