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

/// What was seen of one tensor of a float model.
struct TensorStatistics {
  Range seen{std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
  Histogram histogram;         // empty where the method needs none
  std::vector<Range> samples;  // ranges of single images, in ascending order; for moving_average only
  std::optional<Range> given;  // set by hand: overrides everything
  // Means of each channel (last dimension) of single images, added up; of tensors that layers with weights read.
  // Multiples of 2^-24: their sums are exact, in any order.
  std::vector<double> channel_sums;
  std::int64_t summed = 0;

  void merge(const TensorStatistics& o);
};

/// Ranges of all activations of a model. Depends neither on the order of the images nor on batch sizes, threads or the
/// CPU; parts made from different images can be merged.
class Calibration {
 public:
  RangeMethod method = RangeMethod::min_max;
  double percent = 99.99;
  std::map<std::string, TensorStatistics> tensors;  // by value name

  bool contains(const std::string& tensor) const { return tensors.count(tensor) != 0; }

  /// The range to quantize a tensor with; throws where it was not seen.
  Range range(const std::string& tensor) const;

  /// The mean of each channel of a tensor; empty where it was not measured.
  std::vector<double> channel_means(const std::string& tensor) const;

  /// Sets a tensor's range by hand.
  void set_range(const std::string& tensor, Range r);

  void merge(const Calibration& o);
};

/// Watches every activation of a float model, batch by batch.
class Calibrator {
 public:
  explicit Calibrator(const Model& model, const CalibrationOptions& options = {});
  ~Calibrator();
  Calibrator(const Calibrator&) = delete;
  Calibrator& operator=(const Calibrator&) = delete;

  /// One tensor for each input of the model, each a batch along its first dimension.
  void add(const std::vector<AnyTensor>& inputs);
  void add(const Tensor<float>& images);

  /// Images seen so far.
  std::int64_t images() const noexcept;

  const Calibration& result() const;

 private:
  std::unique_ptr<detail::CalibratorState> state_;
};

/// Runs the float model on the batches and watches every activation.
Calibration calibrate(const Model& model, const std::vector<Tensor<float>>& batches,
                      const CalibrationOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "calibration.inl"
#endif
