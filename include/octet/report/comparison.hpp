#pragma once
#include <optional>
#include <string>
#include <vector>

#include "../quantization/error_report.hpp"

OCTET_BEGIN

/// One form of a model, measured.
struct VariantResult {
  std::string name;                  // float32, dynamic_range, float16 or int8
  std::string title;                 // for people
  std::int64_t size_bytes = 0;       // of the saved file
  double quantize_seconds = 0;       // calibration apart
  std::optional<double> top1, top5;  // fractions; none without labels
  std::optional<double> agreement;   // with the original's first choice; none without images
  double median_ms = 0, min_ms = 0;  // of a run on one image
  std::int64_t arena_bytes = 0;      // activations and scratch of a run on one image
  std::string weights = {};          // type of most of them
};

/// A moment of a training: means since the one before.
struct TrainingPoint {
  double epoch = 0;  // epochs done by then
  double loss = 0, accuracy = 0;
  std::optional<double> held_out_loss, held_out_accuracy;
};

/// How a form of the model was trained.
struct TrainingHistory {
  std::string name, title;  // as of a VariantResult
  double seconds = 0;
  std::vector<TrainingPoint> points;
};

/// A layer of the int8 model: signal to quantization noise of what it computes and of its weights.
struct LayerNoise {
  std::string name, kind;
  double output_db = 0;
  std::optional<double> weights_db;
};

/// What `octet compare` finds out about a model.
struct ComparisonResult {
  std::string model, data, preprocessing, machine;
  std::int64_t images = 0, calibration_images = 0;
  double calibration_seconds = 0;
  std::int64_t parameters = 0, macs = 0;
  std::vector<VariantResult> variants;    // the original first
  std::vector<TrainingHistory> training;  // where the model was trained for this
  std::vector<LayerError> errors;         // of all tensors of the int8 model, worst first
  std::vector<LayerNoise> layers;         // in the order of the model
  std::vector<std::string> notes;         // how to read the figures
  std::vector<std::string> warnings;      // what is probably wrong

  const VariantResult& original() const { return variants.front(); }
  /// The form of that name, or null.
  const VariantResult* find(const std::string& name) const {
    for (const VariantResult& v : variants)
      if (v.name == name) return &v;
    return nullptr;
  }
};

OCTET_END
