#pragma once
#include <functional>

#include "../data/input_set.hpp"
#include "../quantization/calibration.hpp"

OCTET_BEGIN

/// Calibrates a float model on samples, see Calibrator. `progress(done, total)` counts samples. Errors name the sample.
Calibration calibrate(const Model& model, const InputSet& samples, const CalibrationOptions& options = {},
                      const std::function<void(std::int64_t, std::int64_t)>& progress = {});

/// The first samples, at most `most`, as inputs for Int8Options::trial; none if the model has several inputs or one
/// that is not float.
std::vector<Tensor<float>> trial_inputs(const InputSet& samples, std::int64_t most = 4);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "calibrate_inputs.inl"
#endif
