#pragma once
#include "core/attempt.hpp"
#include "try.hpp"

#if OCTET_EXCEPTIONS  // a library without them has no such functions
OCTET_BEGIN

OCTET_API Result<Calibration> try_calibrate(const Model& model, const std::vector<Tensor<float>>& batches,
                                            const CalibrationOptions& options) {
  return detail::attempt<Calibration>([&] { return calibrate(model, batches, options); });
}

namespace detail {

OCTET_API Result<Model> try_quantize_weights_of(const Model& model, PlannedForm form, const Calibration* calibration,
                                                const WeightOptions& options) {
  return attempt<Model>([&] { return quantize_weights_of(model, form, calibration, options); });
}

OCTET_API Result<Model> try_quantize_to_integers(const Model& model, const Calibration& calibration,
                                                 const Int8Options& options) {
  return attempt<Model>([&] { return quantize_to_integers(model, calibration, options); });
}

OCTET_API Result<QuantizationPlan> try_plan_weights_of(const Model& model, PlannedForm form,
                                                       const Calibration* calibration, const WeightOptions& options) {
  return attempt<QuantizationPlan>([&] { return plan_weights_of(model, form, calibration, options); });
}

OCTET_API Result<QuantizationPlan> try_plan_integers(const Model& model, const Calibration& calibration,
                                                     const Int8Options& options) {
  return attempt<QuantizationPlan>([&] { return plan_integers(model, calibration, options); });
}

}  // namespace detail

OCTET_API Result<Model> try_quantize(const Model& model, const QuantizationPlan& plan) {
  return detail::attempt<Model>([&] { return quantize(model, plan); });
}

OCTET_API Result<Executor> try_make_executor(const Model& model, const ExecutorOptions& options) {
  return detail::attempt<Executor>([&] { return Executor(model, options); });
}

OCTET_API Result<std::vector<Shape>> try_plan(Executor& executor, const std::vector<Shape>& input_shapes) {
  return detail::attempt<std::vector<Shape>>([&] { return executor.plan(input_shapes); });
}

OCTET_API Result<void> try_run(Executor& executor, const TensorRef* inputs, const TensorRef* outputs) {
  return detail::attempt<void>([&] { executor.run(inputs, outputs); });
}

OCTET_API Result<std::vector<AnyTensor>> try_run(Executor& executor, const std::vector<AnyTensor>& inputs) {
  return detail::attempt<std::vector<AnyTensor>>([&] { return executor.run(inputs); });
}

OCTET_API Result<Tensor<float>> try_run(Executor& executor, View<const float> input) {
  return detail::attempt<Tensor<float>>([&] { return executor(input); });
}

OCTET_API Result<Tensor<float>> try_run(Executor& executor, View<const uint8> input) {
  return detail::attempt<Tensor<float>>([&] { return executor(input); });
}

OCTET_API Result<std::vector<AnyTensor>> detail::try_run_on(Executor& executor, const InputView* inputs,
                                                            std::size_t count) {
  return attempt<std::vector<AnyTensor>>([&] { return executor.run_views(inputs, count); });
}

OCTET_END
#endif
