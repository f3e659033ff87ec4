#pragma once
#include <optional>
#include <string>
#include <vector>

#include "../core/range.hpp"
#include "../quantization/error_report.hpp"

OCTET_BEGIN

/// The error of one output of a variant with respect to the original, over all samples.
struct OutputError {
  std::string name;                       ///< of the tensor
  double sqnr_db = 0;                     ///< 10 log10 of the signal's energy over the error's; infinite if equal
  double cosine = 0;                      ///< cosine similarity of the outputs
  double max_error = 0;                   ///< largest absolute error
  std::optional<double> pixel_agreement;  ///< share of pixels with the same class; only for masks
};

/// Measurements of one variant of a model.
struct VariantResult {
  std::string name;                 ///< float32, dynamic_range, float16 or int8
  std::string title;                ///< for display
  std::int64_t size_bytes = 0;      ///< of the saved file
  double quantize_seconds = 0;      ///< without calibration
  std::optional<double> top1;       ///< in [0, 1]; none without labels
  std::optional<double> top5;       ///< in [0, 1]; none without labels
  std::optional<double> agreement;  ///< share of images with the same top-1 class as the original; none without images
  double median_ms = 0;             ///< time of a run on one image, in milliseconds
  double min_ms = 0;                ///< the fastest run
  std::int64_t arena_bytes = 0;     ///< activations and scratch of a run on one image
  std::string weights = {};         ///< element type of most weights
  std::vector<OutputError> outputs = {};  ///< without labels, except for the original: the error of each output
};

/// A point of a training curve: means since the previous point.
struct TrainingPoint {
  double epoch = 0;                         ///< epochs done
  double loss = 0;                          ///< of training
  double accuracy = 0;                      ///< of training, in [0, 1]
  std::optional<double> held_out_loss;      ///< none without held-out examples
  std::optional<double> held_out_accuracy;  ///< in [0, 1]
};

/// The training curve of a variant.
struct TrainingHistory {
  std::string name;                   ///< as in VariantResult
  std::string title;                  ///< as in VariantResult
  double seconds = 0;                 ///< of the whole training
  std::vector<TrainingPoint> points;  ///< in order of time
};

/// SQNR of the output and the weights of a layer of the int8 model.
struct LayerNoise {
  std::string name;                  ///< the layer's
  std::string kind;                  ///< its operator, for display
  double output_db = 0;              ///< SQNR of the output in dB, errors of the layers before included
  std::optional<double> weights_db;  ///< SQNR of the weights in dB; none for layers without weights
};

/// The results of `octet compare` for a model.
struct ComparisonResult {
  std::string model;                      ///< its name
  std::string data;                       ///< where the images are from; filled by the program
  std::string preprocessing;              ///< CompareOptions::preprocessing_name
  std::string machine;                    ///< filled by the program
  int threads = 0;                        ///< of the pool that ran the models
  std::string sample = "image";           ///< what a sample is called, for display
  bool classifier = true;                 ///< whether outputs are scores of classes, so that agreement is measured
  std::int64_t images = 0;                ///< samples on which accuracy was measured
  std::int64_t calibration_images = 0;    ///< on which ranges were measured
  double calibration_seconds = 0;         ///< time of the calibration
  std::int64_t parameters = 0;            ///< elements of constants
  std::int64_t macs = 0;                  ///< multiply-adds of a run on one image
  std::optional<Range> calibrated_input;  ///< range of the model input on the calibration images
  std::optional<Range> evaluated_input;   ///< range of the model input on `images`
  std::vector<VariantResult> variants;    ///< the original first
  std::vector<TrainingHistory> training;  ///< empty if nothing was trained
  std::vector<LayerError> errors;         ///< all tensors of the int8 model, worst first
  std::vector<LayerNoise> layers;         ///< in execution order
  std::vector<std::string> notes;         ///< remarks on the results
  std::vector<std::string> warnings;      ///< probable mistakes of the user

  /// The variant that the others are compared with. There must be one.
  const VariantResult& original() const { return variants.front(); }
  /// The variant with that name, or null.
  const VariantResult* find(const std::string& name) const {
    for (const VariantResult& v : variants)
      if (v.name == name) return &v;
    return nullptr;
  }
};

OCTET_END
