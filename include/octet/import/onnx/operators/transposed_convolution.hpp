#pragma once
#include "convolution.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Converts ONNX weights [C, O / groups, spatial ...] to [O, spatial ..., C / groups].
inline int transposed_weights(NodeImport& n, const Operand& w, std::int64_t groups) {
  const Shape s = w.shape();
  n.require(groups >= 1 && s[0] % groups == 0, "expected a number of channels divisible by ", groups, " groups, found ",
            s[0]);
  Order order;
  for (int d = 1; d < w.rank(); ++d) order.push_back(d);
  order.push_back(0);
  if (groups == 1) return n.builder.value(w, order);
  const AnyTensor t = n.builder.constant(w);
  n.require(static_cast<bool>(t), "input 1 ('", w.name(), "') has to be constant");
  Shape split = s, joined{s[1] * groups};  // [groups, C / groups, O / groups, spatial ...]
  split[0] = s[0] / groups;
  split.insert(0, groups);
  Order grouped{0};
  for (int i = 0; i < order.rank(); ++i) grouped.push_back(order[i] + 1);
  for (int d = 2; d < w.rank(); ++d) joined.push_back(s[d]);
  joined.push_back(s[0] / groups);
  n.builder.spend(t.size_bytes());
  return n.builder.add_constant(w.name(), permuted(t.reshaped(split), grouped).reshaped(joined));
}

inline void import_transposed_convolution(NodeImport& n) {
  const Operand &x = n.input(0), &w = fixed_input(n, 1);
  TransposedConvolution op;
  op.window = import_window(n, kernel_of(n, x, w));
  op.groups = n.integer("group", 1);
  op.output_padding = n.integers("output_padding");
  op.output_size = n.integers("output_shape");
  std::vector<int> in{image_value(n, x), transposed_weights(n, w, op.groups)};
  if (n.has(2)) in.push_back(n.builder.value(fixed_input(n, 2)));
  n.result(n.add(std::move(op), in, Keeps::batch), Order::channels_last(x.rank()));
}

}  // namespace detail::onnx
OCTET_END
