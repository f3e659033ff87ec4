#pragma once
#include "../../../core/config.hpp"

/// Text of generated programs: calls of Arm's CMSIS-NN. Its functions say how much memory they need, which differs
/// between processors and versions: each call asks.
OCTET_BEGIN
namespace detail::cpp {

constexpr const char* cmsis_succeeded_source = R"cpp(
  inline bool succeeded(arm_cmsis_nn_status status) noexcept {
    return status == ARM_CMSIS_NN_SUCCESS;
  }
)cpp";

constexpr const char* cmsis_layer_source = R"cpp(
  /// A layer with weights, for CMSIS-NN.
  template <class Params>
  struct CmsisLayer {
    Params params;
    cmsis_nn_dims in, filter, out;
    const std::int8_t* weights;
    const std::int32_t *bias, *multiplier, *shift;  // one per channel
    std::int32_t scratch_bytes;
    cmsis_nn_dims bias_dims() const noexcept { return {1, 1, 1, out.c}; }
    cmsis_nn_per_channel_quant_params factors() const noexcept {
      return {const_cast<std::int32_t*>(multiplier), const_cast<std::int32_t*>(shift)};  // they are only read
    }
  };
)cpp";

constexpr const char* cmsis_convolution_source = R"cpp(
  inline bool cmsis_convolution(const CmsisLayer<cmsis_nn_conv_params>& p, const code* in, code* out,
                                unsigned char* scratch) noexcept {
    const cmsis_nn_context context = {scratch, p.scratch_bytes};
    const cmsis_nn_per_channel_quant_params factors = p.factors();
    const cmsis_nn_dims bias = p.bias_dims();
    return arm_convolve_wrapper_s8_get_buffer_size(&p.params, &p.in, &p.filter, &p.out) <= p.scratch_bytes &&
           succeeded(arm_convolve_wrapper_s8(&context, &p.params, &factors, &p.in, in, &p.filter, p.weights, &bias,
                                             p.bias, &p.out, out));
  }
)cpp";

constexpr const char* cmsis_depthwise_source = R"cpp(
  inline bool cmsis_depthwise(const CmsisLayer<cmsis_nn_dw_conv_params>& p, const code* in, code* out,
                              unsigned char* scratch) noexcept {
    const cmsis_nn_context context = {scratch, p.scratch_bytes};
    const cmsis_nn_per_channel_quant_params factors = p.factors();
    const cmsis_nn_dims bias = p.bias_dims();
    return arm_depthwise_conv_wrapper_s8_get_buffer_size(&p.params, &p.in, &p.filter, &p.out) <= p.scratch_bytes &&
           succeeded(arm_depthwise_conv_wrapper_s8(&context, &p.params, &factors, &p.in, in, &p.filter, p.weights,
                                                   &bias, p.bias, &p.out, out));
  }
)cpp";

constexpr const char* cmsis_fully_connected_source = R"cpp(
  /// `sums`: what arm_vector_sum_s8 would compute, which processors with MVE need.
  inline bool cmsis_fully_connected(const CmsisLayer<cmsis_nn_fc_params>& p, const std::int32_t* sums, const code* in,
                                    code* out) noexcept {
    const cmsis_nn_context context = {const_cast<std::int32_t*>(sums), p.scratch_bytes};
    const cmsis_nn_per_tensor_quant_params factor = {*p.multiplier, *p.shift};
    const cmsis_nn_dims bias = p.bias_dims();
    return arm_fully_connected_s8_get_buffer_size(&p.filter) <= p.scratch_bytes &&
           succeeded(arm_fully_connected_s8(&context, &p.params, &factor, &p.in, in, &p.filter, p.weights, &bias,
                                            p.bias, &p.out, out));
  }
)cpp";

constexpr const char* cmsis_pool_source = R"cpp(
  /// A pooling layer, for CMSIS-NN.
  struct CmsisPool {
    cmsis_nn_pool_params params;
    cmsis_nn_dims in, window, out;
    std::int32_t scratch_bytes;
  };
)cpp";

constexpr const char* cmsis_max_pool_source = R"cpp(
  inline bool cmsis_max_pool(const CmsisPool& p, const code* in, code* out) noexcept {
    const cmsis_nn_context context = {nullptr, 0};
    return succeeded(arm_max_pool_s8(&context, &p.params, &p.in, in, &p.window, &p.out, out));
  }
)cpp";

constexpr const char* cmsis_average_pool_source = R"cpp(
  inline bool cmsis_average_pool(const CmsisPool& p, const code* in, code* out, unsigned char* scratch) noexcept {
    const cmsis_nn_context context = {scratch, p.scratch_bytes};
    return arm_avgpool_s8_get_buffer_size(p.out.w, p.in.c) <= p.scratch_bytes &&
           succeeded(arm_avgpool_s8(&context, &p.params, &p.in, in, &p.window, &p.out, out));
  }
)cpp";

}  // namespace detail::cpp
OCTET_END
