#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>

#include "../core/affine.hpp"
#include "../core/element.hpp"
#include "latency.hpp"

OCTET_BEGIN

OCTET_API Latency summarize(std::vector<double> times) {
  if (times.empty()) return {};
  std::sort(times.begin(), times.end());
  const std::size_t n = times.size();
  return {(times[(n - 1) / 2] + times[n / 2]) / 2, times.front(), static_cast<std::int64_t>(n)};
}

namespace detail {

/// The input in the type that the model takes: quantized if that is an integer type.
inline AnyTensor as_model_input(const Value& v, const Tensor<float>& x) {
  return AnyTensor::make(v.dtype, x.shape(), [&](std::byte* to) {
    for (std::int64_t i = 0; i < x.size(); ++i) {
      double y = static_cast<double>(x[i]);
      if (v.quant) y = code_of(y, v.quant);
      store_element(v.dtype, to, i, y);
    }
  });
}

/// An executor with its input and output tensors.
class TimedModel {
 public:
  TimedModel(Executor& executor, const Tensor<float>& input) : executor_(executor) {
    const Graph& g = executor.graph();
    require<ShapeError>(g.inputs.size() == 1, "only models with one input can be timed; '", g.name, "' has ",
                        g.inputs.size());
    input_ = as_model_input(g.value(g.inputs[0]), input);
    in_ = input_.ref();
    const std::vector<Shape> shapes = executor.plan({input.shape()});
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      outputs_.push_back(AnyTensor::make(g.value(g.outputs[i]).dtype, shapes[i], [](std::byte*) {}));
      out_.push_back(outputs_.back().ref());
    }
  }
  double run() {
    const auto start = std::chrono::steady_clock::now();
    executor_.run(&in_, out_.data());
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  }
  std::vector<double> times;

 private:
  Executor& executor_;
  AnyTensor input_;
  std::vector<AnyTensor> outputs_;
  TensorRef in_;
  std::vector<TensorRef> out_;
};

}  // namespace detail

OCTET_API std::vector<Latency> measure_latency(const std::vector<Executor*>& executors, const Tensor<float>& input,
                                               double seconds, std::int64_t runs,
                                               const std::function<void(std::int64_t, std::int64_t)>& progress) {
  constexpr std::int64_t rounds = 8;
  std::vector<detail::TimedModel> models;
  for (Executor* e : executors) models.emplace_back(*e, input);
  std::vector<std::int64_t> per_round;
  for (detail::TimedModel& m : models) {
    m.run();  // plans and touches the memory
    const double ms = std::max(1e-3, std::min(m.run(), m.run()));
    const auto fitting = static_cast<std::int64_t>(seconds * 1e3 / ms / rounds);
    per_round.push_back(runs > 0 ? (runs + rounds - 1) / rounds : std::clamp<std::int64_t>(fitting, 1, 2000));
  }
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (std::size_t m = 0; m < models.size(); ++m) {
      models[m].run();  // warms the caches
      for (std::int64_t i = 0; i < per_round[m]; ++i) models[m].times.push_back(models[m].run());
    }
    progress(r + 1, rounds);
  }
  std::vector<Latency> results;
  for (detail::TimedModel& m : models) results.push_back(summarize(std::move(m.times)));
  return results;
}

OCTET_API std::vector<LayerTime> measure_layers(Executor& executor, const Tensor<float>& input) {
  constexpr std::size_t runs = 11;
  detail::TimedModel timed(executor, input);
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
