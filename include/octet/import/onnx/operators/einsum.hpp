#pragma once
#include "linear.hpp"
#include "movement.hpp"

/// Einsum of one or two tensors: transpositions, sums, and matrix products.
OCTET_BEGIN
namespace detail::onnx {

/// The labels of a tensor's dimensions: letters, and numbers above for those of an ellipsis, aligned at the last one.
using Labels = std::vector<int>;

inline bool contains(const Labels& all, int label) { return std::find(all.begin(), all.end(), label) != all.end(); }
inline int place_of(const Labels& all, int label) {
  return static_cast<int>(std::find(all.begin(), all.end(), label) - all.begin());
}

/// A term of the equation. `rank` < 0: the result, whose ellipsis has `dots` dimensions.
inline Labels labels_of(const NodeImport& n, std::string_view term, int rank, int dots) {
  Labels all;
  int letters = 0;
  for (char c : term) letters += c != '.';
  const bool has_dots = static_cast<int>(term.size()) > letters;
  const int own = !has_dots ? 0 : rank < 0 ? dots : rank - letters;
  n.require(rank < 0 || (own >= 0 && letters + own == rank), "the term '", term, "' does not fit a tensor of ", rank,
            " dimensions");
  for (std::size_t i = 0; i < term.size(); ++i) {
    if (term[i] != '.') {
      n.require(std::isalpha(static_cast<unsigned char>(term[i])) != 0, "unexpected '", term[i], "' in the equation");
      n.require(!contains(all, term[i]), "the index ", term[i], " is twice in '", term, "', which is not supported");
      all.push_back(term[i]);
      continue;
    }
    n.require(term.substr(i, 3) == "..." && !contains(all, 512 - 1) && letters + 3 == static_cast<int>(term.size()),
              "expected one '...' in '", term, "'");
    for (int d = 0; d < own; ++d) all.push_back(512 - own + d);
    i += 2;
  }
  return all;
}

struct Equation {
  std::vector<Labels> in;
  Labels out;

  explicit Equation(const NodeImport& n) {
    std::string text = n.text("equation");
    text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
    n.require(!text.empty() && text.size() < 256, "expected an equation");
    const std::size_t arrow = text.find("->");
    const std::string left = text.substr(0, arrow);
    int dots = 0;
    for (std::size_t from = 0, i = 0; from <= left.size(); ++i) {
      const std::size_t to = std::min(left.find(',', from), left.size());
      n.require(n.has(static_cast<int>(i)), "has more terms than inputs");
      in.push_back(
          labels_of(n, std::string_view(left).substr(from, to - from), n.input(static_cast<int>(i)).rank(), 0));
      dots = std::max(dots, static_cast<int>(std::count_if(in[i].begin(), in[i].end(), is_dot)));
      from = to + 1;
    }
    n.require(static_cast<int>(in.size()) == n.inputs(), "has ", n.inputs(), " inputs and ", in.size(), " terms");
    if (arrow != std::string::npos)
      out = labels_of(n, std::string_view(text).substr(arrow + 2), -1, dots);
    else
      out = implied(dots);
    for (int label : out)
      n.require(std::any_of(in.begin(), in.end(), [&](const Labels& l) { return contains(l, label); }),
                "the result has an index that no input has");
  }

 private:
  static bool is_dot(int label) { return label >= 256; }
  /// The ellipsis, and all letters that occur once, in alphabetical order.
  Labels implied(int dots) const {
    Labels r;
    for (int d = 0; d < dots; ++d) r.push_back(512 - dots + d);
    for (int c = 'A'; c <= 'z'; ++c) {
      std::ptrdiff_t count = 0;
      for (const Labels& l : in) count += std::count(l.begin(), l.end(), c);
      if (count == 1) r.push_back(c);
    }
    return r;
  }
};

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

/// The groups of dimensions after `batch` ones as one dimension each.
inline int grouped(NodeImport& n, const char* what, const Term& t, const Labels& batch, const Labels& rows,
                   const Labels& columns) {
  Labels all = batch;
  all.insert(all.end(), rows.begin(), rows.end());
  all.insert(all.end(), columns.begin(), columns.end());
  const int v = t.value(n, all);
  if (rows.size() == 1 && columns.size() == 1) return v;
  std::vector<std::int64_t> target(batch.size(), 0);
  bool open = false;
  for (const Labels* group : {&rows, &columns}) {
    Shape sizes;
    for (int l : *group) sizes.push_back(t.size(l));
    const bool known = sizes.known() && sizes.elements() > 0;
    n.require(known || !open, "sizes of '", t.x.name(), "' have to be known, found ", t.x.shape());
    open = open || !known;
    target.push_back(known ? sizes.elements() : -1);
  }
  return n.step(what, Reshape(target), {v});
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
  const int l = grouped(n, "left", a, p.batch, p.left, p.summed),
            r = grouped(n, "right", b, p.batch, p.summed, p.right);
  if (p.left.size() == 1 && p.right.size() == 1) return finish(n.add(MatMul(), {l, r}));
  const int product = n.step("product", MatMul(), {l, r});
  std::vector<std::int64_t> target(p.batch.size(), 0);
  bool open = false;
  for (std::size_t i = p.batch.size(); i < result.size(); ++i) {
    const std::int64_t size = (contains(a.labels, result[i]) ? a : b).size(result[i]);
    n.require(size > 0 || !open, "sizes of the result have to be known");
    open = open || size <= 0;
    target.push_back(size > 0 ? size : -1);
  }
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
