#pragma once
#include <algorithm>
#include <numeric>

#include "../core/index.hpp"
#include "exact_rounding.hpp"

/// The fast rounding of weights: codes with little squared error of the layer's sums, by error feedback.
///
/// With X [P, K], the inputs of the quantized layer less their means, and T [P, O], the sums of the float model less
/// theirs, the codes q and scales s of each output channel o shall minimize
///     |X (s q) - T_o|^2 / P = (s q - w)^T H (s q - w) + constant,   H = X^T X / P,   w = H^-1 X^T T_o / P.
/// 1. With the damping d (RoundingOptions), H gets d times its mean diagonal and K / 2P + d times its own one added to
///    it: the fewer samples there are for K weights, the less H says about other images, and even less about images of
///    other things. The same amount draws w to the float weights.
/// 2. H = L L^T. From the last column to the first, each weight is rounded, and the columns before it change by
///    e_j L_ij / L_jj to compensate for its error e_i: Frantar et al. 2023, "GPTQ", equation 2, here from the Cholesky
///    factor of H itself, which is Babai's nearest-plane algorithm (Chen et al. 2025). Columns with large H_jj come
///    first (GPTQ's "act-order"). This is done for some scales, from 0.8 to 1.3 of the one that suits rounding to
///    nearest, of which the best is kept. With at most 32 weights, the best codes for a scale are searched.
/// 3. Codes are changed one by one while that reduces the error (coordinate descent: Nair and Suggala 2024, "CDQuant"),
///    and s = q^T H w / q^T H q, alternately.
/// Where blocks of weights have multipliers, q are the products of codes and multipliers.
OCTET_BEGIN
namespace detail {

class ErrorFeedback {
 public:
  static constexpr float shrinkage = 0.5f;
  static constexpr std::int64_t most_tried = 2048;  // weights of an output channel, for which several scales are tried

  ErrorFeedback(const RoundingProblem& p, ThreadPool& pool)
      : p_(p),
        pool_(pool),
        k_(p.inputs.columns),
        outputs_(p.weights.rows),
        block_(p.block ? p.block : k_),
        multipliers_(p.multipliers) {
    if (p.block == 0) {
      multipliers_ = FloatMatrix(1, outputs_);
      multipliers_.elements.assign(multipliers_.elements.size(), 1.0f);
    }
    FloatMatrix x = centred(p.inputs);
    sort_columns(x);
    h_ = FloatMatrix(k_, k_);
    add_product(x, x, h_, pool);
    const float part = 1 / static_cast<float>(std::max<std::int64_t>(x.rows, 1));
    for (float& v : h_.elements) v *= part;
    double diagonal = 0;
    for (std::int64_t j = 0; j < k_; ++j) diagonal += static_cast<double>(h_.row(j)[j]);
    const float mean = std::max(static_cast<float>(diagonal / static_cast<double>(k_)), 1e-20f);
    const float damping = p.damping, shrink = damping + shrinkage * static_cast<float>(k_) * part;
    for (std::int64_t j = 0; j < k_; ++j) h_.row(j)[j] += rounded(shrink * h_.row(j)[j]) + damping * mean;
    l_ = h_;
    factorize(l_, pool);
    wanted_ = wanted_weights(x, part);
    columns_ = transposed(wanted_);
  }

  RoundedGroup run() const {
    RoundedGroup r{std::vector<std::int8_t>(at(outputs_ * k_)), p_.scales, {}};
    std::vector<std::int8_t> products(r.codes.size());
    FloatMatrix q = first_codes(r.scales);  // [K, O]
    FloatMatrix error(k_, outputs_), negative(k_, outputs_);
    for (std::int64_t j = 0; j < k_; ++j)
      for (std::int64_t o = 0; o < outputs_; ++o) {
        error.row(j)[o] = rounded(r.scales[at(o)] * q.row(j)[o]) - columns_.row(j)[o];
        negative.row(j)[o] = -columns_.row(j)[o];
      }
    FloatMatrix gradient(outputs_, k_), by_wanted(outputs_, k_);  // H (s q - w), -H w
    add_product(error, h_, gradient, pool_);
    add_product(negative, h_, by_wanted, pool_);
    q = transposed(q);
    pool_.parallel(outputs_, [&](std::int64_t o, int) {
      const Row row{o, by_wanted.row(o), q.row(o), gradient.row(o), r.scales[at(o)], p_.least[at(o)]};
      for (int round = 0; round < 4; ++round) {
        improve(row);
        if (!p_.choose_scales || !refit(row)) break;
      }
      for (std::int64_t j = 0; j < k_; ++j) {
        const std::size_t i = at(o * k_ + order_[at(j)]);
        products[i] = static_cast<std::int8_t>(row.q[j]);
        r.codes[i] = static_cast<std::int8_t>(row.q[j] / multipliers_of(j)[o]);
      }
    });
    r.shifts = mean_shifts(p_, products, r.scales);
    return r;
  }

