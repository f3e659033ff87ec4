#include <iostream>
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

/// Splits the data: the first images are for calibration, the others for evaluation. With a separate calibration set,
/// uses its first images and all of the data.
struct Split {
  DatasetPtr images, calibration;
  std::vector<std::string> notes;
};

Split split(const CompareArguments& o, const DatasetPtr& data, const DatasetPtr& calibration, bool calibrate_given) {
  Split s;
  std::int64_t first = 0;
  if (calibration) {
    s.calibration = std::make_shared<Subset>(calibration, 0, std::min(o.calibrate, calibration->size()));
    if (calibrate_given && calibration->size() < o.calibrate)
      s.notes.push_back("only " + counted(calibration->size(), "image") + " available for calibration");
  } else if (data->size() == 1) {
    s.calibration = data;
    s.notes.push_back("the only image is also used for calibration");
  } else {
    first = calibrate_given ? o.calibrate : std::clamp<std::int64_t>(data->size() / 4, 1, o.calibrate);
    require(first < data->size(), "no images are left for evaluation: ", first, " of ", data->size(),
            " are for calibration; use fewer with --calibrate, or other ones with --calibration");
    s.calibration = std::make_shared<Subset>(data, 0, first);
    s.notes.push_back("the first " + counted(first, "image") +
                      " of the data are used for calibration and excluded from the accuracy");
  }
  const std::int64_t left = data->size() - first;
  s.images = std::make_shared<Subset>(data, first, o.limit > 0 ? std::min(o.limit, left) : left);
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

void compare_command(CompareArguments o, bool calibrate_given) {
  Progress progress;
  if (o.data.empty() && o.model.compare(0, 8, "builtin:") == 0) o.data = "builtin:shapes";
  require(!o.data.empty(), "images are required: use --data");
  make_folder(o.out);
  const std::string page = o.out + "/report.html";
  OutputCheck check({o.model, o.data, o.calibration, o.fit, o.source.labels, o.source.classes}, o.force);
  check.writes(page, FileKind::report);
  check.writes(o.out + "/results.json", FileKind::results);
  if (!o.json.empty()) check.writes(o.json, FileKind::results);
  Model model = open_model(o.model);
  // A model that is already quantized needs no calibration and is not written.
  const bool quantized = !quantized_form(model).empty();
  for (const char* form : {"dynamic_range", "float16", "int8"})
    if (!quantized) check.writes(o.out + "/" + form + ".octet", FileKind::model);
  if (quantized && o.how.rounding) set_rounding(model, *o.how.rounding);
  const ImageInput input(model, o.images.size);
  const std::int64_t outputs = output_classes(model, input);
  const Labels labels = o.source.load_labels(outputs);
  const DatasetPtr data = o.source.open(o.data, labels, true);
  CompareOptions c;
  c.use_labels = fit_builtin(model, o, input, labels, progress);
  if (!c.use_labels) {  // accuracy is meaningless, so a few images are enough
    if (o.limit == 0) o.limit = 20;
    if (!calibrate_given) o.calibrate = 20;
  }
  const DatasetPtr calibration = quantized               ? data
                                 : o.calibration.empty() ? nullptr
                                                         : o.source.open(o.calibration, {}, false);
  Split s = split(o, data, calibration, calibrate_given && !quantized);
  if (!c.use_labels) s.notes.push_back("the weights are random: only sizes, memory and times are meaningful");
  if (labels.empty() && data->classes() > 0 && data->classes() != outputs && c.use_labels) {
    s.notes.push_back("the data has " + counted(data->classes(), "class folder") + " and the model " +
                      counted(outputs, "output") + ": use --labels to match them");
    c.use_labels = false;
  }
  c.preprocessing = o.images.preprocessing(model, input);
  c.preprocessing_name = o.images.recipe(model, input);
  if (!input.takes_bytes()) model.metadata["preprocess"] = c.preprocessing_name;  // for `octet run`
  c.calibration = o.how.calibration({});
  c.dynamic = o.how.dynamic();
  c.int8 = o.how.int8();
  c.image_size = o.images.size;
  c.threads = o.threads;
  c.runs = o.runs;
  c.directory = o.out;
  c.progress = [&](const std::string& stage, std::int64_t done, std::int64_t total) { progress(stage, done, total); };
  ComparisonResult r = report::compare_with_advice(model, s.images, s.calibration, c);
  progress.clear();
  r.data = o.data;
  r.preprocessing = o.images.describe(model, input);
  r.notes.insert(r.notes.end(), s.notes.begin(), s.notes.end());
  std::cout << r.model << ", " << counted(r.images, "image") << ", preprocessing " << r.preprocessing << "\n"
            << r.machine << "\n\n"
            << report::comparison_table(r).str() << "\n";
  if (!r.errors.empty())
    std::cout << "Largest errors in int8 (all are in the report):\n\n" << report::error_table(r, 5).str(120) << "\n";
  if (r.calibration_images > 0)
    std::cout << "note: calibration with " << counted(r.calibration_images, "image") << " took "
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
                "builtin models)");
  c->add_option("--calibration", o->calibration,
                "Images for calibration. Default: the first ones of --data, which are then excluded from the accuracy");
  auto* calibrate = c->add_option("--calibrate", o->calibrate, "Number of calibration images")
                        ->check(at_least(1))
                        ->capture_default_str();
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
  c->callback([o, calibrate] { compare_command(*o, calibrate->count() > 0); });
}
