#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "../quantization/calibration.hpp"
#include "../quantization/error_report.hpp"

OCTET_BEGIN

/// Why a layer of a quantized model loses precision.
enum class Cause : std::uint8_t {
  unlike_input,     ///< the images are not like those of the calibration: another normalization, or order of channels
  unlike_parts,     ///< a concat or sum joins tensors of very unlike ranges
  saturation,       ///< numbers lie outside the range
  outlier_channel,  ///< one channel is much larger than all others of its tensor
  uneven_channels,  ///< most channels use a small part of their tensor's range
  uneven_weights,   ///< one scale for weights whose rows differ
  gate,             ///< the scale of channels (squeeze and excite) is inaccurate
  dead_channels,    ///< most channels are always zero, so that few numbers carry the signal
  few_images,       ///< the calibration has seen few images
  small_difference  ///< the layer subtracts large numbers: its result is small compared with the noise of its inputs
};

/// The name of a cause, for display: "outlier channel".
const char* name(Cause cause) noexcept;

/// A layer of a quantized model that loses precision.
struct Diagnosis {
  std::string layer;                      ///< as in plans
  std::string tensor;                     ///< its result
  double output_db = 0;                   ///< SQNR of the result, see LayerError
  double input_db = 0;                    ///< the lowest SQNR of its inputs; infinite if they are exact
  Cause cause = Cause::small_difference;  ///< the most likely cause
  std::string numbers;                    ///< what was measured
  std::string cure;                       ///< what to do
};

/// Options of diagnose.
struct DiagnosisOptions {
  double below_db = 30;      ///< layers with a higher SQNR are fine
  double least_loss_db = 3;  ///< of the inputs' SQNR; layers that lose less only pass errors on
  std::size_t most = 10;     ///< how many layers are listed
  ExecutorOptions executor;  ///< of the runs
};

/// The layers of a quantized model that lose most, worst first, with the likely cause of each. Runs both models on the
/// batches, which should not be those of the calibration.
std::vector<Diagnosis> diagnose(const Model& float_model, const Model& quantized, const Calibration& calibration,
                                const std::vector<Tensor<float>>& batches, const DiagnosisOptions& options = {});

/// The layers that collapse: of those whose results have an SQNR below `below_db`, the first ones, whose inputs do not.
/// The results of earlier layers that collapsed explain the others.
std::vector<Diagnosis> collapsed_layers(const Model& float_model, const Model& quantized,
                                        const Calibration& calibration, const std::vector<Tensor<float>>& batches,
                                        double below_db = 10, ExecutorOptions options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "diagnosis.inl"
#endif
