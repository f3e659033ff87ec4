#pragma once
#include "../core/element.hpp"
#include "../graph/lost_numbers.hpp"
#include "../kernels/quantize_dynamic.hpp"
#include "implement.hpp"
#include "onnx_quantize.hpp"

/// ONNX's quantization operators with scale and zero point as tensors, which may be computed at run time.
OCTET_BEGIN
namespace detail {

/// Maps elements to scales: one for all, one for each index along an axis, or one for each block of `block_size`
/// elements along it.
class ScaleIndex {
 public:
  ScaleIndex() = default;
  ScaleIndex(const Shape& x, const Shape& scale, std::int64_t axis, std::int64_t block_size) {
    if (scale.elements() == 1) return;
    const int a = normalize_axis(axis, x.rank());
    size_ = x[a];
    inner_ = x.product(a + 1, x.rank());
    block_ = std::max<std::int64_t>(block_size, 1);
    blocks_ = (size_ + block_ - 1) / block_;
    if (block_size == 0) repeats_inside_ = true;
  }

  std::int64_t operator()(std::int64_t i) const noexcept {
    if (size_ == 0) return 0;
    const std::int64_t block = i / inner_ % size_ / block_;
    return repeats_inside_ ? block : (i / inner_ / size_ * blocks_ + block) * inner_ + i % inner_;
  }

  static void check(const ShapeContext& c, std::int64_t axis, std::int64_t block_size) {
    const Shape &x = c.shape(0), &s = c.shape(LinearInputs::scale);
    c.require(block_size >= 0, "the block size is ", block_size, ", expected at least 0");
    if (c.has(LinearInputs::zero_point))
      c.require(c.shape(LinearInputs::zero_point) == s, "scales of shape ", s,
                " need zero points of that shape, found ", c.shape(LinearInputs::zero_point));
    if (s.rank() == 0 || s == Shape{1}) return;
    const int a = normalize_axis(axis, x.rank());
    if (block_size == 0) {
      c.require(s.rank() == 1 && (s[0] == x[a] || x[a] == Shape::unknown || s[0] == Shape::unknown), "scales of shape ",
                s, " do not match axis ", a, " of ", x);
      return;
    }
    bool fits = s.rank() == x.rank();
    for (int d = 0; fits && d < s.rank(); ++d) {
      if (s[d] == Shape::unknown || x[d] == Shape::unknown) continue;
      fits = s[d] == (d == a ? (x[d] + block_size - 1) / block_size : x[d]);
    }
    c.require(fits, "scales of shape ", s, " do not match blocks of ", block_size, " along axis ", a, " of ", x);
  }

 private:
  std::int64_t size_ = 0, inner_ = 1, block_ = 1, blocks_ = 1;  // size 0: one scale for all
  bool repeats_inside_ = false;
};

/// Calls f(first, end) for parts of n elements in parallel. Parts never share a byte, even if elements are smaller.
template <class F>
void each_part(std::int64_t n, ThreadPool& pool, F f) {
  parallel_parts(pool, n, 4096, [&](std::int64_t first, std::int64_t count) { f(first, first + count); });
}

/// store_element without saturation for 8-bit floats: numbers that are too large become infinity, or NaN if the type
/// has none.
inline void store_unsaturated(DType t, std::byte* p, std::int64_t i, double x) {
  const auto small = static_cast<float>(x);
  if (t == DType::f8e4m3fn)
    store_as(p, i, static_cast<std::uint8_t>(SmallFloat<4, 3, Top::nan_only>::encode(small, false)));
  else if (t == DType::f8e5m2)
    store_as(p, i, static_cast<std::uint8_t>(SmallFloat<5, 2>::encode(small, false)));
  else
    store_element(t, p, i, x);
}

class QuantizeLinearStep : public Step {
 public:
  QuantizeLinearStep(std::int64_t axis, std::int64_t block_size, bool saturate)
      : axis_(axis), block_size_(block_size), saturate_(saturate) {}
  std::size_t plan(const PlanContext& c) override {
    index_ = {c.inputs[0].shape, c.inputs[LinearInputs::scale].shape, axis_, block_size_};
    size_ = c.inputs[0].shape.elements();
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    const TensorRef &x = c.inputs[0], &scale = c.inputs[LinearInputs::scale], &y = c.outputs[0];
    const bool integer = !is_floating(y.dtype), centered = c.input(LinearInputs::zero_point) != nullptr;
    const IntegerRange range = integer ? integer_range(y.dtype) : IntegerRange{0, 0};
    each_part(size_, *c.pool, [&](std::int64_t first, std::int64_t end) {
      for (std::int64_t i = first; i < end; ++i) {
        const std::int64_t s = index_(i);
        // Divided in float, as in the definition.
        const auto real = static_cast<float>(load_element(x.dtype, x.data, i)),
                   unit = static_cast<float>(load_element(scale.dtype, scale.data, s));
        const auto q = static_cast<double>(real / unit);
        if (integer && !(std::isfinite(real) && std::isfinite(unit))) report_lost_number(c);
        const double zero =
            centered ? load_element(c.inputs[LinearInputs::zero_point].dtype, c.input(LinearInputs::zero_point), s) : 0;
        if (integer)
          store_element(y.dtype, y.data, i,
                        std::min(std::max(std::nearbyint(q) + zero, static_cast<double>(range.low)),
                                 static_cast<double>(range.high)));
        else if (saturate_)
          store_element(y.dtype, y.data, i, q + zero);
        else
          store_unsaturated(y.dtype, y.data, i, q + zero);
      }
    });
  }

