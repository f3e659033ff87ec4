#include <doctest/doctest.h>

#include <octet/operators/all.hpp>
#include <octet/quantization/quantize.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/isas.hpp"
#include "support/messages.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity(), not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr double no_limit = std::numeric_limits<double>::infinity();
constexpr float all_values[] = {not_a_number, inf, -inf};

bool all_nan(const AnyTensor& t) {
  for (float x : t.view<float>())
    if (!std::isnan(x)) return false;
  return true;
}

template <class T>
bool some_nan(const T& values) {
  return std::any_of(values.begin(), values.end(), [](float x) { return std::isnan(x); });
}

Convolution convolution(std::int64_t kernel, std::int64_t groups, double low, double high) {
  Convolution c;
  c.window = Window(static_cast<int>(kernel), static_cast<int>(kernel), 1, static_cast<int>(kernel / 2));
  c.groups = groups;
  c.activation = {low, high};
  return c;
}

/// x -> 3x3, ReLU6 -> depthwise, ReLU6 -> 1x1, ReLU -> hard swish -> 2x2 maximum -> mean -> dense.
Model network() {
  Graph g;
  g.name = "network";
  const int x = g.add_input("x", {Shape::unknown, 6, 6, 3});
  const auto weights = [&](const std::string& name, const Shape& shape, unsigned seed) {
    return g.add_constant(name, random_tensor(shape, seed));
  };
  const int stem = g.add("stem", convolution(3, 1, 0, 6), {x, weights("w1", {16, 3, 3, 3}, 1), weights("b1", {16}, 2)});
  const int depthwise = g.add("depthwise", convolution(3, 16, 0, 6), {stem, weights("w2", {16, 3, 3, 1}, 3)});
  const int project = g.add("project", convolution(1, 1, 0, no_limit), {depthwise, weights("w3", {8, 1, 1, 16}, 4)});
  const int swish = g.add("swish", Unary(UnaryKind::hard_swish), {project});
  MaxPool pool;
  pool.window = Window(2, 2, 2);
  const int pooled = g.add("pool", pool, {swish});
  const int mean = g.add("mean", Reduce(ReduceKind::mean, {1, 2}, false), {pooled});
  g.outputs = {g.add("y", FullyConnected(), {mean, weights("w4", {5, 8}, 5), weights("b4", {5}, 6)})};
  return g;
}

Tensor<float> images() { return random_tensor({2, 6, 6, 3}, 7); }

/// The images with one element replaced.
Tensor<float> spoilt(float value, std::int64_t at) {
  Tensor<float> t = images();
  t[at] = value;
  return t;
}

std::vector<std::int64_t> places() { return {0, 3 * 6 * 6 + 50, images().size() - 1}; }

WeightOptions all_sizes() {
  WeightOptions o;
  o.least_elements = 1;
  return o;
}

Model int8_model(bool integer_input, bool integer_output, std::vector<std::string> keep_float = {}) {
  Int8Options o;
  o.integer_input = integer_input;
  o.integer_output = integer_output;
  o.keep_float = std::move(keep_float);
  return quantize<int8>(network(), calibrate(network(), {images()}), o);
}

Executor executor(const Model& m, bool optimized, NotFinite policy = NotFinite::propagate) {
  ExecutorOptions o;
  o.threads = 2;
  o.optimize = optimized;
  o.not_finite = policy;
  return Executor(m, o);
}

}  // namespace

