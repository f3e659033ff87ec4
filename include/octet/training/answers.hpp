#pragma once
#include <vector>

#include "../graph/graph.hpp"
#include "batches.hpp"
#include "loss_function.hpp"

OCTET_BEGIN
namespace detail {

/// The input shapes of a model for a batch of examples. Unknown sizes are taken from the examples. Throws ShapeError
/// unless the examples have as many inputs, and of that rank.
inline std::vector<Shape> batch_shapes(const Model& model, const Examples& examples, std::int64_t batch) {
  require<ShapeError>(static_cast<int>(model.inputs.size()) == examples.inputs(), "model '", model.name, "' has ",
                      model.inputs.size(), " inputs, found examples with ", examples.inputs());
  std::vector<Shape> shapes;
  for (int v : model.inputs) {
    Shape s = model.value(v).shape;
    const Shape one = examples.shape_of(static_cast<int>(shapes.size()));
    require<ShapeError>(s.rank() == one.rank() + 1, "model '", model.name, "': expected examples for inputs of shape ",
                        s, ", found examples of shape ", one);
    s[0] = batch;
    for (int d = 1; d < s.rank(); ++d)
      if (s[d] == Shape::unknown) s[d] = one[d - 1];
    shapes.push_back(s);
  }
  return shapes;
}

/// Labels or targets of the examples for one output, checked against the model's.
class Answers {
 public:
  /// output_size: elements of the output for one example.
  Answers(const Examples& examples, int output, Loss loss, std::int64_t output_size)
      : examples_(&examples), output_(output), loss_(loss), output_size_(output_size) {
    for (std::int64_t i = 0; i < examples.size(); ++i) {
      if (loss == Loss::cross_entropy) {
        labels_.push_back(checked_label(examples, i, output, output_size));
        continue;
      }
      const std::int64_t found = examples.target_size_for(output);
      require<ShapeError>(examples.target_for(i, output) && found == output_size, examples.name(i),
                          ": expected a target of ", output_size, " elements, as the model's output, found ", found);
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
    require<ShapeError>(outputs.size() == n * output_size_, "output ", output_, ": expected ", output_size_,
                        " elements for each of ", n, " examples, found ", outputs.size());
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t example = batches.example(place + i);
      if (loss_ == Loss::cross_entropy)
        batch_labels_[static_cast<std::size_t>(i)] = labels_[static_cast<std::size_t>(example)];
      else
        std::copy_n(examples_->target_for(example, output_), output_size_, targets_.data() + i * output_size_);
    }
    return loss_ == Loss::cross_entropy ? f.cross_entropy(outputs, batch_labels_.data(), gradient, pool)
                                        : f.mean_squared_error(outputs, targets_.data(), gradient, pool);
  }

 private:
  const Examples* examples_;
  int output_;
  Loss loss_;
  std::int64_t output_size_;
  std::vector<std::int64_t> labels_, batch_labels_;
  std::vector<float> targets_;
};

}  // namespace detail
OCTET_END
