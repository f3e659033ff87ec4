#pragma once
#include "../files/read_file.hpp"
#include "../kernels/half.hpp"
#include "calibrate_inputs.hpp"

OCTET_BEGIN

OCTET_API Calibration calibrate(const Model& model, const InputSet& samples, const CalibrationOptions& options,
                                const std::function<void(std::int64_t, std::int64_t)>& progress) {
  constexpr std::int64_t block = 16;
  CalibrationOptions o = options;
  o.executor.pool = detail::pool_for(o.executor.pool, o.executor.threads);
  Calibrator calibrator(model, o);
  for (std::int64_t from = 0; from < samples.size(); from += block) {
    const std::int64_t to = std::min(samples.size(), from + block);
    const auto loaded = load_inputs(samples, from, to, *o.executor.pool);
    for (std::int64_t i = from; i < to; ++i)
      detail::naming_file(samples.name(i), [&] { calibrator.add(loaded[static_cast<std::size_t>(i - from)]); });
    if (progress) progress(to, samples.size());
  }
  return calibrator.result();
}

OCTET_API std::vector<Tensor<float>> trial_inputs(const InputSet& samples, std::int64_t most) {
  std::vector<Tensor<float>> trial;
  for (std::int64_t i = 0; i < std::min(most, samples.size()); ++i) {
    const std::vector<AnyTensor> sample = samples.inputs(i);
    if (sample.size() != 1 || sample[0].dtype() != DType::f32) return {};
    trial.push_back(detail::to_float(sample[0].ref()));
  }
  return trial;
}

OCTET_END
