/// Trains a small network on MNIST for one epoch, quantizes it, and continues with quantization-aware training for
/// int8.
#include <octet/models/small_cnn.hpp>

#include "../common/program.hpp"
#include "common/study.hpp"

using namespace octet;

namespace {

/// As in TensorFlow's tutorials: one convolution with 12 filters, one dense layer, Adam, one epoch.
Recipe recipe() {
  Recipe r;
  r.model = small_cnn();
  r.training.learning_rate = 1e-3;
  r.training.batch = 32;
  r.qat = r.training;
  return r;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains a small network on MNIST, quantizes it, and trains it quantization-aware for int8.",
               "mnist_tutorial");
  TutorialOptions o;
  o.add_to(app, "Folder with the four IDX files of MNIST, optionally gzipped", "mnist-report");
  return run_program(app, argc, argv, [&] {
    const ComparisonResult r = study(o, open_mnist_data(o), recipe(), o.out);
    print(r);
    write_results(r, o.out);
  });
}
