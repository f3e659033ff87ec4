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

/// Columns that factorize and solve do at once; the rest of the matrix is then changed by products of matrices.
constexpr std::int64_t matrix_panel = 64;

/// Replaces the lower triangle of a symmetric, positive definite matrix by L, with matrix = L * transpose(L). The upper
/// triangle is undefined afterwards. By panels (right-looking Cholesky factorization).
inline void factorize(FloatMatrix& m, ThreadPool& pool) {
  const std::int64_t n = m.rows;
  for (std::int64_t from = 0; from < n; from += matrix_panel) {
    const std::int64_t to = std::min(from + matrix_panel, n);
    for (std::int64_t k = from; k < to; ++k) {
      float* pivot_row = m.row(k);
      for (std::int64_t j = from; j < k; ++j) pivot_row[k] -= rounded(pivot_row[j] * pivot_row[j]);
      // Rounding errors may make the pivot too small where the matrix is almost singular.
      const float pivot = pivot_row[k] = std::sqrt(std::max(pivot_row[k], 1e-30f));
      parallel_parts(pool, n - k - 1, 256, [&](std::int64_t first, std::int64_t count) {
        for (std::int64_t i = k + 1 + first; i < k + 1 + first + count; ++i) {
          float* row = m.row(i);
          for (std::int64_t j = from; j < k; ++j) row[k] -= rounded(row[j] * pivot_row[j]);
          row[k] /= pivot;
        }
      });
    }
    if (to == n) break;
    FloatMatrix panel(to - from, n), negative(to - from, n);  // the transpose of L's columns
    for (std::int64_t i = to; i < n; ++i)
      for (std::int64_t k = from; k < to; ++k) {
        panel.row(k - from)[i] = m.row(i)[k];
        negative.row(k - from)[i] = -m.row(i)[k];
      }
    constexpr std::int64_t block = 512;  // rows, of which only the columns up to the diagonal are computed
    for (std::int64_t i = to; i < n; i += block) {
      const std::int64_t end = std::min(i + block, n);
      OuterProduct p;
      p.a = negative.elements.data() + i;
      p.a_stride = p.b_stride = n;
      p.rows = end - i;
      p.b = panel.elements.data() + to;
      p.columns = end - to;
      p.depth = to - from;
      p.c = m.row(i) + to;
      p.c_stride = n;
      add_product(p, pool);
    }
  }
}

/// Replaces b [n, columns] by x with L * transpose(L) * x = b.
inline void solve(const FloatMatrix& l, FloatMatrix& b, ThreadPool& pool) {
  const std::int64_t n = l.rows, width = b.columns;
  const auto update = [&](const float* factors, std::int64_t stride, std::int64_t first, std::int64_t rows,
                          const FloatMatrix& negative) {  // of rows [first, first + rows) of b
    OuterProduct p;
    p.a = factors;
    p.a_stride = stride;
    p.rows = rows;
    p.b = negative.elements.data();
    p.b_stride = p.columns = p.c_stride = width;
    p.depth = negative.rows;
    p.c = b.row(first);
    if (rows > 0) add_product(p, pool);
  };
  const auto negative_of = [&](std::int64_t from, std::int64_t to) {
    FloatMatrix part(to - from, width);
    for (std::int64_t i = from; i < to; ++i)
      for (std::int64_t c = 0; c < width; ++c) part.row(i - from)[c] = -b.row(i)[c];
    return part;
  };
  for (std::int64_t from = 0; from < n; from += matrix_panel) {
    const std::int64_t to = std::min(from + matrix_panel, n);
    parallel_parts(pool, width, 64, [&](std::int64_t first, std::int64_t count) {
      for (std::int64_t i = from; i < to; ++i) {
        float* x = b.row(i) + first;
        for (std::int64_t j = from; j < i; ++j) add_products(-l.row(i)[j], b.row(j) + first, x, count);
        for (std::int64_t c = 0; c < count; ++c) x[c] /= l.row(i)[i];
      }
    });
    FloatMatrix columns(to - from, n - to);  // of L, below the panel
    for (std::int64_t i = to; i < n; ++i)
      for (std::int64_t j = from; j < to; ++j) columns.row(j - from)[i - to] = l.row(i)[j];
    update(columns.elements.data(), columns.columns, to, n - to, negative_of(from, to));
  }
  for (std::int64_t to = n; to > 0; to -= (to - 1) % matrix_panel + 1) {
    const std::int64_t from = to - ((to - 1) % matrix_panel + 1);
    parallel_parts(pool, width, 64, [&](std::int64_t first, std::int64_t count) {
      for (std::int64_t i = to; i-- > from;) {
        float* x = b.row(i) + first;
        for (std::int64_t c = 0; c < count; ++c) x[c] /= l.row(i)[i];
        for (std::int64_t j = from; j < i; ++j) add_products(-l.row(i)[j], x, b.row(j) + first, count);
      }
    });
    update(l.row(from), n, 0, from, negative_of(from, to));
  }
}

}  // namespace detail
OCTET_END
