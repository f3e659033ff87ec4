#pragma once
#include "rescale.hpp"

OCTET_BEGIN
namespace detail {

/// What equalization has to know of a layer's weights [O, ..., C / groups]: for each output and input channel, the
/// largest magnitude, and the sum of squares.
class LayerMagnitudes {
 public:
  LayerMagnitudes(const Graph& g, const Node& n) : input(n.inputs[0]), output(n.outputs[0]) {
    const Tensor<float> w = to_float(g.value(n.inputs[LayerInputs::weights]).constant.ref());
    const Shape& shape = w.shape();
    outputs = shape[0];
    group_in = shape.back();
    group_out = std::max<std::int64_t>(outputs / n.op->traits().groups, 1);
    taps = outputs * group_in > 0 ? w.size() / (outputs * group_in) : 0;
    largest.assign(at(outputs * group_in), 0.0f);
    squares.assign(at(outputs * group_in), 0.0f);
    const float* x = w.data();
    for (std::int64_t o = 0; o < outputs; ++o)
      for (std::int64_t t = 0; t < taps; ++t)
        for (std::int64_t i = 0; i < group_in; ++i, ++x) {
          const std::size_t k = at(o * group_in + i);
          largest[k] = std::max(largest[k], std::abs(*x));
          squares[k] += detail::rounded(*x * *x);
        }
  }
  /// The input channel of column i of row o.
  std::int64_t channel(std::int64_t o, std::int64_t i) const { return o / group_out * group_in + i; }
  bool depthwise() const noexcept { return group_in == 1; }

  int input, output;
  std::int64_t outputs = 0, group_in = 0, group_out = 1, taps = 0;
  std::vector<float> largest, squares;  // [O, C / groups]
};

}  // namespace detail
OCTET_END
