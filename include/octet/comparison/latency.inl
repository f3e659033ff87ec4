#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>

#include "../runtime/input_type.hpp"
#include "../runtime/stages.hpp"
#include "latency.hpp"

OCTET_BEGIN

OCTET_API Latency summarize(std::vector<double> times) {
  if (times.empty()) return {};
  std::sort(times.begin(), times.end());
  const std::size_t n = times.size();
  return {(times[(n - 1) / 2] + times[n / 2]) / 2, times.front(), static_cast<std::int64_t>(n)};
}

namespace detail {

/// An executor with its input and output tensors.
class TimedModel {
 public:
  TimedModel(Executor& executor, const std::vector<AnyTensor>& inputs) : executor_(executor) {
    const Graph& g = executor.graph();
    inputs_ = to_input_types(g, inputs);
    std::vector<Shape> shapes;
    for (const AnyTensor& t : inputs_) {
      in_.push_back(t.ref());
      shapes.push_back(t.shape());
    }
    shapes = executor.plan(shapes);
    in_stages_ = first_data_sized(g) != Node::none;
    for (std::size_t i = 0; i < shapes.size() && !in_stages_; ++i) {
      outputs_.push_back(AnyTensor::make(g.value(g.outputs[i]).dtype, shapes[i], [](std::byte*) {}));
      out_.push_back(outputs_.back().ref());
    }
  }
  double run() {
    const auto start = std::chrono::steady_clock::now();
    if (in_stages_)
      executor_.run(inputs_);
    else
      executor_.run(in_.data(), out_.data());
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  }
  std::vector<double> times;

 private:
  Executor& executor_;
  std::vector<AnyTensor> inputs_, outputs_;
  std::vector<TensorRef> in_, out_;
  bool in_stages_ = false;  // such models return tensors, even if the sizes of their outputs are known
};

}  // namespace detail

OCTET_API std::vector<Latency> measure_latency(const std::vector<Executor*>& executors, const Tensor<float>& input,
                                               double seconds, std::int64_t runs,
                                               const std::function<void(std::int64_t, std::int64_t)>& progress) {
  return measure_latency(executors, std::vector<AnyTensor>{input}, seconds, runs, progress);
}

OCTET_API std::vector<Latency> measure_latency(const std::vector<Executor*>& executors,
                                               const std::vector<AnyTensor>& inputs, double seconds, std::int64_t runs,
                                               const std::function<void(std::int64_t, std::int64_t)>& progress) {
  constexpr std::int64_t rounds = 8;
  std::vector<detail::TimedModel> models;
  for (Executor* e : executors) models.emplace_back(*e, inputs);
  std::vector<std::int64_t> all_runs;
  for (detail::TimedModel& m : models) {
    m.run();  // plans and touches the memory
    const double ms = std::max(1e-3, std::min(m.run(), m.run()));
    const auto fitting = static_cast<std::int64_t>(seconds * 1e3 / ms / rounds);
    all_runs.push_back(runs > 0 ? runs : rounds * std::clamp<std::int64_t>(fitting, 1, 2000));
  }
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (std::size_t m = 0; m < models.size(); ++m) {
      const std::int64_t n = (r + 1) * all_runs[m] / rounds - r * all_runs[m] / rounds;
      if (n > 0) models[m].run();  // warms the caches
      for (std::int64_t i = 0; i < n; ++i) models[m].times.push_back(models[m].run());
    }
    progress(r + 1, rounds);
  }
  std::vector<Latency> results;
  for (detail::TimedModel& m : models) results.push_back(summarize(std::move(m.times)));
  return results;
}

OCTET_API std::vector<LayerTime> measure_layers(Executor& executor, const Tensor<float>& input) {
  return measure_layers(executor, std::vector<AnyTensor>{input});
}

OCTET_API std::vector<LayerTime> measure_layers(Executor& executor, const std::vector<AnyTensor>& inputs) {
  constexpr std::size_t runs = 11;
  detail::TimedModel timed(executor, inputs);
  executor.profile(true);
  std::vector<LayerTime> layers;
  std::vector<std::vector<double>> times;
  for (std::size_t run = 0; run < runs; ++run) {
    timed.run();
    layers = executor.layer_times();
    times.resize(layers.size());
    for (std::size_t i = 0; i < layers.size(); ++i) times[i].push_back(layers[i].milliseconds);
  }
  executor.profile(false);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    std::nth_element(times[i].begin(), times[i].begin() + runs / 2, times[i].end());
    layers[i].milliseconds = times[i][runs / 2];
  }
  return layers;
}

OCTET_END
