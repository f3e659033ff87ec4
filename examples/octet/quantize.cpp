#include <iostream>
#include <octet/comparison/calibrate_inputs.hpp>
#include <octet/comparison/diagnosis.hpp>
#include <octet/comparison/output_errors.hpp>
#include <octet/data/input_files.hpp>
#include <octet/io/model_file.hpp>
#include <octet/quantization/calibration_file.hpp>
#include <octet/quantization/plan_file.hpp>
#include <sstream>
#include "../report/advice.hpp"
#include "../report/table.hpp"

#include "../common/progress.hpp"
#include "commands.hpp"
#include "common.hpp"

using namespace octet;

namespace {

struct QuantizeArguments {
  std::string model, out, type = "int8", calibration, load_calibration, save_calibration, plan, plan_out;
  std::int64_t calibrate = 200;
  bool integer_io = false, force = false, tensors = false;  // tensors: calibration in .npy or .npz files
  int threads = 0;
  QuantizeOptions how;
  ImageOptions images;
  DataOptions source;
};

/// If the calibration images have labels, warns if another preprocessing classifies them much better.
void check_preprocessing(const QuantizeArguments& o, const Model& model, const ImageInput& input,
                         const Preprocessing& p) {
  const auto weights = model.metadata.find("weights");
  if (!is_classifier(model, o.images.size) || (weights != model.metadata.end() && weights->second == "random")) return;
  const std::int64_t classes = output_classes(model, input);
  const auto pool = default_pool();
  Executor run(model, with_threads(o.threads));
  const auto check = [&] {
    const Labels labels = o.source.load_labels(classes);
    const DatasetPtr all = o.source.open(o.calibration, labels, true);
    if (!all->labelled() || (labels.empty() && all->classes() > 0 && all->classes() != classes)) return;
    const DatasetPtr some = std::make_shared<Subset>(all, 0, std::min<std::int64_t>(128, all->size()));
    const auto top1 = accuracy_of({&run}, input, *some, p, *pool, true, [](std::int64_t, std::int64_t) {})[0].top1();
    const auto warning = report::accuracy_warning(run, input, some, p, o.images.recipe(model, input), *top1, *pool);
    if (warning) std::cerr << "octet: warning: " << *warning << "\n";
  };
  if (!o.source.labels.empty()) return check();
  try {
    check();
  } catch (const Error&) {  // without a list of classes, labels of images need not be those of the model
  }
}

/// `trial` gets some of the samples, and `rounding` all, if weights are rounded by them, unless the calibration is from
/// a file.
Calibration calibrated(const QuantizeArguments& o, const Model& model, std::vector<Tensor<float>>& trial,
                       std::vector<Tensor<float>>& rounding) {
  if (!o.load_calibration.empty()) return load_calibration(o.load_calibration);
  require(!o.calibration.empty(),
          "int8 requires calibration data (--calibration) or a calibration file (--load-calibration)");
  InputSetPtr samples;
  if (o.tensors) {
    samples = open_input_files(o.calibration, model);
  } else {
    const ImageInput input(model, o.images.size);
    const Preprocessing p = o.images.preprocessing(model, input);
    samples = image_inputs(model, o.source.open(o.calibration, {}, false), p, o.images.size);
    check_preprocessing(o, model, input, p);
    o.images.note(model, input);
  }
  trial = trial_inputs(*samples);
  if (o.how.rounds_by_inputs()) rounding = trial_inputs(*samples, o.calibrate);
  Progress progress;
  return calibrate(model, *part_of(samples, 0, std::min(o.calibrate, samples->size())),
                   o.how.calibration(with_threads(o.threads)),
                   [&](std::int64_t done, std::int64_t total) { progress("calibrating", done, total); });
}

/// Throws Error if an option is given that has no effect.
void require_effect(const QuantizeArguments& o, const CLI::App& command) {
  require(o.type == "int8" || !o.how.rounding, "--rounding requires --type int8, found ", o.type);
  if (o.type != "int8")
    require_not_given(command,
                      {"--integer-io", "--method", "--weight-bits", "--keep-8-bits", "--small-8-bits", "--round"},
                      "requires --type int8, found " + o.type);
  o.how.check();
  if (o.type == "fp16" || o.type == "bf16")
    require_not_given(command, {"--per-tensor", "--weight-block"},
                      "requires --type int8 or dynamic_range, found " + o.type);
  if (o.calibration.empty())
    require_not_given(command, {"--calibrate", "--method", "--labels", "--classes", "--format", "--size", "--round"},
                      "requires --calibration");
  if (o.calibration.empty() && o.load_calibration.empty())
    require_not_given(command, {"--save-calibration"}, "requires --calibration");
  if (o.tensors) {
    require_not_given(command, {"--labels", "--classes", "--format"}, "the calibration data are tensors");
    o.images.require_unused("the calibration data are tensors, which are not preprocessed");
  }
}

/// Adds a note for each layer that collapses.
void check_layers(const Model& model, const QuantizationPlan& plan, const Calibration& calibration,
                  const std::vector<Tensor<float>>& images, std::vector<std::string>& notes) {
  if (images.empty() || model.outputs.size() != 1) return;
  const std::vector<Diagnosis> found = collapsed_layers(model, quantize(model, plan), calibration, images);
  constexpr std::size_t most = 3;
  if (found.size() > most)
    notes.push_back(counted(static_cast<std::int64_t>(found.size()), "layer") +
                    " collapse, of which the first are listed; octet why lists all");
  for (std::size_t i = 0; i < std::min(found.size(), most); ++i) {
    const Diagnosis& d = found[i];
    std::ostringstream text;
    text.precision(3);
    text << "layer '" << d.layer << "' collapses: its result has " << d.output_db << " dB SQNR (" << name(d.cause)
         << ": " << d.numbers << "). Cure: " << d.cure;
    notes.push_back(text.str());
  }
}

/// Adds a note for each output that is far from that of the float model.
void check_outputs(const Model& model, QuantizationPlan plan, const std::vector<Tensor<float>>& images,
                   std::vector<std::string>& notes) {
  if (images.empty()) return;
  constexpr double least_db = 10;
  plan.integer_input = plan.integer_output = false;
  const Model quantized = quantize(model, plan);
  Executor exact(model), rounded(quantized);
  OutputErrors errors(model, {images[0].shape()}, is_channels_first(model));
  for (const Tensor<float>& x : images)
    errors.add(real_outputs(model, exact.run({x})), real_outputs(quantized, rounded.run({x})));
  for (const OutputError& e : errors.result()) {
    if (!(e.sqnr_db < least_db)) continue;
    std::ostringstream text;
    text.precision(2);
    text << "output '" << e.name << "' has " << e.sqnr_db
         << " dB SQNR on calibration data: octet auto finds layers that have to stay float";
    notes.push_back(text.str());
  }
}

QuantizationPlan planned(const QuantizeArguments& o, const Model& model, std::vector<std::string>& notes) {
  // Types other than int8 do not require calibration; without it, biases are not corrected.
  const bool calibrate = o.type == "int8" || !o.calibration.empty() || !o.load_calibration.empty();
  std::vector<Tensor<float>> images, rounding;
  const Calibration calibration = calibrate ? calibrated(o, model, images, rounding) : Calibration{};
  if (calibrate && !o.save_calibration.empty()) save(calibration, o.save_calibration);
  WeightOptions w = o.how.dynamic();
  w.notes = &notes;
  if (o.type == "fp16") return plan_quantization<fp16>(model, calibration, w);
  if (o.type == "bf16") return plan_quantization<bf16>(model, calibration, w);
  if (o.type == "dynamic_range") return plan_quantization<dynamic_range>(model, calibration, w);
  Int8Options i = o.how.int8();
  i.integer_input = i.integer_output = o.integer_io;
  i.notes = &notes;
  i.trial = images;
  Progress progress;
  i.rounding_samples.inputs = std::move(rounding);
  i.rounding_samples.executor = with_threads(o.threads);
  i.rounding_samples.progress = [&](std::int64_t done, std::int64_t total) { progress("rounding", done, total); };
  QuantizationPlan plan = plan_quantization<int8>(model, calibration, i);
  check_layers(model, plan, calibration, images, notes);
  check_outputs(model, plan, images, notes);
  return plan;
}

void quantize_command(QuantizeArguments o, const CLI::App& command) {
  o.tensors = !o.calibration.empty() && has_input_files(o.calibration);
  require_effect(o, command);
  OutputCheck check({o.model, o.calibration, o.load_calibration, o.plan, o.source.labels, o.source.classes}, o.force);
  if (!o.out.empty()) check.writes(o.out, FileKind::model);
  if (!o.save_calibration.empty()) check.writes(o.save_calibration, FileKind::calibration);
  if (!o.plan_out.empty()) check.writes(o.plan_out, FileKind::plan);
  const std::optional<QuantizationPlan> given = o.plan.empty() ? std::nullopt : std::make_optional(load_plan(o.plan));
  const Model model = given ? open_planned_model(o.model, *given) : open_model(o.model, {}, o.tensors);
  if (o.out.empty()) {
    o.out = model.name + "." + (o.plan.empty() ? o.type : "quantized") + ".octet";
    check.writes(o.out, FileKind::model);
  }
  std::vector<std::string> notes;
  const QuantizationPlan plan = given ? *given : planned(o, model, notes);
  if (!o.plan_out.empty()) save(plan, o.plan_out);
  Model q = quantize(model, plan);
  print_notes(notes);
  // The default of other commands. Images that were used say it best; without them, what was given.
  const bool images = !o.calibration.empty() && !o.tensors;
  if (images || !command.get_option("--preprocess")->empty() || o.images.crop || !o.images.resize.empty())
    o.images.store(q, ImageInput(model, o.images.size));
  o.source.store_labels(q);
  notes.clear();
  SaveOptions saving;
  saving.notes = &notes;
  save(q, o.out, saving);
  print_notes(notes);
  std::cout << o.out << ": " << report::megabytes(static_cast<std::int64_t>(std::filesystem::file_size(o.out)))
            << " MB\n";
  if (is_channels_first(model))
    std::cerr << "octet: note: '" << o.out << "' takes and returns the layout of the .onnx file, [N, C, ...], as the "
              << "calibration data\n";
}

}  // namespace

