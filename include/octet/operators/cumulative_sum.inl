#pragma once
#include "../core/element.hpp"
#include "axis_step.hpp"
#include "cumulative_sum.hpp"

OCTET_BEGIN
namespace detail {

/// T: a type whose sums wrap around.
template <class T>
class CumulativeSumStep : public AxisStep {
 public:
  explicit CumulativeSumStep(const CumulativeSum& op) : AxisStep(op.axis), op_(op) {}

  void run(const RunContext& c) noexcept override {
    parallel_parts(*c.pool, outer_ * inner_, std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(1, size_)),
                   [&](std::int64_t first, std::int64_t rows) {
                     for (std::int64_t r = first; r < first + rows; ++r)
                       one_row(c.input(0), c.output(), r / inner_ * size_ * inner_ + r % inner_);
                   });
  }
  bool can_overwrite(int input) const noexcept override { return input == 0; }

 private:
  void one_row(const std::byte* in, std::byte* out, std::int64_t first) const noexcept {
    T sum{};
    for (std::int64_t i = 0; i < size_; ++i) {
      const std::int64_t at = first + (op_.reverse ? size_ - 1 - i : i) * inner_;
      const T before = sum;
      sum = static_cast<T>(sum + load_as<T>(in, at));
      store_as(out, at, op_.exclusive ? before : sum);
    }
  }

  CumulativeSum op_;
};

}  // namespace detail

OCTET_API std::vector<Shape> CumulativeSum::shapes(const ShapeContext& c) const {
  c.require(axis >= -c.rank(0) && axis < c.rank(0), "axis ", axis, " is out of range for ", c.shape(0));
  return {c.shape(0)};
}

OCTET_API std::unique_ptr<Step> CumulativeSum::prepare(const PrepareContext& c) const {
  const Value& x = c.input(0);
  c.require(!x.is_quantized(), "expected an input without a scale");
  switch (x.dtype) {
    case DType::f32: return detail::make_step<detail::CumulativeSumStep<float>>(*this);
    case DType::f64: return detail::make_step<detail::CumulativeSumStep<double>>(*this);
    case DType::i32: return detail::make_step<detail::CumulativeSumStep<std::uint32_t>>(*this);
    case DType::i64: return detail::make_step<detail::CumulativeSumStep<std::uint64_t>>(*this);
    default: c.fail("type ", name(x.dtype), " is not supported, expected float32, float64, int32 or int64");
  }
}

OCTET_END
