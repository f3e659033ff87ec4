#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN

/// The optimizer. Formulas and defaults are those of PyTorch.
struct Optimizer {
  enum class Kind : std::uint8_t {
    sgd,   // with momentum (Sutskever et al. 2013)
    adam,  // Kingma and Ba 2015
    adamw  // decoupled weight decay (Loshchilov and Hutter 2019)
  };
  Kind kind = Kind::adam;
  double momentum = 0.9;  // for sgd
  bool nesterov = false;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  // for adam and adamw
  double weight_decay = 0;
  bool decay_vectors = false;  // whether weight decay also applies to biases and normalization parameters

  /// Throws Error if an option is out of range.
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
