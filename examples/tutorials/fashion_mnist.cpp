/// Trains a small network, MobileNet and VGG16 on Fashion-MNIST, first in float, then quantization-aware for int8.
#include <iostream>
#include <octet/models/mobilenet.hpp>
#include <octet/models/small_cnn.hpp>
#include <octet/models/vgg.hpp>
#include "../report/html.hpp"
#include "../report/json.hpp"

#include "../common/files.hpp"
#include "../common/program.hpp"
#include "common/study.hpp"

using namespace octet;

namespace {

/// Shared options. Augmentation: flips and shifts.
Recipe recipe(Model model, const char* name) {
  Recipe r;
  r.model = std::move(model);
  r.model.name = name;
  r.resumes = true;
  r.training.augmentation.flip = true;
  r.training.augmentation.shift = 1;
  return r;
}

/// Quantization-aware training has a small learning rate and freezes ranges and statistics in its last epoch.
void train_for_int8(Recipe& r, std::int64_t epochs, double rate) {
  r.qat = r.training;
  r.qat.learning_rate = cosine_rate(rate);
  r.qat_epochs = epochs;
  r.qat.observer_epochs = r.qat.statistics_epochs = std::max<std::int64_t>(1, epochs - 1);
}

Recipe cnn() {
  Recipe r = recipe(small_cnn(), "cnn");
  r.training.optimizer = adamw(5e-4);
  r.training.learning_rate = cosine_rate(4e-3).warmed_up(0.5);
  r.epochs = 40;
  train_for_int8(r, 8, 5e-4);
  return r;
}

/// MobileNetV1 with a first stride of 1, so that its images are 28, 14, 7, 4 and 2 pixels wide.
Recipe mobilenet() {
  MobileNetOptions o;
  o.image_size = 28;
  o.channels = 1;
  o.classes = 10;
  o.first_stride = 1;
  Recipe r = recipe(mobilenet_v1(o), "mobilenet");
  r.training.optimizer = adamw(0.02);
  r.training.learning_rate = cosine_rate(3e-3).warmed_up(0.3);
  r.epochs = 10;
  train_for_int8(r, 2, 2e-4);
  return r;
}

/// VGG16 with batch normalization and small hidden layers instead of two with 4096 outputs.
Recipe vgg16() {
  VggOptions o;
  o.image_size = 28;
  o.channels = 1;
  o.classes = 10;
  o.batch_norm = true;
  o.hidden = 80;
  Recipe r = recipe(vgg(o), "vgg16");
  r.training.optimizer = adamw(0.02);
  r.training.learning_rate = cosine_rate(1e-3).warmed_up(0.3);
  r.training.batch = 128;
  r.epochs = 4;
  train_for_int8(r, 1, 5e-5);
  return r;
}

double top1(const ComparisonResult& r, const char* form) { return r.find(form)->top1.value(); }

/// A table with a row for each model.
report::TextTable overview(const std::vector<ComparisonResult>& results) {
  using report::megabytes;
  using report::percent;
  report::TextTable t({"Model", "Parameters", "Float", "Int8 (PTQ)", "Int8 (QAT)", "Float (MB)", "Int8 (MB)"});
  for (const ComparisonResult& r : results)
    t.add({r.model, std::to_string(r.parameters), percent(top1(r, "float32")), percent(top1(r, "int8")),
           percent(top1(r, "int8_qat")), megabytes(r.original().size_bytes),
           megabytes(r.find("int8_qat")->size_bytes)});
  return t;
}

nlohmann::ordered_json all_results(const std::vector<ComparisonResult>& results) {
  nlohmann::ordered_json models = nlohmann::ordered_json::array();
  for (const ComparisonResult& r : results) {
    nlohmann::ordered_json all = report::to_json(r);
    models.push_back({{"name", r.model},
                      {"parameters", r.parameters},
                      {"float_top1", top1(r, "float32")},
                      {"ptq_int8_top1", top1(r, "int8")},
                      {"qat_int8_top1", top1(r, "int8_qat")},
                      {"float_bytes", r.original().size_bytes},
                      {"int8_bytes", r.find("int8_qat")->size_bytes},
                      {"train_seconds", r.training[0].seconds},
                      {"qat_seconds", r.training[1].seconds},
                      {"variants", all["variants"]},
                      {"training", all["training"]}});
  }
  return {{"models", models}};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains networks on Fashion-MNIST, quantizes them, and trains them quantization-aware for int8.",
               "fashion_mnist");
  TutorialOptions o;
  std::string model = "all";
  app.add_option("--model", model, "cnn, mobilenet, vgg16 or all")
      ->check(CLI::IsMember({"cnn", "mobilenet", "vgg16", "all"}))
      ->capture_default_str();
  o.add_to(app, "Folder with the four IDX files of Fashion-MNIST, optionally gzipped", "fashion-report");
  return run_program(app, argc, argv, [&] {
    const TutorialData data = open_mnist_data(o);
    make_folder(o.out);
    OutputCheck check({o.data}, o.force);
    check.writes(o.out + "/report.html", FileKind::report);
    check.writes(o.out + "/results.json", FileKind::results);
    std::vector<ComparisonResult> results;
    for (const auto& [name, recipe_of] : {std::make_pair("cnn", cnn), {"mobilenet", mobilenet}, {"vgg16", vgg16}}) {
      if (model != "all" && model != name) continue;
      std::cout << name << "\n";
      results.push_back(study(o, data, recipe_of(), o.out + "/" + name));
      print(results.back());
      // After each model, since a run may take long.
      write_results(report::json_text(all_results(results)),
                    report::html_report("Fashion-MNIST", overview(results), results), o.out);
    }
    std::cout << "\n" << overview(results).str();
  });
}
