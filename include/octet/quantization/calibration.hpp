#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../core/range.hpp"
#include "../graph/graph.hpp"
#include "histogram.hpp"
#include "options.hpp"

OCTET_BEGIN
namespace detail {
class CalibratorState;
}

/// Statistics of one tensor of a float model.
struct TensorStatistics {
  /// Smallest and largest element so far; low > high before the first.
  Range seen{std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
  Histogram histogram;         ///< empty if the method does not need it
  std::vector<Range> samples;  ///< range of each image, ascending; only for moving_average
  std::optional<Range> given;  ///< set by the user; overrides what was measured
  /// For inputs of layers with weights: the sum over all images of the mean of each channel (last dimension). The means
  /// are multiples of 2^-24, so that the sums are exact in any order.
  std::vector<double> channel_sums;
  std::int64_t summed = 0;  ///< number of images in channel_sums
  /// For tensors whose channels can be multiplied by factors, see Equalize: the range of each channel (last dimension).
  std::vector<Range> channel_ranges;

  /// Whether a range was set or measured; false for tensors that had no elements in all data.
  bool has_range() const noexcept { return given || seen.low <= seen.high; }
  /// Adds the statistics of the same tensor on other images.
  void merge(const TensorStatistics& o);
};

/// Ranges of all activations of a model. They do not depend on the order of the images, the batch size, the number of
/// threads or the CPU. Calibrations on different images can be merged.
class Calibration {
 public:
  RangeMethod method = RangeMethod::min_max;        ///< how `range` chooses
  double percent = 99.99;                           ///< for RangeMethod::percentile
  std::map<std::string, TensorStatistics> tensors;  ///< by value name

  /// Whether the tensor has a range, measured or set. Tensors without elements in all data have none.
  bool contains(const std::string& tensor) const {
    const auto t = tensors.find(tensor);
    return t != tensors.end() && t->second.has_range();
  }

  /// The range to quantize a tensor with, by `method` or as set by set_range. Throws Error if the tensor was not
  /// measured. `codes`: how many integers there are; only `mse` and `entropy` depend on it, and both mean `mse` for
  /// more than 256.
  Range range(const std::string& tensor, int codes = 256) const;

  /// The mean of each channel (last dimension) of a tensor. Empty if it was not measured.
  std::vector<double> channel_means(const std::string& tensor) const;

  /// Sets the range of a tensor, which overrides what was measured. Throws Error unless low <= high and both are
  /// finite.
  void set_range(const std::string& tensor, Range r);

  /// Adds the statistics of another calibration of the same model. Throws Error if its method or percent differs.
  void merge(const Calibration& o);
};

/// Collects statistics of every activation of a float model, batch by batch. The constructor throws Error for quantized
/// models and for weights that are not finite.
class Calibrator {
 public:
  /// Optimizes a copy of the model. Throws Error for quantized models and for weights that are not finite.
  explicit Calibrator(const Model& model, const CalibrationOptions& options = {});
  ~Calibrator();
  Calibrator(const Calibrator&) = delete;
  Calibrator& operator=(const Calibrator&) = delete;

  /// Runs the model on a batch: one tensor for each input of the model, [N, ...]. Throws Error if an activation is not
  /// finite, except for -inf where only softmaxes read it (masks of attention).
  void add(const std::vector<AnyTensor>& inputs);
  /// The same for models with one input.
  void add(const Tensor<float>& images);

  /// The number of images so far.
  std::int64_t images() const noexcept;

  /// The calibration so far. Throws Error if there was no image.
  const Calibration& result() const;

 private:
  std::unique_ptr<detail::CalibratorState> state_;
};

/// Runs a float model on the batches ([N, ...] each) and collects statistics of every activation. See Calibrator.
Calibration calibrate(const Model& model, const std::vector<Tensor<float>>& batches,
                      const CalibrationOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "calibration.inl"
#endif
