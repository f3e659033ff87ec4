#pragma once
#include <CLI/CLI.hpp>
#include <map>
#include <octet/io/image_input.hpp>
#include <octet/io/labels.hpp>
#include <octet/io/open_dataset.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/executor.hpp>
#include <optional>
#include <string>
#include <vector>

#include "../common/files.hpp"

/// Functions and options that several commands share.

/// See octet::LoadOptions.
using InputShapes = std::map<std::string, octet::Shape>;

/// Opens a model file, or builtin:NAME. `rounding` sets the rounding of integer layers; throws Error if there are none.
/// With `keep_layout`, inputs and outputs of an .onnx model keep the layout of the file. `shapes`: see
/// LoadOptions::input_shapes.
octet::Model open_model(const std::string& name, std::optional<octet::Rounding> rounding = {}, bool keep_layout = false,
                        const InputShapes& shapes = {});
/// Opens the model that a plan is for: in the layout of the .onnx file, if it was calibrated with tensors.
octet::Model open_planned_model(const std::string& name, const octet::QuantizationPlan& plan,
                                std::optional<octet::Rounding> rounding = {});
/// Shapes from options NAME=N,N,...; ? leaves a size open.
InputShapes input_shapes(const std::vector<std::string>& options);
/// Whether the images of a model, which was opened with keep_layout or saved by such a program, are [N, C, H, W].
bool is_channels_first(const octet::Model& model);
/// Whether a model has integer layers, to which the rounding applies.
bool has_integer_layers(const octet::Model& model);
/// Throws Error if the model has no integer layers.
void set_rounding(octet::Model& model, octet::Rounding rounding);

/// How images are prepared for a model. What is not given is as stored in the model's file, see store.
struct ImageOptions {
  std::string preprocess, resize;
  std::optional<double> crop;
  std::int64_t size = 224;

  void add_to(CLI::App& command);
  /// The name of the normalization for a model: the given one; else, if it takes integers, raw pixels; else the one
  /// stored in its file; else tf.
  std::string recipe(const octet::Model& model, const octet::ImageInput& input) const;
  octet::Preprocessing preprocessing(const octet::Model& model, const octet::ImageInput& input) const;
  /// A description for display: normalization, crop, resize, and where it is from unless --preprocess is given.
  std::string describe(const octet::Model& model, const octet::ImageInput& input) const;
  /// Warns if --preprocess differs from what the model's file says.
  void warn(const octet::Model& model) const;
  /// Prints which preprocessing is used, unless --preprocess is given; else warns.
  void note(const octet::Model& model, const octet::ImageInput& input) const;
  /// Stores the preprocessing in the model's metadata, from where it is used by default.
  void store(octet::Model& model, const octet::ImageInput& input) const;
  /// Throws Error if an option is given, since `what` has no use for it.
  void require_unused(const std::string& what) const;

 private:
  std::optional<double> crop_for(const octet::Model& model) const;
  std::string resize_for(const octet::Model& model) const;
  CLI::App* command_ = nullptr;
};

/// The format of the data, and the meaning of its labels.
struct DataOptions {
  std::string format = "auto", labels, classes;

  void add_to(CLI::App& command);
  /// The list of classes for a model with that number of outputs. Empty if none was given.
  octet::Labels load_labels(std::int64_t outputs) const;
  /// The same; if no list was given, the one in the model's file, if it has one.
  octet::Labels labels_of(const octet::Model& model, std::int64_t outputs) const;
  /// Stores the list of classes that was given, if any, in the model's metadata, from where it is used by default.
  void store_labels(octet::Model& model) const;
  octet::DatasetPtr open(const std::string& path, const octet::Labels& list, bool with_labels) const;
};

/// How a model is quantized.
struct QuantizeOptions {
  std::string method = "mse";
  std::optional<octet::Rounding> rounding;
  double percent = 99.99;
  bool per_tensor = false;
  std::string equalize = "auto", round = "nearest";
  std::vector<std::string> keep_float, keep_8_bits;
  int weight_bits = 8;
  double small_8_bits = 0;
  std::int64_t weight_block = 0;

  void add_to(CLI::App& command);
  /// Throws Error if an option has no effect.
  void check() const;
  octet::CalibrationOptions calibration(const octet::ExecutorOptions& executor) const;
  octet::WeightOptions dynamic() const;
  octet::Int8Options int8() const;
  /// Whether the rounding of weights needs inputs of the model.
  bool rounds_by_inputs() const { return round != "nearest"; }

 private:
  CLI::Option* percent_option_ = nullptr;
};

/// Accepts integers from `least` on.
CLI::Range at_least(std::int64_t least);

CLI::Option* add_threads(CLI::App& command, int& threads);
/// Adds --rounding.
void add_rounding(CLI::App& command, std::optional<octet::Rounding>& rounding);
std::string rounding_name(octet::Rounding rounding);
/// Adds --force.
void add_force(CLI::App& command, bool& force);
CLI::Option* add_memory(CLI::App& command, octet::WeightMemory& memory);
octet::ExecutorOptions with_threads(int threads, octet::WeightMemory memory = octet::WeightMemory::fast);

/// Throws Error, naming the option, if one of them was given on the command line. `why` completes "--x: ".
void require_not_given(const CLI::App& command, const std::vector<std::string>& options, const std::string& why);

/// Adds --full-names.
void add_full_names(CLI::App& command, bool& full);
/// The names of all layers, shortened unless `full`.
std::vector<std::string> layer_names(const octet::Graph& g, bool full);

/// The number of classes of a model: the last dimension of its output.
std::int64_t output_classes(const octet::Model& model, const octet::ImageInput& input);

/// Prints each as a line of standard error.
void print_notes(const std::vector<std::string>& notes);

/// "1 image", "2 images"
std::string counted(std::int64_t n, const std::string& what);
