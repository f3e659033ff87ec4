#pragma once
#include <optional>
#include <string>
#include <vector>

#include "../core/range.hpp"
#include "../quantization/error_report.hpp"

OCTET_BEGIN

/// Measurements of one variant of a model.
struct VariantResult {
  std::string name;                  // float32, dynamic_range, float16 or int8
  std::string title;                 // for display
  std::int64_t size_bytes = 0;       // of the saved file
  double quantize_seconds = 0;       // without calibration
  std::optional<double> top1, top5;  // in [0, 1]; none without labels
  std::optional<double> agreement;   // share of images with the same top-1 class as the original; none without images
  double median_ms = 0, min_ms = 0;  // of a run on one image
  std::int64_t arena_bytes = 0;      // activations and scratch of a run on one image
  std::string weights = {};          // element type of most weights
};

/// A point of a training curve: means since the previous point.
struct TrainingPoint {
  double epoch = 0;  // epochs done
  double loss = 0, accuracy = 0;
  std::optional<double> held_out_loss, held_out_accuracy;
};

/// The training curve of a variant.
struct TrainingHistory {
  std::string name, title;  // as in VariantResult
  double seconds = 0;
  std::vector<TrainingPoint> points;
};

/// SQNR of the output and the weights of a layer of the int8 model.
struct LayerNoise {
  std::string name, kind;
  double output_db = 0;
  std::optional<double> weights_db;
};

/// The results of `octet compare` for a model.
struct ComparisonResult {
  std::string model, data, preprocessing;
  std::string machine;  // filled by the program
  int threads = 0;
  std::int64_t images = 0, calibration_images = 0;
  double calibration_seconds = 0;
  std::int64_t parameters = 0, macs = 0;
  std::optional<Range> calibrated_input, evaluated_input;  // ranges of the model input on the two sets of images
  std::vector<VariantResult> variants;                     // the original first
  std::vector<TrainingHistory> training;                   // empty if nothing was trained
  std::vector<LayerError> errors;                          // all tensors of the int8 model, worst first
  std::vector<LayerNoise> layers;                          // in execution order
  std::vector<std::string> notes;                          // remarks on the results
  std::vector<std::string> warnings;                       // probable mistakes of the user

  const VariantResult& original() const { return variants.front(); }
  /// The variant with that name, or null.
  const VariantResult* find(const std::string& name) const {
    for (const VariantResult& v : variants)
      if (v.name == name) return &v;
    return nullptr;
  }
};

OCTET_END
