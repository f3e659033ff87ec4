#pragma once
#include <functional>

#include "../graph/graph.hpp"
#include "../io/dataset.hpp"
#include "../io/preprocessing.hpp"
#include "../runtime/options.hpp"

OCTET_BEGIN

/// Options of fit_classifier.
struct FitOptions {
  double regularization = 0.03;  // relative to the mean square of the features
  double logit = 8;              // what the right class should get more than the others
  ExecutorOptions executor;
};

/// Gives the last layer of a model, which has to be fully connected, the weights that tell the images'
/// classes apart best in the least-squares sense (ridge regression on one-hot targets), all other layers
/// staying as they are: a usable classifier in seconds, on random convolutions or on a trained backbone. The
/// model takes one image input and gives logits; images without a label are left out. `progress(done, total)`
/// is called now and then.
Model fit_classifier(const Model& model, const Dataset& images, const Preprocessing& preprocessing,
                     const FitOptions& options = {},
                     const std::function<void(std::int64_t done, std::int64_t total)>& progress = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "fit_classifier.inl"
#endif
