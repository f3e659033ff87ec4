#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/image_groups.hpp>

#include <octet/operators/all.hpp>

#include "support/layer.hpp"
#include "support/random.hpp"

// Batches that the cache does not hold are computed in groups of images, with the same bits.

using namespace testing;
using octet::detail::image_groups;

namespace {

constexpr std::int64_t any = Shape::unknown;

/// Whether images of the layer's result, of an input of that shape, are taken to be independent.
template <class Op>
bool by_image(const Op& op, const Shape& shape, std::vector<AnyTensor> constants = {}) {
  Graph g;
  std::vector<int> in{g.add_input("x", shape)};
  for (AnyTensor& t : constants) in.push_back(g.add_constant("c" + std::to_string(in.size()), std::move(t)));
  g.outputs = {g.add("y", op, in)};
  return image_groups(g, {shape}, 1) == shape[0];
}

Convolution convolution(std::int64_t kernel) {
  Convolution c;
  c.window = Window(kernel, kernel, 1, kernel / 2);
  return c;
}

/// Two outputs, of which one is an intermediate result; a reshape and a fully connected layer at the end.
Model network() {
  Model m;
  const int x = m.add_input("x", {any, any, any, 16});
  const auto constant = [&](const Shape& s, unsigned seed) {
    return m.add_constant("c" + std::to_string(seed), random_tensor(s, seed, -0.3f, 0.3f));
  };
  const int a = m.add("a", convolution(3), {x, constant({16, 3, 3, 16}, 1), constant({16}, 2)}),
            b = m.add("b", Binary(BinaryKind::add), {a, x}),
            c = m.add("c", convolution(1), {b, constant({24, 1, 1, 16}, 3)}), d = m.add("d", Concat(3), {c, b}),
            mean = m.add("mean", Reduce(ReduceKind::mean, {1, 2}, false), {d}),
            e = m.add("e", FullyConnected(), {mean, constant({10, 40}, 4)}), s = m.add("s", Softmax(), {e});
  m.outputs = {s, m.add("r", Reshape({0, -1}), {c})};
  return m;
}

/// The images [from, from + n) of a tensor.
AnyTensor images(const AnyTensor& t, std::int64_t from, std::int64_t n) {
  Shape s = t.shape();
  const std::size_t bytes = t.size_bytes() / static_cast<std::size_t>(s[0]);
  s[0] = n;
  return AnyTensor::make(t.dtype(), s, [&](std::byte* p) {
    std::memcpy(p, static_cast<const std::byte*>(t.data()) + static_cast<std::size_t>(from) * bytes,
                static_cast<std::size_t>(n) * bytes);
  });
}

}  // namespace

TEST_CASE("image groups: as few as the cache needs, all of the same size") {
  const Model m = network();
  const auto groups = [&](std::int64_t n, std::size_t cache) { return image_groups(m, {{n, 8, 8, 16}}, cache); };
  const std::size_t image = 8 * 8 * (24 + 16 + 40) * 4;  // of the concatenation
  CHECK(groups(1, 1) == 1);
  CHECK(groups(7, 7 * image) == 1);
  CHECK(groups(7, 7 * image - 1) == 7);
  CHECK(groups(8, 4 * image) == 2);
  CHECK(groups(8, 3 * image) == 4);
  CHECK(groups(9, 4 * image) == 3);
  CHECK(groups(6, 1) == 6);
  CHECK(groups(0, 1) == 1);
}

