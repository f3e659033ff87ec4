#pragma once
#include <CLI/CLI.hpp>
#include <octet/io/mnist.hpp>
#include <octet/report/compare.hpp>
#include <octet/training/trainer.hpp>
#include <string>
#include <vector>

/// What the tutorials share: train, quantize in all ways, train for quantization, compare, write it down.

/// What every tutorial takes on its command line.
struct TutorialOptions {
  std::string data, out;
  std::int64_t epochs = 0, qat_epochs = 0;  // 0: the recipe's
  std::int64_t limit = 0, runs = 0;
  int threads = 0;
  bool force = false;  // write over files that octet did not write

  void add_to(CLI::App& app, const std::string& data_help, const std::string& default_out);
};

/// Images to learn from and others to measure with.
struct TutorialData {
  std::string name;  // for people
  octet::DataSplit images;
  std::string normalization = "unit";
  std::int64_t spare = 0;  // pixels that the images to learn from are larger than the model's input, to be cropped

  octet::Preprocessing preprocessing() const { return {{}, {}, octet::normalization(normalization)}; }
};

/// The data of MNIST or Fashion-MNIST in options.data, at most options.limit of each part.
TutorialData open_mnist_data(const TutorialOptions& options);
/// The first `limit` images (0: all).
octet::DatasetPtr limited(const octet::DatasetPtr& images, std::int64_t limit);

/// How a model is trained, in float and then for int8.
struct Recipe {
  octet::Model model;
  octet::TrainingOptions training, qat;
  std::int64_t epochs = 1, qat_epochs = 1;
  bool resumes = false;  // where an earlier run was interrupted; writes checkpoints
};

/// A model that was trained, and how that went.
struct Trained {
  octet::Model model;
  octet::TrainingHistory history;
};

/// Trains and compares models of one kind of input on the same data; what it makes is left in a folder.
class Study {
 public:
  /// Throws where a file that it is going to write cannot be, or must not be replaced: those of `forms`, the names of
  /// the models trained for int8, as well. `read`: a model file that must stay.
  Study(const TutorialOptions& options, TutorialData data, const octet::Model& any_model, std::string folder,
        const std::vector<std::string>& forms, const std::string& read = "");

  /// Goes on where an earlier run ended, if `resumes`.
  Trained train(const std::string& name, const std::string& title, const octet::Model& model,
                octet::TrainingOptions how, std::int64_t epochs, bool resumes) const;
  /// Trains a float model further with what int8 will do to it.
  Trained train_for_int8(const std::string& name, const std::string& title, const octet::Model& float_model,
                         const octet::TrainingOptions& how, std::int64_t epochs, bool resumes) const;
  /// All forms of a float model, and the models that train_for_int8 gave.
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

/// The whole of it for one recipe: float, all quantized forms, training for int8.
octet::ComparisonResult study(const TutorialOptions& options, const TutorialData& data, const Recipe& recipe,
                              const std::string& folder);

/// Elements of all weights and statistics of a model.
std::int64_t parameter_count(const octet::Model& model);

/// Prints the comparison.
void print(const octet::ComparisonResult& r);
/// Writes results.json and report.html into a folder and says where they are.
void write_results(const octet::ComparisonResult& r, const std::string& folder);
void write_results(const std::string& json, const std::string& html, const std::string& folder);
