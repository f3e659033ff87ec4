#pragma once
#include "run_time.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Converts axes of the model to those of the stored tensor, in ascending order.
inline std::vector<std::int64_t> stored_axes(const Operand& x, const std::vector<std::int64_t>& axes) {
  std::vector<std::int64_t> r;
  for (std::int64_t a : axes) r.push_back(x.order.find(normalize_axis(a, x.rank())));
  std::sort(r.begin(), r.end());
  r.erase(std::unique(r.begin(), r.end()), r.end());
  return r;
}

/// The axes of a reduction, in stored order, and the order of its result.
struct Reduction {
  std::vector<std::int64_t> stored;
  bool nothing = false;  // no axis is reduced
  bool keep = true;
  Order order;
  Keeps keeps = Keeps::none;

  Reduction(NodeImport& n, const Operand& x) : keep(n.flag("keepdims", true)), order(x.order) {
    const std::vector<std::int64_t> axes = n.integers("axes", 1);
    nothing = axes.empty() && n.flag("noop_with_empty_axes");
    stored = stored_axes(x, axes);
    if (nothing || keep) {
      keeps = nothing ? Keeps::all : Keeps::none;
    } else if (axes.empty()) {
      order = Order();
    } else {
      for (auto a = stored.rbegin(); a != stored.rend(); ++a) order = order.without(order[static_cast<int>(*a)]);
    }
    if (!stored.empty() && stored[0] != 0) keeps = Keeps::batch;
  }
};

inline void import_reduce(NodeImport& n, ReduceKind kind) {
  const Operand x = plain(n, n.input(0));
  const int v = n.builder.value(x);
  const Reduction r(n, x);
  if (r.nothing) return n.result(n.add(Identity(), {v}, Keeps::all), x.order);
  n.result(n.add(Reduce(kind, r.stored, r.keep), {v}, r.keeps), r.order);
}

/// The sum of absolute values or squares.
template <class Function>
void import_sum_of(NodeImport& n, Function function) {
  const Operand x = plain(n, n.input(0));
  const int v = n.builder.value(x);
  const Reduction r(n, x);
  const int terms = function(n, v);
  if (r.nothing) return n.result(n.add(Identity(), {terms}, Keeps::all), x.order);
  n.result(n.add(Reduce(ReduceKind::sum, r.stored, r.keep), {terms}, r.keeps), r.order);
}
inline void import_reduce_l1(NodeImport& n) {
  import_sum_of(n, [](NodeImport& m, int v) { return m.step("abs", Unary(UnaryKind::abs), {v}, Keeps::all); });
}
inline void import_reduce_sum_square(NodeImport& n) {
  import_sum_of(n, [](NodeImport& m, int v) { return m.step("squares", Binary(BinaryKind::mul), {v, v}, Keeps::all); });
}
inline void import_reduce_l2(NodeImport& n) {
  const Operand x = plain(n, n.input(0));
  if (!Reduction(n, x).nothing) return import_reduce(n, ReduceKind::l2);
  n.result(n.add(Unary(UnaryKind::abs), {n.builder.value(x)}, Keeps::all), x.order);
}
inline void import_reduce_log_sum(NodeImport& n) {
  const Operand x = plain(n, n.input(0));
  int v = n.builder.value(x);
  const Reduction r(n, x);
  if (!r.nothing) v = n.step("sum", Reduce(ReduceKind::sum, r.stored, r.keep), {v}, r.keeps);
  n.result(n.add(Unary(UnaryKind::log), {v}, r.nothing ? Keeps::all : Keeps::none), r.order);
}
/// log(sum(exp(x - m))) + m, where m is the largest number, made finite: no exponential overflows.
inline void import_reduce_log_sum_exp(NodeImport& n) {
  const Operand x = plain(n, n.input(0));
  const int v = n.builder.value(x);
  const Reduction r(n, x);
  if (r.nothing) return n.result(n.add(Identity(), {v}, Keeps::all), x.order);
  constexpr double most = std::numeric_limits<float>::max();
  const int largest = n.step("largest", Reduce(ReduceKind::max, r.stored, true), {v});
  const int finite = n.step("finite", Unary(UnaryKind::clip, -most, most), {largest});
  const int below = n.step("below", Binary(BinaryKind::sub), {v, finite}, Keeps::all);
  const int exponentials = n.step("exponentials", Unary(UnaryKind::exp), {below}, Keeps::all);
  const int sum = n.step("sum", Reduce(ReduceKind::sum, r.stored, true), {exponentials});
  const int log = n.step("log", Unary(UnaryKind::log), {sum});
  if (r.keep) return n.result(n.add(Binary(BinaryKind::add), {log, finite}), r.order);
  std::vector<std::int64_t> gone = r.stored;
  for (int d = 0; gone.size() < static_cast<std::size_t>(x.rank()) && r.stored.empty() && d < x.rank(); ++d)
    gone.push_back(d);
  const int kept = n.step("kept", Binary(BinaryKind::add), {log, finite});
  n.result(n.add(Squeeze(gone), {kept}, r.keeps), r.order);
}

inline void import_top_k(NodeImport& n) {
  Operand x = n.input(0);
  const bool computed = n.opset() >= 10 && is_run_time(n, 1);
  if (computed || n.builder.graph.value(n.builder.value(x)).quant.per_channel()) x = plain(n, x);
  const int axis = normalize_axis(n.integer("axis", -1), x.rank()), place = x.order.find(axis);
  TopK op(1, place);
  op.smallest = !n.flag("largest", true);
  if (computed) {
    Shape result = x.source->shape;
    result[place] = Shape::unknown;
    Parametrized of(std::move(op), "k", result);
    of.outputs = 2;
    return add_parametrized(n, std::move(of), x, x.order, {n.builder.value(n.input(1))}, x.order);
  }
  const std::vector<std::int64_t> k =
      n.opset() < 10 ? std::vector<std::int64_t>{n.integer("k", -1)} : n.constant_integers(1);
  n.require(k.size() == 1, "expected one k, found ", k.size());
  op.k = k[0];
  const int v = n.add(std::move(op), {n.builder.value(x)}, keeps_all_but(place), 0, 2);
  for (int i = 0; i < std::min(2, n.outputs()); ++i)
    if (n.wants(i)) n.result(v + i, x.order, i);
}

inline void import_arg_max(NodeImport& n, bool smallest) {
  Operand x = n.input(0);
  if (n.builder.graph.value(n.builder.value(x)).quant.per_channel()) x = plain(n, x);
  const int axis = normalize_axis(n.integer("axis"), x.rank()), place = x.order.find(axis);
  ArgMax op(place, n.flag("keepdims", true));
  op.smallest = smallest;
  op.last = n.flag("select_last_index");
  const Order order = op.keep_dims ? x.order : x.order.without(axis);
  const Keeps keeps = op.keep_dims ? keeps_all_but(place) : place > 0 ? Keeps::batch : Keeps::none;
  n.result(n.add(std::move(op), {n.builder.value(x)}, keeps), order);
}

}  // namespace detail::onnx
OCTET_END
