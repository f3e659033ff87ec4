#include <cmath>
#include <iostream>
#include <octet/comparison/diagnosis.hpp>
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

void why_command(const WhyArguments& o) {
  require(!o.calibration.empty() || !o.load_calibration.empty(),
          "calibration images (--calibration) or a calibration file (--load-calibration) are required");
  require(!o.how.rounds_by_inputs() || o.load_calibration.empty(),
          "--round requires images for calibration (--calibration) instead of --load-calibration");
  require(!o.data.empty() || !o.calibration.empty(), "images to compare on (--data) are required");
  const Model model = open_model(o.model);
  const ImageInput input(model, o.preparation.size);
  const Preprocessing p = o.preparation.preprocessing(model, input);
  const CalibrationOptions c = o.how.calibration(with_threads(o.threads));
  const auto batches = [&](const std::string& path, std::int64_t most, const auto& use) {
    const DatasetPtr images = o.source.open(path, {}, false);
    const std::int64_t n = std::min(most, images->size());
    for (std::int64_t i = 0; i < n; i += 16)
      for (Tensor<float>& x : input.load(*images, i, std::min(n, i + 16), p, *c.executor.pool)) use(std::move(x));
  };
  Calibration calibration;
  Int8Options quantization = o.how.int8();
  quantization.rounding_samples.executor = c.executor;
  if (o.load_calibration.empty()) {
    Calibrator calibrator(model, c);
    Progress progress;
    batches(o.calibration, o.calibrate, [&](Tensor<float> x) {
      calibrator.add(x);
      if (o.how.rounds_by_inputs()) quantization.rounding_samples.inputs.push_back(std::move(x));
      progress("calibrating", calibrator.images(), o.calibrate);
    });
    calibration = calibrator.result();
  } else {
    calibration = load_calibration(o.load_calibration);
  }
  std::vector<Tensor<float>> images;
  batches(o.data.empty() ? o.calibration : o.data, o.images, [&](Tensor<float> x) { images.push_back(std::move(x)); });
  DiagnosisOptions options;
  options.most = static_cast<std::size_t>(o.layers);
  options.executor = c.executor;
  print(diagnose(model, quantize<int8>(model, calibration, quantization), calibration, images, options), options);
}

}  // namespace

void add_why(CLI::App& app) {
  auto o = std::make_shared<WhyArguments>();
  CLI::App* c = app.add_subcommand("why", "Says which layers of the int8 model lose precision, why, and what helps");
  c->add_option("model", o->model, ".onnx, .tflite or .octet file, or builtin:NAME")->required();
  c->add_option("--calibration", o->calibration,
                "Images for calibration: folder, CSV, IDX or CIFAR file, or builtin:shapes");
  c->add_option("--calibrate", o->calibrate, "Largest number of calibration images")
      ->check(at_least(1))
      ->capture_default_str();
  c->add_option("--load-calibration", o->load_calibration, "Calibration file (JSON) to use instead of images");
  c->add_option("--data", o->data, "Images of the application. Default: those of --calibration");
  c->add_option("--images", o->images, "Number of these images")->check(at_least(1))->capture_default_str();
  c->add_option("--layers", o->layers, "How many layers are listed")->check(at_least(1))->capture_default_str();
  o->how.add_to(*c);
  o->source.add_to(*c);
  o->preparation.add_to(*c);
  add_threads(*c, o->threads);
  c->callback([o] { why_command(*o); });
}