TEST_CASE("image groups: only where images do not depend on each other") {
  const Tensor<float> square = random_tensor({4, 4}, 1);
  CHECK(by_image(Unary(UnaryKind::clip, 0, 1), {4, 4}));
  CHECK(by_image(Softmax(), {4, 4}));
  CHECK(by_image(FullyConnected(), {4, 8, 4}, {square}));
  CHECK(!by_image(FullyConnected(), {4, 4}, {square}));  // its weights take more than the images
  CHECK(by_image(MatMul(), {4, 8, 4}, {square}));
  CHECK(by_image(Binary(BinaryKind::add), {4, 4, 2}, {random_tensor({4, 2}, 2)}));
  CHECK(by_image(Binary(BinaryKind::add), {4, 4, 2}, {random_tensor({1, 4, 2}, 2)}));
  CHECK(by_image(Reshape({0, 2, 2}), {4, 4}));
  CHECK(by_image(Transpose({0, 2, 1}), {4, 4, 4}));
  CHECK(by_image(Slice({0}, {2}, {1}), {4, 4}));
  CHECK(by_image(Pad(PadMode::constant, {0, 1}, {0, 1}), {4, 4}));
  CHECK(by_image(Reduce(ReduceKind::max, {1}, false), {4, 4}));
  CHECK(by_image(ArgMax(1), {4, 4}));
  CHECK(by_image(Flatten(), {4, 2, 2}));

  Softmax over_images;
  over_images.axis = 0;
  CHECK(!by_image(over_images, {4, 4}));
  over_images.axis = -2;
  CHECK(!by_image(over_images, {4, 4}));
  CHECK(!by_image(Binary(BinaryKind::add), {4, 4, 2}, {random_tensor({4, 4, 2}, 2)}));
  CHECK(!by_image(Binary(BinaryKind::add), {4, 2}, {random_tensor({4, 4, 2}, 2)}));
  CHECK(!by_image(PRelu(), {4, 4, 2}, {random_tensor({4, 4, 2}, 2)}));
  CHECK(!by_image(Concat(1), {4, 4}, {random_tensor({4, 4}, 2)}));
  CHECK(!by_image(MatMul(), {4, 2, 4}, {random_tensor({4, 4, 4}, 2)}));
  CHECK(!by_image(Squeeze(), {4, 1, 4}));
  CHECK(!by_image(Reshape({4, 4}), {4, 2, 2}));
  CHECK(!by_image(Reshape({4, -1, 0}), {4, 8, 2}));
  CHECK(!by_image(Reshape({-1, 2}), {4, 4}));
  CHECK(!by_image(Reshape({2, 0, -1}), {4, 4, 2}));
  CHECK(!by_image(Transpose({1, 0}), {4, 4}));
  CHECK(!by_image(Transpose(), {4, 4}));
  CHECK(!by_image(Slice({0}, {4}, {0}), {4, 4}));
  CHECK(!by_image(Slice({3}, {-5}, {-2}, {-1}), {4, 4}));
  CHECK(!by_image(Reduce(ReduceKind::max, {0}, true), {4, 4}));
  CHECK(!by_image(Reduce(ReduceKind::max, {}, true), {4, 4}));
  CHECK(!by_image(ArgMax(0), {4, 4}));
  CHECK(!by_image(Flatten(0), {4, 4}));
  CHECK(!by_image(MatMul(), {4}, {square}));

  Graph g;  // sums of images of one tensor with positions of the other
  const int a = g.add_input("a", {any, 1, any}), b = g.add_input("b", {any, any});
  g.outputs = {g.add("y", Binary(BinaryKind::add), {a, b})};
  CHECK(image_groups(g, {{4, 1, 4}, {4, 4}}, 1) == 1);
  g.outputs = {g.add("z", MatMul(), {b, b})};
  CHECK(image_groups(g, {{4, 1, 4}, {4, 4}}, 1) == 1);
}

TEST_CASE("image groups: the same bits as images one by one, in every form") {
  const Model m = network();
  const Tensor<float> x = random_tensor({9, 96, 96, 16}, 7);
  const Model forms[] = {m, quantize<int8>(m, calibrate(m, {Tensor<float>(images(x, 0, 2).view<float>())})),
                         quantize<dynamic_range>(m)};
  for (const Model& form : forms)
    for (const int threads : {1, 2}) {
      ExecutorOptions options;
      options.threads = threads;
      Executor one(form, options), batch(form, options);
      std::vector<std::vector<AnyTensor>> expected;
      for (std::int64_t i = 0; i < 9; ++i) expected.push_back(one.run({images(x, i, 1)}));
      for (std::int64_t n = 1; n <= 9; ++n) {
        const std::vector<AnyTensor> found = batch.run({images(x, 0, n)});
        REQUIRE(found.size() == 2);
        CHECK(batch.arena_bytes() <= 2 * one.arena_bytes());
        for (std::size_t o = 0; o < 2; ++o) {
          CHECK(found[o].shape()[0] == n);
          for (std::int64_t i = 0; i < n; ++i)
            CHECK(same_bytes(images(found[o], i, 1), expected[static_cast<std::size_t>(i)][o]));
        }
      }
    }
}

TEST_CASE("image groups: observers, times and numbers that are not finite") {
  const Model m = network();
  Tensor<float> x = random_tensor({4, 96, 96, 16}, 8);
  Executor run(m);
  run.profile(true);
  const std::vector<AnyTensor> expected = run.run({x});
  CHECK(image_groups(run.graph(), {x.shape()}) == 4);
  CHECK(run.layer_times()[0].macs == 4 * 96 * 96 * 16 * 16 * 9);
  const std::size_t arena = run.arena_bytes();
  std::vector<Shape> seen;
  run.observe([&](const Value&, const TensorRef& t) { seen.push_back(t.shape); });
  CHECK(same_bytes(run.run({x})[0], expected[0]));
  for (const Shape& s : seen) CHECK(s[0] == 4);
  CHECK(seen.size() == run.graph().nodes.size());
  run.observe({});
  CHECK(same_bytes(run.run({x})[1], expected[1]));
  CHECK(run.arena_bytes() == arena);

  Executor bytes(quantize<int8>(m, calibrate(m, {x})));
  x[x.size() / 4 + 5] = std::numeric_limits<float>::quiet_NaN();
  for (const AnyTensor& t : bytes.run({x}))
    for (float r : t.view<float>()) CHECK(std::isnan(r));
}
