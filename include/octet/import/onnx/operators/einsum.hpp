#pragma once
#include <numeric>

#include "einsum_equation.hpp"
#include "linear.hpp"
#include "movement.hpp"

/// Einsum of one or two tensors: transpositions, sums, and matrix products.
OCTET_BEGIN
namespace detail::onnx {

/// A tensor of the equation.
struct Term {
  Operand x;
  Labels labels;

  std::int64_t size(int label) const { return x.shape()[place_of(labels, label)]; }
  /// As a value with the dimensions in that order.
  int value(NodeImport& n, const Labels& wanted) const {
    Order o;
    for (int label : wanted) o.push_back(place_of(labels, label));
    return n.builder.value(x, o);
  }
  /// Sums over the dimensions that are not in `kept`.
  void reduce(NodeImport& n, const Labels& kept) {
    std::vector<std::int64_t> axes;
    Labels rest;
    for (std::size_t d = 0; d < labels.size(); ++d) {
      if (contains(kept, labels[d]))
        rest.push_back(labels[d]);
      else
        axes.push_back(static_cast<std::int64_t>(d));
    }
    if (axes.empty()) return;
    const int v = n.step("sum", Reduce(ReduceKind::sum, axes, false), {value(n, labels)});
    labels = rest;
    x = n.builder.operand(v, Order::identity(static_cast<int>(rest.size())), n.name());
  }
};

/// The dimensions of a product: those of both tensors and the result, of one of them only, and those that are summed.
struct ProductLabels {
  Labels batch, left, right, summed;

