#pragma once
#include <functional>

#include "../data/dataset.hpp"
#include "../data/preprocessing.hpp"
#include "../graph/graph.hpp"
#include "../runtime/options.hpp"

OCTET_BEGIN

/// Options of fit_classifier.
struct FitOptions {
  double regularization = 0.03;  ///< relative to the mean square of the features
  double logit = 8;              ///< target logit of the correct class; the others have 0
  ExecutorOptions executor;      ///< of the runs that compute the features
};

/// Fits the last layer of a model, which has to be fully connected with a bias, by ridge regression of its logits on
/// one-hot targets. The other layers are unchanged. Gives a usable classifier in seconds, on random convolutions or on
/// a trained backbone. The model needs one image input and has to return logits. Images without a label are skipped.
/// `progress(done, total)` counts images.
Model fit_classifier(const Model& model, const Dataset& images, const Preprocessing& preprocessing,
                     const FitOptions& options = {},
                     const std::function<void(std::int64_t done, std::int64_t total)>& progress = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "fit_classifier.inl"
#endif
