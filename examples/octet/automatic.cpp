#include <iostream>
#include <octet/comparison/automatic.hpp>
#include <octet/comparison/calibrate_inputs.hpp>
#include <octet/comparison/compare.hpp>
#include <octet/comparison/evaluation.hpp>
#include <octet/data/input_files.hpp>
#include <octet/io/model_file.hpp>
#include <octet/quantization/plan_file.hpp>
#include "../report/automatic_section.hpp"
#include "../report/json.hpp"

#include "../common/progress.hpp"
#include "commands.hpp"
#include "common.hpp"

using namespace octet;

namespace {

struct AutoArguments {
  std::string model, data, calibration, objective = "latency", out, json, report, plan_out;
  std::int64_t calibrate = 200, limit = 0, scan = 8, proofs = 4;
  double max_drop = 0.3, min_sqnr = 0;
  int threads = 0;
  bool force = false;
  QuantizeOptions how;
  ImageOptions images;
  DataOptions source;
};

/// The samples that choose and validate, and those of the calibration.
struct AutoData {
  InputSetPtr samples, calibration;
  std::int64_t first = 0;  // of the samples, in the data
  std::vector<std::vector<std::int64_t>> labels;
};

/// Without separate calibration data, the first quarter of the data, at most --calibrate.
AutoData split(const AutoArguments& o, const InputSetPtr& data, const InputSetPtr& calibration) {
  AutoData d;
  const std::int64_t first = calibration         ? 0
                             : data->size() == 1 ? 0
                                                 : std::clamp<std::int64_t>(data->size() / 4, 1, o.calibrate);
  const std::int64_t left = data->size() - first;
  d.first = first;
  d.samples = part_of(data, first, o.limit > 0 ? std::min(o.limit, left) : left);
  const InputSetPtr& from = calibration ? calibration : data;
  d.calibration =
      part_of(from, 0, std::min(calibration ? o.calibrate : std::max<std::int64_t>(first, 1), from->size()));
  return d;
}

AutoData open_tensors(const AutoArguments& o, const Model& model) {
  return split(o, open_input_files(o.data, model),
               o.calibration.empty() ? nullptr : open_input_files(o.calibration, model));
}

AutoData open_images(const AutoArguments& o, const Model& model) {
  const ImageInput input(model, o.images.size);
  const bool classifier = is_classifier(model, o.images.size);
  const std::int64_t outputs = classifier ? output_classes(model, input) : 0;
  const Labels labels = classifier ? o.source.load_labels(outputs) : Labels{};
  const DatasetPtr images = o.source.open(o.data, labels, classifier);
  const Preprocessing p = o.images.preprocessing(model, input);
  o.images.note(model, input);
  const auto inputs = [&](const DatasetPtr& set) { return image_inputs(model, set, p, o.images.size); };
  AutoData d =
      split(o, inputs(images), o.calibration.empty() ? nullptr : inputs(o.source.open(o.calibration, {}, false)));
  const bool fits = !labels.empty() || images->classes() == 0 || images->classes() == outputs;
  if (!classifier || !images->labelled()) return d;
  if (!fits) {
    std::fprintf(stderr,
                 "octet: note: the data has %lld classes and the model %lld outputs: without --labels, "
                 "the target is about the agreement with float\n",
                 static_cast<long long>(images->classes()), static_cast<long long>(outputs));
    return d;
  }
  for (std::int64_t i = 0; i < d.samples->size(); ++i) d.labels.push_back(images->labels(d.first + i));
  return d;
}

Target target_of(const AutoArguments& o, AutoData& data, Progress& progress) {
  Target t;
  t.max_drop = o.max_drop;
  t.min_sqnr = o.min_sqnr;
  t.objective = o.objective == "size"     ? Objective::size
                : o.objective == "memory" ? Objective::memory
                                          : Objective::latency;
  t.samples = data.samples;
  t.labels = std::move(data.labels);
  t.int8 = o.how.int8();
  t.weights = o.how.dynamic();
  t.scan_samples = o.scan;
  t.proofs = static_cast<int>(o.proofs);
  t.executor = with_threads(o.threads);
  if (const std::string ending = std::filesystem::path(o.out).extension().string(); ending != ".octet")
    t.file_size = [path = o.out + ".trial" + ending](const Model& m) {
      save(m, path);
      const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(path));
      std::filesystem::remove(path);
      return bytes;
    };
  t.progress = [&](const std::string& stage, std::int64_t done, std::int64_t total) { progress(stage, done, total); };
  return t;
}

