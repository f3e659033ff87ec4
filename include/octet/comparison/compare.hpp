#pragma once
#include <functional>
#include <string>
#include <vector>

#include "../data/dataset.hpp"
#include "../data/input_set.hpp"
#include "../data/preprocessing.hpp"
#include "../quantization/quantize_model.hpp"
#include "comparison.hpp"

OCTET_BEGIN

/// An additional variant of the model to measure, such as one from quantization-aware training.
struct ModelForm {
  std::string name;             ///< of the saved file, without .octet
  std::string title;            ///< for display
  std::function<Model()> make;  ///< called once, after the built-in variants
};

/// Options of compare.
struct CompareOptions {
  Preprocessing preprocessing;            ///< how images become inputs
  std::string preprocessing_name = "tf";  ///< for display
  std::int64_t image_size = 224;          ///< used if the model leaves the size unknown
  bool channels_first = false;            ///< outputs are [N, C, spatial ...], see LoadOptions::keep_layout
  bool use_labels = true;                 ///< false: measures only agreement with the original
  CalibrationOptions calibration;         ///< of the int8 variant
  WeightOptions dynamic;                  ///< of the dynamic range and float16 variants
  Int8Options int8;                       ///< of the int8 variant
  std::vector<ModelForm> further;         ///< variants to measure after the built-in ones
  int threads = 0;                        ///< 0: one per processor
  double seconds = 2;                     ///< measurement time per model
  std::int64_t runs = 0;                  ///< number of timed runs; overrides `seconds` unless 0
  std::string directory;                  ///< where the quantized models are saved, as int8.octet and so on
  /// Called during each stage; `total` is the number of its units.
  std::function<void(const std::string& stage, std::int64_t done, std::int64_t total)> progress;
};

/// "int8" or "dynamic_range" if the model computes in integers that way, else empty: weights that are only stored as
/// integers, and become floats before layers read them, are those of a float model. Optimizes a copy of the model.
std::string quantized_form(const Model& model);

/// Whether a model takes one image and has one output of float type with a score for each of several classes.
bool is_classifier(const Model& model, std::int64_t image_size = 224);

/// Quantizes a float model in three ways (dynamic range, float16, int8) and measures each variant: size, time to
/// quantize, accuracy on `images`, agreement with float, inference time, memory, and the error of each layer.
/// `calibration` should not overlap `images`. options.further adds variants. For a model that is already quantized,
/// measures only that. Without labels, measures the error of each output; for models that are not classifiers, only
/// that.
ComparisonResult compare(const Model& model, const DatasetPtr& images, const DatasetPtr& calibration,
                         const CompareOptions& options);

/// The same for models with any inputs and outputs: the error of each output is measured instead of accuracy.
ComparisonResult compare(const Model& model, const InputSetPtr& samples, const InputSetPtr& calibration,
                         const CompareOptions& options);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "compare.inl"
#endif