TEST_CASE("not finite: in an integer model, NaN inputs give NaN outputs, or an error names the input") {
  for (const Isa isa : available_isas()) {
    const UseIsa use(isa);
    const Model models[] = {int8_model(false, false), int8_model(false, false, {"project", "pool"}),
                            int8_model(false, false, {"stem", "swish"}), int8_model(false, true),
                            quantize<dynamic_range>(network(), all_sizes())};
    for (const Model& m : models) {
      const bool integers = m.value(m.outputs[0]).dtype != DType::f32;
      for (const bool optimized : {false, true}) {
        Executor run = executor(m, optimized), strict = executor(m, optimized, NotFinite::error);
        CHECK_FALSE(some_nan(run(images())));
        CHECK_FALSE(some_nan(strict(images())));
        for (const float value : all_values)
          for (const std::int64_t at : places()) {
            const Tensor<float> x = spoilt(value, at), y = run(x);
            CAPTURE(value);
            CAPTURE(at);
            if (&m == &models[2] && !std::isnan(value))
              CHECK_FALSE(some_nan(y));  // the first layer is float, and its ReLU6 limits infinities
            else if (&m == &models[4])   // the other image has its own range
              CHECK(some_nan(y));
            else
              CHECK(all_nan(y));
            if (integers) CHECK(contains(message([&] { run.run({x}); }), "'x'"));
            CHECK(contains(message([&] { strict.run({x}); }), "input 'x' has NaN or infinite elements"));
            CHECK_FALSE(some_nan(run(images())));  // the next run is not affected
          }
      }
    }
  }
}

TEST_CASE("not finite: floats that are quantized for an integer input") {
  const Model m = int8_model(true, true);
  Executor run = executor(m, true), strict = executor(m, true, NotFinite::error);
  for (const float value : all_values)
    for (const std::int64_t at : places()) {
      CHECK(all_nan(run(spoilt(value, at))));
      CHECK(contains(message([&] { strict(spoilt(value, at)); }), "input 'x'"));
    }
  CHECK_FALSE(some_nan(run(images())));
}

TEST_CASE("not finite: NaN passes through float layers") {
  for (const Isa isa : available_isas()) {
    const UseIsa use(isa);
    for (const Model& m : {network(), quantize<fp16>(network(), all_sizes()), quantize<bf16>(network(), all_sizes())})
      for (const bool optimized : {false, true}) {
        Executor run = executor(m, optimized), strict = executor(m, optimized, NotFinite::error);
        for (const std::int64_t at : places()) {
          const Tensor<float> x = spoilt(not_a_number, at), y = run(x);
          const std::int64_t image = at / (6 * 6 * 3);
          for (std::int64_t i = 0; i < 5; ++i) {
            CHECK(std::isnan(y[image * 5 + i]));
            CHECK_FALSE(std::isnan(y[(1 - image) * 5 + i]));
          }
          CHECK(contains(message([&] { strict(x); }), "input 'x'"));
        }
      }
  }
}

namespace {

/// A model of one operator on x [2, 4, 4, 8] with outputs of the given types.
Graph one_operator(OperatorPtr op, std::vector<DType> types, const QuantParams& quant = {},
                   const std::vector<AnyTensor>& more = {}) {
  Graph g;
  std::vector<int> in{g.add_input("x", {2, 4, 4, 8})}, out;
  for (const AnyTensor& t : more) {
    in.push_back(g.add_constant("constant" + std::to_string(in.size()), t));
  }
  for (const DType t : types) {
    const Shape shape = quant ? Shape{2, 4, 4, 8} : Shape{};
    out.push_back(g.add_value({"y" + std::to_string(out.size()), t, shape, quant, {}}));
  }
  g.nodes.push_back({"layer", std::move(op), in, out});
  g.outputs = out;
  return g;
}

template <class Op>
Graph one(Op op, std::vector<DType> types = {DType::f32}, const QuantParams& quant = {},
          const std::vector<AnyTensor>& more = {}) {
  return one_operator(std::make_shared<const Op>(std::move(op)), std::move(types), quant, more);
}

Tensor<float> input_with(float value, std::int64_t at) {
  Tensor<float> t = random_tensor({2, 4, 4, 8}, 9);
  t[at] = value;
  return t;
}

/// Dequantizes integer outputs of the model.
Graph back_to_float(Graph g) {
  std::vector<int> outputs;
  for (const int v : g.outputs) outputs.push_back(g.add(g.value(v).name + ".float", Convert(DType::f32), {v}));
  g.outputs = outputs;
  return g;
}

}  // namespace

