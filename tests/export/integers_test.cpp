#include <octet/operators/all.hpp>

#include "support/exported.hpp"

// Clips of integers have limits of their type.

using namespace octet;
using namespace testing;

namespace {

template <class T>
Graph clips(DType type) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  Graph g;
  const int x = g.add_input("x", {2, 6}, type);
  const int c = g.add_constant("c", Tensor<T>({6}, {1, 2, 3, 4, 5, 6}));
  g.outputs = {
      g.add("clip", Unary(UnaryKind::clip, -2, 3), {x}), g.add("positive", Unary(UnaryKind::clip, 0, infinite), {x}),
      g.add("low", Unary(UnaryKind::clip, -infinite, 4.5), {x}),
      g.add("wide", Unary(UnaryKind::clip, -1e30, 1e30), {x}), g.add("sum", Binary(BinaryKind::add, {-3, 7}), {x, c})};
  return g;
}

template <class T>
void check(DType type) {
  const Graph g = clips<T>(type);
  const std::vector<AnyTensor> in{Tensor<T>({2, 6}, {-9, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 100})};
  for (Format f : {Format::onnx, Format::tflite}) {
    CAPTURE(std::string(name(f)));
    const Model m = through(g, f);
    for (const Node& n : m.nodes)
      for (int v : n.inputs) CHECK(m.value(v).dtype == type);
    CHECK(difference(run_model(g, in), run_model(m, in)).worst == 0);
  }
}

}  // namespace

TEST_CASE("export: clips of integers") {
  check<std::int32_t>(DType::i32);
  check<std::int64_t>(DType::i64);
}
