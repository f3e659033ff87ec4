#include <octet/operators/all.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/exported.hpp"
#include "support/messages.hpp"

// ONNX files of models that leave several sizes open.

using namespace octet;
using namespace testing;

namespace {

constexpr std::int64_t any = Shape::unknown;

Model reshaped(const Shape& from, const std::vector<std::int64_t>& target) {
  Model m;
  m.outputs = {m.add("shaped", Reshape(target), {m.add_input("x", from)})};
  return m;
}

void check_same(const Model& m, const std::vector<AnyTensor>& in) {
  CHECK(difference_through(m, Format::onnx, in).worst == 0);
}

}  // namespace

TEST_CASE("export: a reshape copies the sizes that the layer copies, and no others") {
  check_same(reshaped({any, any, 10}, {-1, 0, 5}), {random_tensor({3, 4, 10}, 1)});
  check_same(reshaped({any, any, 10}, {0, -1, 5}), {random_tensor({3, 4, 10}, 1)});
  check_same(reshaped({any, any, any, 6}, {0, 0, 0, 2, 3}), {random_tensor({2, 3, 4, 6}, 1)});
  check_same(reshaped({any, any, any, 6}, {0, -1, 0, 3}), {random_tensor({2, 3, 4, 6}, 1)});
  const Model m = reshaped({any, any, any, 6}, {-1, 0, 6});
  check_same(m, {random_tensor({2, 3, 4, 6}, 1)});
}

TEST_CASE("export: sizes of images that a reshape divides into pixels") {
  Model m;
  Convolution c;
  c.window = Window(3, 3, 1, 1);
  const int x = m.add_input("x", {any, any, any, 2}), w = m.add_constant("w", random_tensor({4, 3, 3, 2}, 1));
  const int parts = m.add("parts", Reshape({0, 0, 0, 2, 2}), {m.add("convolution", c, {x, w})});
  m.outputs = {m.add("turned", Transpose({0, 1, 3, 2, 4}), {parts})};
  check_same(m, {random_tensor({2, 5, 3, 2}, 3)});
}

TEST_CASE("export: integer products of rows whose number in each dimension is open") {
  Model m;
  const int x = m.add_input("x", {any, any, 6});
  m.outputs = {m.add("products", FullyConnected(),
                     {x, m.add_constant("w", random_tensor({4, 6}, 1)), m.add_constant("b", random_tensor({4}, 2))})};
  const Tensor<float> in = random_tensor({3, 5, 6}, 3);
  CHECK(difference_through(quantize<int8>(m, calibrate(m, {in})), Format::onnx, {in}).relative() < 1e-6);
}

TEST_CASE("export: TFLite has no sizes that are computed, which the shapes of inputs make constant") {
  Model m;
  const int x = m.add_input("x", {1, any, any, 4}), sizes = m.add("sizes", SizesOf({0, 1, 2, 3}), {x});
  m.outputs = {m.add("shaped", Parametrized(Reshape(), "target", {1, any, any, 4}), {x, sizes})};
  const std::string refused = message([&] { written(m, Format::tflite); });
  CHECK(contains(refused, "layer 'sizes'"));
  CHECK(contains(refused, "--shape"));
}
