#pragma once
#include <vector>

#include "../graph/graph.hpp"
#include "batches.hpp"
#include "loss_function.hpp"

OCTET_BEGIN
namespace detail {

/// The input shape of a model for a batch of examples. Unknown sizes are taken from the examples. Throws ShapeError
/// unless the model has one input and one output, and the examples have its rank.
inline Shape batch_shape(const Model& model, const Examples& examples, std::int64_t batch) {
  require<ShapeError>(model.inputs.size() == 1 && model.outputs.size() == 1, "model '", model.name, "' has ",
                      model.inputs.size(), " inputs and ", model.outputs.size(), " outputs, expected one of each");
  Shape s = model.value(model.inputs[0]).shape;
  const Shape one = examples.shape();
  require<ShapeError>(s.rank() == one.rank() + 1, "model '", model.name, "': expected examples for inputs of shape ", s,
                      ", found examples of shape ", one);
  s[0] = batch;
  for (int d = 1; d < s.rank(); ++d)
    if (s[d] == Shape::unknown) s[d] = one[d - 1];
  return s;
}

/// Labels or targets of the examples, checked against the model's output.
class Answers {
 public:
  Answers(const Examples& examples, Loss loss, std::int64_t output_size)
      : examples_(&examples), loss_(loss), output_size_(output_size) {
    for (std::int64_t i = 0; i < examples.size(); ++i) {
      if (loss == Loss::cross_entropy) {
        labels_.push_back(checked_label(examples, i, output_size));
        continue;
      }
      require<ShapeError>(examples.target(i) && examples.target_size() == output_size, examples.name(i),
                          ": expected a target of ", output_size, " elements, as the model's output, found ",
                          examples.target_size());
    }
  }
  void plan(std::int64_t batch) {
    batch_labels_.resize(static_cast<std::size_t>(batch));
    if (loss_ == Loss::mean_squared_error) targets_.resize(static_cast<std::size_t>(batch * output_size_));
  }

  /// The loss of the batch that starts at position `place` of the order.
  BatchLoss compare(const Batches& batches, std::int64_t place, LossFunction& f, View<const float> outputs,
                    View<float> gradient, ThreadPool& pool) {
    const auto n = static_cast<std::int64_t>(batch_labels_.size());
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t example = batches.example(place + i);
      if (loss_ == Loss::cross_entropy)
        batch_labels_[static_cast<std::size_t>(i)] = labels_[static_cast<std::size_t>(example)];
      else
        std::copy_n(examples_->target(example), output_size_, targets_.data() + i * output_size_);
    }
    return loss_ == Loss::cross_entropy ? f.cross_entropy(outputs, batch_labels_.data(), gradient, pool)
                                        : f.mean_squared_error(outputs, targets_.data(), gradient, pool);
  }

 private:
  const Examples* examples_;
  Loss loss_;
  std::int64_t output_size_;
  std::vector<std::int64_t> labels_, batch_labels_;
  std::vector<float> targets_;
};

}  // namespace detail
OCTET_END
