#include <octet/operators/all.hpp>
#include <octet/runtime/executor.hpp>

#include "../testing.hpp"
#include "support/layer.hpp"

// Codes are transposed instead of floats, with the same bits.

using namespace octet;
using namespace testing;

namespace {

using Types = std::vector<std::string>;

const Transpose to_pixels({0, 2, 3, 1}), to_channels({0, 3, 1, 2});

/// An image of floats or codes by channels.
struct Image {
  Graph graph;
  int x;
  explicit Image(DType dtype, std::int64_t batch = 2) { x = graph.add_input("x", {batch, 3, 5, 7}, dtype); }

  int add(const std::string& name, OperatorPtr op, int in, DType dtype) {
    const int v = graph.add(name, std::move(op), {in});
    graph.value(v).dtype = dtype;
    set_scale(v);
    return v;
  }
  void set_scale(int v) {
    if (graph.value(v).dtype == DType::u8) graph.value(v).quant = QuantParams(0.05f, 100);
    if (graph.value(v).dtype == DType::i16) graph.value(v).quant = QuantParams(0.001f, 0);
  }
};

/// The layers that run, after a comparison with those of the graph as it is.
Types run(const Graph& g, const AnyTensor& in) {
  ExecutorOptions plain;
  plain.optimize = false;
  Executor fast(g), slow(g, plain);
  const auto a = fast.run({in}), b = slow.run({in});
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(same_bytes(a[i], b[i]));
  Types types;
  for (const Node& n : fast.graph().nodes) types.push_back(n.op->type());
  return types;
}

const AnyTensor image_of_floats = random_tensor({2, 3, 5, 7}, 1, -8.0f, 8.0f);

}  // namespace

TEST_CASE("transpose codes: floats are rounded before they are transposed") {
  Image i(DType::f32);
  const int t = i.add("t", make_operator(to_pixels), i.x, DType::f32);
  i.graph.outputs = {i.add("q", make_operator(Convert(DType::u8)), t, DType::u8)};
  CHECK(run(i.graph, image_of_floats) == Types{"Convert", "Transpose"});
}

TEST_CASE("transpose codes: codes become floats after they are transposed") {
  Image i(DType::u8, Shape::unknown);
  i.set_scale(i.x);
  const int f = i.add("f", make_operator(Convert(DType::f32)), i.x, DType::f32);
  i.graph.outputs = {i.add("t", make_operator(to_channels), f, DType::f32)};
  Tensor<std::uint8_t> x({2, 3, 5, 7});
  for (std::int64_t k = 0; k < x.size(); ++k) x[k] = static_cast<std::uint8_t>(k);
  CHECK(run(i.graph, x) == Types{"Transpose", "Convert"});
}

TEST_CASE("transpose codes: not if floats are read elsewhere, nor for codes of 16 bits") {
  for (const bool output : {false, true}) {
    Image i(DType::f32);
    const int t = i.add("t", make_operator(to_pixels), i.x, DType::f32);
    i.graph.outputs = {i.add("q", make_operator(Convert(DType::u8)), t, DType::u8),
                       output ? t : i.add("s", make_operator(Unary(UnaryKind::sqrt)), t, DType::f32)};
    CHECK(run(i.graph, random_tensor({2, 3, 5, 7}, 1, 0.0f, 8.0f))[0] == "Transpose");
  }
  Image i(DType::f32);
  const int t = i.add("t", make_operator(to_pixels), i.x, DType::f32);
  i.graph.outputs = {i.add("q", make_operator(Convert(DType::i16)), t, DType::i16)};
  CHECK(run(i.graph, image_of_floats) == Types{"Transpose", "Convert"});
}
