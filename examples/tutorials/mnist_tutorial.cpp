/// Trains a small network on MNIST for one epoch, quantizes it, and continues with quantization-aware training for
/// int8.
#include <octet/models/small_cnn.hpp>

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
  const Tutorial tutorial{"mnist_tutorial",
                          "Trains a small network on MNIST, quantizes it, and trains it quantization-aware for int8.",
                          "Folder with the four IDX files of MNIST, optionally gzipped",
                          "mnist-report",
                          open_mnist_data,
                          recipe};
  return run_tutorial(tutorial, argc, argv);
}
