#include "study.hpp"

#include <iostream>
#include <octet/training/qat.hpp>
#include "../../report/advice.hpp"
#include "../../report/html.hpp"
#include "../../report/json.hpp"

#include "../../common/files.hpp"
#include "../../common/program.hpp"
#include "../../common/progress.hpp"
#include "recorder.hpp"

using namespace octet;

void TutorialOptions::add_to(CLI::App& app, const std::string& data_help, const std::string& default_out) {
  out = default_out;
  const CLI::Range count(std::int64_t{0}, std::int64_t{1'000'000'000});
  app.add_option("--data", data, data_help);
  app.add_option("--out", out, "Folder for report.html, results.json and the models")->capture_default_str();
  app.add_option("--epochs", epochs, "Epochs of the float training (0: the default of the tutorial)")->check(count);
  app.add_option("--qat-epochs", qat_epochs, "Epochs of quantization-aware training (0: the default of the tutorial)")
      ->check(count);
  app.add_option("--limit", limit, "Largest number of training images, and of test images (0: all)")->check(count);
  app.add_option("--runs", runs, "Number of timed runs per model (0: about two seconds)")->check(count);
  app.add_option("--threads", threads, "Number of threads (0: one per processor)")
      ->check(CLI::Range(0, ThreadPool::max_threads));
  app.add_flag("--distill", distill, "Quantization-aware training also learns from the float model's outputs");
  app.add_flag("--force", force, "Overwrite existing files even if octet did not write them");
}

TrainingOptions TutorialOptions::taught_by(const Model& float_model, TrainingOptions how) const {
  if (distill) how.distillation.teacher = std::make_shared<const Model>(float_model);
  return how;
}

DatasetPtr limited(const DatasetPtr& images, std::int64_t limit) {
  return limit > 0 && limit < images->size() ? std::make_shared<Subset>(images, 0, limit) : images;
}

TutorialData open_mnist_data(const TutorialOptions& o) {
  require(!o.data.empty(),
          "the data folder is required: use --data with a folder that has train-images-idx3-ubyte, "
          "train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, optionally gzipped (.gz)");
  const DataSplit all = open_mnist(o.data);
  return {o.data, {limited(all.training, o.limit), limited(all.test, o.limit)}};
}

namespace {

/// Creates the output folder and checks that all output files can be written.
std::string checked_folder(const TutorialOptions& options, std::string folder, const std::vector<std::string>& forms,
                           const std::string& read) {
  make_folder(folder);
  OutputCheck check({options.data, read}, options.force);
  check.writes(folder + "/report.html", FileKind::report);
  check.writes(folder + "/results.json", FileKind::results);
  for (const char* name : {"float", "dynamic_range", "float16", "int8"})
    check.writes(folder + "/" + name + ".octet", FileKind::model);
  for (const std::string& name : forms) check.writes(folder + "/" + name + ".octet", FileKind::model);
  check.writes(folder + "/float32.checkpoint", FileKind::checkpoint);
  for (const std::string& name : forms) check.writes(folder + "/" + name + ".checkpoint", FileKind::checkpoint);
  return folder;
}

}  // namespace

Study::Study(const TutorialOptions& options, TutorialData data, const Model& any_model, std::string folder,
             const std::vector<std::string>& forms, const std::string& read)
    : options_(options),
      data_(std::move(data)),
      folder_(checked_folder(options, std::move(folder), forms, read)),
      input_(any_model),
      pool_(options.threads > 0 ? std::make_shared<ThreadPool>(options.threads) : default_pool()),
      training_(examples(data_.images.training, data_.spare)),
      test_(examples(data_.images.test, 0)) {}

ImageExamples Study::examples(const DatasetPtr& images, std::int64_t spare) const {
  Preprocessing p = data_.preprocessing();
  if (spare > 0) p.crop = 1;  // so that evaluation uses a center crop of the model's size
  return {images, p, input_.height() + spare, input_.width() + spare, input_.channels(), std::size_t{1} << 30, *pool_};
}

Trained Study::train(const std::string& name, const std::string& title, const Model& model, TrainingOptions how,
                     std::int64_t epochs, bool resumes) const {
  std::cout << title << ": " << epochs << (epochs == 1 ? " epoch" : " epochs") << " of " << training_.size()
            << " images\n"
            << std::flush;
  how.pool = pool_;
  if (resumes) {
    how.checkpoint = folder_ + "/" + name + ".checkpoint";
    how.checkpoint_steps = 200;
  }
  if (isatty(fileno(stderr)) == 0)  // not a terminal: no progress bar, so a line per epoch
    how.on_epoch = [](const EpochReport& e) {
      std::cout << "  epoch " << e.epoch << "/" << e.epochs << "  loss " << report::fixed(e.loss, 4) << "  accuracy "
                << report::percent(e.accuracy) << "  held out: " << report::percent(e.validation->accuracy) << "  "
                << report::significant(e.seconds) << " s\n"
                << std::flush;
    };
  Recorder recorder(epochs);
  Model start = model;
  start.metadata["preprocess"] = data_.normalization;  // for `octet run`
  Trainer trainer(start, recorder.listening(how));
  if (trainer.resume()) std::cout << "  " << trainer.history().size() << " epochs are already done\n" << std::flush;
  trainer.fit(training_, epochs, test_);
  Trained t{trainer.model(), {name, title, 0, recorder.points(trainer.history())}};
  for (const EpochReport& e : trainer.history()) t.history.seconds += e.seconds;
  return t;
}

Trained Study::train_for_int8(const std::string& name, const std::string& title, const Model& float_model,
                              const TrainingOptions& how, std::int64_t epochs, bool resumes) const {
  return train(name, title, prepare_qat(float_model), how, epochs, resumes);
}

ComparisonResult Study::compare(const Trained& float_model, const std::vector<Trained>& for_int8) const {
  CompareOptions c;
  c.preprocessing = data_.preprocessing();
  c.preprocessing_name = data_.normalization;
  c.threads = options_.threads;
  c.runs = options_.runs;
  c.directory = folder_;
  Progress progress;
  c.progress = [&](const std::string& stage, std::int64_t done, std::int64_t total) { progress(stage, done, total); };
  for (const Trained& t : for_int8)
    c.further.push_back({t.history.name, t.history.title, [&t] { return convert(t.model); }});
  save(float_model.model, folder_ + "/float.octet");
  ComparisonResult r =
      report::compare_with_advice(float_model.model, data_.images.test, limited(data_.images.training, 500), c);
  progress.clear();
  r.data = data_.name;
  r.parameters = parameter_count(float_model.model);
  r.training.push_back(float_model.history);
  for (const Trained& t : for_int8) r.training.push_back(t.history);
  return r;
}

ComparisonResult study(const TutorialOptions& options, const TutorialData& data, const Recipe& recipe,
                       const std::string& folder) {
  const Study s(options, data, recipe.model, folder, {"int8_qat"});
  const auto epochs = [](std::int64_t given, std::int64_t usual) { return given > 0 ? given : usual; };
  const Trained trained =
      s.train("float32", "Float", recipe.model, recipe.training, epochs(options.epochs, recipe.epochs), recipe.resumes);
  const Trained for_int8 =
      s.train_for_int8("int8_qat", "Int8 (QAT)", trained.model, options.taught_by(trained.model, recipe.qat),
                       epochs(options.qat_epochs, recipe.qat_epochs), recipe.resumes);
  return s.compare(trained, {for_int8});
}

int run_tutorial(const Tutorial& tutorial, int argc, char** argv) {
  CLI::App app(tutorial.help, tutorial.name);
  TutorialOptions o;
  o.add_to(app, tutorial.data_help, tutorial.out);
  return run_program(app, argc, argv, [&] {
    const ComparisonResult r = study(o, tutorial.data(o), tutorial.recipe(), o.out);
    print(r);
    write_results(r, o.out);
  });
}

std::int64_t parameter_count(const Model& model) {
  std::int64_t n = 0;
  for (const Value& v : model.values)
    if (v.is_constant() && is_floating(v.dtype)) n += v.constant.size();
  return n;
}

void print(const ComparisonResult& r) {
  std::cout << "\n"
            << r.model << ", " << r.parameters << " parameters, " << r.images << " images of " << r.data << "\n"
            << r.machine << "\n\n"
            << report::comparison_table(r).str() << "\n"
            << std::flush;
}

void write_results(const ComparisonResult& r, const std::string& folder) {
  write_results(report::json_text(report::to_json(r)), report::html_report(r), folder);
}

void write_results(const std::string& json, const std::string& html, const std::string& folder) {
  write_file(folder + "/results.json", json);
  write_file(folder + "/report.html", html);
  std::cout << "report: " << folder << "/report.html\n";
}
