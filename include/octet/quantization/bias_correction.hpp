#pragma once
#include "../core/rounded.hpp"
#include "../operators/operands.hpp"
#include "calibration.hpp"
#include "weights.hpp"

/// Bias correction. Rounding the weights of a layer shifts the mean of its outputs; the bias can compensate for that
/// (Nagel et al. 2019, "Data-free quantization through weight equalization and bias correction", section 4.2). The
/// means of the inputs are those measured by the calibration.
OCTET_BEGIN
namespace detail {

/// The mean of each input channel of a layer. Empty if the calibration did not measure it.
inline std::vector<double> mean_inputs(const Graph& g, const Node& n, const Calibration* calibration) {
  const Traits traits = n.op->traits();
  if (!calibration || traits.products != Traits::Products::all) return {};
  std::vector<double> means = calibration->channel_means(g.value(n.inputs[0]).name);
  const Shape& w = g.value(n.inputs[LayerInputs::weights]).shape;
  if (static_cast<std::int64_t>(means.size()) != w.back() * traits.groups) return {};
  return means;
}

/// The mean of (rounded - exact weights) * inputs for each output channel; weights [O, ..., C / groups].
/// rounded(o, i) is the rounded value of element i (of the whole tensor), which belongs to output channel o.
template <class Rounded>
std::vector<double> mean_error(View<const float> exact, const std::vector<double>& means, Rounded rounded) {
  const std::int64_t out = exact.shape()[0], k = exact.size() / out, group_in = exact.shape().back();
  const std::int64_t groups = static_cast<std::int64_t>(means.size()) / group_in,
                     group_out = std::max<std::int64_t>(out / groups, 1);
  std::vector<double> error(static_cast<std::size_t>(out), 0.0);
  default_pool()->parallel(out, [&](std::int64_t o, int) {
    const double* mean = means.data() + o / group_out * group_in;
    double sum = 0;
    for (std::int64_t i = o * k; i < (o + 1) * k; i += group_in) {
      double part = 0;
      for (std::int64_t c = 0; c < group_in; ++c)
        part += detail::rounded(static_cast<double>(rounded(o, i + c) - exact[i + c]) * mean[c]);
      sum += part;
    }
    error[static_cast<std::size_t>(o)] = std::isfinite(sum) ? sum : 0;
  });
  return error;
}

/// Adds numbers to the layer's float bias. Adds a bias if there is none.
inline void shift_bias(Graph& g, Node& n, const std::vector<double>& shift) {
  const int b = input_of(n, LayerInputs::bias);
  const std::string bias_name = b == Node::none ? g.value(n.outputs[0]).name + ".bias" : g.value(b).name;
  const std::vector<double> ones(shift.size(), 1.0);
  set_input(n, LayerInputs::bias, g.add_constant(bias_name, affine_bias(g, b, ones, shift)));
}

/// Subtracts the mean error of the rounded weights from the layer's float bias. Adds a bias if there is none.
template <class Rounded>
void correct_bias(Graph& g, Node& n, View<const float> exact, const std::vector<double>& means, Rounded rounded) {
  if (means.empty() || exact.size() == 0) return;
  std::vector<double> shift = mean_error(exact, means, rounded);
  for (double& s : shift) s = -s;
  shift_bias(g, n, shift);
}

inline void correct_bias(Graph& g, Node& n, View<const float> exact, const std::vector<double>& means,
                         const QTensor<int8>& q) {
  const std::vector<float>& scale = q.params.scale;
  correct_bias(g, n, exact, means, [&](std::int64_t o, std::int64_t i) {
    return rounded(static_cast<float>(q.data[i]) * scale[scale.size() > 1 ? static_cast<std::size_t>(o) : 0]);
  });
}

}  // namespace detail
OCTET_END