/// Returns whether the target was kept.
bool auto_command(AutoArguments o, const CLI::App& command) {
  o.how.check();
  require(!o.data.empty(), "images or tensors to choose and validate with are required: use --data");
  const bool tensors = has_input_files(o.data);
  OutputCheck check({o.model, o.data, o.calibration, o.source.labels, o.source.classes}, o.force);
  Model model = open_model(o.model, {}, tensors);
  if (o.out.empty()) o.out = model.name + ".auto.octet";
  check.writes(o.out, FileKind::model);
  if (!o.json.empty()) check.writes(o.json, FileKind::results);
  if (!o.report.empty()) check.writes(o.report, FileKind::report);
  if (!o.plan_out.empty()) check.writes(o.plan_out, FileKind::plan);
  if (tensors) {
    o.images.require_unused("tensors are not preprocessed");
    require_not_given(command, {"--labels", "--classes", "--format"}, "the data are tensors");
  }
  AutoData data = tensors ? open_tensors(o, model) : open_images(o, model);
  Progress progress;
  Target target = target_of(o, data, progress);
  if (o.how.rounds_by_inputs())
    target.int8.rounding_samples.inputs = trial_inputs(*data.calibration, data.calibration->size());
  const Calibration calibration =
      calibrate(model, *data.calibration, o.how.calibration(target.executor),
                [&](std::int64_t done, std::int64_t total) { progress("calibrating", done, total); });
  AutomaticResult r = quantize(model, calibration, target);
  progress.clear();
  if (!tensors) o.images.store(r.model, ImageInput(model, o.images.size));
  save(r.model, o.out);
  std::cout << report::automatic_text(r, target) << o.out << ": "
            << report::megabytes(static_cast<std::int64_t>(std::filesystem::file_size(o.out))) << " MB\n";
  if (!o.json.empty()) write_file(o.json, report::json_text(report::automatic_json(model.name, r, target)));
  if (!o.report.empty()) write_file(o.report, report::automatic_page(model.name, r, target));
  if (!o.plan_out.empty()) save(r.plan, o.plan_out);
  print_notes(r.notes);
  if (!r.met) std::cerr << "octet: the target is missed on the samples held apart; the best model found was saved\n";
  return r.met;
}

}  // namespace

void add_auto(CLI::App& app, int& status) {
  auto o = std::make_shared<AutoArguments>();
  CLI::App* c = app.add_subcommand("auto",
                                   "Chooses a form for each layer, so that the model is as fast or small as possible "
                                   "and keeps its accuracy. Exit status 3: the target is missed");
  c->add_option("model", o->model, ".onnx, .tflite or .octet file, or builtin:NAME")->required();
  c->add_option("--data", o->data,
                "Images to choose (one half) and validate with (the other half): folder, CSV, IDX or CIFAR file; or "
                "tensors: .npz files, or .npy files in a folder for each input");
  c->add_option("--calibration", o->calibration,
                "Images for calibration. Default: the first ones of --data, which are then not used otherwise");
  c->add_option("--calibrate", o->calibrate, "Largest number of calibration images")
      ->check(at_least(1))
      ->capture_default_str();
  c->add_option("--limit", o->limit, "Largest number of samples to choose and validate with (0: all)")
      ->check(at_least(0))
      ->capture_default_str();
  c->add_option("--scan", o->scan, "Number of samples on which each layer is tried alone")
      ->check(at_least(1))
      ->capture_default_str();
  c->add_option("--proofs", o->proofs, "How many models are validated at most: after one that fails, a safer one")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  CLI::Option* drop =
      c->add_option("--max-drop", o->max_drop,
                    "Percent points of top-1 accuracy that may be lost; without labels, of agreement with float")
          ->check(CLI::Range(0.0, 100.0))
          ->capture_default_str();
  c->add_option("--min-sqnr", o->min_sqnr, "SQNR in dB that every output has to reach, instead of --max-drop")
      ->check(CLI::Range(0.0, 200.0))
      ->excludes(drop);
  c->add_option("--objective", o->objective, "What is minimized: latency, size (of the file) or memory (of a run)")
      ->check(CLI::IsMember({"latency", "size", "memory"}))
      ->capture_default_str();
  c->add_option("-o,--out", o->out, "Output file: .octet, .onnx or .tflite. Default: MODEL.auto.octet");
  c->add_option("--json", o->json, "Write the results to this JSON file");
  c->add_option("--report", o->report, "Write a page with the curves of accuracy against time and size to this file");
  c->add_option("--plan-out", o->plan_out, "Save the quantization plan to this JSON file");
  add_force(*c, o->force);
  o->how.round = "fast";
  o->how.add_to(*c);
  o->source.add_to(*c);
  o->images.add_to(*c);
  add_threads(*c, o->threads);
  c->callback([o, c, &status] {
    if (!auto_command(*o, *c)) status = 3;
  });
}
