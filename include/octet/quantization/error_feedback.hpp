#pragma once
#include <algorithm>
#include <numeric>

#include "rounding_problem.hpp"

/// The fast rounding of weights: the codes with the least squared error of the layer's sums, by error feedback.
///
/// With X [P, K], the inputs of the quantized layer less their means, and T [P, O], the sums of the float model less
/// theirs, the codes q and scales s of each output channel o shall minimize
///     |X (s q) - T_o|^2 / P = (s q - w)^T H (s q - w) + constant,   H = X^T X / P,   w = H^-1 X^T T_o / P.
/// 1. H gets 1 % of its mean diagonal added to it. The same amount draws w to the float weights.
/// 2. H = L L^T. From the last column to the first, each weight is rounded, and the columns before it change by
///    e_j L_ij / L_jj to compensate for its error e_i: Frantar et al. 2023, "GPTQ", equation 2, here from the Cholesky
///    factor of H itself, which is Babai's nearest-plane algorithm (Chen et al. 2025). Columns with large H_jj come
///    first (GPTQ's "act-order").
/// 3. Codes are changed one by one while that reduces the error (coordinate descent: Nair and Suggala 2024, "CDQuant"),
///    and s = q^T H w / q^T H q, alternately.
OCTET_BEGIN
namespace detail {

class ErrorFeedback {
 public:
  static constexpr float damping = 0.01f;

  ErrorFeedback(const RoundingProblem& p, ThreadPool& pool)
      : p_(p), pool_(pool), k_(p.inputs.columns), outputs_(p.weights.rows) {
    FloatMatrix x = centred(p.inputs);
    sort_columns(x);
    h_ = FloatMatrix(k_, k_);
    add_product(x, x, h_, pool);
    const float part = 1 / static_cast<float>(std::max<std::int64_t>(x.rows, 1));
    double diagonal = 0;
    for (float& v : h_.elements) v *= part;
    for (std::int64_t j = 0; j < k_; ++j) diagonal += static_cast<double>(h_.row(j)[j]);
    const float extra = std::max(damping * static_cast<float>(diagonal / static_cast<double>(k_)), 1e-20f);
    for (std::int64_t j = 0; j < k_; ++j) h_.row(j)[j] += extra;
    l_ = h_;
    factorize(l_, pool);
    wanted_ = wanted_weights(x, part);
  }

  /// The weights that suit the quantized inputs best, before they are rounded; [O, K].
  FloatMatrix wanted() const {
    FloatMatrix w(outputs_, k_);
    for (std::int64_t o = 0; o < outputs_; ++o)
      for (std::int64_t j = 0; j < k_; ++j) w.row(o)[order_[static_cast<std::size_t>(j)]] = wanted_.row(o)[j];
    return w;
  }

  RoundedGroup run() const {
    RoundedGroup r{std::vector<std::int8_t>(static_cast<std::size_t>(outputs_ * k_)), p_.scales, {}};
    pool_.parallel(outputs_, [&](std::int64_t o, int) {
      float& scale = r.scales[static_cast<std::size_t>(o)];
      const std::vector<float> q = codes_of(wanted_.row(o), scale, p_.least[static_cast<std::size_t>(o)]);
      for (std::int64_t j = 0; j < k_; ++j)
        r.codes[static_cast<std::size_t>(o * k_ + order_[static_cast<std::size_t>(j)])] =
            static_cast<std::int8_t>(q[static_cast<std::size_t>(j)]);
    });
    r.shifts = mean_shifts(p_, r.codes, r.scales);
    return r;
  }

 private:
  /// The matrix less the mean of each column.
  static FloatMatrix centred(FloatMatrix m) {
    std::vector<double> mean(static_cast<std::size_t>(m.columns), 0.0);
    for (std::int64_t r = 0; r < m.rows; ++r)
      for (std::int64_t c = 0; c < m.columns; ++c)
        mean[static_cast<std::size_t>(c)] += static_cast<double>(m.row(r)[c]);
    for (std::int64_t r = 0; r < m.rows; ++r)
      for (std::int64_t c = 0; c < m.columns; ++c)
        m.row(r)[c] -= static_cast<float>(mean[static_cast<std::size_t>(c)] / static_cast<double>(m.rows));
    return m;
  }

  /// Columns are rounded from the last to the first: those with much energy are moved to the end.
  void sort_columns(FloatMatrix& x) {
    std::vector<double> energy(static_cast<std::size_t>(k_), 0.0);
    for (std::int64_t r = 0; r < x.rows; ++r)
      for (std::int64_t c = 0; c < k_; ++c) {
        const auto v = static_cast<double>(x.row(r)[c]);
        energy[static_cast<std::size_t>(c)] += rounded(v * v);
      }
    order_.resize(static_cast<std::size_t>(k_));
    std::iota(order_.begin(), order_.end(), std::int64_t{0});
    std::stable_sort(order_.begin(), order_.end(), [&](std::int64_t a, std::int64_t b) {
      return energy[static_cast<std::size_t>(a)] < energy[static_cast<std::size_t>(b)];
    });
    std::vector<float> row(static_cast<std::size_t>(k_));
    for (std::int64_t r = 0; r < x.rows; ++r) {
      for (std::size_t j = 0; j < row.size(); ++j) row[j] = x.row(r)[order_[j]];
      std::copy(row.begin(), row.end(), x.row(r));
    }
  }

