#pragma once
#include <set>
#include <string>
#include <vector>

#include "kernels/arithmetic.hpp"
#include "kernels/cmsis_nn.hpp"
#include "kernels/convolution.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/pooling.hpp"

OCTET_BEGIN
namespace detail::cpp {

/// A part of the generated header of kernels.
struct KernelSource {
  std::string name;
  const char* text;
  std::vector<std::string> needs;  // other parts
};

/// All parts, each after those that it needs.
inline const std::vector<KernelSource>& kernel_sources() {
  static const std::vector<KernelSource> all{
      {"rounding", rounding_source, {}},
      {"fused", fused_source, {}},
      {"Fixed", fixed_twice_source, {}},
      {"FixedOnce", fixed_once_source, {}},
      {"limited", limited_source, {}},
      {"Convolution", convolution_shape_source, {}},
      {"convolution", convolution_source, {"Convolution"}},
      {"depthwise_convolution", depthwise_source, {"Convolution"}},
      {"Scaled", scaled_source, {"rounding"}},
      {"ScaledWithResidual", scaled_residual_source, {"rounding", "fused"}},
      {"ScaledWithBias", scaled_bias_source, {"rounding", "fused"}},
      {"ScaledToFloat", scaled_float_source, {"fused"}},
      {"FixedScaled", fixed_scaled_source, {"rounding", "limited"}},
      {"FixedScaledWithResidual", fixed_residual_source, {"rounding", "limited"}},
      {"Pool", pool_source, {}},
      {"max_pool", max_pool_source, {"Pool"}},
      {"average_pool", average_pool_source, {"Pool", "rounding"}},
      {"fixed_average_pool", fixed_average_pool_source, {"Pool"}},
      {"fixed_mean", fixed_mean_source, {"Pool", "rounding", "limited"}},
      {"lookup", lookup_source, {}},
      {"Broadcast", broadcast_source, {}},
      {"Addition", add_source, {"Broadcast", "rounding", "fused"}},
      {"Multiplication", multiply_source, {"Broadcast", "rounding"}},
      {"FixedAddition", fixed_add_source, {"Broadcast", "rounding"}},
      {"FixedMultiplication", fixed_multiply_source, {"Broadcast", "rounding"}},
      {"prelu", prelu_source, {"rounding"}},
      {"quantize", quantize_source, {"rounding"}},
      {"dequantize", dequantize_source, {}},
      {"softmax", softmax_source, {"rounding"}},
      {"copy_rows", copy_source, {}},
      {"lookup_rows", lookup_rows_source, {}},
      {"indexed_copy", indexed_copy_source, {}},
      {"succeeded", cmsis_succeeded_source, {}},
      {"CmsisLayer", cmsis_layer_source, {"succeeded"}},
      {"cmsis_convolution", cmsis_convolution_source, {"CmsisLayer"}},
      {"cmsis_depthwise", cmsis_depthwise_source, {"CmsisLayer"}},
      {"cmsis_fully_connected", cmsis_fully_connected_source, {"CmsisLayer"}},
      {"CmsisPool", cmsis_pool_source, {"succeeded"}},
      {"cmsis_max_pool", cmsis_max_pool_source, {"CmsisPool"}},
      {"cmsis_average_pool", cmsis_average_pool_source, {"CmsisPool"}}};
  return all;
}

/// The text of the parts with these names and of all that they need.
inline std::string kernels_text(std::set<std::string> names) {
  const std::vector<KernelSource>& all = kernel_sources();
  for (auto it = all.rbegin(); it != all.rend(); ++it)
    if (names.count(it->name)) names.insert(it->needs.begin(), it->needs.end());
  std::string text;
  for (const KernelSource& k : all)
    if (names.count(k.name)) text += k.text;
  return text;
}

}  // namespace detail::cpp
OCTET_END