TEST_CASE("not finite: every operator that quantizes floats reports them") {
  std::vector<Graph> graphs;
  for (const DType t : {DType::i8, DType::u8, DType::i16, DType::i32}) {
    graphs.push_back(one(Convert(t), {t}, QuantParams(0.01f, 3)));
    graphs.push_back(one(Convert(t), {t}, QuantParams(std::vector<float>(8, 0.01f), std::vector<int32>(8, 0), 3)));
  }
  for (const DType t : {DType::i8, DType::u8, DType::i32, DType::i64, DType::u4})
    graphs.push_back(one(Convert(t), {t}));
  for (const DType t : {DType::i8, DType::u8, DType::i4}) {
    QuantizeLinear q;
    q.to = t;
    graphs.push_back(one(q, {t}, {}, {Tensor<float>({1}, {0.01f})}));
  }
  graphs.push_back(one(DynamicQuantizeLinear(), {DType::u8, DType::f32, DType::u8}));
  for (const Isa isa : available_isas()) {
    const UseIsa use(isa);
    for (const Graph& g : graphs)
      for (const bool optimized : {false, true}) {
        Executor integers = executor(g, optimized), floats = executor(back_to_float(g), optimized);
        CHECK(message([&] { integers.run({input_with(3.4e38f, 0)}); }) == "");  // large, but finite
        for (const float value : all_values)
          for (const std::int64_t at : {0, 131, 255}) {
            CHECK(contains(message([&] { integers.run({input_with(value, at)}); }), "'x'"));
            for (const AnyTensor& y : floats.run({input_with(value, at)})) CHECK(all_nan(y));
          }
      }
  }
}

TEST_CASE("not finite: ArgMax, and indices cast from floats") {
  MaxPool pool;
  pool.window = Window(2, 2, 2);
  pool.indices = true;
  Executor positions = executor(one(pool, {DType::f32, DType::i64}), true);
  CHECK(contains(message([&] { positions.run({input_with(not_a_number, 40)}); }), "'x'"));
  CHECK(message([&] { positions.run({input_with(inf, 40)}); }) == "");  // the maximum has a position

  Graph g;
  const int x = g.add_input("x", {3}), table = g.add_constant("table", random_tensor({4, 2}, 1));
  const int index = g.add("index", Convert(DType::i64), {x});
  g.outputs = {g.add("picked", Gather(0), {table, index})};
  for (const bool optimized : {false, true}) {
    Executor run = executor(g, optimized);
    CHECK_FALSE(some_nan(run(Tensor<float>({3}, {0, 3, 1}))));
    for (const float value : all_values) CHECK(all_nan(run(Tensor<float>({3}, {0, value, 1}))));
  }
}

TEST_CASE("not finite: values that arise inside the model are detected and named") {
  Graph g;
  const int x = g.add_input("x", {1, 4});
  const int e = g.add("grown", Unary(UnaryKind::exp), {x});
  const int q = g.add_value({"bytes", DType::u8, {1, 4}, QuantParams(0.1f, 0), {}});
  g.nodes.push_back({"bytes", std::make_shared<const Convert>(DType::u8), {e}, {q}});
  g.outputs = {q};
  const Tensor<float> large({1, 4}, {0, 1, 100, 2});
  for (const bool optimized : {false, true}) {
    CHECK(contains(message([&] { executor(g, optimized).run({large}); }), "'grown'"));
    CHECK(all_nan(executor(g, optimized)(large)));
    CHECK(all_nan(executor(back_to_float(g), optimized)(large)));
    CHECK(contains(message([&] { executor(back_to_float(g), optimized, NotFinite::error)(large); }), "'grown'"));
  }
}

