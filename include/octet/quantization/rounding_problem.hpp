#pragma once
#include "float_matrix.hpp"

OCTET_BEGIN
namespace detail {

/// The rounding of the weights of one group of channels of a layer: which codes give the layer, on inputs that are
/// quantized already, the outputs that the float model has. P: samples (pixels), K: weights of an output channel, O:
/// output channels.
struct RoundingProblem {
  FloatMatrix weights;         // [O, K]: of the float model
  FloatMatrix inputs;          // [P, K]: of the quantized model
  FloatMatrix targets;         // [P, O]: sums of products that would give the outputs of the float model
  int largest = 127;           // codes reach from -largest to largest
  std::vector<float> scales;   // [O]: to begin with
  std::vector<float> least;    // [O]: lower bounds of the scales
  bool choose_scales = false;  // whether scales may change
  float damping = 0.01f;       // see RoundingOptions
  std::int64_t block = 0;      // weights of an output channel that share a multiplier; 0: there are no multipliers
  FloatMatrix multipliers;     // [blocks, O]
};

/// codes * multiplier * scale + shift are the rounded weights and the change of the bias.
struct RoundedGroup {
  std::vector<std::int8_t> codes;  // [O, K]
  std::vector<float> scales;       // [O]
  std::vector<float> shifts;       // [O]: makes the mean of the sums that of the targets
};

/// NaN, which inputs near the largest float may lead to, gives the lowest code.
inline float clamped_code(float x, int largest) noexcept {
  const auto most = static_cast<float>(largest);
  return std::min(std::max(-most, std::nearbyint(x)), most);
}
/// A code times the multiplier of its block, the nearest one to x.
inline float clamped_product(float x, float multiplier, int largest) noexcept {
  return multiplier * clamped_code(x / multiplier, largest);
}

/// The bias that makes the means of the sums those of the targets. `codes`: times their multipliers.
inline std::vector<float> mean_shifts(const RoundingProblem& p, const std::vector<std::int8_t>& codes,
                                      const std::vector<float>& scales) {
  const std::int64_t rows = p.inputs.rows, k = p.inputs.columns, outputs = p.weights.rows;
  std::vector<double> in(static_cast<std::size_t>(k), 0.0), out(static_cast<std::size_t>(outputs), 0.0);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < k; ++i) in[static_cast<std::size_t>(i)] += static_cast<double>(p.inputs.row(r)[i]);
    for (std::int64_t o = 0; o < outputs; ++o)
      out[static_cast<std::size_t>(o)] += static_cast<double>(p.targets.row(r)[o]);
  }
  std::vector<float> shifts;
  for (std::int64_t o = 0; o < outputs; ++o) {
    double sum = 0;
    for (std::int64_t i = 0; i < k; ++i)
      sum += rounded(static_cast<double>(codes[static_cast<std::size_t>(o * k + i)]) * in[static_cast<std::size_t>(i)]);
    const auto c = static_cast<std::size_t>(o);
    shifts.push_back(static_cast<float>((out[c] - rounded(static_cast<double>(scales[c]) * sum)) /
                                        static_cast<double>(std::max<std::int64_t>(rows, 1))));
  }
  return shifts;
}

}  // namespace detail
OCTET_END
