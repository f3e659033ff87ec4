#pragma once
#include "../passes/optimize.hpp"
#include "options.hpp"

OCTET_BEGIN

struct QuantizationPlan;

/// Chooses the codes of a plan's weights (LayerPlan::weight_codes), with their scales where each output channel has its
/// own, and the change of the bias (LayerPlan::bias_shift), so that the layers of the quantized model have the outputs
/// of the float model on some inputs. Layers are done one after the other: each reads what the layers before it give,
/// with their codes and with quantized activations ("asymmetric reconstruction"), and its target is what the float
/// model gives, before its activation; so a layer also compensates for errors made before it (but see
/// RoundingOptions::each_alone). Error feedback (GPTQ) and coordinate descent, see error_feedback.hpp; the best codes
/// in layers of few weights, see exact_rounding.hpp.
///
/// A layer is rounded by `options.samples` of its output pixels, or by more if it has more weights: 16 for each weight
/// of an output channel, as long as their inputs take at most 64 MB, or else 4, up to 4 * options.samples. At least one
/// of each input, and the same on each call. The result depends neither on the CPU nor on the number of threads.
///
/// Does nothing for RoundWeights::nearest, and for layers without integer weights and transposed convolutions. Weights
/// stay rounded to nearest, with a note, in layers with more than 10000 of them for each output channel, for which time
/// and memory would be those of matrices [weights, weights], and in layers where numbers are too large for floats.
///
/// Throws Error if `options.inputs` is empty, `options.samples` or `options.damping` is out of range, or the model has
/// several inputs or one that is not float.
void round_weights(const Model& model, QuantizationPlan& plan, RoundWeights algorithm, const RoundingOptions& options);

namespace detail {
/// The same for a model that is optimized. `notes` may be null.
void round_plan(const OptimizedModel& model, QuantizationPlan& plan, RoundWeights algorithm,
                const RoundingOptions& options, std::vector<std::string>* notes);
}  // namespace detail

OCTET_END

#include "plan.hpp"  // below, because in header-only use its definitions call the functions above
#if !defined(OCTET_COMPILED)
#  include "round_weights.inl"
#endif
