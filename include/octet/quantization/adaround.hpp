#pragma once
#include <algorithm>

#include "../core/index.hpp"
#include "../core/random.hpp"
#include "../operators/elementary.hpp"
#include "rounding_problem.hpp"

/// AdaRound: Nagel et al. 2020, "Up or Down? Adaptive Rounding for Post-Training Quantization", for one group of a
/// layer. With the sums z = W X of the float layer and f, its activation, it minimizes over V [O, K] (equation 25)
///     |f(z) - f(s clip(floor(W / s) + h(V), -n, n) X^)|^2 + lambda sum(1 - |2 h(V) - 1|^beta),
///     h(V) = clip(sigmoid(V) (zeta - gamma) + gamma, 0, 1),  zeta = 1.1,  gamma = -0.1   (equations 23 and 24)
/// by Adam, on batches of output pixels. beta falls from 20 to 2 after a first fifth without the second term. X^ are
/// the inputs of the quantized model.
///
/// Here, weights start at the codes of the fast rounding (each in the rounding interval of its code, as near as
/// possible to the wanted weight), the bias is learned as well, and the first term is relative to the error of the fast
/// rounding, times the number of weights. If all samples have a larger error afterwards, the fast rounding is kept.
OCTET_BEGIN
namespace detail {

class AdaRound {
 public:
  AdaRound(const RoundingProblem& p, const FloatMatrix& wanted, RoundedGroup fast, std::uint64_t seed, ThreadPool& pool)
      : p_(p),
        fast_(std::move(fast)),
        seed_(seed),
        pool_(pool),
        k_(p.inputs.columns),
        outputs_(p.weights.rows),
        rows_(p.inputs.rows),
        columns_(rows_, k_),
        inputs_(k_, rows_),
        goals_(rows_, outputs_),
        added_(rows_, outputs_),
        floors_(k_, outputs_),
        v_(k_, outputs_) {
    shuffle();
    for (std::int64_t o = 0; o < outputs_; ++o)
      for (std::int64_t j = 0; j < k_; ++j) start(o, j, wanted.row(o)[j]);
  }

  RoundedGroup run(std::int64_t iterations) {
    if (rows_ == 0 || iterations <= 0) return fast_;
    const double before = error(fast_);
    if (!(before > 0)) return fast_;
    learn(iterations, before);
    RoundedGroup r = fast_;
    for (std::int64_t o = 0; o < outputs_; ++o) {
      for (std::int64_t j = 0; j < k_; ++j)
        r.codes[at(o * k_ + j)] =
            static_cast<std::int8_t>(clamped_code(floors_.row(j)[o] + (v_.row(j)[o] >= 0 ? 1.0f : 0.0f), p_.largest));
      r.shifts[at(o)] = shift_[at(o)];
    }
    if (p_.low > -std::numeric_limits<float>::infinity() || p_.high < std::numeric_limits<float>::infinity()) {
      // The bias is the better of the learned one and the one that keeps the means of the sums.
      RoundedGroup mean = r;
      mean.shifts = mean_shifts(p_, r.codes, r.scales);
      if (error(mean) < error(r)) r = mean;
    } else {
      r.shifts = mean_shifts(p_, r.codes, r.scales);
    }
    return error(r) < before ? r : fast_;
  }

 private:
  static constexpr float zeta = 1.1f, gamma = -0.1f, lambda = 0.2f, rate = 0.02f;
  static constexpr std::int64_t batch = 128;

  float clamped(float x) const noexcept { return std::min(std::max(x, p_.low), p_.high); }

  /// Samples in random order, so that a batch is a run of them.
  void shuffle() {
    std::vector<std::int64_t> order;
    SplitMix random(seed_);
    for (std::int64_t r = 0; r < rows_; ++r) {
      order.push_back(r);
      std::swap(order.back(), order[at(random.below(r + 1))]);
    }
    for (std::int64_t r = 0; r < rows_; ++r) {
      const std::int64_t from = order[at(r)];
      std::copy_n(p_.inputs.row(from), k_, columns_.row(r));
      for (std::int64_t j = 0; j < k_; ++j) inputs_.row(j)[r] = p_.inputs.row(from)[j];
      for (std::int64_t o = 0; o < outputs_; ++o) {
        added_.row(r)[o] = p_.added.row(from)[o];
        goals_.row(r)[o] = clamped(p_.targets.row(from)[o] + p_.added.row(from)[o]);
      }
    }
  }

