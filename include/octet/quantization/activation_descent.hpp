#pragma once
#include <algorithm>

#include "../core/index.hpp"
#include "../operators/elementary.hpp"
#include "rounding_problem.hpp"

/// Codes for the outputs of a layer after its activation f (ReLU, ReLU6): where f is constant, errors of the sums do
/// not matter. From codes q, scale s and shift of the bias of an output channel that suit the sums z = X (s q) + added,
/// this reduces, with the samples' inputs X [P, K] and the targets t,
///     sum over p of (f(z_p) - f(t_p))^2 + r sum over j of a_j (s q_j - w_j)^2,   r = 1 % + K / 2P
/// by changes of one code, of the scale, or of the shift. (The loss is AdaRound's, Nagel et al. 2020, equation 25; the
/// second term draws weights to the wanted ones w as the diagonal of ErrorFeedback's H does.) a_j is the sum of x_pj^2
/// over samples whose z is between the limits of f, e = f(z) - f(t) there, and 0 elsewhere. The changes with the
/// largest predicted gain, by the gradient e^T x_j and the curvature a_j, are tried, and kept if the error becomes
/// smaller.
OCTET_BEGIN
namespace detail {

class ActivationDescent {
 public:
  ActivationDescent(const RoundingProblem& p, const FloatMatrix& wanted, RoundedGroup start, ThreadPool& pool)
      : p_(p),
        wanted_(wanted),
        r_(std::move(start)),
        pool_(pool),
        k_(p.inputs.columns),
        outputs_(p.weights.rows),
        rows_(p.inputs.rows),
        stride_((rows_ + lanes - 1) / lanes * lanes),
        ridge_(0.01f + 0.5f * static_cast<float>(k_) / static_cast<float>(std::max<std::int64_t>(rows_, 1))) {}

  RoundedGroup run() {
    if (rows_ == 0 || (p_.low == -infinity && p_.high == infinity)) return std::move(r_);
    prepare();
    std::vector<char> going(at(outputs_), 1);
    for (int pass = 0; pass < most_passes && std::find(going.begin(), going.end(), 1) != going.end(); ++pass) {
      predict();
      pool_.parallel(outputs_, [&](std::int64_t o, int) {
        if (going[at(o)]) going[at(o)] = improve(o);
      });
    }
    return std::move(r_);
  }

 private:
  static constexpr float infinity = std::numeric_limits<float>::infinity();
  static constexpr std::int64_t lanes = 16, most_tries = 48;
  static constexpr int most_passes = 12;
  static constexpr float least_gain = 1e-4f;  // part of the error

  float clamped(float x) const noexcept { return std::min(std::max(x, p_.low), p_.high); }

  void prepare() {
    const FloatMatrix columns = transposed(p_.inputs);
    columns_ = FloatMatrix(k_ + 1, stride_);  // the last one, of ones, is that of the shift
    for (std::int64_t j = 0; j < k_; ++j) std::copy_n(columns.row(j), rows_, columns_.row(j));
    std::fill_n(columns_.row(k_), rows_, 1.0f);
    squares_ = p_.inputs;
    for (float& x : squares_.elements) x = rounded(x * x);
    FloatMatrix w(k_, outputs_), sums = p_.added;
    for (std::int64_t o = 0; o < outputs_; ++o)
      for (std::int64_t j = 0; j < k_; ++j) w.row(j)[o] = static_cast<float>(code(o, j)) * r_.scales[at(o)];
    add_product(columns, w, sums, pool_);
    sums_ = FloatMatrix(outputs_, stride_);
    goals_ = FloatMatrix(outputs_, stride_);
    std::fill(goals_.elements.begin(), goals_.elements.end(), clamped(0));
    for (std::int64_t o = 0; o < outputs_; ++o)
      for (std::int64_t i = 0; i < rows_; ++i) {
        sums_.row(o)[i] = sums.row(i)[o] + r_.shifts[at(o)];
        goals_.row(o)[i] = clamped(p_.targets.row(i)[o] + p_.added.row(i)[o]);
      }
  }

  std::int8_t& code(std::int64_t o, std::int64_t j) { return r_.codes[at(o * k_ + j)]; }

  /// Gradients and curvatures of the first term, halved.
  void predict() {
    FloatMatrix error(rows_, outputs_), active(rows_, outputs_);
    for (std::int64_t o = 0; o < outputs_; ++o)
      for (std::int64_t i = 0; i < rows_; ++i) {
        const float z = sums_.row(o)[i];
        if (!(z > p_.low && z < p_.high)) continue;
        error.row(i)[o] = z - goals_.row(o)[i];
        active.row(i)[o] = 1;
      }
    gradient_ = FloatMatrix(k_, outputs_);
    curvature_ = FloatMatrix(k_, outputs_);
    add_product(p_.inputs, error, gradient_, pool_);
    add_product(squares_, active, curvature_, pool_);
  }

