/// A short demonstration: trains a small network, quantizes it, and continues with quantization-aware training for
/// int8.
#include <octet/io/shapes_dataset.hpp>
#include <octet/models/small_cnn.hpp>

#include "../common/program.hpp"
#include "common/study.hpp"

using namespace octet;

namespace {

/// Synthetic images of shapes, for which no files are needed.
TutorialData shapes(const TutorialOptions& o) {
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
  CLI::App app("Trains a small network on synthetic images of shapes, MNIST or Fashion-MNIST, and quantizes it.",
               "demo");
  TutorialOptions o;
  o.add_to(app, "Folder with the four IDX files of MNIST or Fashion-MNIST. Default: synthetic images of shapes",
           "demo-report");
  return run_program(app, argc, argv, [&] {
    const ComparisonResult r = study(o, o.data.empty() ? shapes(o) : open_mnist_data(o), recipe(), o.out);
    print(r);
    write_results(r, o.out);
  });
}
