#include <doctest/doctest.h>

#include <octet/operators/all.hpp>
#include "support/messages.hpp"
#include "support/tflite_builder.hpp"

// Names, batch sizes, shapes, types and errors of the importer.

using namespace octet;
using namespace testing::tflite;
using testing::floats;
using testing::random_tensor;

namespace {

using Dims = std::vector<std::int32_t>;
using Options = std::vector<Option>;

std::string error_of(const std::vector<std::uint8_t>& file) {
  return testing::message<FormatError>([&] { parse(file); });
}
#define CHECK_CONTAINS(text, part) CHECK_MESSAGE((text).find(part) != std::string::npos, text)

}  // namespace

TEST_CASE("tflite: tensors keep their names, the model its description") {
  ModelBuilder b;
  const int x = b.tensor("serving_default_x:0", {1, 2, 2, 3}),
            w = b.constant("a/weight", random_tensor({4, 1, 1, 3}, 1));
  const int bias = b.constant("a/bias", random_tensor({4}, 2)), y = b.tensor("a", {1, 2, 2, 4});
  const int depthwise = b.constant("b/weight", random_tensor({1, 3, 3, 4}, 3)), z = b.tensor("b", {1, 2, 2, 4});
  b.op("CONV_2D", {x, w, bias}, {y}, convolution_options(same, 1));
  b.op("DEPTHWISE_CONV_2D", {y, depthwise, bias}, {z}, depthwise_options(same, 1, 1));
  const Model m = parse(b.finish({x}, {z, y}));
  for (const char* name : {"serving_default_x:0", "a/weight", "a/bias", "a", "b/weight", "b"}) CHECK(m.contains(name));
  CHECK(m.value(m.inputs[0]).name == "serving_default_x:0");
  CHECK(m.value(m.outputs[0]).name == "b");
  CHECK(m.value(m.outputs[1]).name == "a");
  CHECK(m.value(m.find("b/weight")).shape == Shape{4, 3, 3, 1});
  CHECK(m.metadata.at("producer") == "octet's tests");
}

TEST_CASE("tflite: missing and duplicate names become unique") {
  ModelBuilder b;
  const int x = b.tensor("t", {4}), y = b.tensor("t", {4}), z = b.tensor("", {4});
  b.op("ABS", {x}, {y});
  b.op("NEG", {y}, {z});
  const Model m = parse(b.finish({x}, {z}));
  CHECK(m.value(m.inputs[0]).name == "t");
  CHECK(m.value(m.nodes[1].inputs[0]).name != "t");
  CHECK(m.value(m.outputs[0]).name == "tensor2");
}

TEST_CASE("tflite: a batch size declared as 1 can have any size") {
  ModelBuilder b;
  const Tensor<float> w = random_tensor({7, 24}, 1);
  const int x = b.tensor("x", {1, 2, 4, 3}), flat = b.tensor("flat", {1, 24}), y = b.tensor("y", {1, 7});
  b.op("RESHAPE", {x, b.integers("shape", {1, 24})}, {flat});
  b.op("FULLY_CONNECTED", {flat, b.constant("w", w), -1}, {y});
  const Model m = parse(b.finish({x}, {y}));
  CHECK(m.value(m.inputs[0]).shape == Shape{Shape::unknown, 2, 4, 3});
  CHECK(m.value(m.outputs[0]).shape == Shape{Shape::unknown, 7});
  Executor run(m);
  const Tensor<float> all = random_tensor({5, 2, 4, 3}, 2);
  const Tensor<float> together = run(all);
  REQUIRE(together.shape() == Shape{5, 7});
  for (std::int64_t i = 0; i < 5; ++i) {
    Tensor<float> single({1, 2, 4, 3});
    std::copy(all.data() + 24 * i, all.data() + 24 * (i + 1), single.data());
    const Tensor<float> r = run(single);
    for (std::int64_t k = 0; k < 7; ++k) CHECK(r[k] == together(i, k));
  }
}

TEST_CASE("tflite: shapes computed from the batch size") {
  // The form of Keras' Flatten: [shape(x)[0], -1].
  ModelBuilder b;
  const int x = b.tensor("x", {1, 2, 4, 3}), shape = b.tensor("shape", {4}, DType::i32),
            batch = b.tensor("batch", {}, DType::i32);
  const int target = b.tensor("target", {2}, DType::i32), y = b.tensor("y", {1, 24});
  const int minus = b.constant("minus", Tensor<std::int32_t>(Shape{}, Dims{-1}));
  b.op("SHAPE", {x}, {shape}, {byte(0, 2)});
  b.op("STRIDED_SLICE", {shape, b.integers("begin", {0}), b.integers("end", {1}), b.integers("stride", {1})}, {batch},
       {integer(4, 1)});
  b.op("PACK", {batch, minus}, {target}, {integer(0, 2)});
  b.op("RESHAPE", {x, target}, {y});
  const Model m = parse(b.finish({x}, {y}));
  CHECK(m.nodes.size() == 1);
  const Tensor<float> in = random_tensor({3, 2, 4, 3}, 1), out = floats(outputs(m, {AnyTensor(in)})[0]);
  CHECK(out.shape() == Shape{3, 24});
  CHECK(std::equal(in.begin(), in.end(), out.begin()));
}

