#include <octet/operators/all.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/executor.hpp>

#include "support/sqnr.hpp"
#include "testing.hpp"

// Models that are correct, but unusual, can be quantized.

using namespace octet;
using namespace testing;

namespace {

int convolution(Graph& g, const std::string& name, int x, Tensor<float> weights) {
  Convolution op;
  op.window = Window(weights.shape()[1], weights.shape()[2], 1, weights.shape()[1] / 2);
  return g.add(name, op, {x, g.add_constant(name + ".w", std::move(weights))});
}

}  // namespace

TEST_CASE("odd models: an output that is computed from constants") {
  Graph g;
  const int w = g.add_constant("w", random_tensor({4, 3, 3, 3}, 1));
  Convolution op;
  op.window = Window(3, 3, 1, 1);
  g.outputs = {g.add("y", op, {g.add_input("x", {2, 8, 8, 3}), w}),
               g.add("mean", Reduce(ReduceKind::mean, {3}, true), {w}),
               g.add("relu", Unary(UnaryKind::clip, 0, 1), {w})};
  const Tensor<float> x = random_tensor({2, 8, 8, 3}, 2);
  const Model m = quantize<int8>(g, calibrate(g, {x}));
  const std::vector<AnyTensor> right = Executor(g).run({x}), found = Executor(m).run({x});
  CHECK(sqnr_db(right[0], found[0]) > 30);
  for (std::size_t i : {std::size_t{1}, std::size_t{2}}) CHECK(sqnr_db(right[i], found[i]) > 100);
}

TEST_CASE("odd models: results that are too small for a scale become zeros") {
  Graph g;
  const int x = g.add_input("x", {2, 8, 8, 4});
  const int low = g.add("low", Binary(BinaryKind::sub), {x, g.add_constant("c", Tensor<float>({1}, {98}))});
  const int tiny = g.add("tiny", Unary(UnaryKind::exp), {low});  // subnormal
  g.outputs = {g.add("y", Binary(BinaryKind::add), {tiny, convolution(g, "conv", x, random_tensor({4, 3, 3, 4}, 3))})};
  const Tensor<float> image = random_tensor({2, 8, 8, 4}, 4);
  CHECK(sqnr_db(g, quantize<int8>(g, calibrate(g, {image})), {image}) > 30);
}

TEST_CASE("odd models: a number without dimensions as first input") {
  Graph g;
  const int a = g.add_input("a", {}), x = g.add_input("x", {2, 8, 8, 3});
  g.outputs = {g.add("y", Binary(BinaryKind::mul), {convolution(g, "conv", x, random_tensor({4, 1, 1, 3}, 5)), a})};
  const std::vector<AnyTensor> in{Tensor<float>(Shape{}, {0.7f}), random_tensor({2, 8, 8, 3}, 6)};
  Calibrator calibrator(g);
  calibrator.add(in);
  const Model m = quantize<int8>(g, calibrator.result());
  CHECK(sqnr_db(Executor(g).run(in)[0], Executor(m).run(in)[0]) > 30);
}

TEST_CASE("odd models: channels that differ by more than the factors that equalize them") {
  for (float outlier : {1e15f, 1e30f})
    for (bool per_channel : {true, false}) {
      Graph g;
      Tensor<float> w = random_tensor({6, 3, 3, 8}, 7);
      w[100] = outlier;
      const int y = convolution(g, "first", g.add_input("x", {1, 8, 8, 3}), random_tensor({8, 3, 3, 3}, 8));
      const int z = convolution(g, "second", g.add("relu", Unary(UnaryKind::clip, 0, 1e38), {y}), std::move(w));
      g.outputs = {convolution(g, "third", z, random_tensor({4, 3, 3, 6}, 9))};
      const Tensor<float> image = random_tensor({1, 8, 8, 3}, 10);
      for (Equalize equalize : {Equalize::where_better, Equalize::always}) {
        Int8Options o;
        o.per_channel = per_channel;
        o.equalize = equalize;
        CHECK_NOTHROW(quantize<int8>(g, calibrate(g, {image}), o));
      }
    }
}

TEST_CASE("odd models: as they are read, weights that are computed from constants") {
  Graph g;
  const int w = g.add_constant("w", random_tensor({4, 3, 3, 3}, 11));
  const int scaled = g.add("scaled", Binary(BinaryKind::mul), {w, g.add_constant("k", Tensor<float>({1}, {0.5f}))});
  Transpose back;
  back.perm = {3, 1, 2, 0};
  Transpose forth = back;
  const int same = g.add("forth", forth, {g.add("back", back, {scaled})});
  Convolution op;
  op.window = Window(3, 3, 1, 1);
  g.outputs = {g.add("y", op, {g.add_input("x", {2, 8, 8, 3}), same})};
  const Tensor<float> x = random_tensor({2, 8, 8, 3}, 12);
  ExecutorOptions as_read;
  as_read.optimize = false;
  CHECK(sqnr_db(Executor(g).run({x})[0], Executor(g, as_read).run({x})[0]) > 100);
}
