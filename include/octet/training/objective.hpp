#pragma once
#include "answers.hpp"
#include "teacher.hpp"

OCTET_BEGIN
namespace detail {

/// The loss of each output of a model. Throws Error if the options do not fit.
inline std::vector<OutputLoss> output_losses(const Graph& g, Loss loss, const std::vector<OutputLoss>& outputs) {
  if (outputs.empty()) return std::vector<OutputLoss>(g.outputs.size(), OutputLoss{loss, 1});
  require(outputs.size() == g.outputs.size(), "model '", g.name, "' has ", g.outputs.size(),
          " outputs, expected as many losses, found ", outputs.size());
  bool any = false;
  for (const OutputLoss& o : outputs) {
    require(o.weight >= 0 && std::isfinite(o.weight), "expected weights of losses >= 0, found ", o.weight);
    any = any || o.weight > 0;
  }
  require(any, "expected an output whose loss has a weight > 0, found none");
  return outputs;
}

/// The outputs that classify: their cross entropy is computed from logits.
inline std::vector<int> classifying(const std::vector<OutputLoss>& outputs) {
  std::vector<int> list;
  for (std::size_t k = 0; k < outputs.size(); ++k)
    if (outputs[k].weight > 0 && outputs[k].loss == Loss::cross_entropy) list.push_back(static_cast<int>(k));
  return list;
}

/// What training minimizes: the sum of weight * loss over the outputs of a model.
class TrainingObjective {
 public:
  TrainingObjective(std::vector<OutputLoss> losses, double label_smoothing) : losses_(std::move(losses)) {
    const std::vector<int> with_classes = classifying(losses_);
    first_ = with_classes.empty() ? Node::none : with_classes[0];
    for (const OutputLoss& o : losses_) functions_.emplace_back(o.loss, label_smoothing);
    results_.resize(losses_.size());
  }
  bool classifies() const noexcept { return first_ != Node::none; }

  /// outputs: the shapes of all outputs of a batch. Throws Error unless the examples have an answer for each of them
  /// with a loss.
  void plan(const Examples& examples, const std::vector<Shape>& outputs, std::int64_t batch) {
    answers_.clear();
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      answers_.emplace_back();
      if (losses_[k].weight == 0) continue;
      require<ShapeError>(outputs[k].elements() > 0 && outputs[k].elements() % batch == 0, "output ", k,
                          ": expected elements for each of ", batch, " examples, found shape ", outputs[k]);
      answers_[k].emplace(examples, static_cast<int>(k), losses_[k].loss, outputs[k].elements() / batch);
    }
    plan(batch);
  }
  /// For batches of another size.
  void plan(std::int64_t batch) {
    for (std::size_t k = 0; k < answers_.size(); ++k) {
      if (answers_[k]) answers_[k]->plan(batch);
      functions_[k].plan(batch);
    }
  }

  /// Compares output k of the batch that starts at position `place` of the order. gradient: of the whole loss with
  /// respect to that output, to be written, or empty. teacher: learned from besides the labels, or null.
  void compare(std::size_t k, const Batches& batches, std::int64_t place, View<const float> output,
               View<float> gradient, ThreadPool& pool, const Distillation* d = nullptr,
               const float* teacher = nullptr) {
    const double weight = losses_[k].weight;
    results_[k] = {};
    if (weight == 0) {
      if (gradient.data()) std::fill(gradient.begin(), gradient.end(), 0.0f);
      return;
    }
    BatchLoss& r = results_[k];
    r = answers_[k]->compare(batches, place, functions_[k], output, gradient, pool);
    if (teacher) r = functions_[k].distill(output, teacher, d->temperature, d->weight, gradient, pool);
    if (weight == 1 || !gradient.data()) return;
    const auto factor = static_cast<float>(weight);
    parallel_parts(pool, gradient.size(), 16384, [&](std::int64_t first, std::int64_t count) {
      for (std::int64_t i = first; i < first + count; ++i) gradient[i] *= factor;
    });
  }

  /// Of output k in the last batch, without its weight.
  const BatchLoss& result(std::size_t k) const noexcept { return results_[k]; }
  /// The loss of the last batch, and the correct classes of the first output that classifies.
  BatchLoss total() const noexcept {
    BatchLoss sum;
    for (std::size_t k = 0; k < losses_.size(); ++k) sum.mean += rounded(losses_[k].weight * results_[k].mean);
    if (classifies()) sum.correct = results_[static_cast<std::size_t>(first_)].correct;
    return sum;
  }

 private:
  std::vector<OutputLoss> losses_;
  std::vector<LossFunction> functions_;
  std::vector<std::optional<Answers>> answers_;  // none for outputs without a loss
  std::vector<BatchLoss> results_;
  int first_ = Node::none;  // output that classifies
};

}  // namespace detail
OCTET_END
