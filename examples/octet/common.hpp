#pragma once
#include <CLI/CLI.hpp>
#include <octet/io/image_input.hpp>
#include <octet/io/open_dataset.hpp>
#include <octet/runtime/executor.hpp>
#include <optional>
#include <string>

/// What several commands share: models by name, options about images.

/// A model file, or builtin:NAME.
octet::Model open_model(const std::string& name);

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

void add_threads(CLI::App& command, int& threads);
octet::ExecutorOptions with_threads(int threads);

/// Classes of a model: the last dimension of its output.
std::int64_t output_classes(const octet::Model& model, const octet::ImageInput& input);

/// Writes a text file; it appears whole or not at all.
void write_file(const std::string& path, const std::string& text);

/// "1 image", "2 images"
std::string counted(std::int64_t n, const std::string& what);
