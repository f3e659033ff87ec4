#pragma once
#include <optional>

#include "../core/thread_pool.hpp"
#include "../data/dataset.hpp"
#include "../data/preprocessing.hpp"

OCTET_BEGIN

/// Training examples: inputs of one shape, each with a class or a target. Several threads call its functions at the
/// same time.
class Examples {
 public:
  virtual ~Examples() = default;
  /// Number of examples.
  virtual std::int64_t size() const = 0;
  /// The shape of one input without the batch dimension. Images are [H, W, C].
  virtual Shape shape() const = 0;
  /// Writes the input of example i to `to`.
  virtual void read(std::int64_t i, float* to) const = 0;
  /// The class of example i, if it has one.
  virtual std::optional<std::int64_t> label(std::int64_t) const { return std::nullopt; }
  /// The target of example i, with as many elements as the model's output for one example. Null without targets.
  virtual const float* target(std::int64_t) const { return nullptr; }
  /// Number of elements of one target.
  virtual std::int64_t target_size() const { return 0; }
  /// The name of example i in error messages.
  virtual std::string name(std::int64_t i) const { return "example " + std::to_string(i); }
};

/// Examples in memory.
class TensorExamples : public Examples {
 public:
  /// inputs: [N, ...]; labels: N classes.
  TensorExamples(Tensor<float> inputs, std::vector<std::int64_t> labels);
  /// inputs: [N, ...]; targets: [N, ...].
  TensorExamples(Tensor<float> inputs, Tensor<float> targets);

  /// The first dimension of the inputs.
  OCTET_API std::int64_t size() const override;
  OCTET_API Shape shape() const override;
  OCTET_API void read(std::int64_t i, float* to) const override;
  OCTET_API std::optional<std::int64_t> label(std::int64_t i) const override;
  OCTET_API const float* target(std::int64_t i) const override;
  OCTET_API std::int64_t target_size() const override;

 private:
  void check(std::int64_t n, const char* what) const;
  Tensor<float> inputs_, targets_;
  std::vector<std::int64_t> labels_;
  std::int64_t target_size_ = 0;
};

/// The images of a data set, resized to one size and normalized. They are decoded once if all of them fit into
/// `most_bytes`, else each time they are read.
class ImageExamples : public Examples {
 public:
  /// Images become [height, width, channels]. `pool` decodes them, if they fit. Throws FormatError if a file is
  /// damaged.
  ImageExamples(DatasetPtr images, const Preprocessing& preprocessing, std::int64_t height, std::int64_t width,
                std::int64_t channels, std::size_t most_bytes = std::size_t{1} << 30,
                ThreadPool& pool = *default_pool());

  /// Number of images.
  OCTET_API std::int64_t size() const override;
  OCTET_API Shape shape() const override;
  OCTET_API void read(std::int64_t i, float* to) const override;
  OCTET_API std::optional<std::int64_t> label(std::int64_t i) const override;
  OCTET_API std::string name(std::int64_t i) const override;

 private:
  DatasetPtr images_;
  Preprocessing preprocessing_;
  Shape shape_;
  Tensor<float> decoded_;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "examples.inl"
#endif
