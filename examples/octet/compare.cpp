#include <iostream>
#include <octet/data/input_files.hpp>
#include <octet/io/shapes_dataset.hpp>
#include <octet/models/fit_classifier.hpp>
#include "../report/advice.hpp"
#include "../report/html.hpp"
#include "../report/json.hpp"

#include "../common/progress.hpp"
#include "commands.hpp"
#include "common.hpp"

using namespace octet;

namespace {

struct CompareArguments {
  std::string model, data, calibration, fit, out = "octet-report", json;
  std::int64_t calibrate = 200, limit = 0, runs = 0;
  int threads = 0;
  bool force = false;
  QuantizeOptions how;
  ImageOptions images;
  DataOptions source;
};

/// A part of a set: samples [from, from + size).
struct Part {
  std::int64_t from = 0, size = 0;
};

/// Splits the data: the first samples are for calibration, the others for evaluation. With a separate calibration set,
/// uses its first samples and all of the data.
struct Split {
  Part data, calibration;
  std::vector<std::string> notes;
};

Split split(const CompareArguments& o, std::int64_t data, std::optional<std::int64_t> calibration,
            const std::string& sample, bool calibrate_given) {
  Split s;
  std::int64_t first = 0;
  if (calibration) {
    s.calibration.size = std::min(o.calibrate, *calibration);
    if (calibrate_given && *calibration < o.calibrate)
      s.notes.push_back("only " + counted(*calibration, sample) + " available for calibration");
  } else if (data == 1) {
    s.calibration.size = 1;
    s.notes.push_back("the only " + sample + " is also used for calibration");
  } else {
    first = calibrate_given ? o.calibrate : std::clamp<std::int64_t>(data / 4, 1, o.calibrate);
    require(first < data, "no ", sample, "s are left for evaluation: ", first, " of ", data,
            " are for calibration; use fewer with --calibrate, or other ones with --calibration");
    s.calibration.size = first;
    s.notes.push_back("the first " + counted(first, sample) +
                      " of the data are used for calibration and excluded from the " +
                      (sample == "image" ? "accuracy" : "errors"));
  }
  const std::int64_t left = data - first;
  s.data = {first, o.limit > 0 ? std::min(o.limit, left) : left};
  return s;
}

/// Fits the classifier of a builtin model to the data, if that takes only seconds. Returns whether the model's outputs
/// are meaningful.
bool fit_builtin(Model& model, const CompareArguments& o, const ImageInput& input, const Labels& labels,
                 Progress& progress) {
  const auto weights = model.metadata.find("weights");
  if (weights == model.metadata.end() || weights->second != "random") return true;
  const bool shapes = o.data == "builtin:shapes";
  if (o.fit == "none" || (o.fit.empty() && (!shapes || model.name != "small_cnn"))) return false;
  DatasetPtr images = o.fit.empty() || o.fit == "builtin:shapes" ? std::make_shared<ShapesDataset>(6000, 1)
                                                                 : o.source.open(o.fit, labels, true);
  require(images->labelled(), "the images of '", o.fit, "' have no labels to fit a classifier to");
  if (images->size() > 20000) images = std::make_shared<Subset>(images, 0, 20000);
  FitOptions fit;
  fit.executor = with_threads(o.threads);
  model = fit_classifier(model, *images, o.images.preprocessing(model, input), fit,
                         [&](std::int64_t done, std::int64_t total) { progress("fitting classifier", done, total); });
  model.metadata["weights"] = "random, classifier fitted";
  return true;
}

/// Options of the comparison that do not depend on the kind of data.
CompareOptions compare_options(const CompareArguments& o, Progress& progress) {
  CompareOptions c;
  c.calibration = o.how.calibration({});
  c.dynamic = o.how.dynamic();
  c.int8 = o.how.int8();
  c.image_size = o.images.size;
  c.threads = o.threads;
  c.runs = o.runs;
  c.directory = o.out;
  c.progress = [&](const std::string& stage, std::int64_t done, std::int64_t total) { progress(stage, done, total); };
  return c;
}

/// Compares on tensors in files.
ComparisonResult compare_tensors(const CompareArguments& o, const Model& model, CompareOptions c, bool quantized,
                                 bool calibrate_given) {
  const InputSetPtr data = open_input_files(o.data, model);
  const InputSetPtr other = o.calibration.empty() ? nullptr : open_input_files(o.calibration, model);
  std::optional<std::int64_t> available;
  if (other || quantized) available = other ? other->size() : data->size();
  Split s = split(o, data->size(), available, "sample", calibrate_given);
  c.channels_first = is_channels_first(model);
  c.preprocessing_name = "none";
  ComparisonResult r =
      report::compare_with_advice(model, part_of(data, s.data.from, s.data.size),
                                  part_of(other ? other : data, s.calibration.from, s.calibration.size), c);
  r.preprocessing = "none";
  r.sample = "sample";
  r.notes.insert(r.notes.end(), s.notes.begin(), s.notes.end());
  return r;
}

/// Compares on images.
ComparisonResult compare_images(CompareArguments o, Model model, CompareOptions c, bool quantized, bool calibrate_given,
                                Progress& progress) {
  const ImageInput input(model, o.images.size);
  const bool classifier = is_classifier(model, o.images.size);
  const std::int64_t outputs = classifier ? output_classes(model, input) : 0;
  const Labels labels = classifier ? o.source.load_labels(outputs) : Labels{};
  const DatasetPtr data = o.source.open(o.data, labels, classifier);
  c.use_labels = !classifier || fit_builtin(model, o, input, labels, progress);
  const bool random = !c.use_labels;
  if (random) {  // accuracy is meaningless, so a few images are enough
    if (o.limit == 0) o.limit = 20;
    if (!calibrate_given) o.calibrate = 20;
  }
  const DatasetPtr calibration = quantized               ? data
                                 : o.calibration.empty() ? nullptr
                                                         : o.source.open(o.calibration, {}, false);
  const std::optional<std::int64_t> available =
      calibration ? std::optional<std::int64_t>(calibration->size()) : std::nullopt;
  Split s = split(o, data->size(), available, "image", calibrate_given && !quantized);
  if (random) s.notes.push_back("the weights are random: only sizes, memory and times are meaningful");
  if (classifier && labels.empty() && data->classes() > 0 && data->classes() != outputs && c.use_labels) {
    s.notes.push_back("the data has " + counted(data->classes(), "class folder") + " and the model " +
                      counted(outputs, "output") + ": use --labels to match them");
    c.use_labels = false;
  }
  c.preprocessing = o.images.preprocessing(model, input);
  c.preprocessing_name = o.images.recipe(model, input);
  c.channels_first = is_channels_first(model);
  o.images.warn(model);
  const std::string described = o.images.describe(model, input);
  o.images.store(model, input);
  ComparisonResult r = report::compare_with_advice(
      model, std::make_shared<Subset>(data, s.data.from, s.data.size),
      std::make_shared<Subset>(calibration ? calibration : data, s.calibration.from, s.calibration.size), c);
  r.preprocessing = described;
  r.notes.insert(r.notes.end(), s.notes.begin(), s.notes.end());
  return r;
}

/// Throws Error if an option is given that has no effect on this model and data.
void require_effect(const CompareArguments& o, const CLI::App& command, const Model& model, bool quantized,
                    bool tensors) {
  o.how.check();
  if (quantized)
    require_not_given(command,
                      {"--calibration", "--calibrate", "--method", "--percent", "--keep-float", "--per-tensor"},
                      "model '" + model.name + "' is already quantized");
  if (tensors) {
    o.images.require_unused("tensors are not preprocessed");
    require_not_given(command, {"--labels", "--classes", "--format", "--fit"}, "the data are tensors");
  } else if (!is_classifier(model, o.images.size)) {
    require_not_given(command, {"--labels", "--classes", "--fit"}, "model '" + model.name + "' is not a classifier");
  }
  if (o.model.compare(0, 8, "builtin:") != 0)
    require_not_given(command, {"--fit"}, "only the classifiers of builtin models are fitted");
}

void compare_command(CompareArguments o, const CLI::App& command) {
  Progress progress;
  if (o.data.empty() && o.model.compare(0, 8, "builtin:") == 0) o.data = "builtin:shapes";
  require(!o.data.empty(), "images are required: use --data");
  const bool tensors = has_input_files(o.data);
  const ResultFolder folder(o.out);
  const std::string page = o.out + "/report.html";
  OutputCheck check({o.model, o.data, o.calibration, o.fit, o.source.labels, o.source.classes}, o.force);
  check.writes(page, FileKind::report);
  check.writes(o.out + "/results.json", FileKind::results);
  if (!o.json.empty()) check.writes(o.json, FileKind::results);
  Model model = open_model(o.model, {}, tensors);
  // A model that is already quantized needs no calibration and is not written.
  const bool quantized = !quantized_form(model).empty();
  for (const char* form : {"dynamic_range", "float16", "int8"})
    if (!quantized) check.writes(o.out + "/" + form + ".octet", FileKind::model);
  if (quantized && o.how.rounding) set_rounding(model, *o.how.rounding);
  require_effect(o, command, model, quantized, tensors);
  const bool calibrate_given = command.get_option("--calibrate")->count() > 0;
  const CompareOptions c = compare_options(o, progress);
  ComparisonResult r = tensors ? compare_tensors(o, model, c, quantized, calibrate_given)
                               : compare_images(o, model, c, quantized, calibrate_given, progress);
  progress.clear();
  r.data = o.data;
  std::cout << r.model << ", " << counted(r.images, r.sample) << ", preprocessing " << r.preprocessing << "\n"
            << r.machine << "\n\n"
            << report::comparison_table(r).str() << "\n";
  if (const auto outputs = report::output_error_table(r); outputs.rows().size() > 1)
    std::cout << "Errors of the outputs with respect to float:\n\n" << outputs.str(120) << "\n";
  if (!r.errors.empty())
    std::cout << "Largest errors in int8 (all are in the report):\n\n" << report::error_table(r, 5).str(120) << "\n";
  if (r.calibration_images > 0)
    std::cout << "note: calibration with " << counted(r.calibration_images, r.sample) << " took "
              << report::significant(r.calibration_seconds) << " s\n";
  for (const std::string& n : r.notes) std::cout << "note: " << n << "\n";
  for (const std::string& w : r.warnings) std::cout << "warning: " << w << "\n";
  const std::string results = report::json_text(report::to_json(r));
  write_file(page, report::html_report(r));
  write_file(o.out + "/results.json", results);
  if (!o.json.empty()) write_file(o.json, results);
  std::cout << "report: " << page << "\n";
}

}  // namespace

