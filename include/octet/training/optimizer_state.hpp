#pragma once
#include <array>
#include <cmath>

#include "../core/thread_pool.hpp"
#include "../operators/unary_function.hpp"
#include "optimizer.hpp"
#include "parameters.hpp"

OCTET_BEGIN
namespace detail {

/// The state of an optimizer for the parameters of one model.
class OptimizerState {
 public:
  OptimizerState() = default;
  OptimizerState(const Optimizer& o, const Parameters& p) : o_(o), parameters_(&p) {
    constexpr std::int64_t part = 16384;
    for (const Parameter& one : p.list()) {
      if (!one.learned) continue;
      const bool decays = o.decay_vectors || one.shape.rank() > 1;
      for (std::int64_t i = 0; i < one.size; i += part)
        parts_.push_back(
            {one.offset + i, std::min(part, one.size - i), decays ? o.weight_decay : 0, one.in_proportion});
    }
    for (AlignedBytes& slot : slots_) slot = AlignedBytes(slot_bytes(&slot - slots_.data()));
    for (AlignedBytes& slot : slots_)
      if (slot.size()) std::memset(slot.data(), 0, slot.size());
    sums_.resize(parts_.size());
  }

  /// The L2 norm of all gradients together.
  double gradient_norm(ThreadPool& pool) {
    const float* g = parameters_->gradients();
    pool.parallel(static_cast<std::int64_t>(parts_.size()), [&](std::int64_t t, int) {
      const Part& p = parts_[static_cast<std::size_t>(t)];
      std::array<double, 4> sum{};  // lane i sums elements i, i + 4, ...
      for (std::int64_t i = 0; i < p.count; ++i) {
        const auto x = static_cast<double>(g[p.first + i]);
        sum[static_cast<std::size_t>(i % 4)] += x * x;
      }
      sums_[static_cast<std::size_t>(t)] = sum[0] + sum[1] + sum[2] + sum[3];
    });
    double sum = 0;
    for (double s : sums_) sum += s;
    return std::sqrt(sum);
  }

  /// Updates all weights. Gradients are multiplied by `factor` first.
  void step(double rate, double factor, ThreadPool& pool) {
    ++steps_;
    pool.parallel(static_cast<std::int64_t>(parts_.size()), [&](std::int64_t t, int) {
      const Part& p = parts_[static_cast<std::size_t>(t)];
      if (o_.kind == Optimizer::Kind::sgd)
        sgd(p, rate, factor);
      else
        adam(p, rate, factor);
    });
  }

  std::int64_t steps() const noexcept { return steps_; }
  void set_steps(std::int64_t n) noexcept { steps_ = n; }
  /// Moments of the gradients; empty if the optimizer has none.
  const std::array<AlignedBytes, 2>& slots() const noexcept { return slots_; }

 private:
  using Batch = FloatBatch;
  struct Part {
    std::int64_t first, count;
    double decay;
    bool in_proportion;
  };

  std::size_t slot_bytes(std::ptrdiff_t slot) const {
    const bool used = o_.kind == Optimizer::Kind::sgd ? slot == 0 && o_.momentum > 0 : true;
    return used ? static_cast<std::size_t>(parameters_->learned_size()) * sizeof(float) : 0;
  }
  float* slot(std::size_t i) const noexcept { return reinterpret_cast<float*>(slots_[i].data()); }
  static Batch all(double x) { return Batch(static_cast<float>(x)); }
  /// Calls f(offset) for each SIMD batch of a part. The last one may extend beyond the parameter into its padding.
  template <class F>
  static void each(const Part& p, F f) {
    static_assert(16 % Batch::size == 0);
    for (std::int64_t i = p.first; i < p.first + p.count; i += static_cast<std::int64_t>(Batch::size)) f(i);
  }

  void sgd(const Part& p, double rate, double factor) const {
    float *w = parameters_->values(), *moment = slot(0);
    const float* g = parameters_->gradients();
    const Batch by = all(factor), decay = all(p.decay), momentum = all(o_.momentum), minus_rate = all(-rate);
    each(p, [&](std::int64_t i) {
      const Batch x = Batch::load_aligned(w + i);
      Batch d = rounded(Batch::load_aligned(g + i) * by) + rounded(x * decay);
      if (moment) {
        const Batch m = rounded(Batch::load_aligned(moment + i) * momentum) + d;
        m.store_aligned(moment + i);
        d = o_.nesterov ? d + rounded(m * momentum) : m;
      }
      (x + rounded(d * minus_rate)).store_aligned(w + i);
    });
  }

  void adam(const Part& p, double rate, double factor) const {
    float *w = parameters_->values(), *first = slot(0), *second = slot(1);
    const float* g = parameters_->gradients();
    const bool apart = o_.kind == Optimizer::Kind::adamw;
    const double n = static_cast<double>(steps_), bias1 = 1 - std::pow(o_.beta1, n), bias2 = 1 - std::pow(o_.beta2, n);
    const Batch by = all(factor), decay = all(apart ? 0 : p.decay), keep = all(apart ? 1 - rounded(rate * p.decay) : 1);
    const Batch beta1 = all(o_.beta1), rest1 = all(1 - o_.beta1), beta2 = all(o_.beta2), rest2 = all(1 - o_.beta2);
    const Batch scale = all(1 / std::sqrt(bias2)), epsilon = all(o_.epsilon), minus_rate = all(-rate / bias1);
    each(p, [&](std::int64_t i) {
      const Batch x = Batch::load_aligned(w + i), d = rounded(Batch::load_aligned(g + i) * by) + rounded(x * decay);
      const Batch m = rounded(Batch::load_aligned(first + i) * beta1) + rounded(d * rest1);
      const Batch v = rounded(Batch::load_aligned(second + i) * beta2) + rounded(d * d * rest2);
      m.store_aligned(first + i);
      v.store_aligned(second + i);
      // Of a scale, Adam's step is a share. In absolute numbers it could be as large as the scale.
      const Batch by_rate = p.in_proportion ? minus_rate * abs(x) : minus_rate;
      (rounded(x * keep) + by_rate * m / (rounded(sqrt(v) * scale) + epsilon)).store_aligned(w + i);
    });
  }

  Optimizer o_;
  const Parameters* parameters_ = nullptr;
  std::vector<Part> parts_;
  std::vector<double> sums_;
  std::array<AlignedBytes, 2> slots_;
  std::int64_t steps_ = 0;
};

}  // namespace detail
OCTET_END
