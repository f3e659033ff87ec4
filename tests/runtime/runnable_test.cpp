#include <octet/core/element.hpp>
#include <octet/io/load.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/runnable.hpp>
#include <octet/training/qat.hpp>
#include <octet/training/trainer.hpp>

#include "support/files.hpp"
#include "support/messages.hpp"
#include "testing.hpp"

// Models that octet loads, quantizes or converts can run; others are refused at that point.

using namespace octet;
using namespace testing;

namespace {

/// Two layers. `change` modifies the values of the second one.
Graph two_layers(const std::function<void(Graph&)>& change) {
  Graph g;
  const int x = g.add_input("x", {1, 4, 4, 8});
  Convolution c;
  c.window = Window(1, 1);
  const int a = g.add("first", c, {x, g.add_constant("w1", random_tensor({8, 1, 1, 8}, 1))});
  g.outputs = {g.add("second", c, {a, g.add_constant("w2", random_tensor({4, 1, 1, 8}, 2))})};
  change(g);
  return g;
}

/// A case of the shared folder, without its reference outputs.
struct Case {
  std::string name, model, input, output;
  Shape in;
  std::int64_t runs, every;
  bool bytes;  // in steps of 1 / 32 from -4 on
  double most, int8_db, dynamic_db, fp16_db;
};

const Case cases[] = {
    {"split",
     "onnx/split_float.onnx",
     "onnx/split_float.in.bin",
     "onnx/split_float.out.bin",
     {1, 4, 8, 8},
     4,
     1,
     false,
     1e-4,
     31,
     37,
     60},
    {"split between integers",
     "onnx/split_qdq.onnx",
     "onnx/split_qdq.in.bin",
     "onnx/split_qdq.out.bin",
     {1, 4, 8, 8},
     4,
     1,
     false,
     0.0202,
     0,
     0,
     0},
    {"sum of a block",
     "onnx/dynamic_residual.onnx",
     "onnx/dynamic_residual.in.bin",
     "onnx/dynamic_residual.out.bin",
     {1, 3, 32, 32},
     1,
     7,
     true,
     3e-4,
     31,
     35,
     60},
    {"half weights",
     "onnx/half_weights.onnx",
     "onnx/half_weights.in.bin",
     "onnx/half_weights.out.bin",
     {1, 3, 32, 32},
     1,
     13,
     true,
     3e-4,
     32,
     34,
     60},
    {"half weights and biases",
     "tflite/half_weights.tflite",
     "tflite/half_weights.in.bin",
     "tflite/half_weights.out.bin",
     {1, 32, 32, 3},
     2,
     1,
     false,
     3e-4,
     31,
     34,
     60},
    {"half weights in a chain",
     "tflite/half_weights_chain.tflite",
     "tflite/half_weights_chain.in.bin",
     "tflite/half_weights_chain.out.bin",
     {1, 16, 16, 8},
     2,
     1,
     false,
     3e-4,
     31,
     32,
     60},
};

std::vector<Tensor<float>> inputs_of(const Case& c) {
  const std::string bytes = contents(shared_file("cases/" + c.input));
  std::vector<Tensor<float>> all;
  const std::int64_t n = c.in.elements();
  for (std::int64_t r = 0; r < c.runs; ++r) {
    Tensor<float> t = Tensor<float>::uninitialized(c.in);
    for (std::int64_t i = 0; i < n; ++i)
      t[i] = c.bytes
                 ? static_cast<float>(static_cast<std::uint8_t>(bytes[static_cast<std::size_t>(r * n + i)])) / 32 - 4
                 : octet::detail::load_as<float>(reinterpret_cast<const std::byte*>(bytes.data()), r * n + i);
    all.push_back(std::move(t));
  }
  return all;
}

struct Difference {
  double largest = 0, db = 0;
};
Difference error_of(const Case& c, const Model& m) {
  const std::string bytes = contents(shared_file("cases/" + c.output));
  const auto* right = reinterpret_cast<const std::byte*>(bytes.data());
  const std::vector<Tensor<float>> inputs = inputs_of(c);
  Executor e(m);
  Difference r;
  double signal = 0, error = 0;
  std::int64_t at = 0;
  for (const Tensor<float>& x : inputs) {
    const Tensor<float> y = e(x);
    for (std::int64_t i = 0; i < y.size(); i += c.every, ++at) {
      const auto wanted = static_cast<double>(octet::detail::load_as<float>(right, at)),
                 d = wanted - static_cast<double>(y[i]);
      signal += wanted * wanted;
      error += d * d;
      r.largest = std::max(r.largest, std::abs(d));
    }
  }
  CHECK(at * 4 == static_cast<std::int64_t>(bytes.size()));
  r.db = error == 0 ? 200 : 10 * std::log10(signal / error);
  return r;
}

}  // namespace

