#include <iostream>
#include <octet/io/image.hpp>
#include "../report/advice.hpp"

#include "commands.hpp"
#include "common.hpp"

using namespace octet;

namespace {

struct RunArguments {
  std::string model;
  std::vector<std::string> files;
  int top = 5, threads = 0;
  std::optional<Rounding> rounding;
  ImageOptions images;
  DataOptions source;
};

void run_command(const RunArguments& o) {
  const Model model = open_model(o.model, o.rounding);
  const ImageInput input(model, o.images.size);
  const Labels labels = o.source.load_labels(output_classes(model, input));
  const Preprocessing p = o.images.preprocessing(model, input);
  const auto calibrated = report::calibrated_input_range(model);
  Executor run(model, with_threads(o.threads));
  bool warned = false;
  for (const std::string& file : o.files) {
    const Tensor<float> x = input.prepare(load_image(file), p);
    const Tensor<float> y = run(x);
    report::TextTable table({file, "probability"});
    for (const Prediction& best : decode_predictions(y, labels, o.top))
      table.add({std::to_string(best.index) + " " + best.name, report::percent(best.probability)});
    std::cout << table.str() << "\n";
    const auto [low, high] = std::minmax_element(x.begin(), x.end());
    // A single dark or bright image is not a reason to warn.
    const Range seen{std::min(*low, report::recipe_range(p.normalization).low),
                     std::max(*high, report::recipe_range(p.normalization).high)};
    if (const auto w = calibrated && !warned ? report::input_range_warning(seen, *calibrated) : std::nullopt) {
      std::cerr << "octet: warning: " << *w << "\n";
      warned = true;
    }
  }
}

}  // namespace

void add_run(CLI::App& app) {
  auto o = std::make_shared<RunArguments>();
  CLI::App* c =
      app.add_subcommand("run", "Classifies images and prints the most probable classes with their probabilities");
  c->add_option("model", o->model, ".onnx, .tflite or .octet file, or builtin:NAME")->required();
  c->add_option("images", o->files, "JPEG, PNG or BMP files")->required();
  c->add_option("--top", o->top, "Number of classes to print")->check(CLI::Range(1, 1000))->capture_default_str();
  c->add_option("--labels", o->source.labels,
                "File with the model's classes: one name per line, index:name lines, or a CSV file");
  o->images.add_to(*c);
  add_threads(*c, o->threads);
  add_rounding(*c, o->rounding);
  c->callback([o] { run_command(*o); });
}
