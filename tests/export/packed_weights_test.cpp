#include <octet/export/cpp/cpp.hpp>
#include <octet/operators/all.hpp>
#include <octet/passes/optimize.hpp>
#include <octet/passes/without_blocks.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/exported.hpp"
#include "support/messages.hpp"
#include "support/packed_weights.hpp"

// Weights of 4 bits in written ONNX and TFLite files.

using namespace octet;
using namespace testing;

namespace {

/// Convolutions of all kinds and a fully connected layer.
Model network() {
  Graph g;
  int v = g.add_input("image", {Shape::unknown, 6, 6, 8}, DType::f32);
  const auto convolution = [&](const char* name, std::int64_t size, std::int64_t out, std::int64_t groups) {
    v = add_convolution(g, v, name, size, out, groups);
  };
  convolution("stem", 3, 16, 1);
  convolution("depthwise", 3, 16, 16);
  convolution("pointwise", 1, 3, 1);
  v = g.add("flat", Flatten(1), {v});
  g.outputs = {
      g.add("fc", FullyConnected(),
            {v, g.add_constant("fc.w", random_tensor({7, 108}, 7)), g.add_constant("fc.b", random_tensor({7}, 8))})};
  return g;
}

Model quantized(bool dynamic, bool integer_output = true) {
  const Model m = network();
  const Calibration c = calibrate(m, {random_tensor({4, 6, 6, 8}, 1)});
  Int8Options o;
  o.integer_output = integer_output;
  return quantize(
      m, with_weight_bits(dynamic ? plan_quantization<dynamic_range>(m, c) : plan_quantization<int8>(m, c, o), 4));
}

}  // namespace

TEST_CASE("export: integer layers with weights of 4 bits have them in the file, too") {
  const Model q = quantized(false);
  const std::vector<AnyTensor> in = random_inputs(q, 3);
  for (const Format f : {Format::onnx, Format::tflite}) {
    CAPTURE(testing::name(f));
    const Model back = through(q, f);
    CHECK(packed_constants(optimize(back)) == 4);
    CHECK(difference_through(q, f, in).relative() < 1e-5);
    CHECK(written(q, f).size() + 800 < written(with_whole_bytes(q), f).size());
  }
}

TEST_CASE("export: so have integer layers with float results, of each kind") {
  Graph one;
  const int x = one.add_input("image", {Shape::unknown, 6, 6, 8}, DType::f32);
  one.outputs = {add_convolution(one, x, "pointwise", 1, 5, 1), add_convolution(one, x, "stem", 3, 6, 1),
                 add_convolution(one, x, "depthwise", 3, 8, 8)};
  const Calibration c = calibrate(one, {random_tensor({4, 6, 6, 8}, 1)});
  const Model layers = quantize(one, with_weight_bits(plan_quantization<int8>(one, c), 4));
  for (const Model& q : {quantized(false, false), layers}) {
    REQUIRE(q.value(q.outputs[0]).dtype == DType::f32);
    const std::vector<AnyTensor> in = random_inputs(q, 3);
    for (const Format f : {Format::onnx, Format::tflite}) {
      CAPTURE(testing::name(f));
      const Model back = through(q, f);
      CHECK(packed_constants(optimize(back)) == packed_constants(q));
      CHECK(difference_through(q, f, in).relative() < 1e-5);
    }
  }
}

TEST_CASE("export: ONNX files with packed weights are of operator set 21, others of the lowest") {
  const auto opset = [](const Model& m) {
    return parsed(written(m, Format::onnx), Format::onnx).metadata.at("format");
  };
  CHECK(opset(quantized(false)) != opset(with_whole_bytes(quantized(false))));
  CHECK(opset(quantized(true)) == opset(with_whole_bytes(quantized(true))));
}

TEST_CASE("export: weights of 4 bits are int8 where the format has no other form") {
  const Model q = quantized(true);
  const std::vector<AnyTensor> in = random_inputs(q, 3);
  for (const Format f : {Format::onnx, Format::tflite}) {
    CAPTURE(testing::name(f));
    CHECK(packed_constants(through(q, f)) == 0);
    CHECK(difference_through(q, f, in).relative() < 0.02);
  }
}

TEST_CASE("export: unsigned weights of 4 bits") {
  Graph g;
  const int x = g.add_input("x", {Shape::unknown, 10}, DType::i8);
  g.value(x).quant = QuantParams(0.02f, 10);
  const Tensor<uint8> codes = random_integers<uint8>({7, 10}, 1, 0, 15);
  AnyTensor packed = AnyTensor::make(DType::u4, codes.shape(), [&](std::byte* to) {
    for (std::int64_t i = 0; i < codes.size(); ++i) detail::store_bits(to, i, 4, codes[i]);
  });
  const int y = g.add("fc", FullyConnected(), {x, g.add_constant("w", packed, QuantParams(0.1f, 8))});
  g.value(y).quant = QuantParams(0.3f, 20);
  g.outputs = {y};
  for (const Format f : {Format::onnx, Format::tflite}) {
    CAPTURE(testing::name(f));
    CHECK(difference_through(g, f, random_inputs(g, 3)).different == 0);
  }
}

TEST_CASE("export: weights in blocks are int8, with a note") {
  const Model m = network();
  const Calibration c = calibrate(m, {random_tensor({4, 6, 6, 8}, 1)});
  Int8Options o;
  o.weight_bits = 4;
  o.weight_block = 32;
  o.integer_output = true;
  WeightOptions w;
  w.weight_block = 32;
  w.least_elements = 0;
  for (const bool dynamic : {false, true}) {
    const Model q = quantize(m, dynamic ? plan_quantization<dynamic_range>(m, c, w) : plan_quantization<int8>(m, c, o));
    REQUIRE(q.contains("fc.w.multipliers"));
    const Model whole = detail::without_blocks(q);
    const std::vector<AnyTensor> in = random_inputs(q, 3);
    for (const Format f : {Format::onnx, Format::tflite}) {
      CAPTURE(testing::name(f));
      std::vector<std::string> notes;
      SaveOptions options;
      options.notes = &notes;
      CHECK(written(q, f, options) == written(whole, f));
      REQUIRE(!notes.empty());
      CHECK(has(notes[0], {"'fc'", "blocks", "int8"}));
      CHECK(difference_through(q, f, in).relative() < (dynamic ? 0.02 : 1e-5));
    }
    if (dynamic) continue;
    const CppSource a = write_cpp(q), b = write_cpp(whole);
    REQUIRE(a.files.size() == b.files.size());
    for (std::size_t i = 0; i < a.files.size(); ++i) CHECK(a.files[i].text == b.files[i].text);
  }
}
