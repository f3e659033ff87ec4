#include <iostream>
#include <octet/io/model_file.hpp>
#include <octet/quantization/calibration_file.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/report/evaluation.hpp>
#include <octet/report/table.hpp>

#include "commands.hpp"
#include "common.hpp"
#include "progress.hpp"

using namespace octet;

namespace {

const std::map<std::string, RangeMethod> methods{{"min_max", RangeMethod::min_max},
                                                 {"moving_average", RangeMethod::moving_average},
                                                 {"percentile", RangeMethod::percentile},
                                                 {"entropy", RangeMethod::entropy},
                                                 {"mse", RangeMethod::mse}};
const std::map<std::string, Rounding> roundings{
    {"fp32", Rounding::fp32}, {"double", Rounding::tflite_double}, {"single", Rounding::tflite_single}};

struct Options {
  std::string model, out, type = "int8", calibration, load_calibration, save_calibration, method = "min_max",
                          rounding = "fp32";
  std::int64_t calibrate = 200;
  double percent = 99.99;
  bool per_tensor = false, integer_io = false;
  std::vector<std::string> keep_float;
  int threads = 0;
  ImageOptions images;
  DataOptions source;
};

template <class Map>
std::vector<std::string> keys(const Map& m) {
  std::vector<std::string> k;
  for (const auto& [name, value] : m) k.push_back(name);
  return k;
}

Calibration calibrated(const Options& o, const Model& model) {
  if (!o.load_calibration.empty()) return load_calibration(o.load_calibration);
  octet::detail::require(
      !o.calibration.empty(),
      "int8 needs images to calibrate with (--calibration), or a calibration (--load-calibration)");
  const ImageInput input(model, o.images.size);
  const Preprocessing p = o.images.preprocessing(model, input);
  const DatasetPtr images = o.source.open(o.calibration, {}, false);
  CalibrationOptions c;
  c.method = methods.at(o.method), c.percent = o.percent, c.executor = with_threads(o.threads);
  Calibrator calibrator(model, c);
  Progress progress;
  const std::int64_t n = std::min(o.calibrate, images->size());
  for (std::int64_t i = 0; i < n; i += 16) {
    for (const Tensor<float>& x : input.load(*images, i, std::min(n, i + 16), p, *c.executor.pool))
      calibrator.add(x);
    progress("calibrating", std::min(n, i + 16), n);
  }
  return calibrator.result();
}

Model quantized(const Options& o, const Model& model) {
  if (o.type == "fp16") return quantize<fp16>(model);
  if (o.type == "bf16") return quantize<bf16>(model);
  if (o.type == "dynamic_range") {
    DynamicRangeOptions d;
    d.per_channel = !o.per_tensor, d.keep_float = o.keep_float;
    return quantize<dynamic_range>(model, d);
  }
  const Calibration calibration = calibrated(o, model);
  if (!o.save_calibration.empty()) save(calibration, o.save_calibration);
  Int8Options i;
  i.per_channel = !o.per_tensor, i.keep_float = o.keep_float, i.rounding = roundings.at(o.rounding);
  i.integer_input = i.integer_output = o.integer_io;
  return quantize<int8>(model, calibration, i);
}

void quantize_command(Options o) {
  const Model model = open_model(o.model);
  if (o.out.empty()) o.out = model.name + "." + o.type + ".octet";
  Model q = quantized(o, model);
  if (!o.images.preprocess.empty())
    q.metadata["preprocess"] = o.images.preprocess;  // what `octet run` takes by default
  save(q, o.out);
  std::cout << o.out << ": "
            << octet::detail::megabytes(static_cast<std::int64_t>(std::filesystem::file_size(o.out)))
            << " MB\n";
}

}  // namespace

void add_quantize(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* c = app.add_subcommand("quantize", "Quantizes a float model and saves it as an .octet file");
  c->add_option("model", o->model, ".onnx, .tflite or .octet file, or builtin:NAME")->required();
  c->add_option("-o,--out", o->out, "File to write. Default: MODEL.TYPE.octet in this folder");
  c->add_option("--type", o->type, "int8, dynamic_range, fp16 or bf16")
      ->check(CLI::IsMember({"int8", "dynamic_range", "fp16", "bf16"}))
      ->capture_default_str();
  c->add_option("--calibration", o->calibration,
                "Images to calibrate int8 with: folder, csv, IDX or CIFAR file, or builtin:shapes");
  c->add_option("--calibrate", o->calibrate, "Largest number of them")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  c->add_option("--method", o->method,
                "How ranges of activations are chosen: min_max, moving_average, percentile, entropy, mse")
      ->check(CLI::IsMember(keys(methods)))
      ->capture_default_str();
  c->add_option("--percent", o->percent, "What the percentile method keeps")
      ->check(CLI::Range(50.0, 100.0))
      ->capture_default_str();
  c->add_option("--load-calibration", o->load_calibration, "A calibration (JSON) instead of images");
  c->add_option("--save-calibration", o->save_calibration, "Keeps the calibration as JSON");
  c->add_option("--keep-float", o->keep_float, "Layers that stay float, by name; * stands for any text");
  c->add_flag("--per-tensor", o->per_tensor,
              "One scale for each weight tensor instead of one for each output channel");
  c->add_flag("--integer-io", o->integer_io, "The int8 model takes and gives int8 instead of float");
  c->add_option("--rounding", o->rounding,
                "Of integer layers: fp32, or as TFLite's kernels do: double, single")
      ->check(CLI::IsMember(keys(roundings)))
      ->capture_default_str();
  o->source.add_to(*c);
  o->images.add_to(*c);
  add_threads(*c, o->threads);
  c->callback([o] { quantize_command(*o); });
}