TEST_CASE("tflite: outputs that are inputs or duplicates") {
  ModelBuilder b;
  const int x = b.tensor("x", {1, 3}), y = b.tensor("y", {1, 3});
  b.op("NEG", {x}, {y});
  const Tensor<float> in = random_tensor({2, 3}, 2);
  const auto r = outputs(parse(b.finish({x}, {y, x, y})), {AnyTensor(in)});
  REQUIRE(r.size() == 3);
  CHECK(r[0].view<float>()[5] == -in[5]);
  CHECK(r[1].view<float>()[5] == in[5]);
  CHECK(r[2].view<float>()[5] == -in[5]);
}

TEST_CASE("tflite: the rounding of LoadOptions is used") {
  ModelBuilder b;
  const int x = b.tensor("x", {1, 64}, DType::i8, {0.1f, 0}), y = b.tensor("y", {1, 64}, DType::i8, {0.07f, 0});
  Tensor<int8> identity({64, 64});
  for (std::int64_t i = 0; i < 64; ++i) identity(i, i) = 1;
  b.op("FULLY_CONNECTED", {x, b.constant("w", identity, {0.035f, 0}), -1}, {y});
  const auto file = b.finish({x}, {y});
  Tensor<int8> in({1, 64});
  for (std::int64_t i = 0; i < 64; ++i) in[i] = static_cast<int8>(2 * i - 64);
  LoadOptions twice;
  twice.rounding = Rounding::tflite_double;
  const Model even = parse(file), away = parse(file, twice);
  CHECK(even.rounding == Rounding::fp32);
  CHECK(away.rounding == Rounding::tflite_double);
  // Multiplied by 1/20: 10 is a tie.
  const auto at = [&](const Model& m, std::int64_t i) { return int{outputs(m, {AnyTensor(in)})[0].view<int8>()[i]}; };
  CHECK(at(even, 37) == 0);
  CHECK(at(away, 37) == 1);
  CHECK(at(away, 27) == -1);
}

TEST_CASE("tflite: errors name the file, the operator, its result and the reason") {
  const auto file = [](const std::string& op, const Shape& x, DType type, const QuantParams& q,
                       const Options& options) {
    ModelBuilder b;
    const int in = b.tensor("x", x, type, q), out = b.tensor("layer/result", {}, type, q);
    b.op(op, {in}, {out}, options);
    return b.finish({in}, {out});
  };
  const auto of = [&](const std::string& op, const Shape& x = {1, 8, 8, 3}, DType type = DType::f32,
                      const QuantParams& q = {},
                      const Options& options = {}) { return error_of(file(op, x, type, q, options)); };
  CHECK(of("ABS") == "");
  const std::string unknown = of("SVDF");
  for (const char* part : {"'test.tflite'", "operator 0", "SVDF", "'layer/result'", "not supported"})
    CHECK_CONTAINS(unknown, part);
  CHECK_CONTAINS(of("MyOwnOperator"), "CUSTOM MyOwnOperator");
  CHECK_CONTAINS(of("AVERAGE_POOL_2D", {1, 8, 8, 3}, DType::f32, {}, pool_options(same, 3, 2, 5)),
                 "fused activation 5");
  CHECK_CONTAINS(of("ABS", {1, 8}, DType::i16, {0.1f, 3}), "16x8");
  CHECK_CONTAINS(of("CONV_2D"), "expected at least 2 inputs");
  CHECK_CONTAINS(of("DEPTH_TO_SPACE", {1, 8, 8, 3}, DType::f32, {}, {integer(0, 2)}), "[?, 8, 8, 3]");

  ModelBuilder old;
  old.version = 2;
  CHECK_CONTAINS(error_of(old.finish({}, {})), "version 2");
  CHECK_CONTAINS(error_of({}), "not a TFLite model");
  CHECK_CONTAINS(error_of(std::vector<std::uint8_t>(64, 0)), "not a TFLite model");

  ModelBuilder conv;
  const int x = conv.tensor("x", {1, 8, 8, 3}), y = conv.tensor("y", {});
  conv.op("CONV_2D", {x, conv.constant("w", random_tensor({4, 3, 3, 5}, 1)), -1}, {y}, convolution_options(same, 1));
  const std::string shapes = error_of(conv.finish({x}, {y}));
  for (const char* part : {"CONV_2D", "'y'", "[4, 3, 3, 5]", "[?, 8, 8, 3]"}) CHECK_CONTAINS(shapes, part);

  ModelBuilder types;
  const int a = types.tensor("x", {1, 8}), z = types.tensor("y", {}, DType::i8, {0.1f, 0});
  types.op("ABS", {a}, {z});
  CHECK_CONTAINS(error_of(types.finish({a}, {z})), "int8");
}

TEST_CASE("tflite: operators that read unwritten tensors, or write written ones") {
  ModelBuilder b;
  const int x = b.tensor("x", {4}), y = b.tensor("y", {4}), z = b.tensor("z", {4});
  b.op("ADD", {x, z}, {y});
  b.op("NEG", {y}, {z});
  CHECK_CONTAINS(error_of(b.finish({x}, {z})), "reads 'z'");
  ModelBuilder twice;
  const int p = twice.tensor("x", {4}), q = twice.tensor("y", {4});
  twice.op("NEG", {p}, {q});
  twice.op("ABS", {p}, {q});
  CHECK_CONTAINS(error_of(twice.finish({p}, {q})), "written before");
  ModelBuilder input;
  const int i = input.tensor("x", {4}), o = input.tensor("y", {4});
  input.op("NEG", {o}, {i});
  CHECK_CONTAINS(error_of(input.finish({i}, {o})), "written before");
  CHECK_CONTAINS(error_of(ModelBuilder().finish({}, {0})), "outside");
}
