#pragma once
#include <octet/models/builder.hpp>
#include <octet/operators/all.hpp>
#include <octet/training/checkpoint.hpp>
#include <octet/training/examples.hpp>
#include <octet/training/trainer.hpp>

#include "support/random.hpp"

/// The model that calibrations, plans and checkpoints of the corpus are for, and its training.
namespace fuzzing {

using namespace octet;

inline Model tiny_model() {
  testing::Random random(1);
  const auto weights = [&](const Shape& s) {
    Tensor<float> t = Tensor<float>::uninitialized(s);
    random.fill(t.data(), t.size());
    return t;
  };
  Model g;
  g.name = "tiny";
  Convolution conv;
  conv.window = Window(3, 3, 1, 1);
  conv.activation = {0, 6};
  int x = g.add_input("image", {Shape::unknown, 4, 4, 2});
  x = g.add("conv", conv, {x, g.add_constant("conv.w", weights({4, 3, 3, 2})), g.add_constant("conv.b", weights({4}))});
  conv.window = Window(1, 1);
  conv.activation = {};
  const int branch = g.add("branch", conv, {x, g.add_constant("branch.w", weights({4, 1, 1, 4}))});
  x = g.add("add", Binary(BinaryKind::add), {x, branch});
  x = g.add("mean", Reduce(ReduceKind::mean, {1, 2}, false), {x});
  x = g.add("linear", FullyConnected(),
            {x, g.add_constant("linear.w", weights({3, 4})), g.add_constant("linear.b", weights({3}))});
  g.outputs = {g.add("softmax", Softmax(), {x})};
  return g;
}

inline TensorExamples tiny_examples() {
  testing::Random random(2);
  Tensor<float> images({8, 4, 4, 2});
  random.fill(images.data(), images.size());
  return {std::move(images), {0, 1, 2, 0, 1, 2, 0, 1}};
}

inline TrainingOptions tiny_training() {
  TrainingOptions o;
  o.batch = 4;
  o.threads = 1;
  o.progress = false;
  o.optimizer.kind = Optimizer::Kind::adamw;
  return o;
}

/// The file with a correct size and checksum, as a hostile writer would make it.
inline std::string sealed_checkpoint(std::string file) {
  if (file.size() < detail::checkpoint_header) return file;
  const std::uint64_t n = file.size();
  std::memcpy(&file[16], &n, 8);
  detail::Checksum sum;
  sum.add(file.data() + 32, file.size() - 32);
  const std::uint64_t value = sum.value();
  std::memcpy(&file[24], &value, 8);
  return file;
}

}  // namespace fuzzing
