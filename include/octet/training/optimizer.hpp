#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN

/// The optimizer. Formulas and defaults are those of PyTorch, except that the steps of adam and adamw for learned
/// scales of fake quantization are multiplied by the scale.
struct Optimizer {
  /// The update rule.
  enum class Kind : std::uint8_t {
    sgd,   ///< with momentum (Sutskever et al. 2013)
    adam,  ///< Kingma and Ba 2015
    adamw  ///< decoupled weight decay (Loshchilov and Hutter 2019)
  };
  Kind kind = Kind::adam;      ///< the update rule
  double momentum = 0.9;       ///< for sgd
  bool nesterov = false;       ///< for sgd: Nesterov's momentum
  double beta1 = 0.9;          ///< for adam and adamw: decay of the mean of gradients, in [0, 1)
  double beta2 = 0.999;        ///< for adam and adamw: decay of the mean of squares, in [0, 1)
  double epsilon = 1e-8;       ///< for adam and adamw: added to the root of that mean
  double weight_decay = 0;     ///< L2 penalty (sgd, adam), or decay in units of the learning rate (adamw); not negative
  bool decay_vectors = false;  ///< whether weight decay also applies to biases and normalization parameters

  /// Throws Error if an option is out of range.
  void validate() const;
};

/// Stochastic gradient descent with momentum.
Optimizer sgd(double momentum = 0.9, double weight_decay = 0, bool nesterov = false);
/// Adam; weight decay is an L2 penalty.
Optimizer adam(double weight_decay = 0);
/// AdamW; weight decay is decoupled from the gradient.
Optimizer adamw(double weight_decay = 0.01);

/// The name in checkpoints and messages: "sgd", "adam" or "adamw".
const char* name(Optimizer::Kind k);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "optimizer.inl"
#endif
