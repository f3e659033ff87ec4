#include <octet/quantization/exact_rounding.hpp>

#include "support/random.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;
using detail::FloatMatrix;

TEST_CASE("branch and bound finds the best of all codes") {
  constexpr std::int64_t k = 5;
  constexpr int largest = 3;
  constexpr float scale = 0.4f;
  bool better = false;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    FloatMatrix x(12, k), h(k, k), w(k, 1);
    random.fill(x.elements.data(), 12 * k);
    random.fill(w.elements.data(), k);
    for (std::int64_t r = 0; r < 12; ++r)
      for (std::int64_t j = 1; j < k; ++j) x.row(r)[j] = 0.2f * x.row(r)[j] + 0.9f * x.row(r)[j - 1];
    add_product(x, x, h, *default_pool());
    for (std::int64_t j = 0; j < k; ++j) h.row(j)[j] += 0.01f;
    const auto error = [&](const FloatMatrix& q) {
      double sum = 0;
      for (std::int64_t i = 0; i < k; ++i)
        for (std::int64_t j = 0; j < k; ++j)
          sum += static_cast<double>((scale * q.row(i)[0] - w.row(i)[0]) * h.row(i)[j] *
                                     (scale * q.row(j)[0] - w.row(j)[0]));
      return sum;
    };
    detail::Rounded r{FloatMatrix(k, 1), {}};
    for (std::int64_t j = 0; j < k; ++j) r.q.row(j)[0] = detail::clamped_code(w.row(j)[0] / scale, largest);
    const double nearest = error(r.q);
    r.error = {static_cast<float>(nearest)};
    double best = nearest;
    for (int choice = 0; choice < 16807; ++choice) {  // 7^5
      FloatMatrix q(k, 1);
      for (int j = 0, left = choice; j < k; ++j, left /= 7) q.row(j)[0] = static_cast<float>(left % 7 - largest);
      best = std::min(best, error(q));
    }
    FloatMatrix l = h;
    detail::factorize(l, *default_pool());
    detail::ExactRounding(l, w, 0, scale, largest).improve(r);
    CHECK(error(r.q) <= best * 1.001 + 1e-6);
    CHECK(static_cast<double>(r.error[0]) == doctest::Approx(error(r.q)).epsilon(0.001));
    better = better || best < 0.7 * nearest;
  }
  CHECK(better);  // so that the checks say something
}