  /// The squared error of a channel if its sums change by step * x.
  float error(std::int64_t o, const float* x, float step) const {
    constexpr auto size = static_cast<std::int64_t>(FloatBatch::size), parts = std::max<std::int64_t>(1, lanes / size);
    const float *z = sums_.row(o), *goal = goals_.row(o);
    const FloatBatch low(p_.low), high(p_.high), factor(step);
    FloatBatch sums[parts];
    for (FloatBatch& s : sums) s = FloatBatch(0.0f);
    for (std::int64_t i = 0; i < stride_; i += lanes)
      for (std::int64_t n = 0; n < parts; ++n) {
        const std::int64_t k = i + n * size;
        const FloatBatch moved =
            FloatBatch::load_unaligned(z + k) + rounded_batch(FloatBatch::load_unaligned(x + k) * factor);
        const FloatBatch e = xsimd::min(xsimd::max(moved, low), high) - FloatBatch::load_unaligned(goal + k);
        sums[n] += rounded_batch(e * e);
      }
    float all[lanes], sum = 0;
    for (std::int64_t n = 0; n < parts; ++n) sums[n].store_unaligned(all + n * size);
    for (float s : all) sum += s;
    return sum;
  }

  /// Moves the sums by step * x if that reduces the error, which together with a second term changes by `other`.
  bool accept(std::int64_t o, const float* x, float step, float other, float& now) {
    const float next = error(o, x, step);
    if (!(next + other < now - least_gain * now)) return false;
    now = next;
    add_products(step, x, sums_.row(o), stride_);
    return true;
  }

  struct Candidate {
    float gain;
    std::int64_t j;
    int change;
  };

  bool improve(std::int64_t o) {
    const float s = r_.scales[at(o)];
    const auto ridge = [&](std::int64_t j, int c) {  // of the second term
      const float rest = rounded(s * static_cast<float>(c)) - wanted_.row(o)[j];
      return rounded(ridge_ * curvature_.row(j)[o]) * rest * rest;
    };
    std::vector<Candidate> candidates;
    for (std::int64_t j = 0; j < k_; ++j) {
      const float a = curvature_.row(j)[o] * s * s, b = gradient_.row(j)[o] * s;
      if (!(a > 0)) continue;
      const int q = code(o, j), step = static_cast<int>(clamped_code(-b / a, p_.largest)),
                change = std::clamp(q + (step != 0 ? step
                                         : b > 0   ? -1
                                                   : 1),
                                    -p_.largest, p_.largest) -
                         q;
      const auto d = static_cast<float>(change);
      const float gain = -(rounded(2 * d * b) + rounded(d * d * a)) - (ridge(j, q + change) - ridge(j, q));
      if (change != 0 && gain > 0) candidates.push_back({gain, j, change});
    }
    const std::size_t tried = std::min(candidates.size(), at(most_tries));
    std::partial_sort(
        candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(tried), candidates.end(),
        [](const Candidate& x, const Candidate& y) { return x.gain != y.gain ? x.gain > y.gain : x.j < y.j; });
    float now = error(o, columns_.row(k_), 0);
    bool changed = false;
    for (std::size_t i = 0; i < tried; ++i) {
      const Candidate& c = candidates[i];
      const int q = code(o, c.j);
      if (!accept(o, columns_.row(c.j), s * static_cast<float>(c.change), ridge(c.j, q + c.change) - ridge(c.j, q),
                  now))
        continue;
      code(o, c.j) = static_cast<std::int8_t>(q + c.change);
      changed = true;
    }
    move_shift(o, now);
    return changed;
  }

  void move_shift(std::int64_t o, float& now) {
    float sum = 0, count = 0;
    for (std::int64_t i = 0; i < rows_; ++i) {
      const float z = sums_.row(o)[i];
      if (!(z > p_.low && z < p_.high)) continue;
      sum += z - goals_.row(o)[i];
      ++count;
    }
    if (count == 0) return;
    const float step = -sum / count;
    if (accept(o, columns_.row(k_), step, 0, now)) r_.shifts[at(o)] += step;
  }

  const RoundingProblem& p_;
  const FloatMatrix& wanted_;  // [O, K]
  RoundedGroup r_;
  ThreadPool& pool_;
  const std::int64_t k_, outputs_, rows_, stride_;
  const float ridge_;
  FloatMatrix columns_, squares_, sums_, goals_;  // [K + 1, P], [P, K], [O, P], [O, P]
  FloatMatrix gradient_, curvature_;              // [K, O]
};

}  // namespace detail
OCTET_END