  ProductLabels(const Term& a, const Term& b, const Labels& out) {
    for (int l : out) (contains(a.labels, l) ? contains(b.labels, l) ? batch : left : right).push_back(l);
    for (int l : a.labels)
      if (!contains(out, l)) summed.push_back(l);
  }
};

/// The product of the sizes of some of its dimensions, unknown if one is.
inline std::int64_t joined_size(const Term& t, const Labels& labels) {
  Shape sizes;
  for (int l : labels) sizes.push_back(t.size(l));
  return sizes.known() && sizes.elements() > 0 ? sizes.elements() : Shape::unknown;
}

/// The sizes of some of its dimensions, which are computed in each run.
inline int run_time_sizes(NodeImport& n, const std::string& what, const Term& t, const Labels& labels) {
  std::vector<std::int64_t> places;
  for (int l : labels) places.push_back(t.x.order.find(place_of(t.labels, l)));
  return n.step(what.c_str(), SizesOf(places), {n.builder.value(t.x)});
}

/// Reshapes a value to sizes that are computed in each run.
inline Parametrized run_time_shape(const Shape& result) {
  Reshape op;
  op.allow_zero = true;
  return Parametrized(std::move(op), "target", result);
}

/// The groups of dimensions after `batch` ones as one dimension each.
inline int grouped(NodeImport& n, const std::string& what, const Term& t, const Labels& batch, const Labels& rows,
                   const Labels& columns) {
  Labels all = batch;
  all.insert(all.end(), rows.begin(), rows.end());
  all.insert(all.end(), columns.begin(), columns.end());
  const int v = t.value(n, all);
  if (rows.size() == 1 && columns.size() == 1) return v;
  const std::int64_t height = joined_size(t, rows), width = joined_size(t, columns);
  if (height != Shape::unknown || width != Shape::unknown) {
    std::vector<std::int64_t> target(batch.size(), 0);
    target.insert(target.end(), {height, width});
    return n.step(what.c_str(), Reshape(target), {v});
  }
  if (batch.empty()) return n.step(what.c_str(), Flatten(static_cast<std::int64_t>(rows.size())), {v});
  std::vector<int> sizes{run_time_sizes(n, what + " batches", t, batch)};
  for (const Labels* group : {&rows, &columns}) {
    const std::string part = what + (group == &rows ? " rows" : " columns");
    const int each = run_time_sizes(n, part + " each", t, *group);
    sizes.push_back(n.step(part.c_str(), Reduce(ReduceKind::prod, {0}, true), {each}));
  }
  Shape result;
  for (int l : batch) result.push_back(t.size(l));
  result.push_back(height);
  result.push_back(width);
  return n.step(what.c_str(), run_time_shape(result), {v, n.step((what + " shape").c_str(), Concat(0), sizes)});
}

/// For types that matrix products do not have: the product of all elements, summed.
inline int product_of_elements(NodeImport& n, const Term& a, const Term& b, const Labels& all, std::size_t summed) {
  std::vector<int> factors;
  for (const Term* t : {&a, &b}) {
    Labels own;
    std::vector<std::int64_t> missing;
    for (std::size_t d = 0; d < all.size(); ++d) {
      if (contains(t->labels, all[d]))
        own.push_back(all[d]);
      else
        missing.push_back(static_cast<std::int64_t>(d));
    }
    const int v = t->value(n, own);
    factors.push_back(missing.empty() ? v : n.step("aligned", Unsqueeze(missing), {v}));
  }
  if (summed == 0) return n.add(Binary(BinaryKind::mul), factors);
  std::vector<std::int64_t> axes;
  for (std::size_t d = all.size() - summed; d < all.size(); ++d) axes.push_back(static_cast<std::int64_t>(d));
  return n.add(Reduce(ReduceKind::sum, axes, false), {n.step("product", Binary(BinaryKind::mul), factors)});
}

inline void import_einsum_product(NodeImport& n, Term a, Term b, const Labels& out) {
  Labels kept = out;
  kept.insert(kept.end(), b.labels.begin(), b.labels.end());
  a.reduce(n, kept);
  kept = out;
  kept.insert(kept.end(), a.labels.begin(), a.labels.end());
  b.reduce(n, kept);
  const ProductLabels p(a, b, out);
  for (int l : p.summed)
    n.require(a.size(l) == Shape::unknown || b.size(l) == Shape::unknown || a.size(l) == b.size(l),
              "an index has the sizes ", a.size(l), " and ", b.size(l));
  Labels result = p.batch;
  result.insert(result.end(), p.left.begin(), p.left.end());
  result.insert(result.end(), p.right.begin(), p.right.end());
  Order perm;  // of the result
  for (int l : out) perm.push_back(place_of(result, l));
  const Order plain_order = Order::identity(static_cast<int>(result.size()));
  const auto finish = [&](int v) { n.result(reordered(n.builder.operand(v, plain_order, n.output_name()), perm)); };
  if (a.x.dtype() != DType::f32) {
    Labels all = result;
    all.insert(all.end(), p.summed.begin(), p.summed.end());
    n.require(all.size() <= static_cast<std::size_t>(Shape::max_rank), "has ", all.size(), " indices");
    return finish(product_of_elements(n, a, b, all, p.summed.size()));
  }
  if (p.batch.empty() && !p.left.empty() && p.right.size() == 1 && p.summed.size() == 1 && is_weights(n, b.x)) {
    Labels rows = p.left;
    rows.push_back(p.summed[0]);
    return finish(n.add(FullyConnected(), {a.value(n, rows), b.value(n, {p.right[0], p.summed[0]})}));
  }
  Shape sizes;
  for (int label : result) sizes.push_back((contains(a.labels, label) ? a : b).size(label));
  const auto open = std::count_if(sizes.begin() + p.batch.size(), sizes.end(), [](std::int64_t s) { return s <= 0; });
  if (open > 1 && p.batch.empty() && !p.left.empty() && p.right.size() == 1 && p.summed.size() == 1) {
    Labels rows = p.left;  // the product of each row of a with all of b
    rows.push_back(p.summed[0]);
    return finish(n.add(MatMul(), {a.value(n, rows), b.value(n, {p.summed[0], p.right[0]})}));
  }
  const int l = grouped(n, "left", a, p.batch, p.left, p.summed),
            r = grouped(n, "right", b, p.batch, p.summed, p.right);
  if (p.left.size() == 1 && p.right.size() == 1) return finish(n.add(MatMul(), {l, r}));
  const int product = n.step("product", MatMul(), {l, r});
  if (open > 1) {
    std::vector<std::int64_t> batches(p.batch.size());
    std::iota(batches.begin(), batches.end(), 0);
    const std::vector<int> parts{n.step("sizes of batches", SizesOf(batches), {product}),
                                 run_time_sizes(n, "sizes of the left", a, p.left),
                                 run_time_sizes(n, "sizes of the right", b, p.right)};
    return finish(n.add(run_time_shape(sizes), {product, n.step("shape", Concat(0), parts)}));
  }
  std::vector<std::int64_t> target(p.batch.size(), 0);
  for (auto d = static_cast<int>(p.batch.size()); d < sizes.rank(); ++d)
    target.push_back(sizes[d] > 0 ? sizes[d] : Shape::unknown);
  finish(n.add(Reshape(target), {product}));
}

inline void import_einsum(NodeImport& n) {
  const Equation e(n);
  n.require(e.in.size() <= 2, "has ", e.in.size(), " terms, expected one or two");
  Term a{plain(n, n.input(0)), e.in[0]};
  if (e.in.size() == 2) return import_einsum_product(n, a, Term{plain(n, n.input(1)), e.in[1]}, e.out);
  a.reduce(n, e.out);
  Order perm;
  for (int l : e.out) perm.push_back(place_of(a.labels, l));
  n.result(reordered(a.x, perm));
}

}  // namespace detail::onnx
OCTET_END
