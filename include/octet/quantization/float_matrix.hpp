#pragma once
#include <cmath>
#include <vector>

#include "../core/rounded.hpp"
#include "../core/thread_pool.hpp"
#include "../kernels/dispatch.hpp"

/// The linear algebra of rounding algorithms. Each sum is one chain of additions in a fixed order, so that the bits
/// depend neither on the instruction set nor on the number of threads.
OCTET_BEGIN
namespace detail {

/// A matrix [rows, columns] of zeros, row-major.
struct FloatMatrix {
  std::int64_t rows = 0, columns = 0;
  std::vector<float> elements;

  FloatMatrix() = default;
  FloatMatrix(std::int64_t r, std::int64_t c) : rows(r), columns(c), elements(static_cast<std::size_t>(r * c), 0.0f) {}
  float* row(std::int64_t r) noexcept { return elements.data() + r * columns; }
  const float* row(std::int64_t r) const noexcept { return elements.data() + r * columns; }
};

inline FloatMatrix transposed(const FloatMatrix& m) {
  FloatMatrix t(m.columns, m.rows);
  for (std::int64_t r = 0; r < m.rows; ++r)
    for (std::int64_t c = 0; c < m.columns; ++c) t.row(c)[r] = m.row(r)[c];
  return t;
}

/// sum [rows, columns] += transpose(a [depth, rows]) * b [depth, columns].
inline void add_product(OuterProduct p, ThreadPool& pool) {
  parallel_parts(pool, p.rows, 24, [&](std::int64_t first, std::int64_t count) {
    OuterProduct part = p;
    part.a += first;
    part.c += first * p.c_stride;
    part.rows = count;
    kernels().gradient.outer_product(part);
  });
}
inline void add_product(const FloatMatrix& a, const FloatMatrix& b, FloatMatrix& sum, ThreadPool& pool) {
  OuterProduct p;
  p.a = a.elements.data();
  p.b = b.elements.data();
  p.c = sum.elements.data();
  p.a_stride = p.rows = a.columns;
  p.b_stride = p.c_stride = p.columns = b.columns;
  p.depth = a.rows;
  add_product(p, pool);
}

/// Replaces the lower triangle of a symmetric, positive definite matrix by L, with matrix = L * transpose(L).
inline void factorize(FloatMatrix& m, ThreadPool& pool) {
  const std::int64_t n = m.rows;
  std::vector<float> column(static_cast<std::size_t>(n));
  for (std::int64_t k = 0; k < n; ++k) {
    // Rounding errors may make the pivot too small where the matrix is almost singular.
    const float pivot = std::sqrt(std::max(m.row(k)[k], 1e-30f));
    m.row(k)[k] = pivot;
    for (std::int64_t i = k + 1; i < n; ++i) column[static_cast<std::size_t>(i)] = m.row(i)[k] /= pivot;
    parallel_parts(pool, n - k - 1, 64, [&](std::int64_t first, std::int64_t count) {
      for (std::int64_t i = k + 1 + first; i < k + 1 + first + count; ++i)
        add_products(-m.row(i)[k], column.data() + k + 1, m.row(i) + k + 1, i - k);
    });
  }
}

/// Replaces b [n, columns] by x with L * transpose(L) * x = b.
inline void solve(const FloatMatrix& l, FloatMatrix& b, ThreadPool& pool) {
  const std::int64_t n = l.rows;
  parallel_parts(pool, b.columns, 64, [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t i = 0; i < n; ++i) {
      float* to = b.row(i) + first;
      for (std::int64_t j = 0; j < i; ++j) add_products(-l.row(i)[j], b.row(j) + first, to, count);
      for (std::int64_t c = 0; c < count; ++c) to[c] /= l.row(i)[i];
    }
    for (std::int64_t i = n; i-- > 0;) {
      float* from = b.row(i) + first;
      for (std::int64_t c = 0; c < count; ++c) from[c] /= l.row(i)[i];
      for (std::int64_t j = 0; j < i; ++j) add_products(-l.row(i)[j], from, b.row(j) + first, count);
    }
  });
}

}  // namespace detail
OCTET_END
