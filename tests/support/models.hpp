#pragma once
#include <octet/io/model_file.hpp>
#include <octet/model_file/layout.hpp>
#include <octet/models/mobilenet.hpp>
#include <octet/operators/all.hpp>

#include "files.hpp"
#include "random.hpp"

/// Small models to save and load.
namespace testing {

using namespace octet;

inline AnyTensor random_floats(const Shape& s, Random& r) {
  Tensor<float> t = Tensor<float>::uninitialized(s);
  r.fill(t.data(), t.size());
  return t;
}

inline MobileNetOptions tiny() {
  MobileNetOptions o;
  o.width = 0.25;
  o.image_size = 32;
  o.classes = 10;
  return o;
}

/// A small quantized model: uint8 image -> integer convolution -> pool -> softmax, with a float branch.
inline Model small_model(Random& r) {
  Model g;
  g.name = "small";
  g.rounding = Rounding::tflite_double;
  g.metadata = {{"producer", "a test"}, {"empty", ""}};
  const int x = g.add_input("image", {Shape::unknown, 6, 6, 3}, DType::u8);
  g.value(x).quant = QuantParams(0.02f, 128);
  Tensor<int8> w({5, 3, 3, 3});
  r.fill(w.data(), w.size(), -127, 127);
  const int weights = g.add_constant("w", std::move(w), {{0.01f, 0.02f, 0.03f, 0.01f, 0.02f}, {0, 0, 0, 0, 0}, 0});
  const int bias = g.add_constant("b", Tensor<int32>({5}, {1, -2, 300, -400, 5}));
  Convolution conv;
  conv.window = Window(3, 3, 2, 1);
  conv.activation = {0, 6};
  const int y = g.add("conv", conv, {x, weights, bias});
  g.value(y).quant = QuantParams(0.05f, 3);
  const int flat = g.add("flatten", Flatten(1), {y});
  g.value(flat).quant = g.value(y).quant;
  const int real = g.add("real", Convert(DType::f32), {flat});
  g.outputs = {g.add("probabilities", Softmax(), {real}), flat};
  return g;
}

/// The file with correct size and checksum, as a hostile writer would make it.
inline std::string sealed(std::string file) {
  const std::uint64_t n = file.size();
  std::memcpy(&file[16], &n, 8);
  const std::uint64_t sum = detail::model_checksum(file.data(), file.size(), [](detail::Checksum&) {});
  std::memcpy(&file[24], &sum, 8);
  return file;
}

}  // namespace testing
