#pragma once
#include "../../../core/packed_codes.hpp"
#include "convolution.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// How weights [C, O / groups, spatial ...] of several groups become [O, spatial ..., C / groups].
struct GroupedWeights {
  Shape split, joined;
  Order order;  // of the dimensions of `split`

  GroupedWeights(const Shape& s, std::int64_t groups) : split(s), joined{s[1] * groups}, order{0, 2} {
    split[0] = s[0] / groups;
    split.insert(0, groups);  // [groups, C / groups, O / groups, spatial ...]
    for (int d = 2; d < s.rank(); ++d) {
      joined.push_back(s[d]);
      order.push_back(d + 1);
    }
    joined.push_back(s[0] / groups);
    order.push_back(1);
  }
  AnyTensor arranged(const AnyTensor& t) const { return permuted(t.reshaped(split), order).reshaped(joined); }
};

/// Weights of groups that are dequantized before use: as codes, so that layers can compute with them. Nothing for
/// others, and if their scales are not those of output channels.
inline std::optional<int> grouped_codes(NodeImport& n, const Operand& w, const GroupedWeights& to,
                                        std::int64_t groups) {
  const Source& s = *w.source;
  if (!s.constant || s.constant.dtype() == s.dtype || !s.quant) return {};
  QuantParams q = s.quant;
  if (q.per_channel()) {
    if (w.order[q.axis] != 1) return {};
    q.axis = 0;  // each group has the scales
    for (std::int64_t g = 1; g < groups; ++g) {
      q.scale.insert(q.scale.end(), s.quant.scale.begin(), s.quant.scale.end());
      q.zero_point.insert(q.zero_point.end(), s.quant.zero_point.begin(), s.quant.zero_point.end());
    }
  }
  n.builder.spend(s.constant.size_bytes());
  const AnyTensor codes = permuted(s.constant, permutation(w.order, Order::identity(w.rank())));
  const int c = n.builder.add_constant(s.constant_name, to.arranged(whole_bytes(codes)), q);
  return n.builder.add(s.name, make_operator(Convert(s.dtype)), {c}, {s.name}, Keeps::all);
}

/// Converts ONNX weights [C, O / groups, spatial ...] to [O, spatial ..., C / groups].
inline int transposed_weights(NodeImport& n, const Operand& w, std::int64_t groups) {
  const Shape s = w.shape();
  n.require(groups >= 1 && s[0] % groups == 0, "expected a number of channels divisible by ", groups, " groups, found ",
            s[0]);
  Order order;
  for (int d = 1; d < w.rank(); ++d) order.push_back(d);
  order.push_back(0);
  if (groups == 1) return n.builder.value(w, order);
  const GroupedWeights to(s, groups);
  if (const std::optional<int> codes = grouped_codes(n, w, to, groups)) return *codes;
  if (const AnyTensor t = n.builder.constant(w)) {
    n.builder.spend(t.size_bytes());
    return n.builder.add_constant(w.name(), to.arranged(t));
  }
  const auto list = [](const Shape& shape) { return std::vector<std::int64_t>(shape.begin(), shape.end()); };
  int v = n.step("groups", Reshape(list(to.split)), {n.builder.value(w, Order::identity(w.rank()))});
  v = n.step("turned weights", Transpose(to.order.list()), {v});
  return n.step("weights", Reshape(list(to.joined)), {v});
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
