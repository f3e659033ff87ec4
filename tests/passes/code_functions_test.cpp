#include <octet/operators/all.hpp>
#include <octet/runtime/executor.hpp>

#include "../testing.hpp"
#include "support/isas.hpp"

// Layers that depend on the codes of one tensor become one table, with the same bits.

using namespace octet;
using namespace testing;

namespace {

const QuantParams codes{0.05f, 100}, results{0.03f, 20};

int quantized(Graph& g, const std::string& name, OperatorPtr op, const std::vector<int>& in,
              const QuantParams& q = results) {
  const int v = g.add(name, std::move(op), in);
  g.value(v).dtype = DType::u8;
  g.value(v).quant = q;
  return v;
}

/// All codes, as [1, 16, 16].
struct Codes {
  Graph graph;
  int x = graph.add_input("x", {1, 16, 16}, DType::u8);
  Codes() { graph.value(x).quant = codes; }
  int real() { return graph.add("real", Convert(DType::f32), {x}); }
  int number(float v) { return graph.add_constant("c" + std::to_string(graph.values.size()), Tensor<float>({1}, {v})); }
};

/// The layers that run, after a comparison with those of the graph as it is.
std::vector<std::string> run(const Graph& g) {
  Tensor<std::uint8_t> x({1, 16, 16});
  for (std::int64_t i = 0; i < 256; ++i) x[i] = static_cast<std::uint8_t>(i);
  std::vector<std::string> types;
  for (Isa isa : available_isas()) {
    const UseIsa use(isa);
    ExecutorOptions plain;
    plain.optimize = false;
    Executor fast(g), slow(g, plain);
    const AnyTensor a = fast.run({x})[0], b = slow.run({x})[0];
    REQUIRE(a.size_bytes() == b.size_bytes());
    CHECK(std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
    types.clear();
    for (const Node& n : fast.graph().nodes) types.push_back(n.op->type());
  }
  return types;
}

}  // namespace

TEST_CASE("code functions: a gate times its input") {
  Codes c;
  const int gate = quantized(c.graph, "gate", make_operator(Unary(UnaryKind::sigmoid)), {c.x}, {1.0f / 256, 0});
  c.graph.outputs = {quantized(c.graph, "product", make_operator(Binary(BinaryKind::mul)), {c.x, gate})};
  CHECK(run(c.graph) == std::vector<std::string>{"CodeFunction"});
}

TEST_CASE("code functions: layers in float between conversions") {
  for (BinaryKind kind : {BinaryKind::max, BinaryKind::min, BinaryKind::div, BinaryKind::pow, BinaryKind::floor_mod})
    for (const bool first : {false, true}) {
      // Not where results are infinite or NaN.
      if (kind == BinaryKind::pow ? !first : first && (kind == BinaryKind::div || kind == BinaryKind::floor_mod))
        continue;
      Codes c;
      std::vector<int> in{c.real(), c.number(1.5f)};
      if (first) std::swap(in[0], in[1]);
      const int r = c.graph.add("result", Binary(kind), in);
      const int clipped = c.graph.add("clip", Unary(UnaryKind::clip, -2, 3), {r});
      c.graph.outputs = {quantized(c.graph, "codes", make_operator(Convert(DType::u8)), {clipped})};
      run(c.graph);
    }
}

TEST_CASE("code functions: other readers keep what is between") {
  Codes c;
  const int real = c.real(), a = c.graph.add("a", Binary(BinaryKind::max), {real, c.number(0.5f)});
  const int b = quantized(c.graph, "b", make_operator(Convert(DType::u8)), {a});
  const int d = c.graph.add("d", Binary(BinaryKind::min), {real, c.number(1)});
  const int e = quantized(c.graph, "e", make_operator(Convert(DType::u8)), {d});
  c.graph.outputs = {b, e};
  CHECK(run(c.graph) == std::vector<std::string>{"CodeFunction", "CodeFunction"});
  c.graph.outputs = {b, a};  // a is an output
  run(c.graph);
}

TEST_CASE("code functions: not with a constant per element, or a second tensor") {
  Codes c;
  const int many = c.graph.add_constant("many", random_tensor({16}, 1));
  const int r = c.graph.add("result", Binary(BinaryKind::max), {c.real(), many});
  c.graph.outputs = {quantized(c.graph, "codes", make_operator(Convert(DType::u8)), {r})};
  CHECK(run(c.graph) == std::vector<std::string>{"Convert", "Binary", "Convert"});
}

TEST_CASE("code functions: the summary of a layer with open sizes") {
  Codes c;
  c.graph.value(c.x).shape = Shape{Shape::unknown, 16, 16};
  const int r = c.graph.add("log", Unary(UnaryKind::log), {c.real()});
  c.graph.outputs = {quantized(c.graph, "codes", make_operator(Convert(DType::u8)), {r})};
  const Executor run(c.graph);
  const Graph& g = run.graph();
  REQUIRE(g.nodes.size() == 1);
  CHECK(g.nodes[0].op->summary(g.shape_context(g.nodes[0], nullptr)) == "Log");
}

TEST_CASE("code functions: a number that is lost is reported if its code occurs") {
  Codes c;  // the logarithm of code 100, which is 0
  const int r = c.graph.add("log", Unary(UnaryKind::log), {c.graph.add("abs", Unary(UnaryKind::abs), {c.real()})});
  c.graph.outputs = {quantized(c.graph, "codes", make_operator(Convert(DType::u8)), {r})};
  ExecutorOptions options;
  options.not_finite = NotFinite::error;
  Executor fast(c.graph, options);
  Tensor<std::uint8_t> x({1, 16, 16});
  std::fill(x.begin(), x.end(), std::uint8_t{150});
  CHECK_NOTHROW(fast.run({x}));
  x[77] = 100;
  CHECK_THROWS(fast.run({x}));
}

TEST_CASE("code functions: the greatest and the least of two tensors are those of codes") {
  const QuantParams others[] = {results, codes, {0.04f, 7}};
  for (BinaryKind kind : {BinaryKind::max, BinaryKind::min})
    for (const QuantParams& other : others)
      for (const QuantParams& result : others)
        for (const bool limited : {false, true}) {
          Graph g;
          const Shape shape{1, 128, 512};
          const int x = g.add_input("x", shape, DType::u8), y = g.add_input("y", shape, DType::u8);
          g.value(x).quant = codes;
          g.value(y).quant = other;
          const ActivationRange range{limited ? -1.5 : ActivationRange().low, limited ? 2 : ActivationRange().high};
          const int r = g.add("r", Binary(kind, range),
                              {g.add("a", Convert(DType::f32), {x}), g.add("b", Convert(DType::f32), {y})});
          g.outputs = {quantized(g, "codes", make_operator(Convert(DType::u8)), {r}, result)};
          Tensor<std::uint8_t> a(shape), b(shape);  // all pairs
          for (std::int64_t i = 0; i < a.size(); ++i) {
            a[i] = static_cast<std::uint8_t>(i >> 8);
            b[i] = static_cast<std::uint8_t>(i);
          }
          for (Isa isa : available_isas()) {
            const UseIsa use(isa);
            ExecutorOptions plain;
            plain.optimize = false;
            Executor fast(g), slow(g, plain);
            const AnyTensor found = fast.run({a, b})[0], expected = slow.run({a, b})[0];
            CHECK(std::memcmp(found.data(), expected.data(), expected.size_bytes()) == 0);
            std::size_t tables = 0;
            for (const Node& n : fast.graph().nodes) tables += std::string(n.op->type()) == "CodeFunction";
            CHECK(tables == (limited ? 2 : (result == codes ? 0 : 1) + (result == other ? 0 : 1)));
            CHECK(fast.graph().nodes.size() == tables + 1);
          }
        }
}
