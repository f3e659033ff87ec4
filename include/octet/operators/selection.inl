#pragma once
#include "../core/element.hpp"
#include "../core/rounded.hpp"
#include "implement.hpp"
#include "selection.hpp"

OCTET_BEGIN
namespace detail {

OCTET_API AnyTensor non_zero(const TensorRef& x, double zero, bool rows) {
  std::vector<std::int64_t> places;
  for (std::int64_t i = 0; i < x.shape.elements(); ++i)
    if (load_element(x.dtype, x.data, i) != zero) places.push_back(i);
  const auto found = static_cast<std::int64_t>(places.size()), rank = std::int64_t{x.shape.rank()};
  Tensor<std::int64_t> indices = Tensor<std::int64_t>::uninitialized(rows ? Shape{found, rank} : Shape{rank, found});
  for (std::int64_t k = 0; k < found; ++k) {
    std::int64_t rest = places[static_cast<std::size_t>(k)];
    for (int d = x.shape.rank() - 1; d >= 0; --d) {
      indices[rows ? k * rank + d : d * found + k] = rest % x.shape[d];
      rest /= x.shape[d];
    }
  }
  return indices;
}

OCTET_API std::int64_t range_length(double start, double limit, double delta) {
  require(std::isfinite(start) && std::isfinite(limit) && std::isfinite(delta), "a range from ", start, " to ", limit,
          " by ", delta, ": expected finite numbers");
  require(delta != 0, "a range's delta is 0");
  const double steps = std::max(0.0, std::ceil((limit - start) / delta));
  require(steps < 1e12, "a range has ", steps, " elements");
  return static_cast<std::int64_t>(steps);
}

OCTET_API AnyTensor number_range(DType type, double start, double limit, double delta) {
  const std::int64_t count = range_length(start, limit, delta);
  return AnyTensor::make(type, {count}, [&](std::byte* to) {
    for (std::int64_t i = 0; i < count; ++i)
      store_element(type, to, i, start + rounded(static_cast<double>(i) * delta));
  });
}

class NumberRangeStep : public DataSizedStep {
 public:
  static constexpr std::int64_t largest = std::int64_t{1} << 31;
  std::vector<AnyTensor> results(const std::vector<TensorRef>& inputs, ThreadPool&) override {
    const auto number = [&](std::size_t i) { return load_element(inputs[i].dtype, inputs[i].data, 0); };
    const std::int64_t count = range_length(number(0), number(1), number(2));
    require(count <= largest, "a range has ", count, " elements, expected at most ", largest);
    return {number_range(inputs[0].dtype, number(0), number(1), number(2))};
  }
};

class NonZeroStep : public DataSizedStep {
 public:
  NonZeroStep(const NonZero& op, double zero) : op_(op), zero_(zero) {}

  std::vector<AnyTensor> results(const std::vector<TensorRef>& inputs, ThreadPool&) override {
    return {non_zero(inputs[0], zero_, op_.rows)};
  }

 private:
  NonZero op_;
  double zero_;
};

class CompressStep : public DataSizedStep {
 public:
  explicit CompressStep(std::int64_t axis) : axis_(axis) {}

  std::vector<AnyTensor> results(const std::vector<TensorRef>& inputs, ThreadPool&) override {
    const TensorRef& x = inputs[0];
    const int a = normalize_axis(axis_, x.shape.rank());
    std::vector<std::size_t> kept;
    for (std::int64_t i = 0; i < inputs[1].shape[0]; ++i)
      if (load_element(DType::boolean, inputs[1].data, i) != 0) kept.push_back(static_cast<std::size_t>(i));
    Shape out = x.shape;
    out[a] = static_cast<std::int64_t>(kept.size());
    const auto slice = bytes(x.dtype, x.shape.product(a + 1, x.shape.rank()));
    const auto size = static_cast<std::size_t>(x.shape[a]), outer = static_cast<std::size_t>(x.shape.product(0, a));
    return {AnyTensor::make(x.dtype, out, [&](std::byte* to) {
      for (std::size_t o = 0; o < outer && slice > 0; ++o)
        for (std::size_t k : kept) {
          std::memcpy(to, x.data + (o * size + k) * slice, slice);
          to += slice;
        }
    })};
  }

 private:
  std::int64_t axis_;
};

}  // namespace detail

OCTET_API std::vector<Shape> NonZero::shapes(const ShapeContext& c) const {
  const std::int64_t rank = c.rank(0);
  return {rows ? Shape{Shape::unknown, rank} : Shape{rank, Shape::unknown}};
}

OCTET_API std::unique_ptr<Step> NonZero::prepare(const PrepareContext& c) const {
  const Value& x = c.input(0);
  const double zero = x.is_quantized() ? c.one_scale(x).zero_point[0] : 0;
  return detail::make_step<detail::NonZeroStep, Step>(*this, zero);
}

OCTET_API std::vector<Shape> NumberRange::shapes(const ShapeContext& c) const {
  for (int i : {start, limit, delta}) {
    const Shape& s = c.shape(i);
    c.require(s.rank() == 0 || s == Shape{1}, "input ", i, ": expected one number, found the shape ", s);
    c.require(c.dtype(i) == c.dtype(0), "expected three numbers of one type, found ", name(c.dtype(0)), " and ",
              name(c.dtype(i)));
  }
  return {{Shape::unknown}};
}

OCTET_API std::unique_ptr<Step> NumberRange::prepare(const PrepareContext& c) const {
  c.require(bits(c.input(0).dtype) >= 8 && !c.input(0).is_quantized(), "no form for ", name(c.input(0).dtype));
  return detail::make_step<detail::NumberRangeStep, Step>();
}

OCTET_API std::vector<Shape> Compress::shapes(const ShapeContext& c) const {
  Shape out = c.shape(0);
  const int a = normalize_axis(axis, out.rank());
  const Shape& chosen = c.shape(1);
  c.require(chosen.rank() == 1, "expected a vector of booleans as input 1, found the shape ", chosen);
  c.require(out[a] < 0 || chosen[0] <= out[a], "input 1 has ", chosen[0], " elements, but axis ", a, " of ", out,
            " has only ", out[a]);
  out[a] = Shape::unknown;
  return {out};
}

OCTET_API std::unique_ptr<Step> Compress::prepare(const PrepareContext& c) const {
  const Value& x = c.input(0);
  c.require(c.input(1).dtype == DType::boolean, "input 1: expected bool, found ", name(c.input(1).dtype));
  c.require(bits(x.dtype) >= 8, "no form for ", name(x.dtype));
  c.require(x.quant == c.output().quant && !x.quant.per_channel(), "'", x.name, "' and '", c.output().name,
            "': expected the same scale");
  return detail::make_step<detail::CompressStep, Step>(axis);
}

OCTET_API IntegerForm Compress::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::as_input;
  return f;
}

OCTET_END
