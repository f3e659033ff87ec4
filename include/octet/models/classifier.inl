#pragma once
#include <cmath>

#include "../core/random.hpp"
#include "../graph/graph.hpp"
#include "../operators/fully_connected.hpp"
#include "classifier.hpp"

OCTET_BEGIN

namespace detail {

OCTET_API const Node& classifier_of(const Model& model) {
  const Node* last = model.nodes.empty() ? nullptr : &model.nodes.back();
  require(last && as<FullyConnected>(*last->op) && last->outputs == model.outputs && last->inputs.size() == 3,
          "model '", model.name, "': expected a fully connected layer with a bias as the last layer");
  return *last;
}

OCTET_API Model backbone_of(const Model& model) {
  Model backbone = model;
  backbone.outputs = {classifier_of(model).inputs[0]};
  backbone.nodes.pop_back();
  backbone.remove_unused();
  return backbone;
}

}  // namespace detail

OCTET_API Model with_new_classifier(const Model& model, std::int64_t classes, std::uint64_t seed) {
  detail::require(classes > 0, "expected a positive number of classes, found ", classes);
  const std::int64_t features = model.value(detail::classifier_of(model).inputs[FullyConnected::weights]).shape[1];
  Model m = detail::backbone_of(model);
  detail::SplitMix random(seed);
  const double most = 1 / std::sqrt(static_cast<double>(features));
  Tensor<float> weights = Tensor<float>::uninitialized({classes, features});
  for (float& w : weights) w = static_cast<float>(random(-most, most));
  const int w = m.add_constant("classifier.weight", std::move(weights));
  const int b = m.add_constant("classifier.bias", Tensor<float>({classes}));
  m.outputs = {m.add("classifier", FullyConnected(), {m.outputs[0], w, b})};
  return m;
}

OCTET_END
