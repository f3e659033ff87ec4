#include <doctest/doctest.h>

#include <octet/models/mobilenet.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/quantize.hpp>
#include <octet/runtime/executor.hpp>

#include "support/allocations.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"

using namespace octet;
using testing::Random;

namespace {

AnyTensor random_tensor(const Shape& shape, Random& r) {
  Tensor<float> t = Tensor<float>::uninitialized(shape);
  r.fill(t.data(), t.size(), -2, 2);
  return t;
}

Executor plain(const Graph& g, int threads = 1) {
  ExecutorOptions o;
  o.threads = threads;
  o.optimize = false;
  return Executor(g, o);
}

bool same_bits(const AnyTensor& a, const AnyTensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

Unary relu() { return Unary(UnaryKind::clip, 0, std::numeric_limits<double>::infinity()); }

Convolution conv3x3() {
  Convolution c;
  c.window = Window(3, 3, 1, 1);
  return c;
}

/// image [?, ?, ?, 4] -> conv -> relu -> + conv -> pool -> conv, with an intermediate second output.
Graph small_network(Random& r) {
  Graph g;
  g.name = "small";
  const int x = g.add_input("x", {Shape::unknown, Shape::unknown, Shape::unknown, 4});
  const auto weights = [&](const std::string& n, const Shape& s) { return g.add_constant(n, random_tensor(s, r)); };
  const int a = g.add("a", conv3x3(), {x, weights("wa", {4, 3, 3, 4}), weights("ba", {4})});
  const int b = g.add("b", relu(), {a});
  const int c = g.add("c", conv3x3(), {b, weights("wc", {4, 3, 3, 4})});
  const int d = g.add("d", Binary(BinaryKind::add), {b, c});
  MaxPool pool;
  pool.window = Window(2, 2, 2, 0);
  const int e = g.add("e", pool, {d});
  g.outputs = {g.add("f", conv3x3(), {e, weights("wf", {7, 3, 3, 4})}), d};
  return g;
}

// The values of all outputs, computed by running each node separately.
std::vector<AnyTensor> run_node_by_node(const Graph& g, const std::vector<AnyTensor>& inputs) {
  std::vector<AnyTensor> values(g.values.size());
  for (std::size_t v = 0; v < values.size(); ++v) values[v] = g.values[v].constant;
  for (std::size_t i = 0; i < inputs.size(); ++i) values[static_cast<std::size_t>(g.inputs[i])] = inputs[i];
  for (const Node& n : g.nodes) {
    Graph one;
    std::vector<AnyTensor> in;
    std::vector<int> operands;
    for (int v : n.inputs) {
      if (v == Node::none) {
        operands.push_back(v);
        continue;
      }
      const Value& value = g.value(v);
      if (value.is_constant()) {
        operands.push_back(one.add_constant(value.name, value.constant, value.quant));
      } else {
        in.push_back(values[static_cast<std::size_t>(v)]);
        operands.push_back(one.add_input(value.name + std::to_string(operands.size()), in.back().shape()));
      }
    }
    one.outputs = {one.add(n.name, n.op, operands)};
    values[static_cast<std::size_t>(n.outputs[0])] = plain(one).run(in)[0];
  }
  std::vector<AnyTensor> out;
  for (int v : g.outputs) out.push_back(values[static_cast<std::size_t>(v)]);
  return out;
}

}  // namespace

TEST_CASE("executor: random graphs give the same results as their nodes run one by one") {
  Random r(70);
  for (int round = 0; round < testing::rounds(400); ++round) {
    Graph g;
    const std::int64_t c = r.between(1, 20);
    std::vector<int> images, flat;  // values [2, 3, 4, c] and [2, 12 c]
    for (std::int64_t i = r.between(1, 3); i > 0; --i)
      images.push_back(g.add_input("x" + std::to_string(i), {2, 3, 4, c}));
    if (r.chance(30)) images.push_back(g.add_constant("constant", random_tensor({2, 3, 4, c}, r)));
    const auto any = [&](const std::vector<int>& list) {  // often the last one, so that graphs are deep
      const auto last = static_cast<std::int64_t>(list.size()) - 1;
      return list[static_cast<std::size_t>(r.chance(50) ? last : r.between(0, last))];
    };
    for (int n = 0, nodes = static_cast<int>(r.between(0, 12)); n < nodes; ++n) {
      const std::string name = "n" + std::to_string(n);
      switch (r.between(0, 9)) {
        case 0: images.push_back(g.add(name, relu(), {any(images)})); break;
        case 1: images.push_back(g.add(name, Binary(BinaryKind::add), {any(images), any(images)})); break;
        case 2: images.push_back(g.add(name, Binary(BinaryKind::mul), {any(images), any(images)})); break;
        case 3:
        case 4:
        case 5: {
          const AnyTensor w = random_tensor({c, 3, 3, c}, r);
          std::vector<int> in{any(images), Node::none};
          if (r.chance(50)) {  // dynamic range: the image is quantized by its range, which the layer before may measure
            const QTensor<int8> q = quantize<int8>(w.view<float>(), per_channel(0));
            in[1] = g.add_constant("w" + name, q.data, q.params);
          } else {
            in[1] = g.add_constant("w" + name, w);
          }
          if (r.chance(50)) in.insert(in.end(), {Node::none, any(images)});  // added to the sums
          images.push_back(g.add(name, conv3x3(), in));
          break;
        }
        case 6: flat.push_back(g.add(name, Flatten(1), {any(images)})); break;
        case 7: images.push_back(g.add(name, Identity(), {any(images)})); break;
        default:
          if (!flat.empty()) images.push_back(g.add(name, Reshape({2, 3, 4, c}), {any(flat)}));
      }
    }
    // Outputs may be inputs, constants, views, inputs of other nodes, and duplicates.
    for (std::int64_t i = r.between(1, 4); i > 0; --i)
      g.outputs.push_back(any(r.chance(20) && !flat.empty() ? flat : images));
    std::vector<AnyTensor> inputs;
    for (std::size_t i = 0; i < g.inputs.size(); ++i) inputs.push_back(random_tensor({2, 3, 4, c}, r));
    const std::vector<AnyTensor> expected = run_node_by_node(g, inputs);
    Executor whole = plain(g, static_cast<int>(r.between(1, 3)));
    for (int run = 0; run < 2; ++run) {
      const std::vector<AnyTensor> got = whole.run(inputs);
      REQUIRE(got.size() == expected.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        INFO("round ", round, ", output ", i);
        CHECK(same_bits(got[i], expected[i]));
      }
    }
  }
}

TEST_CASE("executor: runs with planned shapes do not allocate") {
  Random r(71);
  Graph g = small_network(r);
  for (const bool dynamic : {false, true}) {
    if (dynamic)
      for (Value& v : g.values)
        if (v.is_constant() && v.shape.rank() == 4) {
          Tensor<int8> w = Tensor<int8>::uninitialized(v.shape);
          r.fill(w.data(), w.size(), -127, 127);
          v.constant = std::move(w);
          v.dtype = DType::i8;
          v.quant = QuantParams(0.01f, 0);
        }
    Executor executor = plain(g, 3);
    const AnyTensor x = random_tensor({2, 8, 6, 4}, r);
    const std::vector<AnyTensor> out = executor.run({x});
    const TensorRef in = x.ref(), results[] = {out[0].ref(), out[1].ref()};
    for (int i = 0; i < 100; ++i) executor.run(&in, results);  // threads may still be starting
    const std::int64_t before = testing::allocations();
    for (int i = 0; i < 100; ++i) executor.run(&in, results);
    CHECK(testing::allocations() == before);
  }
}

namespace {

enum class Numbers { floats, dynamic, integers };

/// 3x3 convolution of 64 channels -> depthwise -> 1x1 of 32 -> mean -> fully connected of 10.
Graph layers_of_all_forms(Numbers numbers, Random& r) {
  Graph g;
  const bool integers = numbers == Numbers::integers;
  const auto weights = [&](const std::string& name, const Shape& shape, bool bytes) {
    if (!bytes) return g.add_constant(name, random_tensor(shape, r));
    Tensor<int8> w = Tensor<int8>::uninitialized(shape);
    r.fill(w.data(), w.size(), -127, 127);
    return g.add_constant(name, std::move(w), QuantParams(0.01f, 0));
  };
  const auto described = [&](int v) {
    if (integers) g.value(v).quant = QuantParams(0.05f, 100);
    return v;
  };
  int y = described(g.add_input("x", {1, Shape::unknown, Shape::unknown, 64}, integers ? DType::u8 : DType::f32));
  y = described(g.add("conv", conv3x3(), {y, weights("w1", {64, 3, 3, 64}, numbers != Numbers::floats)}));
  Convolution depthwise = conv3x3();
  depthwise.groups = 64;
  y = described(g.add("depthwise", depthwise, {y, weights("w2", {64, 3, 3, 1}, integers)}));
  y = described(g.add("project", Convolution(), {y, weights("w3", {32, 1, 1, 64}, numbers != Numbers::floats)}));
  y = described(g.add("mean", Reduce(ReduceKind::mean, {1, 2}, false), {y}));
  g.outputs = {described(g.add("dense", FullyConnected(), {y, weights("w4", {10, 32}, numbers != Numbers::floats)}))};
  return g;
}

AnyTensor image_for(const Graph& g, std::int64_t size, Random& r) {
  const Shape shape{1, size, size, 64};
  if (g.value(g.inputs[0]).dtype == DType::f32) return random_tensor(shape, r);
  Tensor<uint8> x = Tensor<uint8>::uninitialized(shape);
  r.fill(x.data(), x.size(), 0, 255);
  return x;
}

Executor with_memory(const Graph& g, int threads, WeightMemory memory) {
  ExecutorOptions o;
  o.threads = threads;
  o.memory = memory;
  o.optimize = false;  // no chains
  return Executor(g, o);
}

constexpr Numbers all_numbers[] = {Numbers::floats, Numbers::dynamic, Numbers::integers};
constexpr WeightMemory all_memories[] = {WeightMemory::fast, WeightMemory::balanced, WeightMemory::small};

}  // namespace

TEST_CASE("executor: Winograd's algorithm does not allocate, with any WeightMemory") {
  Random r(76);
  for (const Numbers numbers : all_numbers) {
    const Graph g = layers_of_all_forms(numbers, r);
    const AnyTensor x = image_for(g, 56, r);
    for (const WeightMemory memory : all_memories) {
      Executor executor = with_memory(g, 2, memory);
      const std::vector<AnyTensor> out = executor.run({x});
      const TensorRef in = x.ref(), result = out[0].ref();
      for (int i = 0; i < 20; ++i) executor.run(&in, &result);  // threads may still be starting
      const std::int64_t before = testing::allocations();
      for (int i = 0; i < 20; ++i) executor.run(&in, &result);
      CHECK(testing::allocations() == before);
      if (numbers != Numbers::floats) CHECK(same_bits(out[0], with_memory(g, 1, WeightMemory::small).run({x})[0]));
    }
  }
}

TEST_CASE("executor: reports the form of layers and the memory of their weights") {
  Random r(77);
  const bool winograd = active_isa() != Isa::scalar;
  for (const Numbers numbers : all_numbers) {
    const Graph g = layers_of_all_forms(numbers, r);
    CAPTURE(static_cast<int>(numbers));
    std::size_t packed[3] = {};
    for (const WeightMemory memory : all_memories) {
      Executor executor = with_memory(g, 1, memory);
      executor.plan({{1, 56, 56, 64}});
      std::map<std::string, LayerForm> forms;
      std::size_t bytes = 0;
      for (const LayerForm& f : executor.layer_forms()) {
        forms[f.name] = f;
        bytes += f.packed_bytes;
      }
      CHECK(bytes == executor.packed_bytes());
      packed[static_cast<int>(memory)] = bytes;
      CHECK(forms["conv"].type == "Convolution");
      const char* of_winograd = memory == WeightMemory::fast ? "Winograd" : "Winograd, weights transformed in each run";
      CHECK(forms["conv"].form == (memory != WeightMemory::small && winograd ? of_winograd : "direct, gathered"));
      const std::size_t element = numbers == Numbers::floats ? 4 : 1, weights = 64 * 9 * 64 * element;
      CHECK(forms["conv"].packed_bytes >= weights);
      CHECK((forms["conv"].packed_bytes > 5 * weights) == (memory == WeightMemory::fast && winograd));
      CHECK(forms["depthwise"].form == "depthwise, along rows");
      CHECK(forms["depthwise"].packed_bytes > 0);
      CHECK(forms["project"].form ==
            (numbers == Numbers::dynamic ? "direct, quantized by blocks" : "direct, in place"));
      CHECK(forms["mean"].form.empty());
      CHECK(forms["mean"].packed_bytes == 0);
      CHECK(forms["dense"].type == "FullyConnected");
      CHECK(!forms["dense"].form.empty());
    }
    CHECK(packed[0] >= packed[1]);
    CHECK(packed[1] >= packed[2]);
    // Small images: Winograd's weights are kept then, and from then on.
    if (!winograd) continue;
    Executor executor = with_memory(g, 1, WeightMemory::balanced);
    const auto form = [&](std::int64_t size) {
      executor.plan({{1, size, size, 64}});
      return executor.layer_forms()[0].form;
    };
    CHECK(form(56) == "Winograd, weights transformed in each run");
    CHECK(form(28) == "Winograd");
    CHECK(form(56) == "Winograd");
  }
}

TEST_CASE("executor: plans for any batch and image size") {
  Random r(72);
  const Graph g = small_network(r);
  Executor executor = plain(g, 2);
  const AnyTensor images = random_tensor({3, 9, 7, 4}, r);
  const std::vector<AnyTensor> all = executor.run({images});
  CHECK(all[0].shape() == Shape{3, 4, 3, 7});
  for (std::int64_t i = 0; i < 3; ++i) {
    const auto* first = images.view<float>().data() + i * 9 * 7 * 4;
    const AnyTensor one(Tensor<float>(View<const float>(first, {1, 9, 7, 4})));
    const std::vector<AnyTensor> results = executor.run({one});
    for (std::size_t k = 0; k < 2; ++k) {
      const std::size_t n = results[k].size_bytes();
      CHECK(std::memcmp(results[k].data(), all[k].data() + static_cast<std::size_t>(i) * n, n) == 0);
    }
  }
  const std::size_t arena_of_one = executor.arena_bytes();
  executor.plan({{50, 9, 7, 4}});
  CHECK(executor.arena_bytes() > arena_of_one);
  CHECK(executor.plan({{2, 20, 20, 4}})[0] == Shape{2, 10, 10, 7});
  CHECK(same_bits(executor.run({images})[0], all[0]));
  // After a failed plan, the executor can be used.
  CHECK_THROWS_AS(executor.run({random_tensor({1, 9, 7, 5}, r)}), ShapeError);
  CHECK(same_bits(executor.run({images})[1], all[1]));
}

TEST_CASE(
    "executor: the same bits with any number of threads and, in place of optimised graphs, the same "
    "results") {
  MobileNetOptions o;
  o.width = 0.25;
  o.image_size = 32;
  o.classes = 10;
  const Model model = mobilenet_v2(o);
  Random r(73);
  const AnyTensor x = random_tensor({2, 32, 32, 3}, r);
  const AnyTensor one = plain(model, 1).run({x})[0];
  for (int threads : {2, 3, 5}) CHECK(same_bits(plain(model, threads).run({x})[0], one));
  for (Isa isa : testing::available_isas()) {
    const testing::UseIsa use(isa);
    Executor executor(model, {});
    CHECK(executor.isa() == isa);
    const AnyTensor y = executor.run({x})[0];
    for (std::int64_t i = 0; i < y.size(); ++i)
      CHECK(y.view<float>()[i] == doctest::Approx(one.view<float>()[i]).epsilon(1e-3));
  }
}

TEST_CASE("executor: one float input, one float output") {
  Graph g;
  g.name = "m";
  g.outputs = {g.add("relu", relu(), {g.add_input("x", {Shape::unknown, 3})})};
  Executor executor(g);
  const std::vector<float> values{-1, 2, -3, 4, -5, 6};
  const Tensor<float> y = executor(View<const float>(values, {2, 3}));
  CHECK(y.shape() == Shape{2, 3});
  CHECK(y[0] == 0);
  CHECK(y[5] == 6);
  CHECK_THROWS_WITH_AS(executor(View<const float>(values, {6})),
                       "model 'm': expected input 'x' of shape [?, 3], found [6]", ShapeError);
  g.add_input("unused", {1});
  CHECK_THROWS_WITH_AS(Executor{g}(View<const float>(values, {2, 3})),
                       "model 'm' has 2 inputs and 1 outputs, expected one of each; use run() for other models",
                       ShapeError);
}

TEST_CASE("executor: quantized inputs and outputs are converted from and to float") {
  Graph g;
  const int x = g.add_input("x", {1, 4}, DType::i8);
  g.value(x).quant = QuantParams(0.5f, -10);
  const int y = g.add("y", Identity(), {x});
  g.value(y).quant = QuantParams(0.5f, -10);
  g.outputs = {y};
  const std::vector<float> values{0, 1.2f, -100, 100};
  const Tensor<float> out = Executor(g)(View<const float>(values, {1, 4}));
  CHECK(out[0] == 0);
  CHECK(out[1] == 1.0f);
  CHECK(out[2] == -59.0f);
  CHECK(out[3] == 68.5f);
}

TEST_CASE("executor: wrong tensors are refused") {
  Random r(74);
  const Graph g = small_network(r);
  Executor executor = plain(g);
  CHECK_THROWS_WITH_AS(executor.run(std::vector<AnyTensor>{}), "model 'small': expected 1 inputs, found 0", ShapeError);
  CHECK_THROWS_WITH_AS(executor.run({AnyTensor(Tensor<int8>({1, 4, 4, 4}))}), "input 'x': expected float32, found int8",
                       ShapeError);
  const AnyTensor x = random_tensor({1, 4, 4, 4}, r);
  const AnyTensor small = random_tensor({1, 1, 1, 7}, r), right = random_tensor({1, 2, 2, 7}, r);
  const AnyTensor other = random_tensor({1, 4, 4, 4}, r);
  const TensorRef in = x.ref(), wrong[] = {small.ref(), other.ref()}, good[] = {right.ref(), other.ref()};
  CHECK_THROWS_WITH_AS(executor.run(&in, wrong),
                       "output 'f': expected memory for float32 [1, 2, 2, 7], found float32 [1, 1, 1, 7]", ShapeError);
  executor.run(&in, good);
  CHECK(same_bits(right, executor.run({x})[0]));
}

TEST_CASE("executor: observers and profiling") {
  Random r(75);
  const Graph g = small_network(r);
  Executor executor = plain(g);
  const AnyTensor x = random_tensor({1, 4, 4, 4}, r);
  std::vector<std::string> names;
  std::vector<AnyTensor> copies;
  executor.observe([&](const Value& v, const TensorRef& t) {
    names.push_back(v.name);
    copies.emplace_back(Tensor<float>(View<const float>(t.as<float>(), t.shape)));
  });
  const std::vector<AnyTensor> out = executor.run({x});
  CHECK(names == std::vector<std::string>{"a", "b", "c", "d", "e", "f"});
  CHECK(same_bits(copies[5], out[0]));
  CHECK(same_bits(copies[3], out[1]));
  for (std::int64_t i = 0; i < copies[1].size(); ++i)
    CHECK(copies[1].view<float>()[i] == std::max(0.0f, copies[0].view<float>()[i]));
  executor.observe({});
  executor.profile(true);
  executor.run({x});
  CHECK(names.size() == 6);
  const std::vector<LayerTime> times = executor.layer_times();
  REQUIRE(times.size() == 6);
  CHECK(times[0].name == "a");
  CHECK(times[0].type == "Convolution");
  CHECK(times[0].macs == 4 * 4 * 4 * 36);
  CHECK(times[1].macs == 0);
  CHECK(times[0].milliseconds > 0);
}
