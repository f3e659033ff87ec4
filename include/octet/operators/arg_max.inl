#pragma once
#include "../core/element.hpp"
#include "../kernels/bytes.hpp"
#include "arg_max.hpp"
#include "axis_step.hpp"

OCTET_BEGIN
namespace detail {

template <class T>
class ArgMaxStep : public AxisStep {
 public:
  ArgMaxStep(const PrepareContext& c, const ArgMax& op) : AxisStep(op.axis), op_(op), simd_(&c.kernels()) {}

  void run(const RunContext& c) noexcept override {
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, std::uint8_t>)
      if (inner_ == 1) return each_row(c);
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
        store(c, r, best(c.input(0), r / inner_ * size_ * inner_ + r % inner_, before));
      }
    });
  }

  /// Searches the greatest or least element of each row.
  void each_row(const RunContext& c) const noexcept {
    constexpr std::int64_t block = 64;
    parallel_parts(*c.pool, outer_, block, [&](std::int64_t from, std::int64_t rows) {
      std::array<T, block> tops;
      const T* row = reinterpret_cast<const T*>(c.input(0)) + from * size_;
      if constexpr (std::is_same_v<T, float>)
        simd_->extremum_rows_f32(row, rows, size_, tops.data(), op_.smallest);
      else
        byte_kernels(simd_->isa).extremum_rows(row, rows, size_, tops.data(), op_.smallest);
      for (std::int64_t r = 0; r < rows; ++r, row += size_) {
        const T top = tops[static_cast<std::size_t>(r)];
        const auto found = [&](T x) { return x == top || x != x; };  // a NaN only where it is the greatest
        std::int64_t i = op_.last ? size_ - 1 : 0;
        while (!found(row[i])) i += op_.last ? -1 : 1;
        store(c, from + r, i);
      }
    });
  }

  void store(const RunContext& c, std::int64_t result, std::int64_t found) const noexcept {
    if (op_.to == DType::i64)
      store_as(c.output(), result, found);
    else
      store_as(c.output(), result, static_cast<std::int32_t>(found));
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
  const Kernels* simd_;
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
      return detail::make_step<detail::ArgMaxStep<decltype(number)>>(c, *this);
    c.fail("type ", name(x.dtype), " is not supported");
  });
}

OCTET_API IntegerForm ArgMax::integer_form() const {
  IntegerForm f;
  f.compares = true;
  return f;
}

OCTET_END
