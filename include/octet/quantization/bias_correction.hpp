#pragma once
#include "calibration.hpp"
#include "weights.hpp"

/// The rounding of a layer's weights shifts its outputs by a mean error, which its bias can take back: Nagel et al. 2019,
/// "Data-free quantization through weight equalization and bias correction", section 4.2, with means that were measured.
OCTET_BEGIN
namespace detail {

/// The mean input of each weight's channel is known where the calibration saw the tensor the layer reads.
inline std::vector<double> mean_inputs(const Graph& g, const Node& n, const Calibration* calibration) {
  if (!calibration || (!as<Convolution>(*n.op) && !as<FullyConnected>(*n.op))) return {};
  std::vector<double> means = calibration->channel_means(g.value(n.inputs[0]).name);
  const Shape& w = g.value(n.inputs[1]).shape;
  const auto* c = as<Convolution>(*n.op);
  if (static_cast<std::int64_t>(means.size()) != w.back() * (c ? c->groups : 1)) return {};
  return means;
}

/// The mean of (rounded - exact weights) * inputs for each output channel; weights [O, ..., C / groups].
inline std::vector<double> mean_error(const Tensor<float>& exact, const Tensor<float>& rounded, const std::vector<double>& means) {
  const std::int64_t out = exact.shape()[0], k = out ? exact.size() / out : 0, group_in = exact.shape().back();
  const std::int64_t groups = group_in ? static_cast<std::int64_t>(means.size()) / group_in : 1;
  std::vector<double> error(static_cast<std::size_t>(out), 0.0);
  for (std::int64_t o = 0; o < out; ++o) {
    const double* mean = means.data() + o / std::max<std::int64_t>(out / groups, 1) * group_in;
    double sum = 0;
    for (std::int64_t i = 0; i < k; i += group_in)
      for (std::int64_t c = 0; c < group_in; ++c)
        sum += static_cast<double>(rounded[o * k + i + c] - exact[o * k + i + c]) * mean[c];
    error[static_cast<std::size_t>(o)] = std::isfinite(sum) ? sum : 0;
  }
  return error;
}

/// Takes the mean error of rounded weights (input 1 of n, in floats) out of its float bias, which it gets if it had none.
inline void correct_bias(Graph& g, Node& n, const Tensor<float>& exact, const Tensor<float>& rounded,
                         const std::vector<double>& means) {
  if (means.empty() || exact.size() == 0) return;
  std::vector<double> shift = mean_error(exact, rounded, means);
  for (double& s : shift) s = -s;
  const int b = input_of(n, 2);
  const std::string bias_name = b == Node::none ? g.value(n.outputs[0]).name + ".bias" : g.value(b).name;
  const std::vector<double> ones(shift.size(), 1.0);
  set_input(n, 2, g.add_constant(bias_name, affine_bias(g, b, ones, shift)));
}

}  // namespace detail
OCTET_END