 private:
  /// One output channel, in step 3.
  struct Row {
    std::int64_t output;
    const float* by_wanted;  // -H w
    float *q, *gradient;     // codes, H (s q - w)
    float& scale;
    float least;
  };

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
      for (std::int64_t j = 0; j < k_; ++j) w.row(o)[j] = p_.weights.row(o)[order_[at(j)]];
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

  /// Step 2: codes [K, O]. Sets the scales if they are free.
  FloatMatrix first_codes(std::vector<float>& scales) const {
    if (!p_.choose_scales) return codes_of(scales).q;
    for (std::int64_t o = 0; o < outputs_; ++o) scales[at(o)] = best_scale(o);
    if (k_ > most_tried) return codes_of(scales).q;
    Rounded best = codes_of(scales);
    const std::vector<float> middle = scales;
    for (int step = -4; step <= 6; ++step) {
      if (step == 0) continue;
      std::vector<float> tried(middle);
      for (std::int64_t o = 0; o < outputs_; ++o)
        tried[at(o)] = std::max(middle[at(o)] * (1 + 0.05f * static_cast<float>(step)), p_.least[at(o)]);
      const Rounded other = codes_of(tried);
      for (std::int64_t o = 0; o < outputs_; ++o) {
        if (!(other.error[at(o)] < best.error[at(o)])) continue;
        best.error[at(o)] = other.error[at(o)];
        scales[at(o)] = tried[at(o)];
        for (std::int64_t j = 0; j < k_; ++j) best.q.row(j)[o] = other.q.row(j)[o];
      }
    }
    return std::move(best.q);
  }

  /// Step 2 for given scales.
  Rounded codes_of(const std::vector<float>& scales) const {
    Rounded r = feed_back(scales);
    if (k_ <= ExactRounding::most && p_.block == 0)
      pool_.parallel(
          outputs_, [&](std::int64_t o, int) { ExactRounding(l_, columns_, o, scales[at(o)], p_.largest).improve(r); });
    return r;
  }

  /// The scale with the least error of rounding to nearest, each weight by its place on the diagonal of H.
  float best_scale(std::int64_t o) const {
    const float *w = wanted_.row(o), least = p_.least[at(o)];
    float largest_weight = 0;  // less its multiplier
    for (std::int64_t j = 0; j < k_; ++j)
      largest_weight = std::max(largest_weight, std::abs(w[j]) / multipliers_of(j)[o]);
    const float full = largest_weight / static_cast<float>(p_.largest);
    if (!(full >= std::numeric_limits<float>::min())) return std::max(least, 1.0f);
    float best = std::max(full, least), error = std::numeric_limits<float>::infinity();
    const int step = k_ > most_tried ? 4 : 1;
    for (int i = 0; i < 80; i += step) {
      const float s = full * (1 - static_cast<float>(i) / 100);
      if (s < least) break;
      float sum = 0;
      for (std::int64_t j = 0; j < k_; ++j) {
        const float e = rounded(s * clamped_product(w[j] / s, multipliers_of(j)[o], p_.largest)) - w[j];
        sum += rounded(rounded(e * e) * h_.row(j)[j]);
      }
      if (sum < error) {
        error = sum;
        best = s;
      }
    }
    return best;
  }