void add_compare(CLI::App& app) {
  auto o = std::make_shared<CompareArguments>();
  CLI::App* c = app.add_subcommand(
      "compare", "Quantizes a float model in three ways and compares size, accuracy, time and memory");
  c->add_option("model", o->model, ".onnx, .tflite or .octet file, or builtin:NAME")->required();
  c->add_option("--data", o->data,
                "Images for evaluation: folder, CSV, IDX or CIFAR file, or builtin:shapes (the default for "
                "builtin models); or tensors: .npz files, or .npy files in a folder for each input");
  c->add_option("--calibration", o->calibration,
                "Images for calibration. Default: the first ones of --data, which are then excluded from the accuracy");
  c->add_option("--calibrate", o->calibrate, "Number of calibration images")->check(at_least(1))->capture_default_str();
  c->add_option("--limit", o->limit,
                "Largest number of images for evaluation (0: all, or 20 for models with random weights)")
      ->check(at_least(0))
      ->capture_default_str();
  o->how.add_to(*c);
  o->source.add_to(*c);
  o->images.add_to(*c);
  add_threads(*c, o->threads);
  c->add_option("--runs", o->runs, "Number of timed runs per model (0: about two seconds)")
      ->check(at_least(0))
      ->capture_default_str();
  c->add_option("--fit", o->fit,
                "Labelled images to fit the last layer of a builtin model to, or none. Default: builtin:shapes for "
                "builtin:small_cnn if --data is builtin:shapes");
  c->add_option("--out", o->out, "Folder for report.html, results.json and the quantized models")
      ->capture_default_str();
  c->add_option("--json", o->json, "Write the results to this JSON file, too");
  add_force(*c, o->force);
  c->callback([o, c] { compare_command(*o, *c); });
}
