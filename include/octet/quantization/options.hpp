#pragma once
#include <string>
#include <vector>

#include "../graph/operator.hpp"
#include "../runtime/options.hpp"
#include "range_method.hpp"

OCTET_BEGIN

struct CalibrationOptions {
  RangeMethod method = RangeMethod::mse;
  double percent = 99.99;  // kept by RangeMethod::percentile
  ExecutorOptions executor;
};

/// Options of quantize<int8>(model, calibration).
struct Int8Options {
  bool per_channel = true;             // scales of weights
  bool symmetric_activations = false;  // zero points 0
  RangeMethod weights = RangeMethod::min_max;
  bool correct_bias = true;             // for the mean error of rounded weights, where the calibration has means
  std::vector<std::string> keep_float;  // names of layers, * for any text
  bool integer_input = false;           // the model takes int8 instead of float
  bool integer_output = false;          // ... and gives it
  Rounding rounding = Rounding::fp32;
};

/// What quantize<fp16>(model) and quantize<bf16>(model) do with weights that round to infinity: from 65520 on for fp16,
/// from 3.3961775e38 on for bf16.
enum class TooLarge : std::uint8_t {
  keep_float32,  // the tensor stays as it is, and WeightOptions::notes tells
  error          // throws, naming the tensor
};

/// Options of quantize<dynamic_range>(model), quantize<fp16>(model), quantize<bf16>(model).
struct WeightOptions {
  bool per_channel = true;                     // dynamic_range only
  RangeMethod weights = RangeMethod::min_max;  // dynamic_range only
  std::int64_t least_elements = 1024;   // smaller weights stay float: they weigh nothing; but for dynamic_range's
                                        // convolutions, whose time matters
  std::vector<std::string> keep_float;  // names of layers, * for any text
  TooLarge too_large = TooLarge::keep_float32;
  std::vector<std::string>* notes = nullptr;  // gets a line, for people, for each thing that was not done as asked
};

OCTET_END