TEST_CASE("not finite: several inputs and outputs, constants") {
  Graph g;
  const QuantParams quant(0.02f, 100);
  const auto bytes = [&](const std::string& name, int from) {
    const int q = g.add_value({name, DType::u8, {1, 40}, quant, {}});
    g.nodes.push_back({name, std::make_shared<const Convert>(DType::u8), {from}, {q}});
    return g.add(name + ".float", Convert(DType::f32), {q});
  };
  const int a = g.add_input("a", {1, 40}), b = g.add_input("b", {1, 40});
  g.outputs = {bytes("first", a), bytes("second", b)};
  const Tensor<float> good = random_tensor({1, 40}, 3);
  for (const bool optimized : {false, true})
    for (const float value : all_values) {
      Tensor<float> bad = good;
      bad[39] = value;
      for (const AnyTensor& y : executor(g, optimized).run({good, bad})) CHECK(all_nan(y));
      CHECK(contains(message([&] { executor(g, optimized, NotFinite::error).run({good, bad}); }), "input 'b'"));
    }

  Tensor<float> infinite = good;
  infinite[0] = inf;
  g.outputs.push_back(bytes("third", g.add_constant("constant", infinite)));
  g.outputs.push_back(g.add("sum", Binary(BinaryKind::add), {g.outputs[0], g.outputs[2]}));
  for (const bool optimized : {false, true}) {
    for (const AnyTensor& y : executor(g, optimized).run({good, good})) CHECK(all_nan(y));
    CHECK(contains(message([&] { executor(g, optimized, NotFinite::error).run({good, good}); }), "'constant'"));
  }
}

TEST_CASE("not finite: float operators keep a NaN") {
  std::vector<Graph> graphs;
  for (int k = 0; k <= static_cast<int>(UnaryKind::last); ++k)
    graphs.push_back(one(Unary(static_cast<UnaryKind>(k), 0.1, 6)));
  const AnyTensor ones = Tensor<float>({1, 1, 1, 8}, std::vector<float>(8, 1.5f));
  for (const BinaryKind k : {BinaryKind::add, BinaryKind::sub, BinaryKind::mul, BinaryKind::div, BinaryKind::min,
                             BinaryKind::max, BinaryKind::pow})
    graphs.push_back(one(Binary(k, {0, 6}), {DType::f32}, {}, {ones}));
  for (const bool log : {false, true}) {
    Softmax softmax;
    softmax.log = log;
    graphs.push_back(one(softmax));
  }
  for (const ReduceKind k : {ReduceKind::mean, ReduceKind::sum, ReduceKind::max, ReduceKind::min, ReduceKind::prod})
    graphs.push_back(one(Reduce(k, {1, 2}, true)));
  MaxPool max;
  AveragePool average;
  max.window = average.window = Window(3, 3, 1, 1);
  graphs.push_back(one(max));
  graphs.push_back(one(average));
  graphs.push_back(one(PRelu(), {DType::f32}, {}, {ones}));
  graphs.push_back(one(LocalResponseNormalization()));
  Resize resize;
  resize.mode = ResizeMode::linear;
  resize.scales = {1, 2, 2, 1};
  graphs.push_back(one(resize));
  graphs.push_back(one(convolution(3, 1, 0, 6), {DType::f32}, {}, {random_tensor({8, 3, 3, 8}, 1)}));
  graphs.push_back(one(convolution(3, 8, 0, 6), {DType::f32}, {}, {random_tensor({8, 3, 3, 1}, 1)}));
  for (const Isa isa : available_isas()) {
    const UseIsa use(isa);
    for (const Graph& g : graphs)
      for (const std::int64_t at : {0, 131, 255}) {
        CAPTURE(g.nodes[0].op->type());
        CAPTURE(at);
        CHECK(some_nan(executor(g, true)(input_with(not_a_number, at))));
      }
  }
}