  void start(std::int64_t o, std::int64_t j, float wanted) {
    const float code = static_cast<float>(fast_.codes[at(o * k_ + j)]), s = fast_.scales[at(o)];
    const float x = std::min(std::max(wanted / s, code - 0.49f), code + 0.49f);
    const float low = std::floor(x), h = std::min(std::max(x - low, 0.01f), 0.99f);
    floors_.row(j)[o] = low;
    const FloatBatch odds((zeta - gamma) / (h - gamma) - 1);  // the inverse of h(V)
    float v[FloatBatch::size];
    (-log_of(odds)).store_unaligned(v);
    v_.row(j)[o] = v[0];
  }

  /// The squared error of all samples.
  double error(const RoundedGroup& r) const {
    FloatMatrix w(k_, outputs_), z = added_;
    for (std::int64_t o = 0; o < outputs_; ++o)
      for (std::int64_t j = 0; j < k_; ++j) w.row(j)[o] = static_cast<float>(r.codes[at(o * k_ + j)]) * r.scales[at(o)];
    add_product(inputs_, w, z, pool_);
    double sum = 0;
    for (std::int64_t i = 0; i < rows_; ++i)
      for (std::int64_t o = 0; o < outputs_; ++o) {
        const double e = static_cast<double>(clamped(z.row(i)[o] + r.shifts[at(o)]) - goals_.row(i)[o]);
        sum += rounded(e * e);
      }
    return sum;
  }

  void learn(std::int64_t iterations, double before) {
    const std::int64_t b = std::min(batch, rows_);
    // The first term's gradient is relative: the error of a batch is before / rows per sample.
    const float unit = static_cast<float>(static_cast<double>(k_ * outputs_) * static_cast<double>(rows_) /
                                          (before * static_cast<double>(b)));
    shift_ = fast_.shifts;
    FloatMatrix w(k_, outputs_), slope(k_, outputs_), first(k_, outputs_), second(k_, outputs_), z(b, outputs_),
        decision(k_, outputs_), by_w(k_, outputs_);
    std::vector<float> bias_first(at(outputs_), 0.0f), bias_second = bias_first;
    SplitMix random(seed_ + 1);
    double power1 = 1, power2 = 1;
    for (std::int64_t i = 0; i < iterations; ++i) {
      power1 *= 0.9;
      power2 *= 0.999;
      const std::int64_t from = random.below(rows_ - b + 1);
      const double progress = (static_cast<double>(i) / static_cast<double>(iterations) - 0.2) / 0.8;
      const bool decides = progress >= 0;
      const auto beta = static_cast<float>(20 - 18 * std::max(progress, 0.0));
      pool_.parallel(k_, [&](std::int64_t j, int) {
        soft_weights(j, decides ? beta : 0, w.row(j), slope.row(j), decision.row(j));
      });
      for (std::int64_t r = 0; r < b; ++r)
        for (std::int64_t o = 0; o < outputs_; ++o) z.row(r)[o] = added_.row(from + r)[o] + shift_[at(o)];
      OuterProduct forward;
      forward.a = inputs_.elements.data() + from;
      forward.a_stride = rows_;
      forward.rows = b;
      forward.b = w.elements.data();
      forward.b_stride = forward.c_stride = forward.columns = outputs_;
      forward.depth = k_;
      forward.c = z.elements.data();
      add_product(forward, pool_);
      for (std::int64_t r = 0; r < b; ++r)
        for (std::int64_t o = 0; o < outputs_; ++o) {
          float& e = z.row(r)[o];
          const bool inside = e > p_.low && e < p_.high;
          e = inside ? 2 * unit * (e - goals_.row(from + r)[o]) : 0.0f;
        }
      std::fill(by_w.elements.begin(), by_w.elements.end(), 0.0f);
      OuterProduct back;
      back.a = columns_.row(from);
      back.a_stride = back.rows = k_;
      back.b = z.elements.data();
      back.b_stride = back.c_stride = back.columns = outputs_;
      back.depth = b;
      back.c = by_w.elements.data();
      add_product(back, pool_);
      const auto correct1 = static_cast<float>(1 / (1 - power1)), correct2 = static_cast<float>(1 / (1 - power2));
      pool_.parallel(k_, [&](std::int64_t j, int) {
        float *g = by_w.row(j), *m = first.row(j), *s = second.row(j), *v = v_.row(j);
        const float* d = slope.row(j);
        for (std::int64_t o = 0; o < outputs_; ++o) {
          const float gradient = rounded(g[o] * fast_.scales[at(o)]) + decision.row(j)[o];
          adam(gradient * d[o], rate, m[o], s[o], v[o], correct1, correct2);
        }
      });
      for (std::int64_t o = 0; o < outputs_; ++o) {
        float sum = 0;
        for (std::int64_t r = 0; r < b; ++r) sum += z.row(r)[o];
        adam(sum, 0.01f * fast_.scales[at(o)], bias_first[at(o)], bias_second[at(o)], shift_[at(o)], correct1,
             correct2);
      }
    }
  }

