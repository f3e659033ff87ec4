#pragma once
#include <algorithm>
#include <array>
#include <cmath>

#include "../operators/fake_quantize_weights.hpp"
#include "../operators/weight_rounding.hpp"
#include "../passes/rewrite.hpp"
#include "options.hpp"
#include "parameters.hpp"

OCTET_BEGIN
namespace detail {

/// Freezes weights that oscillate; see OscillationFreezing. A code changes at step t by d(t) = code(t) - code(t - 1).
/// It oscillates, o(t) = 1, if d(t) is not 0 and has another sign than the last change before it (Nagel et al. 2022,
/// equations 6 and 7). The frequency is the moving average of o(t). A weight whose frequency exceeds the threshold gets
/// the code that it had most, the rounded moving average of its codes, and keeps it (algorithm 1).
class OscillationFreezer {
 public:
  OscillationFreezer() = default;
  OscillationFreezer(const OscillationFreezing& options, const Graph& g, const Parameters& parameters)
      : options_(options), parameters_(&parameters) {
    if (options.threshold == 0) return;
    for (const Node& n : g.nodes) {
      const auto* op = as<FakeQuantizeWeights>(*n.op);
      const Parameter* w = op ? parameters.find(n.inputs[FakeQuantizeWeights::weights]) : nullptr;
      const int s = op ? input_of(n, FakeQuantizeWeights::scales) : Node::none;
      const Parameter* scales = s == Node::none ? nullptr : parameters.find(s);
      if (!w || (s != Node::none && !scales) || known(w->offset)) continue;
      Weights one{w->offset, w->shape[0], w->size / std::max<std::int64_t>(1, w->shape[0]),
                  scales ? scales->offset : Node::none, WeightRounding(kernels(), op->bits)};
      one.rounding.plan(w->shape);
      weights_.push_back(one);
    }
    require(!weights_.empty(), "model '", g.name,
            "': expected weights with fake quantization for oscillation_freezing, found none that are trained");
    for (std::vector<float>& state : states_) state.resize(static_cast<std::size_t>(parameters.learned_size()));
  }

  /// Before the optimizer's step: a frozen weight is code * scale, so its gradient is the scale's, and none is left for
  /// the weight.
  void before_step(ThreadPool& pool) noexcept {
    if (begun_ == 0) return;
    float* gradients = parameters_->gradients();
    each(pool, [&](const Weights& w, std::int64_t o) {
      double sum = 0;
      for (std::int64_t i = w.offset + o * w.size, end = i + w.size; i < end; ++i) {
        if (state(frequency, i) != frozen) continue;
        sum += static_cast<double>(gradients[i]) * static_cast<double>(state(code, i));
        gradients[i] = 0;
      }
      if (w.scales == Node::none || sum == 0) return;
      const double sign = parameters_->values()[w.scales + o] < 0 ? -1 : 1;
      gradients[w.scales + o] += static_cast<float>(sum * w.rounding.gradient_scale() * sign);
    });
  }

  /// After the optimizer's step: counts oscillations, freezes, and keeps frozen weights. part: of the training that is
  /// done, in [0, 1].
  void after_step(double part, ThreadPool& pool) noexcept {
    if (weights_.empty()) return;
    const double span = options_.threshold - options_.last_threshold;
    const auto threshold =
        static_cast<float>(options_.last_threshold + rounded(span * 0.5 * (1 + std::cos(part * 3.14159265358979324))));
    const auto share = static_cast<float>(options_.momentum);
    const bool first = begun_ == 0;
    begun_ = 1;
    each(pool, [&](const Weights& w, std::int64_t o) {
      float* values = parameters_->values() + w.offset;
      const float* scales = w.scales == Node::none ? nullptr : parameters_->values() + w.scales;
      const float scale = w.rounding.scale(values, scales, o), most = static_cast<float>(w.rounding.levels());
      if (std::isnan(scale)) return;
      for (std::int64_t k = o * w.size; k < (o + 1) * w.size; ++k) {
        const std::int64_t i = w.offset + k;
        if (!first && state(frequency, i) == frozen) {
          values[k] = state(code, i) * scale;
          continue;
        }
        const float now = std::clamp(std::nearbyint(values[k] / scale), -most, most);
        if (first) {
          state(code, i) = state(average, i) = now;
          continue;
        }
        const float change = now - state(code, i), last = state(direction, i);
        const float oscillates = change * last < 0 ? 1.0f : 0.0f;
        state(frequency, i) += rounded(share * (oscillates - state(frequency, i)));
        state(average, i) += rounded(share * (now - state(average, i)));
        state(code, i) = now;
        if (change != 0) state(direction, i) = change > 0 ? 1.0f : -1.0f;
        if (state(frequency, i) <= threshold) continue;
        state(frequency, i) = frozen;
        state(code, i) = std::nearbyint(state(average, i));
        values[k] = state(code, i) * scale;
      }
    });
  }

  /// Number of frozen weights.
  std::int64_t count() const noexcept {
    return std::count(states_[frequency].begin(), states_[frequency].end(), frozen);
  }

  /// For checkpoints: for each element of the learned parameters, the last code, the sign of its last change, the
  /// frequency of oscillations and the average code; empty if nothing is frozen at all.
  std::array<std::vector<float>, 4>& states() noexcept { return states_; }
  /// Whether there was a step before; 0 or 1.
  float& begun() noexcept { return begun_; }

 private:
  enum State : std::size_t { code, direction, frequency, average };
  static constexpr float frozen = -1;  // as a frequency
  struct Weights {
    std::int64_t offset, channels, size;  // size: of a channel
    std::int64_t scales;                  // offset of learned scales, or Node::none
    WeightRounding rounding;
  };

  bool known(std::int64_t offset) const {
    return std::any_of(weights_.begin(), weights_.end(), [=](const Weights& w) { return w.offset == offset; });
  }
  float& state(State s, std::int64_t i) noexcept { return states_[s][static_cast<std::size_t>(i)]; }
  template <class F>
  void each(ThreadPool& pool, const F& f) const noexcept {
    for (const Weights& w : weights_)
      parallel_parts(pool, w.channels, std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(1, w.size)),
                     [&](std::int64_t from, std::int64_t n) {
                       for (std::int64_t o = from; o < from + n; ++o) f(w, o);
                     });
  }

  OscillationFreezing options_;
  const Parameters* parameters_ = nullptr;
  std::vector<Weights> weights_;
  std::array<std::vector<float>, 4> states_;
  float begun_ = 0;
};

}  // namespace detail
OCTET_END
