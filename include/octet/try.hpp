#pragma once
/// Functions that return errors instead of throwing them: try_x(...) does the same as x(...) and returns a Result,
/// whose error has the same text. Functions for files are in octet/io/try.hpp.
///
/// They are for programs without exceptions: files of a program that are compiled with -fno-exceptions (and -fno-rtti)
/// call them in octet::compiled, or in the file of the program that includes octet/implementation.hpp, which has to be
/// compiled with exceptions. Errors are thrown and caught within that library; nothing is thrown out of these
/// functions. Functions that such a program gives octet (observers, Examples) must not raise errors, and what both
/// compile, such as templates of the standard library, may leak memory when an error passes through it.
#include "core/result.hpp"
#include "quantization/calibration.hpp"
#include "quantization/quantize_model.hpp"
#include "runtime/executor.hpp"

#if !OCTET_EXCEPTIONS && !defined(OCTET_COMPILED)
#  error "octet/try.hpp in a file without exceptions needs OCTET_COMPILED and octet::compiled, see there"
#endif

OCTET_BEGIN

/// As calibrate.
Result<Calibration> try_calibrate(const Model& model, const std::vector<Tensor<float>>& batches,
                                  const CalibrationOptions& options = {});

namespace detail {
Result<Model> try_quantize_weights_of(const Model& model, PlannedForm form, const Calibration* calibration,
                                      const WeightOptions& options);
Result<Model> try_quantize_to_integers(const Model& model, const Calibration& calibration, const Int8Options& options);
Result<QuantizationPlan> try_plan_weights_of(const Model& model, PlannedForm form, const Calibration* calibration,
                                             const WeightOptions& options);
Result<QuantizationPlan> try_plan_integers(const Model& model, const Calibration& calibration,
                                           const Int8Options& options);
}  // namespace detail

/// As quantize<T>(model, options); T: dynamic_range, fp16, bf16.
template <class T>
Result<Model> try_quantize(const Model& model, const WeightOptions& options = {}) {
  return detail::try_quantize_weights_of(model, detail::weight_form<T>(), nullptr, options);
}

/// As quantize<T>(model, calibration, options); T: int8, dynamic_range, fp16, bf16.
template <class T, class Options = std::conditional_t<std::is_same_v<T, int8>, Int8Options, WeightOptions>>
Result<Model> try_quantize(const Model& model, const Calibration& calibration, const Options& options = {}) {
  if constexpr (std::is_same_v<T, int8>)
    return detail::try_quantize_to_integers(model, calibration, options);
  else
    return detail::try_quantize_weights_of(model, detail::weight_form<T>(), &calibration, options);
}

/// As plan_quantization<T>(model, options); T: dynamic_range, fp16, bf16.
template <class T>
Result<QuantizationPlan> try_plan_quantization(const Model& model, const WeightOptions& options = {}) {
  return detail::try_plan_weights_of(model, detail::weight_form<T>(), nullptr, options);
}

/// As plan_quantization<T>(model, calibration, options); T: int8, dynamic_range, fp16, bf16.
template <class T, class Options = std::conditional_t<std::is_same_v<T, int8>, Int8Options, WeightOptions>>
Result<QuantizationPlan> try_plan_quantization(const Model& model, const Calibration& calibration,
                                               const Options& options = {}) {
  if constexpr (std::is_same_v<T, int8>)
    return detail::try_plan_integers(model, calibration, options);
  else
    return detail::try_plan_weights_of(model, detail::weight_form<T>(), &calibration, options);
}

/// As quantize(model, plan).
Result<Model> try_quantize(const Model& model, const QuantizationPlan& plan);

/// As the constructor of Executor.
Result<Executor> try_make_executor(const Model& model, const ExecutorOptions& options = {});

/// As Executor::plan: the shapes of the outputs.
Result<std::vector<Shape>> try_plan(Executor& executor, const std::vector<Shape>& input_shapes);

/// As Executor::run and its operator().
Result<void> try_run(Executor& executor, const TensorRef* inputs, const TensorRef* outputs);
/// As run(inputs), which returns new tensors.
Result<std::vector<AnyTensor>> try_run(Executor& executor, const std::vector<AnyTensor>& inputs);
/// As operator(), for models with one input and one output.
Result<Tensor<float>> try_run(Executor& executor, View<const float> input);
/// As operator(), for models that take uint8.
Result<Tensor<float>> try_run(Executor& executor, View<const uint8> input);

namespace detail {
Result<std::vector<AnyTensor>> try_run_on(Executor& executor, const InputView* inputs, std::size_t count);
}  // namespace detail

/// As run(inputs...), with two views or tensors or more.
template <class First, class Second, class... Rest,
          class = std::enable_if_t<detail::are_inputs<First, Second, Rest...>>>
Result<std::vector<AnyTensor>> try_run(Executor& executor, const First& first, const Second& second,
                                       const Rest&... rest) {
  const InputView inputs[] = {InputView(first), InputView(second), InputView(rest)...};
  return detail::try_run_on(executor, inputs, 2 + sizeof...(Rest));
}

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "try.inl"
#endif
