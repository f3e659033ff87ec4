#pragma once
#include "plain.hpp"

/// Operators whose results have a size that depends on the data, unless what they select by is constant.
OCTET_BEGIN
namespace detail::onnx {

inline void import_non_max_suppression(NodeImport& n) {
  NonMaxSuppression op;
  if (n.has(2)) {
    const std::vector<std::int64_t> most = n.constant_integers(2);
    n.require(most.size() == 1, "expected one max_output_boxes_per_class, found ", most.size());
    op.max_per_class = most[0];
  }
  if (n.has(3)) op.iou_threshold = static_cast<double>(n.constant_reals(3, 1)[0]);
  if (n.has(4)) op.score_threshold = static_cast<double>(n.constant_reals(4, 1)[0]);
  op.center_point_box = n.flag("center_point_box");
  std::vector<int> in;
  for (int i : {0, 1}) {
    const int v = n.builder.value(n.input(i), Order::identity(n.input(i).rank()));
    const bool real = n.builder.graph.value(v).dtype == DType::f32;
    in.push_back(real ? v : n.step(i == 0 ? "boxes" : "scores", Convert(DType::f32), {v}, Keeps::all));
  }
  n.result(n.add(std::move(op), in), Order::identity(2));
}

/// Indices are those of the model's order of dimensions.
inline void import_non_zero(NodeImport& n) {
  const Operand& x = n.input(0);
  const AnyTensor constant = n.builder.constant(x);
  if (!constant) {
    n.result(n.add(NonZero(), {n.builder.value(x, Order::identity(x.rank()))}), Order::identity(2));
    return;
  }
  n.builder.spend(bytes(DType::i64, constant.size() * std::max(1, x.rank())));
  n.result(constant_operand(n.output_name(), non_zero(constant.ref(), 0, false)));
}

inline void import_compress(NodeImport& n) {
  Operand x = n.input(0);
  std::int64_t place = 0;
  if (n.has_attribute("axis")) {
    place = x.order.find(normalize_axis(n.integer("axis"), x.rank()));
  } else {
    const int v = n.builder.value(x, Order::identity(x.rank()));
    x = n.builder.operand(n.step("flat", Reshape({-1}), {v}), Order::identity(1), x.name());
  }
  const int v = n.builder.value(x);
  const AnyTensor constant = n.builder.constant(n.input(1));
  if (!constant) {
    n.result(n.add(Compress(place), {v, n.builder.value(n.input(1))}, keeps_all_but(static_cast<int>(place))), x.order);
    return;
  }
  n.require(constant.shape().rank() == 1, "expected a vector as input 1, found the shape ", constant.shape());
  const AnyTensor places = non_zero(constant.ref(), 0, false);
  const int kept = n.builder.add_constant(n.builder.derived(n.name() + "/kept"), places.reshaped({places.size()}));
  n.result(n.add(octet::Gather(place), {v, kept}, keeps_all_but(static_cast<int>(place))), x.order);
}

}  // namespace detail::onnx
OCTET_END
