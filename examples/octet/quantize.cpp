#include <iostream>
#include <octet/comparison/diagnosis.hpp>
#include <octet/comparison/evaluation.hpp>
#include <octet/io/model_file.hpp>
#include <octet/quantization/calibration_file.hpp>
#include <octet/quantization/plan_file.hpp>
#include <sstream>
#include "../report/table.hpp"

#include "../common/progress.hpp"
#include "commands.hpp"
#include "common.hpp"

using namespace octet;

namespace {

struct QuantizeArguments {
  std::string model, out, type = "int8", calibration, load_calibration, save_calibration, plan, plan_out;
  std::int64_t calibrate = 200;
  bool integer_io = false, force = false;
  int threads = 0;
  QuantizeOptions how;
  ImageOptions images;
  DataOptions source;
};

constexpr std::size_t trial_images = 4;  // on which the outputs are compared

/// `trial` gets some of the images, unless the calibration is from a file.
Calibration calibrated(const QuantizeArguments& o, const Model& model, std::vector<Tensor<float>>& trial) {
  if (!o.load_calibration.empty()) return load_calibration(o.load_calibration);
  require(!o.calibration.empty(),
          "int8 requires calibration images (--calibration) or a calibration file (--load-calibration)");
  const ImageInput input(model, o.images.size);
  const Preprocessing p = o.images.preprocessing(model, input);
  const DatasetPtr images = o.source.open(o.calibration, {}, false);
  const CalibrationOptions c = o.how.calibration(with_threads(o.threads));
  Calibrator calibrator(model, c);
  Progress progress;
  const std::int64_t n = std::min(o.calibrate, images->size());
  for (std::int64_t i = 0; i < n; i += 16) {
    for (const Tensor<float>& x : input.load(*images, i, std::min(n, i + 16), p, *c.executor.pool)) {
      calibrator.add(x);
      if (trial.size() < trial_images) trial.push_back(x);
    }
    progress("calibrating", std::min(n, i + 16), n);
  }
  return calibrator.result();
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

QuantizationPlan planned(const QuantizeArguments& o, const Model& model, std::vector<std::string>& notes) {
  if (!o.plan.empty()) return load_plan(o.plan);
  // Types other than int8 do not require calibration; without it, biases are not corrected.
  const bool calibrate = o.type == "int8" || !o.calibration.empty() || !o.load_calibration.empty();
  std::vector<Tensor<float>> images;
  const Calibration calibration = calibrate ? calibrated(o, model, images) : Calibration{};
  if (calibrate && !o.save_calibration.empty()) save(calibration, o.save_calibration);
  WeightOptions w = o.how.dynamic();
  w.notes = &notes;
  if (o.type == "fp16") return plan_quantization<fp16>(model, calibration, w);
  if (o.type == "bf16") return plan_quantization<bf16>(model, calibration, w);
  if (o.type == "dynamic_range") return plan_quantization<dynamic_range>(model, calibration, w);
  Int8Options i = o.how.int8();
  i.integer_input = i.integer_output = o.integer_io;
  i.notes = &notes;
  if (model.inputs.size() == 1) i.trial = images;
  QuantizationPlan plan = plan_quantization<int8>(model, calibration, i);
  check_layers(model, plan, calibration, images, notes);
  return plan;
}

void quantize_command(QuantizeArguments o) {
  require(o.type == "int8" || !o.how.rounding, "--rounding requires --type int8, found ", o.type);
  OutputCheck check({o.model, o.calibration, o.load_calibration, o.plan, o.source.labels, o.source.classes}, o.force);
  if (!o.out.empty()) check.writes(o.out, FileKind::model);
  if (!o.save_calibration.empty()) check.writes(o.save_calibration, FileKind::calibration);
  if (!o.plan_out.empty()) check.writes(o.plan_out, FileKind::plan);
  const Model model = open_model(o.model);
  if (o.out.empty()) {
    o.out = model.name + "." + (o.plan.empty() ? o.type : "quantized") + ".octet";
    check.writes(o.out, FileKind::model);
  }
  std::vector<std::string> notes;
  const QuantizationPlan plan = planned(o, model, notes);
  if (!o.plan_out.empty()) save(plan, o.plan_out);
  Model q = quantize(model, plan);
  for (const std::string& note : notes) std::cerr << "octet: note: " << note << "\n";
  if (!o.images.preprocess.empty()) q.metadata["preprocess"] = o.images.preprocess;  // the default for `octet run`
  save(q, o.out);
  std::cout << o.out << ": " << report::megabytes(static_cast<std::int64_t>(std::filesystem::file_size(o.out)))
            << " MB\n";
}

}  // namespace

void add_quantize(CLI::App& app) {
  auto o = std::make_shared<QuantizeArguments>();
  CLI::App* c = app.add_subcommand("quantize", "Quantizes a float model and saves it as an .octet file");
  c->add_option("model", o->model, ".onnx, .tflite or .octet file, or builtin:NAME")->required();
  c->add_option("-o,--out", o->out, "Output file. Default: MODEL.TYPE.octet in the current folder");
  c->add_option("--type", o->type, "int8, dynamic_range, fp16 or bf16")
      ->check(CLI::IsMember({"int8", "dynamic_range", "fp16", "bf16"}))
      ->capture_default_str();
  c->add_option("--calibration", o->calibration,
                "Images for calibration (required for int8; for other types, corrects biases): folder, CSV, IDX or "
                "CIFAR file, or builtin:shapes");
  c->add_option("--calibrate", o->calibrate, "Largest number of calibration images")
      ->check(at_least(1))
      ->capture_default_str();
  c->add_option("--load-calibration", o->load_calibration, "Calibration file (JSON) to use instead of images");
  c->add_option("--save-calibration", o->save_calibration, "Save the calibration to this JSON file");
  c->add_flag("--integer-io", o->integer_io, "The int8 model takes and returns int8 instead of float");
  CLI::Option* plan = c->add_option("--plan", o->plan,
                                    "Apply this quantization plan (JSON), which replaces the calibration and the "
                                    "options of quantization");
  add_force(*c, o->force);
  o->how.add_to(*c);
  for (const char* other : {"--type", "--calibration", "--load-calibration", "--save-calibration", "--integer-io",
                            "--method", "--percent", "--keep-float", "--per-tensor", "--equalize", "--rounding"})
    plan->excludes(c->get_option(other));
  c->add_option("--plan-out", o->plan_out,
                "Save the quantization plan to this JSON file: the scales of activations and weights, and the form of "
                "each layer");
  o->source.add_to(*c);
  o->images.add_to(*c);
  add_threads(*c, o->threads);
  c->callback([o] { quantize_command(*o); });
}
