/// A short demonstration: trains a small network, quantizes it, and continues with quantization-aware training for
/// int8.
#include <octet/io/shapes_dataset.hpp>
#include <octet/models/small_cnn.hpp>

#include "common/study.hpp"

using namespace octet;

namespace {

/// Synthetic images of shapes, for which no files are needed, unless a folder is given.
TutorialData data(const TutorialOptions& o) {
  if (!o.data.empty()) return open_mnist_data(o);
  const auto drawn = [&](std::int64_t n, std::uint64_t seed) {
    return std::make_shared<ShapesDataset>(o.limit > 0 ? std::min(o.limit, n) : n, seed, 1.25);
  };
  return {"builtin:shapes", {drawn(12000, 1), drawn(2000, 2)}};
}

Recipe recipe() {
  Recipe r;
  r.model = small_cnn();
  r.training.optimizer = adamw(5e-4);
  r.training.learning_rate = cosine_rate(4e-3).warmed_up(0.5);
  r.epochs = 10;
  r.qat = r.training;
  r.qat.learning_rate = cosine_rate(5e-4);
  r.qat_epochs = 3;
  return r;
}

}  // namespace

int main(int argc, char** argv) {
  const Tutorial tutorial{
      "demo",
      "Trains a small network on synthetic images of shapes, MNIST or Fashion-MNIST, and quantizes it.",
      "Folder with the four IDX files of MNIST or Fashion-MNIST. Default: synthetic images of shapes",
      "demo-report",
      data,
      recipe};
  return run_tutorial(tutorial, argc, argv);
}