  /// W + (H^-1 X^T (T - X W^T) / P)^T, with sorted columns.
  FloatMatrix wanted_weights(const FloatMatrix& x, float part) const {
    FloatMatrix w(outputs_, k_);
    for (std::int64_t o = 0; o < outputs_; ++o)
      for (std::int64_t j = 0; j < k_; ++j) w.row(o)[j] = p_.weights.row(o)[order_[static_cast<std::size_t>(j)]];
    FloatMatrix negative = transposed(w);
    for (float& v : negative.elements) v = -v;
    FloatMatrix rest = centred(p_.targets);
    add_product(transposed(x), negative, rest, pool_);
    FloatMatrix change(k_, outputs_);
    add_product(x, rest, change, pool_);
    for (float& v : change.elements) v *= part;
    solve(l_, change, pool_);
    for (std::int64_t o = 0; o < outputs_; ++o)
      for (std::int64_t j = 0; j < k_; ++j) w.row(o)[j] += change.row(j)[o];
    return w;
  }

  /// The scale with the least error of rounding to nearest, each weight by its place on the diagonal of H.
  float best_scale(const float* w, float least) const {
    float largest_weight = 0;
    for (std::int64_t j = 0; j < k_; ++j) largest_weight = std::max(largest_weight, std::abs(w[j]));
    const float full = largest_weight / static_cast<float>(p_.largest);
    if (!(full >= std::numeric_limits<float>::min())) return std::max(least, 1.0f);
    float best = std::max(full, least), error = std::numeric_limits<float>::infinity();
    for (int i = 0; i < 80; ++i) {
      const float s = full * (1 - static_cast<float>(i) / 100);
      if (s < least) break;
      float sum = 0;
      for (std::int64_t j = 0; j < k_; ++j) {
        const float e = rounded(s * clamped_code(w[j] / s, p_.largest)) - w[j];
        sum += rounded(rounded(e * e) * h_.row(j)[j]);
      }
      if (sum < error) {
        error = sum;
        best = s;
      }
    }
    return best;
  }

  std::vector<float> codes_of(const float* w, float& scale, float least) const {
    if (p_.choose_scales) scale = best_scale(w, least);
    std::vector<float> q = feed_back(w, scale);
    for (int round = 0; round < 4; ++round) {
      improve(w, scale, q);
      if (!p_.choose_scales || !refit(w, q, scale, least)) break;
    }
    return q;
  }

  /// Step 2.
  std::vector<float> feed_back(const float* w, float scale) const {
    std::vector<float> q(static_cast<std::size_t>(k_)), change(static_cast<std::size_t>(k_), 0.0f);
    for (std::int64_t i = k_; i-- > 0;) {
      const auto c = static_cast<std::size_t>(i);
      const float goal = w[i] + change[c] / l_.row(i)[i];
      q[c] = clamped_code(goal / scale, p_.largest);
      add_products(w[i] - rounded(scale * q[c]), l_.row(i), change.data(), i);
    }
    return q;
  }

  /// H (s q - w)
  std::vector<float> gradient(const float* w, float scale, const std::vector<float>& q) const {
    std::vector<float> g(static_cast<std::size_t>(k_), 0.0f);
    for (std::int64_t j = 0; j < k_; ++j)
      add_products(rounded(scale * q[static_cast<std::size_t>(j)]) - w[j], h_.row(j), g.data(), k_);
    return g;
  }

  /// Step 3.
  void improve(const float* w, float scale, std::vector<float>& q) const {
    std::vector<float> g = gradient(w, scale, q);
    for (int pass = 0; pass < 8; ++pass) {
      bool changed = false;
      for (std::int64_t j = 0; j < k_; ++j) {
        const auto c = static_cast<std::size_t>(j);
        const float step = g[c] / (scale * h_.row(j)[j]);
        if (std::abs(step) <= 0.5f) continue;
        const float code = clamped_code(q[c] - step, p_.largest);
        if (code == q[c]) continue;
        add_products(scale * (code - q[c]), h_.row(j), g.data(), k_);
        q[c] = code;
        changed = true;
      }
      if (!changed) break;
    }
  }

  /// Sets the scale with the least error of these codes. Returns whether it changed much.
  bool refit(const float* w, const std::vector<float>& q, float& scale, float least) const {
    const std::vector<float> zeros(static_cast<std::size_t>(k_), 0.0f);
    const std::vector<float> hq = gradient(zeros.data(), 1, q);
    double dot = 0, square = 0;
    for (std::int64_t j = 0; j < k_; ++j) {
      const auto c = static_cast<std::size_t>(j);
      dot += rounded(static_cast<double>(hq[c]) * static_cast<double>(w[j]));
      square += rounded(static_cast<double>(hq[c]) * static_cast<double>(q[c]));
    }
    if (!(dot > 0) || !(square > 0)) return false;
    const float fitted = std::max(static_cast<float>(dot / square), least);
    if (!(fitted >= std::numeric_limits<float>::min())) return false;
    const bool much = std::abs(fitted - scale) > 1e-3f * scale;
    scale = fitted;
    return much;
  }

  const RoundingProblem& p_;
  ThreadPool& pool_;
  const std::int64_t k_, outputs_;
  std::vector<std::int64_t> order_;  // the column of the problem that each column of the matrices is
  FloatMatrix h_, l_, wanted_;
};

}  // namespace detail
OCTET_END
