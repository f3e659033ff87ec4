#pragma once
#include "../core/thread_pool.hpp"
#include "../graph/graph.hpp"
#include "dataset.hpp"
#include "image_input.hpp"

OCTET_BEGIN

/// Samples for any model, for calibration or comparison: each has a tensor for each input of the model, in the types of
/// the model. Several threads may call its functions at the same time.
class InputSet {
 public:
  virtual ~InputSet() = default;
  /// Number of samples.
  virtual std::int64_t size() const = 0;
  /// The tensors of sample i. Throws FormatError, naming the file, if it is damaged.
  virtual std::vector<AnyTensor> inputs(std::int64_t i) const = 0;
  /// The name of sample i in messages.
  virtual std::string name(std::int64_t i) const = 0;
};

/// Sets of samples are shared and not changed.
using InputSetPtr = std::shared_ptr<const InputSet>;

/// The images of a data set as samples of a model with one image input. `size` is used for height and width if the
/// model leaves them unknown.
InputSetPtr image_inputs(const Model& model, DatasetPtr images, const Preprocessing& preprocessing,
                         std::int64_t size = 224);

/// Samples [from, from + size) of another set. Throws Error unless it has them.
InputSetPtr part_of(InputSetPtr all, std::int64_t from, std::int64_t size);

/// Reads samples [from, to), in parallel. Throws FormatError, naming the sample, if it is damaged, or if it has NaN or
/// infinite elements.
std::vector<std::vector<AnyTensor>> load_inputs(const InputSet& samples, std::int64_t from, std::int64_t to,
                                                ThreadPool& pool);

/// Real values as an input of a model: quantized or converted if it takes another type than float32.
AnyTensor as_input(const Value& input, const Tensor<float>& values);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "input_set.inl"
#endif
