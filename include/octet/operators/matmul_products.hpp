#pragma once
#include "implement.hpp"

OCTET_BEGIN
namespace detail {

/// The shapes of a matrix product as in NumPy: [..., m, k] times [..., k, n]; vectors become a row or a column.
struct MatMulShape {
  Shape a_batch, b_batch, batch;
  std::int64_t m = 1, k = 1, n = 1;
  Shape out;

  MatMulShape(const Shape& a, const Shape& b, const ShapeContext& c) {
    c.require(a.rank() >= 1 && b.rank() >= 1, "expected matrices or vectors, found ", a, " and ", b);
    const std::int64_t b_rows = b[std::max(0, b.rank() - 2)];
    k = a.back() == Shape::unknown ? b_rows : a.back();
    c.require(b_rows == Shape::unknown || b_rows == k, "matrices of ", a, " and ", b, " cannot be multiplied");
    a_batch = Shape(a.begin(), a.begin() + std::max(0, a.rank() - 2));
    b_batch = Shape(b.begin(), b.begin() + std::max(0, b.rank() - 2));
    out = batch = c.broadcast(a_batch, b_batch);
    if (a.rank() > 1) out.push_back(m = a[a.rank() - 2]);
    if (b.rank() > 1) out.push_back(n = b.back());
  }
};

/// The pairs of matrices that are multiplied, in the order of the output.
struct MatMulProducts {
  struct Product {
    std::int64_t a, b;  // indices of the left and the right matrix
  };
  std::int64_t m = 1, k = 1, n = 1;
  std::vector<Product> each;

  MatMulProducts() = default;
  explicit MatMulProducts(const PlanContext& c) {
    static const std::string unnamed;
    const MatMulShape s(c.inputs[0].shape, c.inputs[1].shape, ShapeContext(unnamed, "MatMul", {}, {}));
    m = s.m;
    k = s.k;
    n = s.n;
    const std::int64_t batches = s.batch.elements();
    for (std::int64_t i = 0; i < batches; ++i)
      each.push_back({position(i, s.batch, s.a_batch), position(i, s.batch, s.b_batch)});
  }

 private:
  /// The index, in a tensor that is broadcast to `all`, of element i of `all`.
  static std::int64_t position(std::int64_t i, const Shape& all, const Shape& own) {
    std::int64_t at = 0, stride = 1;
    for (int d = all.rank() - 1, e = own.rank() - 1; e >= 0; --d, --e) {
      at += own[e] == 1 ? 0 : i % all[d] * stride;
      stride *= own[e];
      i /= all[d];
    }
    return at;
  }
};

}  // namespace detail
OCTET_END