TEST_CASE("runnable: models that once failed to run in some form") {
  if (shared_file("cases").empty()) {
    MESSAGE("skipped: no cases (set OCTET_SHARED)");
    return;
  }
  LoadOptions keep;
  keep.keep_layout = true;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Model m = load(shared_file("cases/" + c.model), keep);
    CHECK(error_of(c, m).largest <= c.most);
    if (c.int8_db == 0) continue;  // already quantized
    CHECK(error_of(c, quantize<int8>(m, calibrate(m, inputs_of(c)))).db >= c.int8_db);
    CHECK(error_of(c, quantize<dynamic_range>(m)).db >= c.dynamic_db);
    CHECK(error_of(c, quantize<fp16>(m)).db >= c.fp16_db);
  }
}

TEST_CASE("runnable: a layer that cannot run is refused with the executor's error") {
  const std::vector<std::pair<std::function<void(Graph&)>, std::string>> broken{
      {[](Graph& g) { g.value(g.nodes[0].outputs[0]).dtype = DType::u8; }, "layer 'first' (Convolution)"},
      {[](Graph& g) {
         g.nodes[1].inputs[1] = g.add_constant("i", Tensor<std::int32_t>({4, 1, 1, 8}));
       },
       "layer 'second' (Convolution): float32 images with int32 weights are not supported"},
      {[](Graph& g) {
         g.nodes[1].inputs[1] = g.add_constant("q", Tensor<std::int8_t>({4, 1, 1, 8}));
       },
       "layer 'second' (Convolution): 'q'"},
      {[](Graph& g) {
         g.nodes[1].inputs[1] = g.add_constant("q", Tensor<std::int8_t>({4, 1, 1, 8}), QuantParams(0.1f, 3));
       },
       "layer 'second' (Convolution): expected symmetric weights"},
      {[](Graph& g) {
         g.nodes[1].inputs[1] = g.add_input("w", {4, 1, 1, 8});
       },
       "layer 'second' (Convolution): input 1 ('w') has to be constant"},
  };
  for (const auto& one : broken) {
    const Graph g = two_layers(one.first);
    const std::string& expected = one.second;
    CAPTURE(expected);
    const std::string said = message([&] { require_runnable(g); });
    CHECK(said.find(expected) != std::string::npos);
    CHECK(said == message([&] { Executor e(g); }));
    CHECK_FALSE(message([&] { quantize<fp16>(g); }).empty());
    const TemporaryFolder folder;
    const std::string path = folder / "model.octet";
    CHECK(message([&] { save(g, path); }).find(said) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(path));
  }
  CHECK(message([] { require_runnable(two_layers([](Graph&) {})); }).empty());
}

TEST_CASE("runnable: the check gives the same error as the executor, for every layer of a quantized model") {
  const Graph g = two_layers([](Graph&) {});
  const Tensor<float> x = random_tensor({1, 4, 4, 8}, 3);
  for (float scale : {1e-45f, 1e-30f, 1.0f, 1e30f, 3e38f}) {
    for (int which = 0; which < 3; ++which) {
      Graph q = quantize<int8>(g, calibrate(g, {x}));
      int k = 0;
      for (Value& v : q.values)
        if (v.is_quantized() && k++ == which) v.quant.scale.assign(v.quant.scale.size(), scale);
      const std::string said = message([&] { require_runnable(q); });
      CHECK(said == message([&] { Executor e(q); }));
      if (!said.empty()) CHECK(said.find("layer '") == 0);
    }
  }
}

