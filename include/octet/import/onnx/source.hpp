#pragma once
#include <functional>
#include <memory>

#include "../../core/affine.hpp"
#include "../../graph/graph.hpp"
#include "order.hpp"
#include "sizes.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// The data of a tensor. Several tensors of the model may be transposed views of it.
struct Source {
  std::string name;
  DType dtype = DType::none;
  Shape shape;
  AnyTensor constant;         // if constant; has type `dtype` unless it is converted before use
  std::string constant_name;  // name of the constant, if it is converted
  QuantParams quant;          // of the constant
  std::optional<Sizes> sizes;
  std::function<int()> at_run_time;  // if sizes are unknown: adds nodes that compute them, and returns their value
  std::vector<std::pair<Order, int>> values;  // values of the graph that hold it, and their orders

  bool is_constant() const noexcept { return constant || sizes; }
  /// Whether it is computed from sizes that are unknown before the model runs.
  bool is_run_time() const { return sizes && !sizes->known() && at_run_time; }
};

/// An imported tensor of the model: a source whose dimension i is the model's dimension order[i].
struct Operand {
  std::shared_ptr<Source> source;
  Order order;

  int rank() const noexcept { return order.rank(); }
  DType dtype() const noexcept { return source->dtype; }
  const std::string& name() const noexcept { return source->name; }
  bool is_constant() const noexcept { return source->is_constant(); }
  /// The shape in the model's order.
  Shape shape() const { return permuted(source->shape, order.inverse()); }
};

inline Operand constant_operand(std::string name, AnyTensor t, QuantParams quant = {}) {
  auto s = std::make_shared<Source>();
  s->name = std::move(name);
  s->dtype = t.dtype();
  s->shape = t.shape();
  s->quant = std::move(quant);
  s->constant = std::move(t);
  return {s, Order::identity(s->shape.rank())};
}

inline Operand sizes_operand(std::string name, Sizes sizes) {
  auto s = std::make_shared<Source>();
  s->name = std::move(name);
  s->dtype = sizes.dtype;
  s->shape = sizes.shape();
  s->sizes = std::move(sizes);
  return {s, Order::identity(s->shape.rank())};
}

/// A constant that is dequantized or cast before use.
inline Operand converted_operand(std::string name, const Operand& of, QuantParams quant, DType to) {
  auto s = std::make_shared<Source>();
  s->name = std::move(name);
  s->dtype = to;
  s->shape = of.source->shape;
  s->quant = std::move(quant);
  s->constant = of.source->constant;
  s->constant_name = of.name();
  return {s, of.order};
}

/// Converts the elements of a constant to type `to`, dequantized with `quant`.
inline AnyTensor converted(const AnyTensor& t, const QuantParams& quant, DType to) {
  const ChannelWalk w(t.shape(), quant.axis);
  return AnyTensor::make(to, t.shape(), [&](std::byte* out) {
    for (std::int64_t i = 0; i < t.size(); ++i) {
      double x = load_element(t.dtype(), t.data(), i);
      if (quant) x = real_value(x, quant, w.channel_of(i));
      store_element(to, out, i, x);
    }
  });
}

}  // namespace detail::onnx
OCTET_END
