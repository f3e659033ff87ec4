#pragma once
#include "../graph/graph.hpp"

OCTET_BEGIN

/// The second of three stages of a model: as read or built (Model), optimized (this), and lowered, which executors do.
/// Only `optimize` makes it. Calibrations and plans name its tensors and layers. A Model that is copied from it can be
/// changed.
class OptimizedModel : public Model {
 private:
  explicit OptimizedModel(Model model) : Model(std::move(model)) {}
  friend OptimizedModel optimize(Model model);
};

/// Applies all passes that make a model smaller or faster without changing its results (up to float rounding).
/// calibrate, quantize and executors use it. A second application changes nothing.
OptimizedModel optimize(Model model);

/// The same for training: keeps batch normalization after layers, residual sums and dropout. optimize(result) equals
/// optimize(model).
Model optimize_for_training(Model model);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "optimize.inl"
#endif