TEST_CASE("not finite: weights and calibration inputs are refused by name") {
  const Calibration calibration = calibrate(network(), {images()});
  for (const std::string name : {"w1", "b1", "w2", "w3", "w4", "b4"})
    for (const float value : all_values) {
      Model m = network();
      for (Value& v : m.values)
        if (v.name == name) {
          Tensor<float> t(v.constant.view<float>());
          t[t.size() - 1] = value;
          v.constant = std::move(t);
        }
      const std::string quoted = "'" + name + "' has NaN or infinite elements";
      CHECK(contains(message([&] { calibrate(m, {images()}); }), quoted));
      CHECK(contains(message([&] { quantize<int8>(m, calibration); }), quoted));
      CHECK(contains(message([&] { quantize<dynamic_range>(m); }), quoted));
      CHECK(contains(message([&] { quantize<fp16>(m); }), quoted));
      CHECK(contains(message([&] { quantize<bf16>(m, calibration); }), quoted));
    }
  for (const float value : all_values)
    for (const std::int64_t at : places())
      CHECK(contains(message([&] { calibrate(network(), {spoilt(value, at)}); }), "'x' has NaN or infinite elements"));
}

TEST_CASE("not finite: tensors are refused") {
  for (const float value : all_values)
    for (const std::int64_t at : places()) {
      const Tensor<float> t = spoilt(value, at);
      for (const RangeMethod method :
           {RangeMethod::min_max, RangeMethod::percentile, RangeMethod::entropy, RangeMethod::mse})
        CHECK(contains(message([&] { quantize<int8>(t, per_tensor().by(method)); }), "NaN or infinite"));
      CHECK(contains(message([&] { quantize<uint8>(t, per_channel(3).asymmetric()); }), "NaN or infinite"));
      CHECK(contains(message([&] { quantize<int16>(t, given_params({0.1f, 0})); }), "NaN or infinite"));
      Histogram h;
      CHECK(message([&] { h.add(t.data(), t.size()); }) != "");
    }
}

namespace {

/// A dense layer of one large weight among `size`.
Model with_weight(float large, std::int64_t size) {
  Graph g;
  Tensor<float> w = random_tensor({2, size / 2}, 11);
  w[size / 2] = large;
  const int x = g.add_input("x", {1, size / 2});
  g.outputs = {g.add("y", FullyConnected(), {x, g.add_constant("w", std::move(w))})};
  return g;
}

DType weights_type(const Model& m) { return m.value(m.nodes[0].inputs[1]).dtype; }

template <class Half>
void check_large(float fits, float too_large, DType half) {
  for (const std::int64_t size : {64, 4096})
    for (const float sign : {-1.0f, 1.0f}) {
      std::vector<std::string> notes;
      WeightOptions options, strict;
      options.notes = &notes;
      strict.too_large = TooLarge::error;
      const bool converted = size >= options.least_elements;
      CHECK(weights_type(quantize<Half>(with_weight(sign * fits, size), options)) == (converted ? half : DType::f32));
      CHECK(notes.empty());
      const Model m = quantize<Half>(with_weight(sign * too_large, size), options);
      CHECK(weights_type(m) == DType::f32);
      CHECK(notes.size() == (converted ? 1 : 0));
      if (converted) CHECK(contains(notes[0], "tensor 'w'"));
      const std::string error = message([&] { quantize<Half>(with_weight(sign * too_large, size), strict); });
      CHECK(contains(error, "tensor 'w'") == converted);
      Tensor<float> x({1, size / 2});
      x[0] = 1;
      CHECK(Executor(m)(x)[1] == sign * too_large);
    }
}

}  // namespace

TEST_CASE("not finite: weights too large for half precision stay float32, with a note") {
  check_large<fp16>(65519.0f, 65520.0f, DType::f16);
  check_large<fp16>(65504.0f, 1e38f, DType::f16);
  check_large<bf16>(3.396e38f, 3.3961775e38f, DType::bf16);
  CHECK(std::isinf(static_cast<float>(quantize<fp16>(Tensor<float>({1}, {65520.0f}))[0])));  // of a tensor: IEEE 754
}
