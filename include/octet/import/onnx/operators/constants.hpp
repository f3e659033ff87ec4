#pragma once
#include "run_time.hpp"

/// Constant and ConstantOfShape.
OCTET_BEGIN
namespace detail::onnx {

/// Small results become constants; larger ones are computed at run time.
inline void import_constant_of_shape(NodeImport& n) {
  AnyTensor value = n.has_attribute("value") ? n.tensor("value") : AnyTensor(Tensor<float>(Shape{1}));
  n.require(value.size() == 1, "the value has ", value.size(), " elements, expected 1");
  if (is_run_time(n, 0)) {
    const Shape result = known_sizes(n, 0, false);
    return add_parametrized(n, Parametrized(Expand(), "shape", result),
                            constant_operand(n.name() + "/value", value.reshaped({})), Order(),
                            {n.builder.value(n.input(0))}, Order::identity(result.rank()));
  }
  std::vector<std::int64_t> dims = n.constant_integers(0);
  for (std::int64_t d : dims) n.require(d >= 0, "a size is ", d, ", expected at least 0");
  const Shape shape(dims.begin(), dims.end());
  const std::int64_t count = shape.elements();
  if (count <= 1024) {
    return n.result(constant_operand(n.output_name(), AnyTensor::make(value.dtype(), shape, [&](std::byte* to) {
                                       for (std::int64_t i = 0; i < count; ++i)
                                         store_element(value.dtype(), to, i,
                                                       load_element(value.dtype(), value.data(), 0));
                                     })));
  }
  const int v = n.builder.value(constant_operand(n.name() + "/value", value.reshaped({})));
  Expand op;
  op.shape = std::move(dims);
  n.result(n.add(std::move(op), {v}), Order::identity(shape.rank()));
}

inline void import_constant(NodeImport& n) {
  AnyTensor t;
  const auto integers = [&](const std::vector<std::int64_t>& v, bool scalar) {
    return AnyTensor(Tensor<std::int64_t>(scalar ? Shape{} : Shape{static_cast<std::int64_t>(v.size())}, v));
  };
  const auto reals = [&](const std::vector<float>& v, bool scalar) {
    return AnyTensor(Tensor<float>(scalar ? Shape{} : Shape{static_cast<std::int64_t>(v.size())}, v));
  };
  if (n.has_attribute("value"))
    t = n.tensor("value");
  else if (n.has_attribute("value_int"))
    t = integers({n.integer("value_int")}, true);
  else if (n.has_attribute("value_ints"))
    t = integers(n.integers("value_ints"), false);
  else if (n.has_attribute("value_float"))
    t = reals({static_cast<float>(n.real("value_float"))}, true);
  else if (n.has_attribute("value_floats"))
    t = reals(n.reals("value_floats"), false);
  else
    n.fail("expected a value of a supported kind (not strings or sparse tensors)");
  n.result(constant_operand(n.output_name(), std::move(t)));
}

}  // namespace detail::onnx
OCTET_END