void add_quantize(CLI::App& app) {
  auto o = std::make_shared<QuantizeArguments>();
  CLI::App* c =
      app.add_subcommand("quantize", "Quantizes a float model and saves it as an .octet, .onnx or .tflite file");
  c->add_option("model", o->model, ".onnx, .tflite or .octet file, or builtin:NAME")->required();
  c->add_option("-o,--out", o->out,
                "Output file: .octet, .onnx or .tflite. Default: MODEL.TYPE.octet in the current folder");
  c->add_option("--type", o->type, "int8, dynamic_range, fp16 or bf16")
      ->check(CLI::IsMember({"int8", "dynamic_range", "fp16", "bf16"}))
      ->capture_default_str();
  c->add_option("--calibration", o->calibration,
                "Images for calibration (required for int8; for other types, corrects biases): folder, CSV, IDX or "
                "CIFAR file, or builtin:shapes; or tensors: .npz files, or .npy files in a folder for each input");
  c->add_option("--calibrate", o->calibrate, "Largest number of calibration images")
      ->check(at_least(1))
      ->capture_default_str();
  c->add_option("--load-calibration", o->load_calibration, "Calibration file (JSON) to use instead of images")
      ->excludes(c->get_option("--calibration"));
  c->add_option("--save-calibration", o->save_calibration, "Save the calibration to this JSON file");
  c->add_flag("--integer-io", o->integer_io, "The int8 model takes and returns int8 instead of float");
  CLI::Option* plan = c->add_option("--plan", o->plan,
                                    "Apply this quantization plan (JSON), which replaces the calibration and the "
                                    "options of quantization");
  add_force(*c, o->force);
  o->how.add_to(*c);
  for (const char* other : {"--type", "--calibration", "--load-calibration", "--save-calibration", "--integer-io",
                            "--method", "--percent", "--keep-float", "--per-tensor", "--equalize", "--rounding",
                            "--weight-bits", "--weight-block", "--keep-8-bits", "--small-8-bits", "--round"})
    plan->excludes(c->get_option(other));
  c->add_option("--plan-out", o->plan_out,
                "Save the quantization plan to this JSON file: the scales of activations and weights, and the form of "
                "each layer");
  o->source.add_to(*c);
  o->images.add_to(*c);
  add_threads(*c, o->threads);
  c->callback([o, c] { quantize_command(*o, *c); });
}