 private:
  std::int64_t axis_, block_size_, size_ = 0;
  bool saturate_;
  ScaleIndex index_;
};

class DequantizeLinearStep : public Step {
 public:
  DequantizeLinearStep(std::int64_t axis, std::int64_t block_size) : axis_(axis), block_size_(block_size) {}
  std::size_t plan(const PlanContext& c) override {
    index_ = {c.inputs[0].shape, c.inputs[LinearInputs::scale].shape, axis_, block_size_};
    size_ = c.inputs[0].shape.elements();
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    const TensorRef &x = c.inputs[0], &scale = c.inputs[LinearInputs::scale], &y = c.outputs[0];
    each_part(size_, *c.pool, [&](std::int64_t first, std::int64_t end) {
      for (std::int64_t i = first; i < end; ++i) {
        const std::int64_t s = index_(i);
        const double zero = c.input(LinearInputs::zero_point) ? load_element(c.inputs[LinearInputs::zero_point].dtype,
                                                                             c.input(LinearInputs::zero_point), s)
                                                              : 0;
        store_element(y.dtype, y.data, i,
                      (load_element(x.dtype, x.data, i) - zero) * load_element(scale.dtype, scale.data, s));
      }
    });
  }

 private:
  std::int64_t axis_, block_size_, size_ = 0;
  ScaleIndex index_;
};

class DynamicQuantizeLinearStep : public Step {
 public:
  explicit DynamicQuantizeLinearStep(const PrepareContext& c) : simd_(&c.kernels()) {}
  std::size_t plan(const PlanContext& c) override {
    size_ = c.inputs[0].shape.elements();
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    const auto* x = reinterpret_cast<const float*>(c.input(0));
    const DynamicScale s = size_ == 0 ? DynamicScale{} : dynamic_scale(range_of(*simd_, x, size_, *c.pool));
    if (std::isnan(s.scale)) report_lost_number(c);
    quantize_by(*simd_, s, x, size_, reinterpret_cast<std::uint8_t*>(c.output()), *c.pool);
    store_as(c.output(1), 0, s.scale);
    store_as(c.output(2), 0, static_cast<std::uint8_t>(s.zero_point));
  }

 private:
  const Kernels* simd_;
  std::int64_t size_ = 0;
};

}  // namespace detail

OCTET_API std::vector<Shape> QuantizeLinear::shapes(const ShapeContext& c) const {
  detail::ScaleIndex::check(c, axis, block_size);
  return {c.shape(0)};
}

OCTET_API std::unique_ptr<Step> QuantizeLinear::prepare(const PrepareContext& c) const {
  const bool fits = is_floating(to) ? bits(to) <= 8 : bits(to) > 0 && bits(to) <= 32 && to != DType::boolean;
  c.require(fits, "cannot quantize to ", name(to));
  c.require(is_floating(c.input(LinearInputs::scale).dtype), "expected a floating-point scale, found ",
            name(c.input(LinearInputs::scale).dtype));
  return detail::make_step<detail::QuantizeLinearStep>(axis, block_size, saturate);
}

OCTET_API std::vector<Shape> DequantizeLinear::shapes(const ShapeContext& c) const {
  detail::ScaleIndex::check(c, axis, block_size);
  return {c.shape(0)};
}

OCTET_API std::unique_ptr<Step> DequantizeLinear::prepare(const PrepareContext& c) const {
  c.require(is_floating(to) && is_floating(c.input(LinearInputs::scale).dtype), "cannot dequantize to ", name(to),
            " by a scale of ", name(c.input(LinearInputs::scale).dtype));
  return detail::make_step<detail::DequantizeLinearStep>(axis, block_size);
}

OCTET_API std::vector<Shape> DynamicQuantizeLinear::shapes(const ShapeContext& c) const {
  return {c.shape(0), Shape{}, Shape{}};
}

OCTET_API std::unique_ptr<Step> DynamicQuantizeLinear::prepare(const PrepareContext& c) const {
  c.require(c.input(0).dtype == DType::f32 && c.outputs() == 3, "expected float32 and three outputs, found ",
            name(c.input(0).dtype), " and ", c.outputs());
  return detail::make_step<detail::DynamicQuantizeLinearStep>(c);
}

OCTET_END
