#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN

enum class UnaryKind : std::uint8_t {
  clip,        // min(max(x, a), b): ReLU is [0, inf], ReLU6 [0, 6]
  leaky_relu,  // x < 0 ? a x : x
  sigmoid,
  hard_sigmoid,  // min(max(a x + b, 0), 1)
  hard_swish,    // x min(max(x + 3, 0), 6) / 6
  silu,          // x sigmoid(x)
  tanh,
  elu,       // x < 0 ? a (exp(x) - 1) : x
  gelu,      // x (1 + erf(x / sqrt(2))) / 2
  softplus,  // log(1 + exp(x))
  exp,
  log,
  sqrt,
  negate,
  abs,
  floor,
  ceil,
  round,  // half to even
  reciprocal,
  erf,
  sign,       // -1, 0 or 1
  gelu_tanh,  // x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
  rsqrt,      // 1 / sqrt(x)
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
  last = atanh
};

OCTET_END
