/// Quantization-aware training of a trained classifier, on any data set that octet reads, with weights and activations
/// of 8 or 4 bits.
#include <iostream>
#include <octet/io/dataset.hpp>
#include <octet/io/image_input.hpp>
#include <octet/io/load.hpp>
#include <octet/io/open_dataset.hpp>
#include <octet/training/evaluate.hpp>
#include <octet/training/likeness.hpp>
#include <octet/training/qat.hpp>
#include <octet/training/reestimate_batch_norm.hpp>
#include <octet/training/trainer.hpp>

#include <octet/comparison/evaluation.hpp>
#include "../common/files.hpp"
#include "../common/program.hpp"
#include "../common/text.hpp"
#include "../report/table.hpp"

using namespace octet;

namespace {

struct Options {
  std::string model, start, data, test, alike, out, normalization = "torch", optimizer = "sgd";
  QatConfig qat;
  TrainingOptions training;
  std::int64_t epochs = 3, limit = 0, held_out = 1000, reestimated = 0;
  double rate = 0.01, weight_decay = 1e-4;
  bool observed = false, distill = false, frozen_statistics = false, force = false;

  void add_to(CLI::App& app) {
    const CLI::Range count(std::int64_t{0}, std::int64_t{1'000'000'000});
    app.add_option("--model", model, "Float .onnx, .tflite or .octet classifier");
    app.add_option("--start", start,
                   "Starts from this integer model of the same network, such as one of octet quantize --round fast");
    app.add_option("--data", data, "Training images: a folder, a csv, or an IDX or CIFAR file");
    app.add_option("--test", test, "Test images, looked at once, at the end (empty: none)");
    app.add_option("--alike", alike,
                   "Other images, labelled or not, on which the result is compared with the float model at the end");
    app.add_option("--out", out, "Writes the integer model to this .octet file");
    app.add_option("--preprocess", normalization, "Normalization of pixels")
        ->check(CLI::IsMember(normalization_names()))
        ->capture_default_str();
    app.add_option("--weight-bits", qat.weight_bits, "8 or 4; 0: those that the layers of --start have")
        ->capture_default_str();
    app.add_option("--activation-bits", qat.activation_bits, "8 or 4")->capture_default_str();
    app.add_flag("--observed", observed, "Observes ranges instead of learning scales and zero points");
    app.add_option("--first-last-bits", qat.first_last_bits,
                   "8 or 4: bits of the first and last layer; 0: those of all layers")
        ->capture_default_str();
    app.add_flag("--keep-first-float", qat.keep_first_float, "The first layer with weights stays float");
    app.add_flag("--keep-last-float", qat.keep_last_float, "The last layer with weights stays float");
    app.add_flag("--distill", distill, "Learns from the float model's outputs, too");
    app.add_option("--temperature", training.distillation.temperature, "Temperature of both softmaxes in distillation")
        ->capture_default_str();
    app.add_option("--teacher-weight", training.distillation.weight, "Share of the float model in the loss")
        ->capture_default_str();
    app.add_option("--damping", training.oscillation_damping, "Factor of the damping of oscillating weights")
        ->capture_default_str();
    app.add_option("--freezing", training.oscillation_freezing.threshold,
                   "Freezes weights that oscillate more often than this in the first step, such as 0.04; 0: none")
        ->capture_default_str();
    app.add_option("--epochs", epochs, "Number of epochs")->check(count)->capture_default_str();
    app.add_option("--statistics-epochs", training.statistics_epochs,
                   "Then batch normalization stays as it is; 0: never")
        ->check(count);
    app.add_flag("--frozen-statistics", frozen_statistics, "Batch normalization keeps its statistics from the start");
    app.add_option("--reestimate", reestimated,
                   "Computes them again after training, from this number of training images")
        ->check(count);
    app.add_option("--optimizer", optimizer, "sgd (with a momentum of 0.9) or adam")
        ->check(CLI::IsMember({"sgd", "adam"}))
        ->capture_default_str();
    app.add_option("--rate", rate, "Learning rate of the first step, falling to 0 along a cosine")
        ->capture_default_str();
    app.add_option("--weight-decay", weight_decay, "L2 penalty")->capture_default_str();
    app.add_option("--batch", training.batch, "Images in a step")->check(count)->capture_default_str();
    app.add_option("--shift", training.augmentation.shift, "Shifts images by up to this number of pixels")
        ->check(count);
    app.add_flag("--flip", training.augmentation.flip, "Mirrors images");
    app.add_option("--fill", training.augmentation.fill, "Value of pixels from outside, after normalization");
    app.add_option("--seed", training.seed, "Seed of the order of images and of their changes")->capture_default_str();
    app.add_option("--limit", limit, "Largest number of training images (0: all)")->check(count);
    app.add_option("--held-out", held_out, "The last training images, measured after each epoch instead")
        ->check(count)
        ->capture_default_str();
    app.add_option("--checkpoint", training.checkpoint, "File from which an interrupted run continues");
    app.add_option("--threads", training.threads, "Number of threads (0: one per processor)")
        ->check(CLI::Range(0, ThreadPool::max_threads));
    app.add_flag("--force", force, "Overwrite existing files even if octet did not write them");
  }
};

/// The images in the size that the model takes.
ImageExamples examples(const DatasetPtr& images, const Model& model, const std::string& normalization) {
  const ImageInput input(model);
  return {images, {{}, {}, octet::normalization(normalization)}, input.height(), input.width(), input.channels()};
}

void print(const EpochReport& e) {
  std::cout << "epoch " << e.epoch << "/" << e.epochs << "  loss " << report::fixed(e.loss, 4) << "  accuracy "
            << report::percent(e.accuracy);
  if (e.validation)
    std::cout << "  held out: loss " << report::fixed(e.validation->loss, 4) << "  accuracy "
              << report::percent(e.validation->accuracy);
  std::cout << "  " << report::significant(e.seconds) << " s\n" << std::flush;
}

void run(Options o) {
  for (const auto& [name, value] : {std::make_pair("--model", &o.model), {"--data", &o.data}})
    require(!value->empty(), name, " is required");
  if (!o.out.empty()) OutputCheck({o.model, o.start, o.data, o.test, o.alike}, o.force).writes(o.out, FileKind::model);
  if (!o.training.checkpoint.empty())
    OutputCheck({o.model, o.start, o.data, o.test, o.alike}, o.force)
        .writes(o.training.checkpoint, FileKind::checkpoint);
  const Model model = load(o.model);
  const DatasetPtr images = open_dataset(o.data);
  const std::int64_t all = o.limit > 0 ? std::min(o.limit, images->size()) : images->size();
  require(o.held_out < all, "expected fewer held-out images than the ", all, " training images, found ", o.held_out);
  const ImageExamples learned = examples(std::make_shared<Subset>(images, 0, all - o.held_out), model, o.normalization);
  o.qat.learned_scales = !o.observed;
  o.training.optimizer = o.optimizer == "adam" ? adamw(o.weight_decay) : sgd(0.9, o.weight_decay);
  o.training.learning_rate = cosine_rate(o.rate);
  o.training.on_epoch = print;
  if (o.distill) o.training.distillation.teacher = std::make_shared<const Model>(model);
  Trainer trainer(prepare_qat(o.start.empty() ? model : load(o.start), o.qat), o.training);
  if (trainer.resume()) std::cout << trainer.history().size() << " epochs are already done\n";
  if (o.frozen_statistics) trainer.freeze_statistics();
  std::optional<ImageExamples> held_out;
  if (o.held_out > 0)
    held_out.emplace(examples(std::make_shared<Subset>(images, all - o.held_out, o.held_out), model, o.normalization));
  trainer.fit(learned, o.epochs, held_out ? &*held_out : nullptr);
  Model trained = trainer.model();
  if (o.reestimated > 0) {
    ReestimationOptions r;
    r.most_examples = o.reestimated;
    r.augmentation = o.training.augmentation;
    r.threads = o.training.threads;
    trained = reestimate_batch_norm(trained, learned, r);
    if (held_out) {
      const Evaluation e = evaluate(trained, *held_out);
      std::cout << "statistics computed again  held out: loss " << report::fixed(e.loss, 4) << "  accuracy "
                << report::percent(e.accuracy) << "\n";
    }
  }
  const Model integers = convert(trained);
  if (!o.out.empty()) save(integers, o.out);
  if (!o.alike.empty()) {
    DatasetOptions unlabelled;
    unlabelled.with_labels = false;
    const ImageExamples others = examples(open_dataset(o.alike, unlabelled), model, o.normalization);
    const Likeness l = likeness(integers, model, others);
    std::cout << others.size() << " other images: agreement with float " << report::percent(l.agreement)
              << "  divergence " << report::fixed(l.divergence, 4) << "\n";
  }
  if (o.test.empty()) return;
  const ImageExamples test = examples(open_dataset(o.test), model, o.normalization);
  report::TextTable t({"", "Weights", "Activations", "Top-1, " + std::to_string(test.size()) + " images"});
  t.add({"float", "32 bits", "32 bits", report::percent(evaluate(model, test).accuracy)});
  t.add({"trained for integers",
         o.qat.weight_bits == 0 ? "those of --start" : std::to_string(o.qat.weight_bits) + " bits",
         std::to_string(o.qat.activation_bits) + " bits", report::percent(evaluate(integers, test).accuracy)});
  std::cout << t.str();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains a float classifier further for integers of 8 or 4 bits.", "fine_tune");
  Options o;
  o.add_to(app);
  return run_program(app, argc, argv, [&] { run(o); });
}
