// Trains a small network on synthetic shapes, continues with quantization-aware training for int8 with 4-bit weights,
// and compares.
#include <cstdio>
#include <octet/io/shapes_dataset.hpp>
#include <octet/models/small_cnn.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/training/evaluate.hpp>
#include <octet/training/examples.hpp>
#include <octet/training/qat.hpp>
#include <octet/training/trainer.hpp>

using namespace octet;

namespace {

/// Synthetic shapes with pixels in [0, 1]. Other seeds give other images.
ImageExamples shapes(std::int64_t count, std::uint64_t seed) {
  Preprocessing preprocessing;
  preprocessing.normalization = normalization("unit");
  return ImageExamples(std::make_shared<ShapesDataset>(count, seed), preprocessing, 28, 28, 1);
}

Model trained(const Model& model, const Examples& examples, std::int64_t epochs, double rate) {
  TrainingOptions options;
  options.learning_rate = cosine_rate(rate);
  options.progress = false;
  Trainer trainer(model, options);
  trainer.fit(examples, epochs);
  return trainer.model();
}

void print(const char* name, const Model& model, const Examples& held_out) {
  std::printf("%-30s %.1f %%\n", name, 100 * evaluate(model, held_out).accuracy);
}

}  // namespace

int main() {
  const ImageExamples learned = shapes(3000, 1), held_out = shapes(1000, 2);
  const Model model = trained(small_cnn(), learned, 4, 3e-3);
  print("float", model, held_out);

  QatConfig config;
  config.weight_bits = 4;
  const Model qat = trained(prepare_qat(model, config), learned, 2, 1e-3);
  print("int8, weights of 4 bits (QAT)", convert(qat), held_out);
}
