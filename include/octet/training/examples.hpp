#pragma once
#include <optional>

#include "../core/thread_pool.hpp"
#include "../data/dataset.hpp"
#include "../data/preprocessing.hpp"

OCTET_BEGIN

/// Training examples: inputs of one shape, each with a class or a target. Several threads call its functions at the
/// same time. For models with several inputs or outputs, see the last functions.
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

  /// The number of inputs of an example, in the order of the model's.
  virtual int inputs() const { return 1; }
  /// As shape, for one of the inputs.
  virtual Shape shape_of(int /*input*/) const { return shape(); }
  /// As read, for one of the inputs.
  virtual void read_input(std::int64_t i, int /*input*/, float* to) const { read(i, to); }
  /// As label, for one of the model's outputs. By default, all outputs have the same classes and targets.
  virtual std::optional<std::int64_t> label_for(std::int64_t i, int /*output*/) const { return label(i); }
  /// As target, for one of the model's outputs.
  virtual const float* target_for(std::int64_t i, int /*output*/) const { return target(i); }
  /// As target_size, for one of the model's outputs.
  virtual std::int64_t target_size_for(int /*output*/) const { return target_size(); }
};

/// What one output of a model shall give for each example: classes, targets, or neither.
struct OutputAnswers {
  std::vector<std::int64_t> labels;  ///< N classes
  Tensor<float> targets;             ///< [N, ...]

  OutputAnswers() = default;
  /// Classes.
  OutputAnswers(std::vector<std::int64_t> classes) : labels(std::move(classes)) {}
  /// Targets.
  OutputAnswers(Tensor<float> values) : targets(std::move(values)) {}
};

/// Examples in memory.
class TensorExamples : public Examples {
 public:
  /// inputs: [N, ...]; labels: N classes.
  TensorExamples(Tensor<float> inputs, std::vector<std::int64_t> labels);
  /// inputs: [N, ...]; targets: [N, ...].
  TensorExamples(Tensor<float> inputs, Tensor<float> targets);
  /// For models with several inputs or outputs, each in their order. inputs: [N, ...] each; answers: one for each
  /// output, or one for all of them.
  TensorExamples(std::vector<Tensor<float>> inputs, std::vector<OutputAnswers> answers);

  /// The first dimension of the inputs.
  OCTET_API std::int64_t size() const override;
  OCTET_API Shape shape() const override;
  OCTET_API void read(std::int64_t i, float* to) const override;
  OCTET_API std::optional<std::int64_t> label(std::int64_t i) const override;
  OCTET_API const float* target(std::int64_t i) const override;
  OCTET_API std::int64_t target_size() const override;
  OCTET_API int inputs() const override;
  OCTET_API Shape shape_of(int input) const override;
  OCTET_API void read_input(std::int64_t i, int input, float* to) const override;
  OCTET_API std::optional<std::int64_t> label_for(std::int64_t i, int output) const override;
  OCTET_API const float* target_for(std::int64_t i, int output) const override;
  OCTET_API std::int64_t target_size_for(int output) const override;

 private:
  void check(std::int64_t n, const char* what) const;
  const OutputAnswers* answers(int output) const;
  std::vector<Tensor<float>> inputs_;
  std::vector<OutputAnswers> answers_;
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