TEST_CASE("runnable: weights that several layers share") {
  Graph g;
  const int x = g.add_input("x", {1, 8, 8, 8});
  Convolution same;
  same.window = Window(3, 3, 1, 1);
  const int w = g.add_constant("w", random_tensor({8, 3, 3, 8}, 1, -0.2f, 0.2f));
  const int b = g.add_constant("b", random_tensor({8}, 2));
  const int one = g.add("one", same, {x, w, b});
  const int two = g.add("two", same, {one, w, b});
  const int kept = g.add("kept", same, {two, w});
  g.outputs = {kept, g.add("three", same, {kept, w, b}), w};
  const Tensor<float> in = random_tensor({1, 8, 8, 8}, 3);
  const auto right = Executor(g).run({AnyTensor(in)});
  Int8Options ints;
  WeightOptions weights;
  ints.keep_float = weights.keep_float = {"kept"};
  const Calibration seen = calibrate(g, {in});
  const Model all[] = {
      quantize<int8>(g, seen),          quantize<int8>(g, seen, ints), quantize<dynamic_range>(g, weights),
      quantize<dynamic_range>(g, seen), quantize<fp16>(g, weights),    quantize<bf16>(g)};
  for (const Model& m : all) {
    const auto found = Executor(m).run({AnyTensor(in)});
    REQUIRE(found.size() == 3);
    for (std::size_t i = 0; i < 2; ++i) {
      const Tensor<float> a = floats(right[i]), f = floats(found[i]);
      double largest = 0;
      for (float v : a) largest = std::max(largest, std::abs(static_cast<double>(v)));
      CHECK(largest_difference(a, f) < 0.1 * largest);
    }
    CHECK(largest_difference(floats(right[2]), floats(found[2])) == 0);
  }
}

TEST_CASE("runnable: a model with a split goes through quantization-aware training") {
  Graph g;
  const int x = g.add_input("x", {2, 6, 6, 4});
  Convolution one;
  one.window = Window(1, 1);
  const int a = g.add("a", one, {x, g.add_constant("wa", random_tensor({8, 1, 1, 4}, 1))});
  Split s;
  s.axis = 3;
  s.parts = 2;
  g.add("parts", s, {a});
  const std::vector<int> parts = g.nodes.back().outputs;
  const int b = g.add("b", one, {parts[1], g.add_constant("wb", random_tensor({4, 1, 1, 4}, 2))});
  g.outputs = {g.add("both", Concat(3), {parts[0], b})};
  const Tensor<float> in = random_tensor({2, 6, 6, 4}, 3);
  const Model integers = quantize<int8>(g, calibrate(g, {in}));
  CHECK(largest_difference(Executor(g)(in), Executor(integers)(in)) < 0.1);
  const Model prepared = prepare_qat(integers);  // with the ranges it has
  CHECK(largest_difference(Executor(integers)(in), Executor(prepared)(in)) < 0.1);
}

TEST_CASE("runnable: numbers of threads") {
  const Graph g = two_layers([](Graph&) {});
  for (int threads : {-1, -5}) {
    ExecutorOptions run;
    run.threads = threads;
    TrainingOptions train;
    train.threads = threads;
    CalibrationOptions watch;
    watch.executor = run;
    const std::string expected = "expected a number of threads >= 0, found " + std::to_string(threads);
    CHECK(message([&] { Executor e(g, run); }).find(expected) != std::string::npos);
    CHECK(message([&] { Trainer t(g, train); }).find(expected) != std::string::npos);
    CHECK(message([&] { Calibrator c(g, watch); }).find(expected) != std::string::npos);
  }
}
