#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "../runtime/executor.hpp"

OCTET_BEGIN

/// Times of several runs, in milliseconds.
struct Latency {
  double median_ms = 0;   ///< in milliseconds
  double min_ms = 0;      ///< in milliseconds
  std::int64_t runs = 0;  ///< number of timed runs
};

/// Median (for an even number, the mean of the two middle ones), minimum and number of times in milliseconds.
Latency summarize(std::vector<double> times);

/// Measures the inference time of models on one input, alternating between them, so that other load on the machine
/// affects all of them. `seconds`: approximate time per model; `runs`: number of runs per model, overrides it unless 0.
/// `progress(done, total)` is called after each of several rounds.
std::vector<Latency> measure_latency(const std::vector<Executor*>& executors, const Tensor<float>& input,
                                     double seconds, std::int64_t runs,
                                     const std::function<void(std::int64_t, std::int64_t)>& progress);

/// The same for models with any number of inputs: a tensor for each.
std::vector<Latency> measure_latency(const std::vector<Executor*>& executors, const std::vector<AnyTensor>& inputs,
                                     double seconds, std::int64_t runs,
                                     const std::function<void(std::int64_t, std::int64_t)>& progress);

/// Median time of each layer over several profiled runs.
std::vector<LayerTime> measure_layers(Executor& executor, const Tensor<float>& input);
/// The same for models with any number of inputs: a tensor for each.
std::vector<LayerTime> measure_layers(Executor& executor, const std::vector<AnyTensor>& inputs);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "latency.inl"
#endif
