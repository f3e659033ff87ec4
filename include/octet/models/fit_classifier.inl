#pragma once
#include <Eigen/Cholesky>

#include "../data/image_input.hpp"
#include "../operators/fully_connected.hpp"
#include "../runtime/executor.hpp"
#include "classifier.hpp"
#include "fit_classifier.hpp"

OCTET_BEGIN

OCTET_API Model fit_classifier(const Model& model, const Dataset& images, const Preprocessing& preprocessing,
                               const FitOptions& options,
                               const std::function<void(std::int64_t, std::int64_t)>& progress) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Node& last = detail::classifier_of(model);
  const Value &weights = model.value(last.inputs[FullyConnected::weights]),
              &bias = model.value(last.inputs[FullyConnected::bias]);
  const Eigen::Index classes = weights.shape[0], features = weights.shape[1];

  const Model backbone = detail::backbone_of(model);
  const ImageInput input(backbone);
  Executor run(backbone, options.executor);

  // Sums over all images of f f', f y' and f, where f is the vector of features and y the one-hot target.
  Eigen::MatrixXf squares = Eigen::MatrixXf::Zero(features, features),
                  targets = Eigen::MatrixXf::Zero(features, classes);
  Eigen::VectorXf sum = Eigen::VectorXf::Zero(features), counts = Eigen::VectorXf::Zero(classes);
  constexpr std::int64_t block = 256;
  Matrix rows(block, features);
  for (std::int64_t from = 0; from < images.size(); from += block) {
    const std::int64_t to = std::min(images.size(), from + block);
    const std::vector<Tensor<float>> batch = input.load(images, from, to, preprocessing, *default_pool());
    Eigen::Index n = 0;
    for (std::int64_t i = from; i < to; ++i) {
      const auto label = images.label(i);
      if (!label) continue;
      detail::require(*label >= 0 && *label < classes, images.name(i), " has class ", *label, "; model '", model.name,
                      "' has ", classes);
      const Tensor<float> f = run(batch[static_cast<std::size_t>(i - from)]);
      rows.row(n++) = Eigen::Map<const Eigen::RowVectorXf>(f.data(), features);
      targets.col(*label) += rows.row(n - 1).transpose();
      counts(*label) += 1;
    }
    squares.selfadjointView<Eigen::Lower>().rankUpdate(rows.topRows(n).transpose());
    sum += rows.topRows(n).colwise().sum().transpose();
    if (progress) progress(to, images.size());
  }
  const float n = counts.sum();
  detail::require(n > 0, "fitting a classifier needs images with labels, found none");

  // Centered, so that the bias is not regularized.
  const Eigen::VectorXf mean = sum / n;
  squares.selfadjointView<Eigen::Lower>().rankUpdate(mean, -n);
  targets -= mean * counts.transpose();
  const float ridge = static_cast<float>(options.regularization) * squares.trace() / static_cast<float>(features);
  squares.diagonal().array() += std::max(ridge, 1e-6f);
  const Eigen::LLT<Eigen::Ref<Eigen::MatrixXf>> solver(squares);
  detail::require(solver.info() == Eigen::Success, "the least-squares problem of model '", model.name,
                  "' has no solution: its features are probably not finite");
  const Eigen::MatrixXf solution = solver.solve(targets) * static_cast<float>(options.logit);

  Tensor<float> w = Tensor<float>::uninitialized(weights.shape), b = Tensor<float>::uninitialized(bias.shape);
  for (Eigen::Index c = 0; c < classes; ++c) {
    for (Eigen::Index f = 0; f < features; ++f) w[c * features + f] = solution(f, c);
    b[c] = static_cast<float>(options.logit) * counts(c) / n - solution.col(c).dot(mean);
  }
  Model fitted = model;
  fitted.value(last.inputs[FullyConnected::weights]).constant = std::move(w);
  fitted.value(last.inputs[FullyConnected::bias]).constant = std::move(b);
  return fitted;
}

OCTET_END
