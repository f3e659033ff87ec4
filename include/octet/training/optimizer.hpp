#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN

/// How weights follow their gradients; formulas and defaults as in PyTorch.
struct Optimizer {
  enum class Kind : std::uint8_t {
    sgd,   // with momentum (Sutskever et al. 2013)
    adam,  // Kingma and Ba 2015
    adamw  // weight decay apart from the gradient (Loshchilov and Hutter 2019)
  };
  Kind kind = Kind::adam;
  double momentum = 0.9;  // of sgd
  bool nesterov = false;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  // of adam and adamw
  double weight_decay = 0;
  bool decay_vectors = false;  // biases, and scales and shifts of normalizations, decay as well

  /// Throws where a number is out of its range.
  void validate() const;
};

Optimizer sgd(double momentum = 0.9, double weight_decay = 0, bool nesterov = false);
Optimizer adam(double weight_decay = 0);
Optimizer adamw(double weight_decay = 0.01);

const char* name(Optimizer::Kind k);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "optimizer.inl"
#endif
