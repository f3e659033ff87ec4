#pragma once
#include <functional>
#include <string>
#include <vector>

#include "../core/tensor.hpp"
#include "../graph/operator.hpp"
#include "../runtime/options.hpp"
#include "range_method.hpp"

OCTET_BEGIN

/// Options of calibrate and Calibrator.
struct CalibrationOptions {
  RangeMethod method = RangeMethod::mse;  ///< by default, the range with the least squared error
  double percent = 99.99;                 ///< for RangeMethod::percentile: percent of the values inside the range
  ExecutorOptions executor;               ///< of the runs of the float model
};

/// Whether channels between layers are multiplied by powers of two, so that each uses its tensor's range (cross-layer
/// equalization, see QuantizationPlan::channel_exponents).
enum class Equalize : std::uint8_t {
  where_better,  ///< where the ranges of channels and weights predict a smaller error
  always,        ///< wherever it is possible
  never          ///< nowhere
};

/// How weights become integers.
enum class RoundWeights : std::uint8_t {
  nearest,  ///< each weight to the nearest integer
  fast      ///< so that the outputs of layers have little error on inputs of the model, see round_weights
};

/// Options of round_weights.
struct RoundingOptions {
  std::vector<Tensor<float>> inputs;  ///< [N, ...] each, such as the calibration's
  std::int64_t samples = 2000;        ///< output pixels of a layer that are used; more where it has more weights
  std::uint64_t seed = 1;             ///< of the choice of pixels
  bool each_alone = false;            ///< layers read what the float model gives, not what the quantized layers before
                                      ///< them give: for layers whose neighbours may have other forms
  ExecutorOptions executor;           ///< of the runs of the model
  std::function<void(std::int64_t done, std::int64_t total)> progress;  ///< called after each layer
  std::vector<std::string>* notes = nullptr;  ///< gets a message for each layer that is rounded to nearest after all
  double damping = 0.3;  ///< 0.001 to 100: how little the samples say about other inputs. 0.01 suits inputs like those
                         ///< that the model will see, 0.3 inputs that are fewer, or of other things
};

/// Options of quantize<int8>(model, calibration).
struct Int8Options {
  bool per_channel = true;                     ///< one weight scale for each output channel
  bool symmetric_activations = false;          ///< all zero points are 0
  RangeMethod weights = RangeMethod::min_max;  ///< min_max suits 8 bits, as each channel has its own range; mse fewer
  int weight_bits = 8;                         ///< 2 to 8: codes reach from -(2^(bits-1) - 1) to 2^(bits-1) - 1
  std::vector<std::string> keep_8_bits;  ///< names of layers whose weights have 8 bits nevertheless, * for any text
  double small_8_bits = 0;  ///< if weight_bits is less than 8: the smallest layers whose weights are together at most
                            ///< this part of all weights, 0 to 1, keep 8 bits. 0.05 suits 4 bits
  RoundWeights round = RoundWeights::nearest;  ///< how weights are rounded
  RoundingOptions rounding_samples;            ///< of RoundWeights::fast, which needs its inputs
  bool correct_bias = true;                    ///< compensates for the mean error of rounded weights
  Equalize equalize = Equalize::where_better;  ///< uneven channels between layers
  std::vector<Tensor<float>> trial;  ///< if not empty, inputs (batches) on which the model is quantized with and
                                     ///< without equalized channels, where these are predicted to be better: the one
                                     ///< whose outputs have less error is taken. Layers that collapse on them stay
                                     ///< float where the outputs gain by it, if weights are rounded to nearest. For
                                     ///< models with one input
  std::vector<std::string>* notes = nullptr;  ///< gets a message for what was decided by trial, for each softmax that
                                              ///< stays float because its input is masked, for layers that stay float
                                              ///< because their tensors were empty in all calibration data, and those
                                              ///< of rounding_samples, if that has no notes of its own
  std::vector<std::string> keep_float;        ///< names of layers, * for any text
  bool integer_input = false;                 ///< the model takes int8 instead of float
  bool integer_output = false;                ///< the model returns int8 instead of float
  Rounding rounding = Rounding::fp32;         ///< of the sums; the others match TFLite's kernels bit for bit
  std::int64_t weight_block = 0;  ///< 32, 64, 128 or 256: if weight_bits is at most 4, fully connected layers have a
                                  ///< multiplier for each block of so many inputs, see LayerPlan. 0: no blocks
};

/// What quantize<fp16>(model) and quantize<bf16>(model) do with weights that would round to infinity: magnitudes from
/// 65520 (fp16) or 3.3961775e38 (bf16) on.
enum class TooLarge : std::uint8_t {
  keep_float32,  ///< the tensor stays float32, with an entry in WeightOptions::notes
  error          ///< throws Error, naming the tensor
};

/// Options of quantize<dynamic_range>(model), quantize<fp16>(model), quantize<bf16>(model).
struct WeightOptions {
  bool per_channel = true;                     ///< dynamic_range only
  RangeMethod weights = RangeMethod::min_max;  ///< dynamic_range only
  std::int64_t least_elements = 1024;   ///< smaller weights stay float; ignored for convolutions with dynamic_range,
                                        ///< which are quantized for speed
  std::vector<std::string> keep_float;  ///< names of layers, * for any text
  TooLarge too_large = TooLarge::keep_float32;  ///< what happens to weights beyond the range of fp16 and bf16
  std::vector<std::string>* notes = nullptr;    ///< gets a message for each tensor that was left in float32
  std::int64_t weight_block = 0;  ///< dynamic_range only; 32, 64, 128 or 256: fully connected layers have weights of 4
                                  ///< bits, with a multiplier for each block of so many inputs, see LayerPlan
};

OCTET_END
