#pragma once
#include <algorithm>

#include "../core/parallel_checked.hpp"
#include "examples.hpp"

OCTET_BEGIN

OCTET_API TensorExamples::TensorExamples(Tensor<float> inputs, std::vector<std::int64_t> labels)
    : TensorExamples(std::vector<Tensor<float>>{std::move(inputs)}, {OutputAnswers(std::move(labels))}) {
  check(static_cast<std::int64_t>(answers_[0].labels.size()), "labels");
}

OCTET_API TensorExamples::TensorExamples(Tensor<float> inputs, Tensor<float> targets)
    : TensorExamples(std::vector<Tensor<float>>{std::move(inputs)}, {OutputAnswers(std::move(targets))}) {
  check(answers_[0].targets.shape().rank() > 0 ? answers_[0].targets.shape()[0] : 0, "targets");
}

OCTET_API TensorExamples::TensorExamples(std::vector<Tensor<float>> inputs, std::vector<OutputAnswers> answers)
    : inputs_(std::move(inputs)), answers_(std::move(answers)) {
  detail::require(!inputs_.empty(), "expected at least one tensor of inputs, found none");
  for (const Tensor<float>& x : inputs_) {
    detail::require<ShapeError>(x.shape().rank() > 0, "expected inputs of shape [N, ...], found ", x.shape());
    check(x.shape()[0], "elements of another input");
  }
  for (const OutputAnswers& a : answers_) {
    if (!a.labels.empty()) check(static_cast<std::int64_t>(a.labels.size()), "labels");
    if (a.targets.size() > 0) check(a.targets.shape().rank() > 0 ? a.targets.shape()[0] : 0, "targets");
  }
}

OCTET_API std::int64_t TensorExamples::size() const { return inputs_[0].shape()[0]; }
OCTET_API Shape TensorExamples::shape() const { return shape_of(0); }
OCTET_API void TensorExamples::read(std::int64_t i, float* to) const { read_input(i, 0, to); }
OCTET_API std::optional<std::int64_t> TensorExamples::label(std::int64_t i) const { return label_for(i, 0); }
OCTET_API const float* TensorExamples::target(std::int64_t i) const { return target_for(i, 0); }
OCTET_API std::int64_t TensorExamples::target_size() const { return target_size_for(0); }

OCTET_API int TensorExamples::inputs() const { return static_cast<int>(inputs_.size()); }

OCTET_API Shape TensorExamples::shape_of(int input) const {
  const Shape& s = inputs_[static_cast<std::size_t>(input)].shape();
  return {s.begin() + 1, s.end()};
}

OCTET_API void TensorExamples::read_input(std::int64_t i, int input, float* to) const {
  const Tensor<float>& x = inputs_[static_cast<std::size_t>(input)];
  const std::int64_t n = x.size() / size();
  std::copy(x.data() + i * n, x.data() + (i + 1) * n, to);
}

OCTET_API std::optional<std::int64_t> TensorExamples::label_for(std::int64_t i, int output) const {
  const OutputAnswers* a = answers(output);
  if (!a || a->labels.empty()) return std::nullopt;
  return a->labels[static_cast<std::size_t>(i)];
}

OCTET_API const float* TensorExamples::target_for(std::int64_t i, int output) const {
  const std::int64_t n = target_size_for(output);
  return n > 0 ? answers(output)->targets.data() + i * n : nullptr;
}

OCTET_API std::int64_t TensorExamples::target_size_for(int output) const {
  const OutputAnswers* a = answers(output);
  return a ? a->targets.size() / std::max<std::int64_t>(1, size()) : 0;
}

/// The answers for an output; null if there are none.
OCTET_API const OutputAnswers* TensorExamples::answers(int output) const {
  const std::size_t k = answers_.size() == 1 ? 0 : static_cast<std::size_t>(output);
  return k < answers_.size() ? &answers_[k] : nullptr;
}

OCTET_API void TensorExamples::check(std::int64_t n, const char* what) const {
  const Shape& s = inputs_[0].shape();
  detail::require<ShapeError>(s.rank() > 0 && s[0] == n, "inputs of shape ", s, ": expected as many ", what,
                              " as inputs, found ", n);
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
