// Models in the files that octet writes for other runtimes, and what octet itself computes for the same images.
//
//   octet_bench_exported FOLDER MODEL DATA CALIBRATION RECIPE [--labels FILE] [--images N] [--forms int8,float,...]
//   [--qat]
//
// Writes into FOLDER: inputs.raw (float32, [N, H, W, C] as octet takes them), labels.txt (the right classes of each
// image), and for each form FORM.onnx, FORM.tflite, FORM.raw (octet's outputs), and octet's outputs of the files, with
// the rounding of each judge: FORM.onnx.raw, FORM.tflite.raw (LiteRT with XNNPACK) and FORM.tflite.builtin.raw
// (LiteRT's own kernels). exported_models.mjs runs the files with ONNX Runtime and LiteRT, and compares.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <octet/io/image_input.hpp>
#include <octet/io/labels.hpp>
#include <octet/io/load.hpp>
#include <octet/io/model_file.hpp>
#include <octet/io/open_dataset.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/executor.hpp>
#include <octet/training/examples.hpp>
#include <octet/training/qat.hpp>
#include <octet/training/trainer.hpp>

using namespace octet;

namespace {

struct Arguments {
  std::string folder, model, data, calibration, recipe, labels;
  std::int64_t images = 1000;
  std::vector<std::string> forms{"float", "fp16", "dynamic", "int8"};
  bool qat = false;
};

void write_floats(const std::string& path, const std::vector<Tensor<float>>& all) {
  std::ofstream out(path, std::ios::binary);
  for (const Tensor<float>& t : all)
    out.write(reinterpret_cast<const char*>(t.data()), static_cast<std::streamsize>(t.size() * 4));
}

void write_outputs(const std::string& path, const Model& model, const std::vector<Tensor<float>>& images) {
  Executor executor(model);
  std::vector<Tensor<float>> outputs;
  for (const Tensor<float>& x : images) outputs.push_back(executor(x));
  write_floats(path, outputs);
}

Model rounded(const std::string& path, Rounding rounding) {
  LoadOptions o;
  o.rounding = rounding;
  return load(path, o);
}

/// A model of int8 layers that is trained for it, for one epoch of the calibration data.
Model trained_for_int8(const Model& model, const DatasetPtr& images, const Preprocessing& p, const ImageInput& input) {
  const ImageExamples examples(images, p, input.height(), input.width(), input.channels());
  TrainingOptions o;
  o.learning_rate = cosine_rate(1e-4);
  o.progress = false;
  Trainer trainer(prepare_qat(model), o);
  trainer.fit(examples, 1);
  return convert(trainer.model());
}

void run(const Arguments& a) {
  const Model model = load(a.model);
  const ImageInput input(model);
  Preprocessing p;
  p.normalization = normalization(a.recipe);
  DatasetOptions labelled;
  if (!a.labels.empty()) {
    const Shape& scores = model.value(model.outputs[0]).shape;
    labelled.labels = load_labels(a.labels).fitted(scores.back());
  }
  const DatasetPtr data = open_dataset(a.data, labelled), other = open_dataset(a.calibration);
  const auto load_images = [&](const Dataset& from, std::int64_t most) {
    return input.load(from, 0, std::min(most, from.size()), p, *default_pool());
  };
  const std::vector<Tensor<float>> images = load_images(*data, a.images), some = load_images(*other, 200);
  std::filesystem::create_directories(a.folder);
  const auto file = [&](const std::string& name) { return (std::filesystem::path(a.folder) / name).string(); };
  write_floats(file("inputs.raw"), images);
  std::ofstream classes(file("labels.txt"));
  for (std::size_t i = 0; i < images.size(); ++i) {
    for (std::int64_t label : data->labels(static_cast<std::int64_t>(i))) classes << label << " ";
    classes << "\n";
  }
  std::vector<std::pair<std::string, Model>> forms;
  if (a.qat) {
    forms.emplace_back("qat", trained_for_int8(model, other, p, input));
  } else {
    for (const std::string& f : a.forms)
      forms.emplace_back(f, f == "float"     ? model
                            : f == "fp16"    ? quantize<fp16>(model)
                            : f == "dynamic" ? quantize<dynamic_range>(model)
                                             : quantize<int8>(model, calibrate(model, some)));
  }
  for (const auto& [name, form] : forms) {
    std::vector<std::string> notes;
    SaveOptions o;
    o.notes = &notes;
    write_outputs(file(name + ".raw"), form, images);
    const bool integer = name == "int8" || name == "qat";
    save(form, file(name + ".onnx"), o);
    save(form, file(name + ".tflite"), o);
    write_outputs(file(name + ".onnx.raw"), load(file(name + ".onnx")), images);
    write_outputs(file(name + ".tflite.raw"), rounded(file(name + ".tflite"), Rounding::xnnpack), images);
    if (integer)
      write_outputs(file(name + ".tflite.builtin.raw"), rounded(file(name + ".tflite"), Rounding::litert), images);
    for (const std::string& note : notes) std::cerr << name << ": " << note << "\n";
    std::cout << name << " " << images.size() << " images\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes a model's forms as .onnx and .tflite files, with octet's outputs to compare with");
  Arguments a;
  app.add_option("folder", a.folder)->required();
  app.add_option("model", a.model)->required();
  app.add_option("data", a.data)->required();
  app.add_option("calibration", a.calibration)->required();
  app.add_option("recipe", a.recipe)->required()->check(CLI::IsMember(normalization_names()));
  app.add_option("--labels", a.labels);
  app.add_option("--images", a.images)->check(CLI::Range(1, 1000000));
  app.add_option("--forms", a.forms)->delimiter(',')->check(CLI::IsMember({"float", "fp16", "dynamic", "int8"}));
  app.add_flag("--qat", a.qat, "An int8 model trained for it, instead of the other forms");
  CLI11_PARSE(app, argc, argv);
  try {
    run(a);
  } catch (const std::exception& e) {
    std::cerr << "octet_bench_exported: " << e.what() << "\n";
    return 1;
  }
}
