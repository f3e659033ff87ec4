#pragma once
#include <optional>

#include "../graph/graph.hpp"
#include "../io/image_input.hpp"

OCTET_BEGIN

/// What a training learns from: inputs of one shape, each with a class or a target. They are read by several threads at
/// once.
class Examples {
 public:
  virtual ~Examples() = default;
  virtual std::int64_t size() const = 0;
  /// Of one input, without a batch; images are [H, W, C].
  virtual Shape shape() const = 0;
  virtual void read(std::int64_t i, float* to) const = 0;
  /// Class of example i, where it has one.
  virtual std::optional<std::int64_t> label(std::int64_t) const { return std::nullopt; }
  /// Target of example i: as many elements as the model's output has; null where there are none.
  virtual const float* target(std::int64_t) const { return nullptr; }
  /// Elements of one target.
  virtual std::int64_t target_size() const { return 0; }
  /// What messages call example i.
  virtual std::string name(std::int64_t i) const { return "example " + std::to_string(i); }
};

/// Examples in memory.
class TensorExamples : public Examples {
 public:
  /// inputs: [N, ...]; labels: one for each.
  TensorExamples(Tensor<float> inputs, std::vector<std::int64_t> labels)
      : inputs_(std::move(inputs)), labels_(std::move(labels)) {
    check(static_cast<std::int64_t>(labels_.size()), "labels");
  }
  /// inputs: [N, ...]; targets: [N, ...].
  TensorExamples(Tensor<float> inputs, Tensor<float> targets)
      : inputs_(std::move(inputs)), targets_(std::move(targets)) {
    check(targets_.shape().rank() > 0 ? targets_.shape()[0] : 0, "targets");
    target_size_ = targets_.size() / std::max<std::int64_t>(1, size());
  }

  std::int64_t size() const override { return inputs_.shape()[0]; }
  Shape shape() const override { return {inputs_.shape().begin() + 1, inputs_.shape().end()}; }
  void read(std::int64_t i, float* to) const override {
    const std::int64_t n = inputs_.size() / size();
    std::copy(inputs_.data() + i * n, inputs_.data() + (i + 1) * n, to);
  }
  std::optional<std::int64_t> label(std::int64_t i) const override {
    return labels_.empty() ? std::nullopt : std::optional<std::int64_t>(labels_[static_cast<std::size_t>(i)]);
  }
  const float* target(std::int64_t i) const override {
    return target_size_ > 0 ? targets_.data() + i * target_size_ : nullptr;
  }
  std::int64_t target_size() const override { return target_size_; }

 private:
  void check(std::int64_t n, const char* what) const {
    detail::require<ShapeError>(inputs_.shape().rank() > 0 && inputs_.shape()[0] == n, "inputs of shape ",
                                inputs_.shape(), " came with ", n, " ", what);
  }
  Tensor<float> inputs_, targets_;
  std::vector<std::int64_t> labels_;
  std::int64_t target_size_ = 0;
};

/// The images of a data set, brought to one size and normalized: decoded once where all of them fit into `most_bytes`,
/// else whenever they are read.
class ImageExamples : public Examples {
 public:
  ImageExamples(DatasetPtr images, const Preprocessing& preprocessing, std::int64_t height, std::int64_t width,
                std::int64_t channels, std::size_t most_bytes = std::size_t{1} << 30,
                ThreadPool& pool = *default_pool())
      : images_(std::move(images)), preprocessing_(preprocessing), shape_{height, width, channels} {
    const std::int64_t n = shape_.elements(), count = images_->size();
    if (n == 0 || static_cast<std::size_t>(count) > most_bytes / sizeof(float) / static_cast<std::size_t>(n)) return;
    Tensor<float> all = Tensor<float>::uninitialized({count, height, width, channels});
    detail::parallel_checked(pool, count, [&](std::int64_t i, int) { read(i, all.data() + i * n); });
    decoded_ = std::move(all);
  }

  std::int64_t size() const override { return images_->size(); }
  Shape shape() const override { return shape_; }
  void read(std::int64_t i, float* to) const override {
    const std::int64_t n = shape_.elements();
    if (decoded_.size() > 0) {
      std::copy(decoded_.data() + i * n, decoded_.data() + (i + 1) * n, to);
    } else {
      const Tensor<float> x = preprocess(images_->image(i), preprocessing_, shape_[0], shape_[1], shape_[2]);
      std::copy(x.begin(), x.end(), to);
    }
  }
  std::optional<std::int64_t> label(std::int64_t i) const override { return images_->label(i); }
  std::string name(std::int64_t i) const override { return images_->name(i); }

 private:
  DatasetPtr images_;
  Preprocessing preprocessing_;
  Shape shape_;
  Tensor<float> decoded_;
};

OCTET_END
