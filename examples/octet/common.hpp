#pragma once
#include <CLI/CLI.hpp>
#include <octet/io/image_input.hpp>
#include <octet/io/open_dataset.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/executor.hpp>
#include <optional>
#include <string>
#include <vector>

#include "../common/files.hpp"

/// What several commands share: models by name, options about images.

/// A model file, or builtin:NAME. With a rounding, its integer layers round that way, and it has to have such.
octet::Model open_model(const std::string& name, std::optional<octet::Rounding> rounding = {});
/// Whether a model has layers that compute with integers, and round.
bool has_integer_layers(const octet::Model& model);
/// Throws where it has none.
void set_rounding(octet::Model& model, octet::Rounding rounding);

/// How images are prepared for a model.
struct ImageOptions {
  std::string preprocess;  // empty: what the model says, else tf
  std::optional<double> crop;
  std::string resize = "bilinear";
  std::int64_t size = 224;

  void add_to(CLI::App& command);
  /// The name of the recipe for a model: the one given; or the pixels themselves where it takes integers; or
  /// what its file says; or tf.
  std::string recipe(const octet::Model& model, const octet::ImageInput& input) const;
  octet::Preprocessing preprocessing(const octet::Model& model, const octet::ImageInput& input) const;
  /// For people: recipe, crop, resize.
  std::string describe(const octet::Model& model, const octet::ImageInput& input) const;
};

/// Which images, and what their labels mean.
struct DataOptions {
  std::string format = "auto", labels, classes;

  void add_to(CLI::App& command);
  /// The list of classes for a model with so many outputs; empty where none was given.
  octet::Labels load_labels(std::int64_t outputs) const;
  octet::DatasetPtr open(const std::string& path, const octet::Labels& list, bool with_labels) const;
};

/// How a model is quantized.
struct QuantizeOptions {
  std::string method = "mse";
  std::optional<octet::Rounding> rounding;
  double percent = 99.99;
  bool per_tensor = false;
  std::vector<std::string> keep_float;

  void add_to(CLI::App& command);
  octet::CalibrationOptions calibration(const octet::ExecutorOptions& executor) const;
  octet::WeightOptions dynamic() const;
  octet::Int8Options int8() const;
};

/// Accepts whole numbers from `least` on.
CLI::Range at_least(std::int64_t least);

void add_threads(CLI::App& command, int& threads);
/// An option that says how integer layers round.
void add_rounding(CLI::App& command, std::optional<octet::Rounding>& rounding);
std::string rounding_name(octet::Rounding rounding);
/// An option to replace files that octet did not write.
void add_force(CLI::App& command, bool& force);
void add_memory(CLI::App& command, octet::WeightMemory& memory);
octet::ExecutorOptions with_threads(int threads, octet::WeightMemory memory = octet::WeightMemory::fast);

/// An option to print names as they are, however long.
void add_full_names(CLI::App& command, bool& full);
/// Of all layers: short, or as they are.
std::vector<std::string> layer_names(const octet::Graph& g, bool full);

/// Classes of a model: the last dimension of its output.
std::int64_t output_classes(const octet::Model& model, const octet::ImageInput& input);

/// "1 image", "2 images"
std::string counted(std::int64_t n, const std::string& what);
