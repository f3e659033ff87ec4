#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "../core/decibels.hpp"
#include "../core/error_energy.hpp"
#include "../core/integer_format.hpp"
#include "../kernels/half.hpp"
#include "../passes/optimize.hpp"
#include "../passes/without_blocks.hpp"
#include "../runtime/executor.hpp"
#include "../runtime/input_type.hpp"
#include "error_report.hpp"
#include "quantize.hpp"
#include "rescale.hpp"

OCTET_BEGIN

namespace detail {

/// Accumulates the errors of a tensor over several runs.
class ErrorSum {
 public:
  /// Adds the elements of one run: x of the float model, y of the quantized one. `params` and `type` are those of y.
  void add(const float* x, const float* y, const Shape& shape, const QuantParams& params, DType type) {
    const ChannelWalk w(shape, params ? params.axis : -1);
    for (std::int64_t i = 0, n = shape.elements(); i < n; ++i) {
      if (std::isinf(x[i]) && x[i] == y[i]) continue;  // a mask
      const double a = static_cast<double>(x[i]), e = a - static_cast<double>(y[i]);
      energy_.add(a, static_cast<double>(y[i]));
      largest_ = std::max(largest_, std::abs(e));
      if (!params) continue;
      const auto c = w.channel_of(i);
      const double s = static_cast<double>(params.scale[c]);
      const IntegerRange r = integer_range(type);
      scaled_ += e * e / (s * s);
      beyond_ += a > (static_cast<double>(r.high - params.zero_point[c]) + 0.5) * s ||
                 a < (static_cast<double>(r.low - params.zero_point[c]) - 0.5) * s;
    }
    count_ += shape.elements();
    quantized_ = quantized_ || params;
  }

  LayerError result(std::string name, std::string type) const {
    const double n = static_cast<double>(std::max<std::int64_t>(count_, 1));
    LayerError e{std::move(name), std::move(type), 0, largest_, 0, static_cast<double>(beyond_) / n};
    e.sqnr_db = decibels_of(energy_.part());
    if (quantized_) e.rmse_over_scale = std::sqrt(scaled_ / n);
    return e;
  }

 private:
  ErrorEnergy energy_;
  double scaled_ = 0, largest_ = 0;
  std::int64_t beyond_ = 0, count_ = 0;
  bool quantized_ = false;
};

}  // namespace detail

OCTET_API std::vector<LayerError> error_report(const Model& float_model, const Model& quantized,
                                               const std::vector<Tensor<float>>& batches, ExecutorOptions options) {
  std::vector<std::vector<AnyTensor>> lists;
  for (const Tensor<float>& batch : batches) lists.push_back({batch});
  return error_report(float_model, quantized, lists, std::move(options));
}

OCTET_API std::vector<LayerError> error_report(const Model& float_model, const Model& quantized,
                                               const std::vector<std::vector<AnyTensor>>& batches,
                                               ExecutorOptions options) {
  using detail::ErrorSum;
  options.optimize = false;  // fusion would hide tensors
  OptimizedModel original = optimize(float_model);
  detail::rescale(original,
                  detail::noted_exponents(quantized));  // errors of equalized tensors are those of their numbers
  std::vector<LayerError> report;
  const Graph whole = detail::without_blocks(quantized);
  for (const Value& q : whole.values) {
    if (!q.is_constant() || (!detail::is_weights(q.dtype) && !is_floating(q.dtype)) || !original.contains(q.name))
      continue;
    const Value& v = original.value(original.find(q.name));
    if (!v.is_constant() || v.constant.shape() != q.constant.shape() || !is_floating(v.dtype) || v.dtype == q.dtype)
      continue;
    ErrorSum sum;
    const Tensor<float> x = detail::to_float(v.constant.ref()), y = detail::real_values(q.constant.ref(), q.quant);
    sum.add(x.data(), y.data(), x.shape(), q.quant, q.dtype);
    report.push_back(sum.result(q.name, "weights"));
  }

  Executor exact(original, options), rounded(optimize(quantized), options);
  std::map<std::string, Tensor<float>> activations;
  struct Entry {
    ErrorSum sum;
    std::string type;
  };
  std::map<std::string, Entry> entries;
  std::map<std::string, const char*> types;
  for (const Node& n : exact.graph().nodes)
    for (int v : n.outputs) types[exact.graph().value(v).name] = n.op->type();
  exact.observe([&](const Value& v, const TensorRef& t) {
    if (t.dtype == DType::f32) activations[v.name] = detail::to_float(t);
  });
  rounded.observe([&](const Value& v, const TensorRef& t) {
    const auto x = activations.find(v.name);
    if (x == activations.end() || x->second.shape() != t.shape) return;
    const Tensor<float> y = detail::real_values(t, v.quant);
    Entry& e = entries[v.name];
    e.sum.add(x->second.data(), y.data(), t.shape, v.quant, t.dtype);
    e.type = types[v.name];
  });
  for (const std::vector<AnyTensor>& batch : batches) {
    activations.clear();
    exact.run(detail::to_input_types(exact.graph(), batch));
    rounded.run(detail::to_input_types(rounded.graph(), batch));
  }
  for (const auto& [tensor, e] : entries) report.push_back(e.sum.result(tensor, e.type));
  std::stable_sort(report.begin(), report.end(),
                   [](const LayerError& a, const LayerError& b) { return a.sqnr_db < b.sqnr_db; });
  return report;
}

OCTET_END
