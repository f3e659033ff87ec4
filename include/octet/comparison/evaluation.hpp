#pragma once
#include <functional>
#include <optional>

#include "../core/range.hpp"
#include "../data/image_input.hpp"
#include "../runtime/executor.hpp"

OCTET_BEGIN

/// Images [from, from + size) of another data set.
class Subset : public Dataset {
 public:
  /// Throws Error unless [from, from + size) is within `all`.
  Subset(DatasetPtr all, std::int64_t from, std::int64_t size) : all_(std::move(all)), from_(from), size_(size) {
    detail::require(from >= 0 && size >= 0 && from + size <= all_->size(), "expected images within [0, ", all_->size(),
                    "), found [", from, ", ", from + size, ")");
  }
  /// The number of images of the part.
  std::int64_t size() const override { return size_; }
  Tensor<uint8> image(std::int64_t i) const override { return all_->image(from_ + static_cast<std::int64_t>(at(i))); }
  std::optional<std::int64_t> label(std::int64_t i) const override {
    return all_->label(from_ + static_cast<std::int64_t>(at(i)));
  }
  std::vector<std::int64_t> labels(std::int64_t i) const override {
    return all_->labels(from_ + static_cast<std::int64_t>(at(i)));
  }
  std::string name(std::int64_t i) const override { return all_->name(from_ + static_cast<std::int64_t>(at(i))); }
  std::int64_t classes() const override { return all_->classes(); }

 private:
  DatasetPtr all_;
  std::int64_t from_, size_;
};

/// Counts correct classifications.
class Accuracy {
 public:
  /// Adds the outputs for one image and its correct classes (empty if unknown). Of equal outputs, the first counts as
  /// the greatest.
  void add(View<const float> outputs, const std::vector<std::int64_t>& labels);
  /// Number of images added.
  std::int64_t images() const noexcept { return static_cast<std::int64_t>(best_.size()); }
  /// Share of the labelled images whose best output is correct, in [0, 1]; none without labels.
  std::optional<double> top1() const { return part(first_, labelled_); }
  /// Share of the labelled images with a correct class among the five best outputs, in [0, 1]; none without labels.
  std::optional<double> top5() const { return part(fifth_, labelled_); }
  /// Share of the images for which both have the same top-1 class, in [0, 1].
  std::optional<double> agreement(const Accuracy& o) const {
    std::int64_t same = 0;
    for (std::size_t i = 0; i < best_.size(); ++i) same += best_[i] == o.best_[i];
    return part(same, images());
  }

 private:
  static std::optional<double> part(std::int64_t n, std::int64_t of) {
    return of == 0 ? std::nullopt : std::optional<double>(static_cast<double>(n) / static_cast<double>(of));
  }
  std::vector<std::int64_t> best_;
  std::int64_t first_ = 0, fifth_ = 0, labelled_ = 0;
};

/// Runs every executor on every image, one image at a time. Each image is decoded once. `progress(done, total)` counts
/// images.
std::vector<Accuracy> accuracy_of(const std::vector<Executor*>& executors, const ImageInput& input,
                                  const Dataset& images, const Preprocessing& preprocessing, ThreadPool& pool,
                                  bool use_labels, const std::function<void(std::int64_t, std::int64_t)>& progress);

/// The range of the model inputs made from at most `most` of the images.
Range input_range(const ImageInput& input, const Dataset& images, const Preprocessing& preprocessing, ThreadPool& pool,
                  std::int64_t most = 16);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "evaluation.inl"
#endif
