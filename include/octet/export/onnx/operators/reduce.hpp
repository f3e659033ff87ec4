#pragma once
#include "../../../operators/arg_max.hpp"
#include "../../../operators/reduce.hpp"
#include "../../../operators/softmax.hpp"
#include "../../../operators/top_k.hpp"
#include "../node_export.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Whether the stored axes are all but the first and the last.
inline bool are_spatial(const std::vector<int>& axes, int rank) {
  if (rank < 3 || static_cast<int>(axes.size()) != rank - 2) return false;
  for (int i = 0; i < rank - 2; ++i)
    if (axes[static_cast<std::size_t>(i)] != i + 1) return false;
  return true;
}

/// Reductions of whole images are global pools, which runtimes compute with integers.
inline void export_reduce(NodeExport& n) {
  const auto& r = static_cast<const Reduce&>(n.op());
  TensorExport& t = n.tensors();
  const int rank = n.rank();
  std::vector<int> stored;
  for (std::int64_t a : r.axes) stored.push_back(normalize_axis(a, rank));
  for (int d = 0; r.axes.empty() && d < rank; ++d) stored.push_back(d);
  std::sort(stored.begin(), stored.end());
  stored.erase(std::unique(stored.begin(), stored.end()), stored.end());

  const bool pools = r.kind == ReduceKind::mean || r.kind == ReduceKind::max;
  if (pools && are_spatial(stored, rank) && (t.has_codes(n.out_id()) || (r.keep_dims && n.order() == n.images()))) {
    const char* const type = r.kind == ReduceKind::mean ? "GlobalAveragePool" : "GlobalMaxPool";
    if (r.keep_dims) return n.node(type, {n.real(0, n.images())}, n.images());
    // Quantized twice with the same scale, so that the pool is between conversions.
    const std::string pooled = n.step("pooled", type, {n.real(0, n.images())});
    const std::string codes = t.file().unique(n.name() + "/pooled_codes");
    t.quantize(pooled, n.out_id(), codes, codes);
    const std::string real = t.dequantized(codes, n.name() + "/pooled", n.out_id(), Order());
    return n.node("Flatten", {real}, Order::identity(2), Attributes().integer("axis", 1));
  }
  static constexpr const char* types[] = {"ReduceMean", "ReduceSum",  "ReduceMax",
                                          "ReduceMin",  "ReduceProd", "ReduceL2"};
  const Order o = n.order();
  Order after = o;
  std::vector<std::int64_t> axes;
  for (auto d = stored.rbegin(); d != stored.rend(); ++d) {
    axes.push_back(o[*d]);
    if (!r.keep_dims) after = after.without(after[*d]);
  }
  std::sort(axes.begin(), axes.end());
  Attributes a;
  a.integer("keepdims", r.keep_dims ? 1 : 0);
  std::vector<std::string> in{n.real(0, o)};
  if (r.kind == ReduceKind::sum || t.file().opset() >= 18)
    in.push_back(n.integers("axes", axes));
  else
    a.integers("axes", axes);
  n.node(types[static_cast<int>(r.kind)], in, after, a);
}

inline void export_softmax(NodeExport& n) {
  const auto& s = static_cast<const Softmax&>(n.op());
  const Order o = n.order();
  std::string x = n.real(0, o);
  if (s.beta != 1) x = n.step("scaled", "Mul", {x, n.scalar("beta", s.beta)});
  n.node(s.log ? "LogSoftmax" : "Softmax", {x}, o, Attributes().integer("axis", o[normalize_axis(s.axis, o.rank())]));
}

inline void export_arg_max(NodeExport& n) {
  const auto& m = static_cast<const ArgMax&>(n.op());
  const Order o = n.order();
  const int axis = normalize_axis(m.axis, o.rank());
  Attributes a;
  a.integer("axis", o[axis]).integer("keepdims", m.keep_dims ? 1 : 0);
  if (m.last) a.integer("select_last_index", 1);
  const Order after = m.keep_dims ? o : o.without(o[axis]);
  const char* const type = m.smallest ? "ArgMin" : "ArgMax";
  const std::string x = n.tensors().tensor(n.id(0), o);  // codes have the order of their real numbers
  n.require(!n.input(0).quant.per_channel(), "compares a tensor with a scale for each channel");
  if (m.to == DType::i64) return n.node(type, {x}, after, a);
  n.node("Cast", {n.step("indices", type, {x}, a)}, after, Attributes().integer("to", data_type_code(m.to)));
}

/// `count`: the tensor of the number of elements.
inline void write_top_k(NodeExport& n, const TopK& k, const std::string& count) {
  TensorExport& t = n.tensors();
  const Order o = n.order();
  Attributes a;
  a.integer("axis", o[normalize_axis(k.axis, o.rank())]).integer("largest", k.smallest ? 0 : 1);
  const std::vector<std::string> in{n.real(0, o), count};
  if (k.to == DType::i64) return n.whole_node("TopK", in, {o, o}, a);
  const std::string indices = t.file().unique(n.name() + "/indices");
  n.result(0, o, {}, [&](const std::string& out) { t.file().add_node(n.name(), "TopK", in, {out, indices}, a, ""); });
  n.result(1, o, {}, [&](const std::string& out) {
    t.node(out, "Cast", {indices}, out, Attributes().integer("to", data_type_code(k.to)));
  });
}

inline void export_top_k(NodeExport& n) {
  const auto& k = static_cast<const TopK&>(n.op());
  write_top_k(n, k, n.integers("k", {k.k}));
}

}  // namespace detail::onnx
OCTET_END
