#pragma once
#include <algorithm>

#include "../core/parallel_checked.hpp"
#include "examples.hpp"

OCTET_BEGIN

OCTET_API TensorExamples::TensorExamples(Tensor<float> inputs, std::vector<std::int64_t> labels)
    : inputs_(std::move(inputs)), labels_(std::move(labels)) {
  check(static_cast<std::int64_t>(labels_.size()), "labels");
}

OCTET_API TensorExamples::TensorExamples(Tensor<float> inputs, Tensor<float> targets)
    : inputs_(std::move(inputs)), targets_(std::move(targets)) {
  check(targets_.shape().rank() > 0 ? targets_.shape()[0] : 0, "targets");
  target_size_ = targets_.size() / std::max<std::int64_t>(1, size());
}

OCTET_API std::int64_t TensorExamples::size() const { return inputs_.shape()[0]; }

OCTET_API Shape TensorExamples::shape() const { return {inputs_.shape().begin() + 1, inputs_.shape().end()}; }

OCTET_API void TensorExamples::read(std::int64_t i, float* to) const {
  const std::int64_t n = inputs_.size() / size();
  std::copy(inputs_.data() + i * n, inputs_.data() + (i + 1) * n, to);
}

OCTET_API std::optional<std::int64_t> TensorExamples::label(std::int64_t i) const {
  return labels_.empty() ? std::nullopt : std::optional<std::int64_t>(labels_[static_cast<std::size_t>(i)]);
}

OCTET_API const float* TensorExamples::target(std::int64_t i) const {
  return target_size_ > 0 ? targets_.data() + i * target_size_ : nullptr;
}

OCTET_API std::int64_t TensorExamples::target_size() const { return target_size_; }

OCTET_API void TensorExamples::check(std::int64_t n, const char* what) const {
  detail::require<ShapeError>(inputs_.shape().rank() > 0 && inputs_.shape()[0] == n, "inputs of shape ",
                              inputs_.shape(), ": expected as many ", what, " as inputs, found ", n);
}

OCTET_API ImageExamples::ImageExamples(DatasetPtr images, const Preprocessing& preprocessing, std::int64_t height,
                                       std::int64_t width, std::int64_t channels, std::size_t most_bytes,
                                       ThreadPool& pool)
    : images_(std::move(images)), preprocessing_(preprocessing), shape_{height, width, channels} {
  const std::int64_t n = shape_.elements(), count = images_->size();
  if (n == 0 || static_cast<std::size_t>(count) > most_bytes / sizeof(float) / static_cast<std::size_t>(n)) return;
  Tensor<float> all = Tensor<float>::uninitialized({count, height, width, channels});
  detail::parallel_checked(pool, count, [&](std::int64_t i, int) { read(i, all.data() + i * n); });
  decoded_ = std::move(all);
}

OCTET_API std::int64_t ImageExamples::size() const { return images_->size(); }

OCTET_API Shape ImageExamples::shape() const { return shape_; }

OCTET_API void ImageExamples::read(std::int64_t i, float* to) const {
  const std::int64_t n = shape_.elements();
  if (decoded_.size() > 0) {
    std::copy(decoded_.data() + i * n, decoded_.data() + (i + 1) * n, to);
  } else {
    const Tensor<float> x = preprocess(images_->image(i), preprocessing_, shape_[0], shape_[1], shape_[2]);
    std::copy(x.begin(), x.end(), to);
  }
}

OCTET_API std::optional<std::int64_t> ImageExamples::label(std::int64_t i) const { return images_->label(i); }

OCTET_API std::string ImageExamples::name(std::int64_t i) const { return images_->name(i); }

OCTET_END
