/// Trains the small network on MNIST for one epoch, quantizes it in all ways, and trains it further for int8.
#include <octet/models/small_cnn.hpp>

#include "../common/program.hpp"
#include "common/study.hpp"

using namespace octet;

namespace {

/// One convolution of 12 filters, one dense layer, Adam, one epoch: as TensorFlow's tutorials have it.
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
  CLI::App app("Trains a small network on MNIST, quantizes it and trains it for int8.", "mnist_tutorial");
  TutorialOptions o;
  o.add_to(app, "Folder of MNIST's four idx files, gzipped or not", "mnist-report");
  return run_program(app, argc, argv, [&] {
    const ComparisonResult r = study(o, open_mnist_data(o), recipe(), o.out);
    print(r);
    write_results(r, o.out);
  });
}
