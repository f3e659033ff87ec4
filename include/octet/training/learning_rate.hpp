#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN

/// How fast a training learns, step by step. Times are in epochs.
struct LearningRate {
  enum class Kind : std::uint8_t {
    constant,
    step,   // times `factor` after every `interval` epochs
    cosine  // half a cosine from `base` to `last` (Loshchilov and Hutter 2017)
  };
  Kind kind = Kind::constant;
  double base = 1e-3;
  double factor = 0.1, interval = 10;  // of step
  double last = 0;                     // of cosine
  double warm_up = 0;                  // rises from 0 before all else (Goyal et al. 2017)

  LearningRate() = default;
  LearningRate(double rate) : base(rate) {}

  LearningRate warmed_up(double epochs) const {
    LearningRate r = *this;
    r.warm_up = epochs;
    return r;
  }

  /// The rate of step `step` (from 0) of a training of so many epochs.
  double at(std::int64_t step, std::int64_t steps_per_epoch, std::int64_t epochs) const;

  /// Throws where a number is out of its range.
  void validate() const;
};

LearningRate step_rate(double base, double interval, double factor = 0.1);
LearningRate cosine_rate(double base, double last = 0);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "learning_rate.inl"
#endif
