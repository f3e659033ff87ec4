// Classifies a photo: classify MODEL IMAGE [LABELS [PREPROCESSING]].
// Without arguments: classifies a synthetic shape with a small network, whose last layer is fitted first.
#include <cstdio>
#include <octet/io/image.hpp>
#include <octet/io/image_input.hpp>
#include <octet/io/labels.hpp>
#include <octet/io/load.hpp>
#include <octet/io/shapes_dataset.hpp>
#include <octet/models/fit_classifier.hpp>
#include <octet/models/small_cnn.hpp>
#include <octet/runtime/executor.hpp>

using namespace octet;

namespace {

Labels shape_names() {
  Labels names;
  for (const char* name : ShapesDataset::class_names()) names.set(names.size(), name);
  return names;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const bool own = argc > 2;
    Preprocessing preprocessing;
    preprocessing.normalization = normalization(argc > 4 ? argv[4] : own ? "tf" : "unit");
    SmallCnnOptions small;
    small.filters = 6;
    const Model model = own ? load(argv[1]) : fit_classifier(small_cnn(small), ShapesDataset(2000), preprocessing);
    const Tensor<uint8> photo = own ? load_image(argv[2]) : ShapesDataset(10, 7).image(3);
    const Labels labels = argc > 3 ? load_labels(argv[3]) : own ? Labels() : shape_names();

    const ImageInput input(model);  // size, channels and layout of the model's input
    Executor run(model);
    const Tensor<float> scores = run(input.prepare(photo, preprocessing));
    for (const Prediction& p : decode_predictions(scores, labels.fitted(scores.size()), 3))
      std::printf("%5.1f %%  %s\n", 100 * p.probability, p.name.c_str());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "classify: %s\n", e.what());
    return 1;
  }
}
