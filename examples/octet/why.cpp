#include <cmath>
#include <iostream>
#include <octet/comparison/calibrate_inputs.hpp>
#include <octet/comparison/diagnosis.hpp>
#include <octet/data/input_files.hpp>
#include <octet/quantization/calibration_file.hpp>

#include "../common/progress.hpp"
#include "commands.hpp"
#include "common.hpp"

using namespace octet;

namespace {

struct WhyArguments {
  std::string model, data, calibration, load_calibration;
  std::int64_t calibrate = 200, images = 8, layers = 10;
  int threads = 0;
  QuantizeOptions how;
  ImageOptions preparation;
  DataOptions source;
};

std::string decibels(double db) {
  if (std::isinf(db)) return "exact";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f dB", db);
  return text;
}

void print(const std::vector<Diagnosis>& found, const DiagnosisOptions& options) {
  if (found.empty())
    std::cout << "No layer below " << options.below_db << " dB SQNR loses more than " << options.least_loss_db
              << " dB.\n";
  for (const Diagnosis& d : found)
    std::cout << d.layer << ": " << decibels(d.input_db) << " -> " << decibels(d.output_db) << "  " << name(d.cause)
              << "\n    " << d.numbers << "\n    cure: " << d.cure << "\n";
}

/// Samples from images, or from .npy or .npz files.
InputSetPtr samples_in(const WhyArguments& o, const std::string& path, const Model& model, bool tensors) {
  if (tensors) return open_input_files(path, model);
  const ImageInput input(model, o.preparation.size);
  const DatasetPtr images = o.source.open(path, {}, false);
  return image_inputs(model, images, o.preparation.preprocessing(model, input), o.preparation.size);
}

void why_command(const WhyArguments& o, const CLI::App& command) {
  require(!o.calibration.empty() || !o.load_calibration.empty(),
          "calibration images (--calibration) or a calibration file (--load-calibration) are required");
  require(!o.how.rounds_by_inputs() || o.load_calibration.empty(),
          "--round requires images for calibration (--calibration) instead of --load-calibration");
  require(!o.data.empty() || !o.calibration.empty(), "images to compare on (--data) are required");
  const std::string& compared = o.data.empty() ? o.calibration : o.data;
  const bool tensors = has_input_files(compared);
  require(!o.load_calibration.empty() || has_input_files(o.calibration) == tensors,
          "--calibration and --data have to be both images or both tensors");
  if (tensors) {
    o.preparation.require_unused("tensors are not preprocessed");
    require_not_given(command, {"--format", "--labels", "--classes"}, "the data are tensors");
  }
  const Model model = open_model(o.model, {}, tensors);
  require(model.inputs.size() == 1 && model.value(model.inputs[0]).dtype == DType::f32, "model '", model.name,
          "': octet why is for models with one input, of float32");
  const CalibrationOptions c = o.how.calibration(with_threads(o.threads));
  Calibration calibration;
  Int8Options quantization = o.how.int8();
  quantization.rounding_samples.executor = c.executor;
  if (o.load_calibration.empty()) {
    const InputSetPtr all = samples_in(o, o.calibration, model, tensors);
    const InputSetPtr samples = part_of(all, 0, std::min(o.calibrate, all->size()));
    if (o.how.rounds_by_inputs()) quantization.rounding_samples.inputs = trial_inputs(*samples, samples->size());
    Progress progress;
    calibration = calibrate(model, *samples, c,
                            [&](std::int64_t done, std::int64_t total) { progress("calibrating", done, total); });
  } else {
    calibration = load_calibration(o.load_calibration);
  }
  const std::vector<Tensor<float>> inputs = trial_inputs(*samples_in(o, compared, model, tensors), o.images);
  DiagnosisOptions options;
  options.most = static_cast<std::size_t>(o.layers);
  options.executor = c.executor;
  print(diagnose(model, quantize<int8>(model, calibration, quantization), calibration, inputs, options), options);
}

}  // namespace

void add_why(CLI::App& app) {
  auto o = std::make_shared<WhyArguments>();
  CLI::App* c = app.add_subcommand("why", "Says which layers of the int8 model lose precision, why, and what helps");
  c->add_option("model", o->model, ".onnx, .tflite or .octet file, or builtin:NAME")->required();
  c->add_option("--calibration", o->calibration,
                "Images for calibration: folder, CSV, IDX or CIFAR file, or builtin:shapes; or tensors: .npy or .npz "
                "files, or a folder of them");
  c->add_option("--calibrate", o->calibrate, "Largest number of calibration images")
      ->check(at_least(1))
      ->capture_default_str();
  c->add_option("--load-calibration", o->load_calibration, "Calibration file (JSON) to use instead of images");
  c->add_option("--data", o->data, "Images or tensors of the application. Default: those of --calibration");
  c->add_option("--images", o->images, "Number of these images or tensors")->check(at_least(1))->capture_default_str();
  c->add_option("--layers", o->layers, "How many layers are listed")->check(at_least(1))->capture_default_str();
  o->how.add_to(*c);
  o->source.add_to(*c);
  o->preparation.add_to(*c);
  add_threads(*c, o->threads);
  c->callback([o, c] { why_command(*o, *c); });
}
