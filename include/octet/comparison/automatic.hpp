#pragma once
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "../data/input_set.hpp"
#include "../quantization/plan.hpp"

/// Chooses the form (float, int8, int16, dynamic range, ...) of each layer automatically:
/// ```
/// Target target{0.3, Objective::latency};  // at most 0.3 percent points of accuracy lost, as fast as possible
/// target.samples = image_inputs(model, images, preprocessing);
/// AutomaticResult r = quantize(model, calibration, target);
/// if (r.met) save(r.model, "small.octet");
/// ```
OCTET_BEGIN

/// What an automatic choice minimizes.
enum class Objective : std::uint8_t {
  latency,  ///< the time of a run on this CPU, conversions between forms included
  size,     ///< the bytes of the saved model
  memory    ///< the bytes of packed weights and of the arena
};

/// The name of an objective: "latency", "size", "memory".
const char* name(Objective objective) noexcept;

/// Int8Options with RoundWeights::fast.
inline Int8Options rounded_by_outputs() {
  Int8Options o;
  o.round = RoundWeights::fast;
  return o;
}

/// What an automatic choice has to keep, what it minimizes, and the samples with which it chooses forms and validates.
struct Target {
  double max_drop =
      0.3;  ///< percent points of top-1 accuracy that may be lost; without labels, of agreement with float
  Objective objective = Objective::latency;  ///< what is minimized
  double min_sqnr = 0;  ///< in dB; if positive, every output has to reach it, and max_drop is not used
  /// The samples, which should not be those of the calibration: those with even numbers choose the forms, the others
  /// are held apart and validate the result (the proof). A single sample does both.
  InputSetPtr samples = {};
  std::vector<std::vector<std::int64_t>> labels = {};  ///< the correct classes of each sample; empty: there are none
  /// Of the int8 and int16 layers, and with 4 bits those of int4. Weights are rounded by the outputs of layers
  /// (`round`), each layer alone, by `rounding_samples.inputs`, or if there are none by the first of the samples that
  /// choose. Those of few bits are rounded again when the forms are chosen, each layer on the results of the layers
  /// before it.
  Int8Options int8 = rounded_by_outputs();
  WeightOptions weights = {};     ///< of layers in other forms
  std::int64_t scan_samples = 8;  ///< with how many of the samples each layer is tried alone; fewer where their
                                  ///< activations need more than 256 MB
  int proofs = 4;                 ///< how many models are proved at most, each safer than the one that failed before
  ExecutorOptions executor = {};  ///< of all runs
  /// The bytes of the file that a model becomes. Models for which it throws FormatError are not offered. By default the
  /// size of an .octet file.
  std::function<std::int64_t(const Model&)> file_size = {};
  /// Called during each stage; `total` is the number of its units.
  std::function<void(const std::string& stage, std::int64_t done, std::int64_t total)> progress = {};
};

/// One layer in one form, all other layers float.
struct FormTrial {
  std::string form;                 ///< as in name(PlannedForm); "int4": int8 with weights of 4 bits
  double output_db = 0;             ///< the least SQNR of the model's outputs; infinite if they are equal
  std::optional<double> agreement;  ///< share of samples with the same class as float, in [0, 1]; only of classifiers
  double milliseconds = 0;          ///< time of the layer; 0 if it was not measured
  std::int64_t bytes = 0;           ///< of its constants
};

/// A layer in all forms that it can have.
struct LayerSensitivity {
  std::string layer;             ///< as in plans
  std::string type;              ///< its operator
  std::vector<FormTrial> forms;  ///< float first
  std::string chosen;            ///< the form that an automatic choice gave it, as in `forms`; else empty
};

/// How well a model keeps the results of the float model on some samples.
struct Quality {
  std::optional<double> top1;       ///< in [0, 1]; none without labels
  std::optional<double> agreement;  ///< share with the same class as float, in [0, 1]; none if outputs are no classes
  double least_db = std::numeric_limits<double>::infinity();  ///< the least SQNR of the outputs
  double drop = 0;  ///< percent points of top-1 lost, or of agreement without labels; 0 if there are no classes
};

/// A model that was tried as a whole: a point of the curves of accuracy against time and size.
struct AutomaticPoint {
  std::string what;               ///< "int8", "mixed, 3 layers float", ...
  QuantizationPlan plan;          ///< of the model
  Quality chosen_on;              ///< on the samples that choose
  std::optional<Quality> proof;   ///< on the samples held apart; none if it was not proved
  bool met = false;               ///< whether it keeps the target on the samples that choose
  double milliseconds = 0;        ///< of a run on one sample, measured alternately with all others; 0: not measured
  std::int64_t size_bytes = 0;    ///< of the saved model; 0 if it cannot be saved
  std::int64_t memory_bytes = 0;  ///< packed weights and arena
};

/// The result of an automatic choice.
struct AutomaticResult {
  Model model;                           ///< the best that was found, also if it misses the target
  QuantizationPlan plan;                 ///< with which quantize(float model, plan) makes it
  bool met = false;                      ///< whether it keeps the target on the samples held apart
  std::vector<AutomaticPoint> curve;     ///< all models that were tried; the float model first
  std::size_t chosen = 0;                ///< the model's place in the curve
  std::vector<LayerSensitivity> layers;  ///< the layers that can have several forms
  Quality float_proof;                   ///< of the float model, on the samples held apart
  std::int64_t choosing = 0;             ///< number of samples that chose the forms
  std::int64_t proving = 0;              ///< number of samples held apart
  std::int64_t scanned = 0;              ///< number of samples on which each layer was tried alone
  std::vector<std::string> notes;        ///< what was decided, and what was found

  /// The time of the model, as a part of the float model's.
  double time_ratio() const { return curve[chosen].milliseconds / curve[0].milliseconds; }
  /// The size of the saved model, as a part of the float model's.
  double size_ratio() const {
    return static_cast<double>(curve[chosen].size_bytes) / static_cast<double>(curve[0].size_bytes);
  }
};

/// Tries every layer of a float model in every form alone; see Target for the samples and options.
std::vector<LayerSensitivity> layer_sensitivity(const Model& model, const Calibration& calibration,
                                                const Target& target);

/// Quantizes a float model so that it keeps the target on samples held apart from those that choose, and is as fast or
/// small as possible. The errors and costs of mixtures of forms are predicted from those of single layers; for a series
/// of falling limits of error, the cheapest mixture is searched, and the first of them is taken that keeps the target
/// on the samples that choose; for Target::min_sqnr it is then improved by single changes. The cheapest of the models
/// that keep it there is proved on the other samples. If none keeps the target, the result says so (met).
AutomaticResult quantize(const Model& model, const Calibration& calibration, const Target& target);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "automatic.inl"
#endif
