#include <algorithm>
#include <filesystem>
#include <iostream>
#include <octet/data/input_set.hpp>
#include <octet/data/npy.hpp>
#include <octet/io/image.hpp>
#include "../report/advice.hpp"

#include "commands.hpp"
#include "common.hpp"
#include "tensors.hpp"

using namespace octet;

namespace {

struct RunArguments {
  std::string model, save;
  std::vector<std::string> files, inputs;
  int top = 5, threads = 0;
  bool force = false;
  std::optional<Rounding> rounding;
  ImageOptions images;
  DataOptions source;
};

/// Warns, once, if an image is far from the range that the model was calibrated for.
class RangeCheck {
 public:
  RangeCheck(const Model& model, const Preprocessing& p)
      : calibrated_(report::calibrated_input_range(model)), recipe_(report::recipe_range(p.normalization)) {}

  void see(const Tensor<float>& x) {
    if (!calibrated_) return;
    const auto [low, high] = std::minmax_element(x.begin(), x.end());
    // A single dark or bright image is not a reason to warn.
    const Range seen{std::min(*low, recipe_.low), std::max(*high, recipe_.high)};
    const auto warning = report::input_range_warning(seen, *calibrated_);
    if (!warning) return;
    std::cerr << "octet: warning: " << *warning << "\n";
    calibrated_.reset();
  }

 private:
  std::optional<Range> calibrated_;
  Range recipe_;
};

void classify(const RunArguments& o) {
  const Model model = open_model(o.model, o.rounding);
  const ImageInput input(model, o.images.size);
  const Labels labels = o.source.labels_of(model, output_classes(model, input));
  const Preprocessing p = o.images.preprocessing(model, input);
  RangeCheck range(model, p);
  Executor run(model, with_threads(o.threads));
  for (const std::string& file : o.files) {
    const Tensor<float> x = input.prepare(load_image(file), p);
    const Tensor<float> y = run(x);
    report::TextTable table({file, "probability"});
    for (const Prediction& best : decode_predictions(y, labels, o.top))
      table.add({std::to_string(best.index) + " " + best.name, report::percent(best.probability)});
    std::cout << table.str() << "\n";
    range.see(x);
  }
  o.images.note(model, input);
}

/// Runs on tensors, or on one image, and prints and saves the outputs.
void run_tensors(const RunArguments& o) {
  const Model model = open_model(o.model, o.rounding, true);
  std::vector<AnyTensor> inputs;
  std::vector<std::string> read{o.model}, outputs;
  if (o.files.empty()) {
    inputs = read_inputs(model, o.inputs);
    for (const std::string& file : input_files(model, o.inputs)) read.push_back(file);
  } else {
    const ImageInput input(model, o.images.size);
    const Preprocessing p = o.images.preprocessing(model, input);
    const Tensor<float> x = input.prepare(load_image(o.files[0]), p);
    o.images.note(model, input);
    RangeCheck(model, p).see(x);
    inputs = {as_input(model.value(model.inputs[0]), x)};
    read.push_back(o.files[0]);
  }
  if (!o.save.empty()) {
    outputs = output_files(model, o.save);
    make_folder(o.save);
    OutputCheck check(read, o.force);
    for (const std::string& file : outputs) check.writes(file, FileKind::tensor);
  }
  Executor run(model, with_threads(o.threads));
  const std::vector<AnyTensor> results = run.run(inputs);
  std::cout << output_table(model, results);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    save_npy(outputs[i], results[i]);
    std::cout << (i == 0 ? "\n" : "") << outputs[i] << "\n";
  }
}

/// --input A.npy B.npy: what follows the first one is not an image.
void take_inputs(RunArguments& o) {
  const auto is_input = [](const std::string& file) {
    const std::string end = std::filesystem::path(file).extension().string();
    return end == ".npy" || end == ".npz";
  };
  if (o.inputs.empty() || !std::all_of(o.files.begin(), o.files.end(), is_input)) return;
  o.inputs.insert(o.inputs.end(), o.files.begin(), o.files.end());
  o.files.clear();
}

void run_command(RunArguments o, const CLI::App& command) {
  take_inputs(o);
  require(o.files.empty() != o.inputs.empty(),
          o.files.empty() ? "images or --input FILE.npy are required" : "images and --input cannot be given together");
  if (!o.inputs.empty()) {
    o.images.require_unused("tensors (--input) are not preprocessed");
    require_not_given(command, {"--top", "--labels"}, "--input prints the outputs, not classes");
  } else if (!o.save.empty()) {
    require(o.files.size() == 1, "--save: expected one image, found ", o.files.size());
    require_not_given(command, {"--top", "--labels"}, "--save prints and writes the outputs, not classes");
  }
  if (o.save.empty()) require_not_given(command, {"--force"}, "nothing is written without --save");
  if (o.inputs.empty() && o.save.empty()) return classify(o);
  run_tensors(o);
}

}  // namespace

void add_run(CLI::App& app) {
  auto o = std::make_shared<RunArguments>();
  CLI::App* c = app.add_subcommand(
      "run", "Runs a model: classifies images and prints the most probable classes, or saves the outputs for tensors");
  c->add_option("model", o->model, ".onnx, .tflite or .octet file, or builtin:NAME")->required();
  c->add_option("images", o->files, "JPEG, PNG or BMP files");
  c->add_option("--input", o->inputs,
                "FILE.npy or NAME=FILE.npy for each input of the model, one after another, or FILE.npz with arrays "
                "named after inputs; in the types and the layout of the model's file (ONNX: [N, C, H, W])")
      ->allow_extra_args(false);
  c->add_option("--save", o->save, "Write every output to this folder, as NAME.npy (with one image or --input)");
  add_force(*c, o->force);
  c->add_option("--top", o->top, "Number of classes to print")->check(CLI::Range(1, 1000))->capture_default_str();
  c->add_option("--labels", o->source.labels,
                "File with the model's classes: one name per line, index:name lines, or a CSV file");
  o->images.add_to(*c);
  add_threads(*c, o->threads);
  add_rounding(*c, o->rounding);
  c->callback([o, c] { run_command(*o, *c); });
}
