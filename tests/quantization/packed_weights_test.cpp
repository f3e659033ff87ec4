#include <octet/io/model_file.hpp>
#include <octet/models/mobilenet.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/files.hpp"
#include "support/isas.hpp"
#include "support/packed_weights.hpp"
#include "support/same_constants.hpp"
#include "testing.hpp"

// Weights of 4 bits, from a plan to the results.

using namespace octet;
using namespace testing;

namespace {

/// Convolutions of all kinds, PReLU, and a fully connected layer whose rows are no multiple of 8 bytes.
Model network() {
  Graph g;
  int v = g.add_input("image", {Shape::unknown, 6, 6, 8}, DType::f32);
  const auto convolution = [&](const char* name, std::int64_t size, std::int64_t out, std::int64_t groups) {
    v = add_convolution(g, v, name, size, out, groups);
  };
  convolution("stem", 3, 16, 1);
  convolution("depthwise", 3, 16, 16);
  convolution("grouped", 3, 16, 4);
  v = g.add("prelu", PRelu(), {v, g.add_constant("slopes", random_tensor({16}, 5))});
  convolution("pointwise", 1, 12, 1);
  TransposedConvolution t;
  t.window = Window(3, 3, 2, 0);
  v = g.add("transposed", t, {v, g.add_constant("transposed.w", random_tensor({5, 3, 3, 12}, 6))});
  v = g.add("flat", Flatten(1), {v});
  const std::int64_t k = g.value(v).shape[1];
  v = g.add("fc", FullyConnected(),
            {v, g.add_constant("fc.w", random_tensor({37, k}, 7)), g.add_constant("fc.b", random_tensor({37}, 8))});
  g.outputs = {g.add("last", FullyConnected(), {v, g.add_constant("last.w", random_tensor({9, 37}, 9))})};
  return g;
}

QuantizationPlan plan_of(const Model& m, PlannedForm form) {
  const Calibration c = calibrate(m, {random_tensor({4, 6, 6, 8}, 1)});
  return form == PlannedForm::dynamic ? plan_quantization<dynamic_range>(m, c) : plan_quantization<int8>(m, c);
}

void check_same(const Model& a, const Model& b, std::int64_t batch, bool optimize) {
  ExecutorOptions o;
  o.optimize = optimize;
  const std::vector<AnyTensor> in{random_tensor({batch, 6, 6, 8}, 2)};
  const AnyTensor x = Executor(a, o).run(in)[0], y = Executor(b, o).run(in)[0];
  CHECK(std::memcmp(x.data(), y.data(), x.size_bytes()) == 0);
}

}  // namespace

TEST_CASE("packed weights: layers with at most 4 bits have them, and give the bits of the same weights as int8") {
  const Model m = network();
  for (const PlannedForm form : {PlannedForm::integer, PlannedForm::dynamic})
    for (const int bits : {2, 4, 5}) {
      CAPTURE(name(form));
      CAPTURE(bits);
      const Model q = quantize(m, with_weight_bits(plan_of(m, form), bits));
      const int layers = form == PlannedForm::integer ? 7 : 5;  // depthwise and small ones are not dynamic
      CHECK(packed_constants(q) == (bits <= 4 ? layers : 0));
      CHECK(q.value(q.find("slopes")).dtype == (form == PlannedForm::integer ? DType::i8 : DType::f32));
      const Model whole = with_whole_bytes(q);
      CHECK(packed_constants(whole) == 0);
      for (const Isa isa : available_isas())
        for (const std::int64_t batch : {1, 3, 9}) {
          const UseIsa use(isa);
          for (const bool optimize : {false, true}) check_same(q, whole, batch, optimize);
        }
    }
}

TEST_CASE("packed weights: an executor that is planned for one image and then for many") {
  const Model m = network();
  const Model q = quantize(m, with_weight_bits(plan_of(m, PlannedForm::integer), 4));
  Executor executor(q), whole(with_whole_bytes(q));
  for (const std::int64_t batch : {1, 20, 2}) {
    const std::vector<AnyTensor> in{random_tensor({batch, 6, 6, 8}, 2)};
    const AnyTensor x = executor.run(in)[0], y = whole.run(in)[0];
    CHECK(std::memcmp(x.data(), y.data(), x.size_bytes()) == 0);
  }
}

TEST_CASE("packed weights: two a byte in the model and its file, which is mapped") {
  const Model m = network();
  const Model q = quantize(m, with_weight_bits(plan_of(m, PlannedForm::integer), 4));
  const AnyTensor& fc = q.value(q.find("fc.w")).constant;
  CHECK(static_cast<std::int64_t>(fc.size_bytes()) == (fc.size() + 1) / 2);
  const TemporaryFile file("packed.octet");
  save(q, file.path);
  LoadOptions o;
  o.self_test = true;
  const Model loaded = load_octet(file.path, o);
  CHECK(same_constants(q, loaded));
  CHECK(loaded.value(loaded.find("fc.w")).dtype == fc.dtype());
  check_same(q, loaded, 2, true);
}

TEST_CASE("packed weights: the file of a network of convolutions is about half as large") {
  MobileNetOptions options;
  options.width = 0.5;
  options.image_size = 32;
  const Model m = mobilenet_v2(options);
  const Calibration c = calibrate(m, {random_tensor({2, 32, 32, 3}, 1)});
  const QuantizationPlan plan = plan_quantization<int8>(m, c);
  const TemporaryFile eight("eight.octet"), four("four.octet");
  save(quantize(m, plan), eight.path);
  save(quantize(m, with_weight_bits(plan, 4)), four.path);
  CHECK(static_cast<double>(contents(four.path).size()) < 0.57 * static_cast<double>(contents(eight.path).size()));
}

TEST_CASE("packed weights: a layer with one more bit than int4 has, by its zero point") {
  // Codes of uint4 minus a zero point reach from -15 to 15.
  Graph g;
  const int x = g.add_input("x", {Shape::unknown, 10}, DType::u8);
  g.value(x).quant = QuantParams(0.02f, 100);
  for (const int zero : {0, 8, 15}) {
    Graph one = g;
    const Tensor<uint8> codes = random_integers<uint8>({7, 10}, 1, 0, 15);
    AnyTensor packed = AnyTensor::make(DType::u4, codes.shape(), [&](std::byte* to) {
      for (std::int64_t i = 0; i < codes.size(); ++i) detail::store_bits(to, i, 4, codes[i]);
    });
    const int y = one.add("fc", FullyConnected(), {x, one.add_constant("w", packed, QuantParams(0.1f, zero))});
    one.value(y).quant = QuantParams(0.3f, 120);
    one.outputs = {y};
    const std::vector<AnyTensor> in{random_integers<uint8>({3, 10}, 2, 0, 255)};
    const AnyTensor a = run_plain(one, in)[0], b = run_plain(with_whole_bytes(one), in)[0];
    CHECK(std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
  }
}
