#pragma once
#include <cmath>

#include "../core/error.hpp"
#include "optimizer.hpp"

OCTET_BEGIN

OCTET_API void Optimizer::validate() const {
  const auto part = [](double x) { return x >= 0 && x < 1; };
  detail::require(part(momentum) && part(beta1) && part(beta2), "expected momentum and betas in [0, 1), found ",
                  momentum, ", ", beta1, " and ", beta2);
  detail::require(epsilon > 0 && weight_decay >= 0 && std::isfinite(weight_decay),
                  "expected epsilon > 0 and weight_decay >= 0, found ", epsilon, " and ", weight_decay);
}

OCTET_API Optimizer sgd(double momentum, double weight_decay, bool nesterov) {
  Optimizer o;
  o.kind = Optimizer::Kind::sgd;
  o.momentum = momentum;
  o.weight_decay = weight_decay;
  o.nesterov = nesterov;
  return o;
}

OCTET_API Optimizer adam(double weight_decay) {
  Optimizer o;
  o.weight_decay = weight_decay;
  return o;
}

OCTET_API Optimizer adamw(double weight_decay) {
  Optimizer o;
  o.kind = Optimizer::Kind::adamw;
  o.weight_decay = weight_decay;
  return o;
}

OCTET_API const char* name(Optimizer::Kind k) {
  constexpr const char* names[] = {"sgd", "adam", "adamw"};
  return names[static_cast<int>(k)];
}

OCTET_END
