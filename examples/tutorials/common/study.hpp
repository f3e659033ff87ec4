#pragma once
#include <octet/comparison/compare.hpp>
#include <octet/io/image_input.hpp>
#include <octet/io/mnist.hpp>
#include <octet/training/trainer.hpp>
#include <string>
#include <vector>

namespace CLI {
class App;
}

/// Shared by the tutorials: training, quantization, quantization-aware training, comparison and reports.

/// Command-line options of all tutorials.
struct TutorialOptions {
  std::string data, out;
  std::int64_t epochs = 0, qat_epochs = 0;  // 0: those of the recipe
  std::int64_t limit = 0, runs = 0;
  int threads = 0;
  bool distill = false;  // quantization-aware training also learns from the float model's outputs
  bool force = false;    // overwrite files that octet did not write

  void add_to(CLI::App& app, const std::string& data_help, const std::string& default_out);
  /// `how`, with the float model as the teacher if `distill`.
  octet::TrainingOptions taught_by(const octet::Model& float_model, octet::TrainingOptions how) const;
};

/// Training and test images.
struct TutorialData {
  std::string name;  // for display
  octet::DataSplit images;
  std::string normalization = "unit";
  std::int64_t spare =
      0;  // training images are larger than the model's input by this number of pixels, for random crops

  octet::Preprocessing preprocessing() const { return {{}, {}, octet::normalization(normalization)}; }
};

/// Opens MNIST or Fashion-MNIST in options.data, at most options.limit images of each part.
TutorialData open_mnist_data(const TutorialOptions& options);
/// The first `limit` images (0: all).
octet::DatasetPtr limited(const octet::DatasetPtr& images, std::int64_t limit);

/// A model, and the options of its float training and of quantization-aware training.
struct Recipe {
  octet::Model model;
  octet::TrainingOptions training, qat;
  std::int64_t epochs = 1, qat_epochs = 1;
  bool resumes = false;  // writes checkpoints and resumes interrupted runs
};

/// A trained model and its training curve.
struct Trained {
  octet::Model model;
  octet::TrainingHistory history;
};

/// Trains and compares models with the same input on the same data. Writes its results to a folder.
class Study {
 public:
  /// Throws if an output file cannot be written or must not be replaced. `forms`: names of the models from
  /// quantization-aware training, which are written, too. `read`: the input model file, which must not be overwritten.
  Study(const TutorialOptions& options, TutorialData data, const octet::Model& any_model, std::string folder,
        const std::vector<std::string>& forms, const std::string& read = "");

  /// Trains a model. If `resumes`, continues an interrupted run.
  Trained train(const std::string& name, const std::string& title, const octet::Model& model,
                octet::TrainingOptions how, std::int64_t epochs, bool resumes) const;
  /// Continues the training of a float model with fake quantization for int8.
  Trained train_for_int8(const std::string& name, const std::string& title, const octet::Model& float_model,
                         const octet::TrainingOptions& how, std::int64_t epochs, bool resumes) const;
  /// Compares the float model, its quantized forms, and the models from train_for_int8.
  octet::ComparisonResult compare(const Trained& float_model, const std::vector<Trained>& for_int8) const;

 private:
  octet::ImageExamples examples(const octet::DatasetPtr& images, std::int64_t spare) const;

  TutorialOptions options_;
  TutorialData data_;
  std::string folder_;
  octet::ImageInput input_;
  std::shared_ptr<octet::ThreadPool> pool_;
  octet::ImageExamples training_, test_;
};

/// Runs all steps for one recipe: float training, quantization, quantization-aware training, comparison.
octet::ComparisonResult study(const TutorialOptions& options, const TutorialData& data, const Recipe& recipe,
                              const std::string& folder);

/// A tutorial with no options of its own.
struct Tutorial {
  std::string name, help, data_help, out;  // out: the default folder for results
  TutorialData (*data)(const TutorialOptions&);
  Recipe (*recipe)();
};
/// Its main function: parses the command line, runs all steps, prints and writes the results.
int run_tutorial(const Tutorial& tutorial, int argc, char** argv);

/// Number of elements of all weights and statistics of a model.
std::int64_t parameter_count(const octet::Model& model);

/// Prints the comparison.
void print(const octet::ComparisonResult& r);
/// Writes results.json and report.html to a folder and prints their location.
void write_results(const octet::ComparisonResult& r, const std::string& folder);
void write_results(const std::string& json, const std::string& html, const std::string& folder);
