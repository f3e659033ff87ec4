#include <octet/quantization/float_matrix.hpp>

#include "support/isas.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;
using detail::FloatMatrix;

namespace {

FloatMatrix random_matrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  FloatMatrix m(rows, columns);
  Random(seed).fill(m.elements.data(), rows * columns);
  return m;
}

/// X^T X / P + 0.1 I, symmetric and positive definite.
FloatMatrix moments(std::int64_t n, std::uint64_t seed) {
  const FloatMatrix x = random_matrix(2 * n, n, seed);
  FloatMatrix h(n, n);
  add_product(x, x, h, *default_pool());
  for (float& v : h.elements) v /= static_cast<float>(2 * n);
  for (std::int64_t i = 0; i < n; ++i) h.row(i)[i] += 0.1f;
  return h;
}

}  // namespace

TEST_CASE("the Cholesky factor times its transpose is the matrix, for sizes below, at and above the panels'") {
  for (std::int64_t n : {1, 2, 63, 64, 65, 128, 200, 650}) {
    CAPTURE(n);
    const FloatMatrix h = moments(n, static_cast<std::uint64_t>(n));
    FloatMatrix l = h;
    detail::factorize(l, *default_pool());
    double worst = 0;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j <= i; ++j) {
        double sum = 0;
        for (std::int64_t k = 0; k <= j; ++k)
          sum += static_cast<double>(l.row(i)[k]) * static_cast<double>(l.row(j)[k]);
        worst = std::max(worst, std::abs(sum - static_cast<double>(h.row(i)[j])));
      }
    CHECK(worst < 1e-5);
  }
}

TEST_CASE("solving with the Cholesky factor gives what multiplied with the matrix is the right side") {
  for (std::int64_t n : {1, 64, 65, 200})
    for (std::int64_t columns : {1, 70}) {
      CAPTURE(n);
      CAPTURE(columns);
      const FloatMatrix h = moments(n, 3), b = random_matrix(n, columns, 4);
      FloatMatrix l = h, x = b;
      detail::factorize(l, *default_pool());
      detail::solve(l, x, *default_pool());
      double worst = 0;
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t c = 0; c < columns; ++c) {
          double sum = 0;
          for (std::int64_t j = 0; j < n; ++j)
            sum += static_cast<double>(h.row(i)[j]) * static_cast<double>(x.row(j)[c]);
          worst = std::max(worst, std::abs(sum - static_cast<double>(b.row(i)[c])));
        }
      CHECK(worst < 2e-4);
    }
}

TEST_CASE("factors and solutions have the same bits with any number of threads and on every instruction set") {
  const FloatMatrix h = moments(300, 5), b = random_matrix(300, 130, 6);
  const auto solved = [&](int threads) {
    ThreadPool pool(threads);
    FloatMatrix l = h, x = b;
    detail::factorize(l, pool);
    detail::solve(l, x, pool);
    return x.elements;
  };
  const std::vector<float> first = solved(1);
  CHECK(solved(3) == first);
  for (Isa isa : available_isas()) {
    const UseIsa use(isa);
    CHECK(solved(2) == first);
  }
}
