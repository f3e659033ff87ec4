#pragma once
#include <algorithm>

#include "../core/element.hpp"
#include "axis_step.hpp"
#include "top_k.hpp"

OCTET_BEGIN
namespace detail {

template <class T>
class TopKStep : public AxisStep {
 public:
  explicit TopKStep(const TopK& op) : AxisStep(op.axis), op_(op) {}

  std::size_t plan(const PlanContext& c) override {
    AxisStep::plan(c);
    worker_ = (size_ * static_cast<std::int64_t>(sizeof(std::int64_t)) + 63) / 64 * 64;
    return static_cast<std::size_t>(worker_ * c.threads);
  }

  void run(const RunContext& c) noexcept override {
    const std::int64_t rows = outer_ * inner_, tasks = std::min<std::int64_t>(rows, 4 * c.pool->size());
    c.pool->parallel(tasks, [&](std::int64_t t, int worker) {
      auto* places = reinterpret_cast<std::int64_t*>(c.scratch + worker * worker_);
      for (std::int64_t r = rows * t / tasks; r < rows * (t + 1) / tasks; ++r) one_row(c, r, places);
    });
  }

 private:
  void one_row(const RunContext& c, std::int64_t r, std::int64_t* places) const noexcept {
    const std::int64_t first = r / inner_ * size_ * inner_ + r % inner_;
    const auto element = [&](std::int64_t i) { return load_as<T>(c.input(0), first + i * inner_); };
    const auto less = [](T x, T y) { return x < y || (y != y && x == x); };  // NaN is larger than all numbers
    for (std::int64_t i = 0; i < size_; ++i) places[i] = i;
    std::partial_sort(places, places + op_.k, places + size_, [&](std::int64_t i, std::int64_t j) {
      const T x = element(i), y = element(j);
      const bool before = op_.smallest ? less(x, y) : less(y, x), after = op_.smallest ? less(y, x) : less(x, y);
      return before || (!after && i < j);
    });
    const std::int64_t to = r / inner_ * op_.k * inner_ + r % inner_;
    for (std::int64_t i = 0; i < op_.k; ++i) {
      store_as(c.output(0), to + i * inner_, element(places[i]));
      if (op_.to == DType::i64)
        store_as(c.output(1), to + i * inner_, places[i]);
      else
        store_as(c.output(1), to + i * inner_, static_cast<std::int32_t>(places[i]));
    }
  }

  TopK op_;
  std::int64_t worker_ = 0;
};

}  // namespace detail

OCTET_API std::vector<Shape> TopK::shapes(const ShapeContext& c) const {
  Shape out = c.shape(0);
  const int a = normalize_axis(axis, out.rank());
  c.require(k >= 0, "k is ", k, ", expected at least 0");
  c.require(out[a] == Shape::unknown || k <= out[a], "k is ", k, ", but axis ", a, " of ", out, " has only ", out[a],
            " elements");
  c.require(to == DType::i64 || to == DType::i32, "expected indices of type int64 or int32, found ", name(to));
  out[a] = k;
  return {out, out};
}

OCTET_API std::unique_ptr<Step> TopK::prepare(const PrepareContext& c) const {
  const Value& x = c.input(0);
  c.require(!x.quant.per_channel(), "'", x.name, "' has several scales, expected one, so that codes can be compared");
  c.require(x.quant == c.output().quant, "'", x.name, "' and '", c.output().name, "' have different scales");
  return detail::with_number(x.dtype, [&](auto number) -> std::unique_ptr<Step> {
    if constexpr (std::is_arithmetic_v<decltype(number)>)
      return detail::make_step<detail::TopKStep<decltype(number)>>(*this);
    c.fail("no form for ", name(x.dtype));
  });
}

OCTET_API IntegerForm TopK::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::as_input;
  return f;
}

OCTET_END