  /// Error feedback, by panels of columns: within one, each error is passed on at once; to the columns before it by a
  /// product of matrices.
  Rounded feed_back(const std::vector<float>& scales) const {
    Rounded r{FloatMatrix(k_, outputs_), std::vector<float>(at(outputs_), 0.0f)};
    FloatMatrix change(k_, outputs_);
    for (std::int64_t to = k_; to > 0;) {
      const std::int64_t from = (to - 1) / matrix_panel * matrix_panel;
      FloatMatrix errors(to - from, outputs_);
      parallel_parts(pool_, outputs_, 64, [&](std::int64_t first, std::int64_t count) {
        for (std::int64_t i = to; i-- > from;) {
          const float pivot = l_.row(i)[i];
          float *q = r.q.row(i), *e = errors.row(i - from);
          const float* multiplier = multipliers_of(i);
          for (std::int64_t o = first; o < first + count; ++o) {
            const float w = columns_.row(i)[o], goal = w + change.row(i)[o] / pivot, s = scales[at(o)];
            q[o] = clamped_product(goal / s, multiplier[o], p_.largest);
            const float code = rounded(s * q[o]), rest = rounded((goal - code) * pivot);
            r.error[at(o)] += rounded(rest * rest);
            e[o] = w - code;
          }
          for (std::int64_t j = from; j < i; ++j) add_products(l_.row(i)[j], e + first, change.row(j) + first, count);
        }
      });
      OuterProduct p;
      p.a = l_.row(from);
      p.a_stride = k_;
      p.rows = from;
      p.b = errors.elements.data();
      p.b_stride = p.columns = p.c_stride = outputs_;
      p.depth = to - from;
      p.c = change.elements.data();
      if (from > 0) add_product(p, pool_);
      to = from;
    }
    return r;
  }

  /// Step 3, the codes.
  void improve(const Row& row) const {
    for (int pass = 0; pass < 8; ++pass) {
      bool changed = false;
      for (std::int64_t j = 0; j < k_; ++j) {
        const float step = row.gradient[j] / (row.scale * h_.row(j)[j]), multiplier = multipliers_of(j)[row.output];
        if (std::abs(step) <= 0.51f * multiplier) continue;  // less than half a code: no gain, but for rounding errors
        const float code = clamped_product(row.q[j] - step, multiplier, p_.largest);
        if (code == row.q[j]) continue;
        add_products(row.scale * (code - row.q[j]), h_.row(j), row.gradient, k_);
        row.q[j] = code;
        changed = true;
      }
      if (!changed) break;
    }
  }

  /// Step 3, the scale. Returns whether it changed much.
  bool refit(const Row& row) const {
    double dot = 0, square = 0;  // q^T H w and q^T H q
    for (std::int64_t j = 0; j < k_; ++j) {
      const double code = static_cast<double>(row.q[j]), by_wanted = static_cast<double>(row.by_wanted[j]);
      dot -= rounded(code * by_wanted);
      square += rounded(code * (static_cast<double>(row.gradient[j]) - by_wanted));
    }
    if (!(dot > 0) || !(square > 0)) return false;
    const double ratio = dot / square;  // of the scales
    const float fitted = std::max(static_cast<float>(ratio * static_cast<double>(row.scale)), row.least);
    if (!(fitted >= std::numeric_limits<float>::min())) return false;
    const float change = fitted / row.scale;
    for (std::int64_t j = 0; j < k_; ++j)
      row.gradient[j] = rounded(change * (row.gradient[j] - row.by_wanted[j])) + row.by_wanted[j];
    row.scale = fitted;
    return std::abs(change - 1) > 1e-3f;
  }

  /// The multipliers [O] of column j.
  const float* multipliers_of(std::int64_t j) const noexcept { return multipliers_.row(order_[at(j)] / block_); }

  const RoundingProblem& p_;
  ThreadPool& pool_;
  const std::int64_t k_, outputs_, block_;
  FloatMatrix multipliers_;               // [blocks, O]
  std::vector<std::int64_t> order_;       // the column of the problem that each column of the matrices is
  FloatMatrix h_, l_, wanted_, columns_;  // columns_: the transpose of wanted_
};

}  // namespace detail
OCTET_END
