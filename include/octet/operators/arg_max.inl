#pragma once
#include "../core/element.hpp"
#include "arg_max.hpp"
#include "axis_step.hpp"

OCTET_BEGIN
namespace detail {

template <class T>
class ArgMaxStep : public AxisStep {
 public:
  explicit ArgMaxStep(const ArgMax& op) : AxisStep(op.axis), op_(op) {}

  void run(const RunContext& c) noexcept override {
    const auto larger = [](T x, T y) { return x > y || (x != x && y == y); };  // NaN is larger than all numbers
    const auto smaller = [](T x, T y) { return x < y || (x != x && y == y); };
    if (op_.smallest)
      each_result(c, smaller);
    else
      each_result(c, larger);
  }

 private:
  template <class Before>
  void each_result(const RunContext& c, Before before) const noexcept {
    const std::int64_t results = outer_ * inner_, tasks = std::min<std::int64_t>(results, 4 * c.pool->size());
    c.pool->parallel(tasks, [&](std::int64_t t, int) {
      for (std::int64_t r = results * t / tasks; r < results * (t + 1) / tasks; ++r) {
        const std::int64_t found = best(c.input(0), r / inner_ * size_ * inner_ + r % inner_, before);
        if (op_.to == DType::i64)
          store_as(c.output(), r, found);
        else
          store_as(c.output(), r, static_cast<std::int32_t>(found));
      }
    });
  }

  /// The index along the axis of the selected element.
  template <class Before>
  std::int64_t best(const std::byte* in, std::int64_t first, Before before) const noexcept {
    std::int64_t found = 0;
    T top = load_as<T>(in, first);
    for (std::int64_t i = 1; i < size_; ++i) {
      const T x = load_as<T>(in, first + i * inner_);
      if (op_.last ? !before(top, x) : before(x, top)) {
        top = x;
        found = i;
      }
    }
    return found;
  }

  ArgMax op_;
};

}  // namespace detail

OCTET_API std::vector<Shape> ArgMax::shapes(const ShapeContext& c) const {
  Shape out = c.shape(0);
  const int a = normalize_axis(axis, out.rank());
  c.require(out[a] != 0, "axis ", a, " of ", out, " is empty, expected at least one element");
  c.require(to == DType::i64 || to == DType::i32, "expected an output of type int64 or int32, found ", name(to));
  if (keep_dims)
    out[a] = 1;
  else
    out.erase(a);
  return {out};
}

OCTET_API std::unique_ptr<Step> ArgMax::prepare(const PrepareContext& c) const {
  const Value& x = c.input(0);
  c.require(!x.quant.per_channel(), "'", x.name, "' has several scales, expected one, so that codes can be compared");
  return detail::with_number(x.dtype, [&](auto number) -> std::unique_ptr<Step> {
    if constexpr (std::is_arithmetic_v<decltype(number)>)
      return detail::make_step<detail::ArgMaxStep<decltype(number)>>(*this);
    c.fail("type ", name(x.dtype), " is not supported");
  });
}

OCTET_API IntegerForm ArgMax::integer_form() const {
  IntegerForm f;
  f.compares = true;
  return f;
}

OCTET_END
