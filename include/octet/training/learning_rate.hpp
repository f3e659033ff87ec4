#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN

/// A schedule of the learning rate. Times are in epochs.
struct LearningRate {
  /// How the learning rate changes.
  enum class Kind : std::uint8_t {
    constant,
    step,   ///< multiplied by `factor` after every `interval` epochs
    cosine  ///< cosine from `base` to `last` (Loshchilov and Hutter 2017)
  };
  Kind kind = Kind::constant;  ///< how the rate changes after the warm-up
  double base = 1e-3;          ///< the rate after the warm-up, positive
  double factor = 0.1;         ///< for Kind::step: positive
  double interval = 10;        ///< for Kind::step: in epochs, positive
  double last = 0;             ///< for Kind::cosine
  double warm_up = 0;          ///< epochs of linear increase from 0 at the start (Goyal et al. 2017)

  LearningRate() = default;
  /// A constant rate.
  LearningRate(double rate) : base(rate) {}

  /// The same schedule with a linear increase from 0 in the first `epochs` epochs.
  LearningRate warmed_up(double epochs) const {
    LearningRate r = *this;
    r.warm_up = epochs;
    return r;
  }

  /// The learning rate of step `step` (from 0) in a training of `epochs` epochs.
  double at(std::int64_t step, std::int64_t steps_per_epoch, std::int64_t epochs) const;

  /// Throws Error if an option is out of range.
  void validate() const;
};

/// Kind::step: multiplied by `factor` after every `interval` epochs.
LearningRate step_rate(double base, double interval, double factor = 0.1);
/// Kind::cosine: from `base` to `last` over all epochs.
LearningRate cosine_rate(double base, double last = 0);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "learning_rate.inl"
#endif
