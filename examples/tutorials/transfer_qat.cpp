/// Transfer learning of a pretrained network: trains a new last layer on a frozen backbone, quantizes the result, and
/// trains the whole network quantization-aware for int8.
#include <octet/io/image_files.hpp>
#include <octet/io/load.hpp>
#include <octet/models/classifier.hpp>

#include "../common/program.hpp"
#include "../common/text.hpp"
#include "common/study.hpp"

using namespace octet;

namespace {

/// Opens class folders: DIR/train (or DIR/calibration) for training and DIR/val for testing.
TutorialData open_class_data(const TutorialOptions& o, const std::string& normalization) {
  const std::filesystem::path folder(o.data);
  const auto is_folder = [](const std::filesystem::path& p) {
    std::error_code error;
    return std::filesystem::is_directory(p, error);
  };
  const auto training = is_folder(folder / "train") ? folder / "train" : folder / "calibration", test = folder / "val";
  for (const auto& part : {training, test})
    require<FormatError>(is_folder(part), "folder '", part.string(), "' does not exist; '", o.data,
                         "' has to contain train (or calibration) and val, both with one subfolder of images "
                         "per class");
  DataSplit images{open_class_folders(training.string()), open_class_folders(test.string())};
  require<FormatError>(images.training->classes() == images.test->classes(), "'", test.string(), "': expected ",
                       images.training->classes(), " class folders, as in '", training.string(), "', found ",
                       images.test->classes());
  return {o.data, {limited(images.training, o.limit), limited(images.test, o.limit)}, normalization, 32};
}

/// The names of all layers except the classifier.
std::vector<std::string> backbone_layers(const Model& model) {
  std::vector<std::string> names;
  for (const Node& n : model.nodes)
    if (n.name != "classifier") names.push_back(n.name);
  return names;
}

/// `read`: the file of the pretrained model.
ComparisonResult transfer(const TutorialOptions& o, const TutorialData& data, const Model& pretrained,
                          const std::string& read) {
  const Model start = with_new_classifier(pretrained, data.images.training->classes());
  TrainingOptions all;
  all.batch = 16;
  all.augmentation.flip = true;
  TrainingOptions head = all, from_start = all;
  head.freeze = backbone_layers(start);
  head.learning_rate = cosine_rate(2e-3);
  all.learning_rate = cosine_rate(5e-6).warmed_up(0.5);
  from_start.learning_rate = cosine_rate(1e-4).warmed_up(1);
  const std::int64_t epochs = o.epochs > 0 ? o.epochs : 10, qat_epochs = o.qat_epochs > 0 ? o.qat_epochs : 5;
  all.observer_epochs = from_start.observer_epochs = std::max<std::int64_t>(1, qat_epochs - 1);
  // The statistics of pretraining are better than those of a few images.
  all.statistics_epochs = from_start.statistics_epochs = 1;

  const Study s(o, data, start, o.out, {"int8_qat", "int8_qat_scratch"}, read);
  const Trained trained = s.train("float32", "Float, backbone frozen", start, head, epochs, true);
  const Trained tuned =
      s.train_for_int8("int8_qat", "Int8 (QAT)", trained.model, o.taught_by(trained.model, all), qat_epochs, true);
  const Trained scratch =
      s.train_for_int8("int8_qat_scratch", "Int8 (QAT scratch)", start, from_start, qat_epochs, true);
  return s.compare(trained, {tuned, scratch});
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Transfer learning: trains a pretrained network on class folders, in float and quantization-aware for int8.",
      "transfer_qat");
  TutorialOptions o;
  std::string model, normalization = "tf";
  app.add_option("--model", model, "Pretrained .onnx, .tflite or .octet file that ends in a fully connected layer");
  app.add_option("--preprocess", normalization, "Normalization of pixels")
      ->check(CLI::IsMember(normalization_names()))
      ->capture_default_str();
  o.add_to(app, "Folder with train (or calibration) and val, both with one subfolder of images per class",
           "transfer-report");
  return run_program(app, argc, argv, [&] {
    require(!model.empty(), "the pretrained model is required: use --model with an .onnx, .tflite or .octet file");
    require(!o.data.empty(),
            "the data folder is required: use --data with a folder that contains train (or calibration) and "
            "val, both with one subfolder of images per class");
    Model pretrained = load(model);
    pretrained.name = std::filesystem::path(model).stem().string();
    const ComparisonResult r = transfer(o, open_class_data(o, normalization), pretrained, model);
    print(r);
    write_results(r, o.out);
  });
}