  static void adam(float gradient, float speed, float& m, float& s, float& x, float c1, float c2) noexcept {
    m = rounded(0.9f * m) + rounded(0.1f * gradient);
    s = rounded(0.999f * s) + rounded(0.001f * rounded(gradient * gradient));
    x -= rounded(speed * (m * c1) / (std::sqrt(s * c2) + 1e-8f));
  }

  /// Row j of the weights, the derivative of h with respect to V, and that of the second term with respect to h; 0 if
  /// beta is 0.
  void soft_weights(std::int64_t j, float beta, float* w, float* slope, float* decision) const {
    const float *v = v_.row(j), *low = floors_.row(j);
    constexpr auto lanes = static_cast<std::int64_t>(FloatBatch::size);
    const FloatBatch one(1.0f);
    for (std::int64_t o = 0; o < outputs_; o += lanes) {
      float x[lanes] = {}, s[lanes], t[lanes] = {}, power[lanes];
      const std::int64_t n = std::min(lanes, outputs_ - o);
      std::copy_n(v + o, n, x);
      (one / (one + exp_of(-FloatBatch::load_unaligned(x)))).store_unaligned(s);
      for (std::int64_t i = 0; i < n; ++i) {
        const float h = rounded(s[i] * (zeta - gamma)) + gamma;
        const bool inside = h > 0 && h < 1;
        w[o + i] = (low[o + i] + std::min(std::max(h, 0.0f), 1.0f)) * fast_.scales[at(o + i)];
        slope[o + i] = inside ? s[i] * (1 - s[i]) * (zeta - gamma) : 0.0f;
        t[i] = inside ? 2 * h - 1 : 0.0f;
      }
      std::fill_n(decision + o, n, 0.0f);
      if (beta == 0) continue;
      // The derivative of 1 - |t|^beta, with t = 2 h - 1: -2 beta |t|^(beta - 1) sign(t)
      exp_of(rounded(log_of(xsimd::abs(FloatBatch::load_unaligned(t)) + FloatBatch(1e-9f)) * FloatBatch(beta - 1)))
          .store_unaligned(power);
      for (std::int64_t i = 0; i < n; ++i)
        if (t[i] != 0) decision[o + i] = (t[i] > 0 ? -2 : 2) * lambda * beta * power[i];
    }
  }

  const RoundingProblem& p_;
  const RoundedGroup fast_;
  const std::uint64_t seed_;
  ThreadPool& pool_;
  const std::int64_t k_, outputs_, rows_;
  FloatMatrix columns_, inputs_, goals_, added_, floors_, v_;  // columns_ [P, K]; inputs_ [K, P]; floors_, v_ [K, O]
  std::vector<float> shift_;
};

}  // namespace detail
OCTET_END
