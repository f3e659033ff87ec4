#pragma once
#include <algorithm>
#include <cmath>

#include "../core/error.hpp"
#include "../core/rounded.hpp"
#include "learning_rate.hpp"

OCTET_BEGIN

OCTET_API double LearningRate::at(std::int64_t step, std::int64_t steps_per_epoch, std::int64_t epochs) const {
  const auto per_epoch = static_cast<double>(steps_per_epoch);
  const double rising = static_cast<double>(step + 1) / per_epoch, epoch = static_cast<double>(step) / per_epoch;
  if (rising <= warm_up) return base * rising / warm_up;
  switch (kind) {
    case Kind::constant: break;
    case Kind::step: return base * std::pow(factor, std::floor(epoch / interval));
    case Kind::cosine: {
      const double whole = static_cast<double>(epochs) - warm_up;
      const double part = whole > 0 ? std::min(1.0, (epoch - warm_up) / whole) : 1;
      return last + detail::rounded((base - last) * 0.5 * (1 + std::cos(part * 3.14159265358979324)));
    }
  }
  return base;
}

OCTET_API void LearningRate::validate() const {
  const auto positive = [](double x) { return x > 0 && std::isfinite(x); };
  detail::require(positive(base), "expected a positive learning rate, found ", base);
  detail::require(positive(factor) && positive(interval),
                  "expected a positive factor and interval of the learning rate, found ", factor, " and ", interval);
  detail::require(last >= 0 && warm_up >= 0 && std::isfinite(last) && std::isfinite(warm_up),
                  "expected a last learning rate and a warm-up >= 0, found ", last, " and ", warm_up);
}

OCTET_API LearningRate step_rate(double base, double interval, double factor) {
  LearningRate r(base);
  r.kind = LearningRate::Kind::step;
  r.interval = interval;
  r.factor = factor;
  return r;
}
OCTET_API LearningRate cosine_rate(double base, double last) {
  LearningRate r(base);
  r.kind = LearningRate::Kind::cosine;
  r.last = last;
  return r;
}

OCTET_END
