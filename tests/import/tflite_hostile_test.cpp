#include <doctest/doctest.h>

#include <chrono>
#include <octet/model_file/self_test.hpp>
#include <octet/operators/all.hpp>

#include "support/allocations.hpp"
#include "support/random.hpp"
#include "support/sanitized.hpp"
#include "support/tflite_networks.hpp"

// Damaged and hostile files must give an error: no crash, no hang, and no memory out of proportion to the file's size.

using namespace octet;
using namespace testing::tflite;
using testing::Random;
using testing::random_tensor;

namespace {

constexpr std::int32_t smallest = std::numeric_limits<std::int32_t>::min(),
                       largest = std::numeric_limits<std::int32_t>::max();

/// Imports the model. Returns whether that succeeded. The test fails on exceptions other than octet::Error.
bool imports(const Bytes& file, Model* model = nullptr) {
  const std::int64_t before = testing::allocated_bytes();
  const auto start = std::chrono::steady_clock::now();
  bool good = true;
  try {
    Model m = parse(file);
    if (model) *model = std::move(m);
  } catch (const Error&) {
    good = false;
  }
  // The sum of all allocations; the peak is far below it.
  CHECK(testing::allocated_bytes() - before <= 200 * static_cast<std::int64_t>(file.size()) + (1 << 20));
  CHECK(std::chrono::steady_clock::now() - start < testing::patience);
  return good;
}

/// The same, and runs the imported model if it is small.
bool survives(const Bytes& file) {
  Model m;
  if (!imports(file, &m)) return false;
  try {
    const std::vector<Shape> shapes = detail::self_test_shapes(m, 2);
    std::int64_t elements = 0;
    for (const Shape& s : m.infer_shapes(shapes)) elements += s.elements();
    if (elements > 100000) return true;
    const std::vector<AnyTensor> in = detail::self_test_inputs(m, shapes, 1);
    for (const bool optimize : {false, true}) {
      ExecutorOptions o;
      o.threads = 1;
      o.optimize = optimize;
      Executor(m, o).run(in);
    }
  } catch (const Error&) {
  }
  return true;
}

const std::vector<Bytes>& networks() {
  static const std::vector<Bytes> all{float_network(), integer_network(), moving_network()};
  return all;
}

/// A file with one operator on a tensor, with vectors of integers as further operands.
Bytes one(const std::string& op, const Shape& x, const std::vector<Dims>& vectors, const std::vector<Option>& options,
          int outputs = 1) {
  ModelBuilder b;
  Dims in{b.tensor("x", x)}, out;
  for (const Dims& v : vectors) in.push_back(b.integers("v" + std::to_string(in.size()), v));
  for (int i = 0; i < outputs; ++i) out.push_back(b.tensor("y" + std::to_string(i), {}));
  b.op(op, in, out, options);
  return b.finish({in[0]}, out);
}

}  // namespace

TEST_CASE("tflite: a file truncated at any byte") {
  for (const Bytes& whole : networks()) {
    REQUIRE(survives(whole));
    int good = 0;
    for (std::size_t n = 0; n < whole.size(); ++n) {
      Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
      good += imports(cut);
      cut.resize(whole.size());  // zeros instead
      survives(cut);
    }
    CHECK(good <= 8);  // the end of the file is the first buffer, which is never read
  }
}

TEST_CASE("tflite: offsets, sizes and numbers out of range, at every position of the file") {
  int good = 0, bad = 0;
  for (const Bytes& whole : networks())
    for (std::size_t at = 0; at + 4 <= whole.size(); at += 2) {
      std::uint32_t old;
      std::memcpy(&old, &whole[at], 4);
      const auto size = static_cast<std::uint32_t>(whole.size()), here = static_cast<std::uint32_t>(at);
      // Offsets that are not multiples of 4 are 16-bit entries of vtables.
      const bool word = at % 4 == 0;
      for (const std::uint32_t v : word ? std::vector<std::uint32_t>{0, ~0u, ~0u >> 1, 1u << 31, old + 4, size - here}
                                        : std::vector<std::uint32_t>{0, ~0u}) {
        Bytes b = whole;
        std::memcpy(&b[at], &v, word ? 4 : 2);
        ++(survives(b) ? good : bad);
      }
    }
  CHECK(good > 0);  // any weights are valid
  CHECK(bad > 0);
}

TEST_CASE("tflite: damaged bytes") {
  Random random(1);
  int good = 0;
  constexpr int rounds = 3000;
  for (const Bytes& whole : networks()) {
    const auto place = [&](std::size_t n) {
      return static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(n) - 1));
    };
    for (int i = 0; i < rounds; ++i) {
      Bytes b = whole;
      for (std::int64_t k = random.between(1, 4); k > 0; --k) {
        switch (random.between(0, 9)) {
          case 0:
          case 1:
          case 2:
          case 3: b[place(b.size())] = static_cast<std::uint8_t>(random.between(0, 255)); break;
          case 4:
          case 5:
          case 6:
          case 7: b[place(b.size())] ^= static_cast<std::uint8_t>(1 << random.between(0, 7)); break;
          case 8: b.erase(b.begin() + static_cast<std::ptrdiff_t>(place(b.size() - 8)) + 4); break;
          default: b.insert(b.begin() + static_cast<std::ptrdiff_t>(place(b.size())), 0xff); break;
        }
      }
      good += survives(b);
    }
  }
  CHECK(good > 0);
  CHECK(good < 3 * rounds);
}

TEST_CASE("tflite: tensors of giant, negative or contradictory sizes") {
  const auto input = [](const Shape& s) { return survives(one("NEG", s, {}, {})); };
  CHECK(input({1, 4}));
  CHECK(input({1, 1 << 20, 1 << 10}));  // computed at run time
  for (const Shape& s : {Shape{largest, largest}, Shape{1 << 20, 1 << 20, 1 << 20}, Shape{4, -2}, Shape{4, smallest}})
    CHECK_FALSE(input(s));

  const auto constant = [](const Shape& declared, std::int64_t elements) {
    ModelBuilder b;
    const int x = b.tensor("x", {1, 4}), y = b.tensor("y", {}), c = b.constant("c", Tensor<float>({elements}));
    b.declare(c, {declared.begin(), declared.end()});
    b.op("ADD", {x, c}, {y});
    return survives(b.finish({x}, {y}));
  };
  CHECK(constant({4}, 4));
  for (const Shape& s :
       {Shape{3}, Shape{5}, Shape{-4}, Shape{-2, -2}, Shape{largest, largest}, Shape{1 << 16, 1 << 16}, Shape{0}})
    CHECK_FALSE(constant(s, 4));

  for (const std::int32_t zero : {smallest, -129, 128, largest}) {
    ModelBuilder b;
    const int in = b.tensor("x", {1, 4}, DType::i8, {0.1f, zero}), out = b.tensor("y", {}, DType::i8, {0.1f, 0});
    b.op("NEG", {in}, {out});
    CHECK_FALSE(survives(b.finish({in}, {out})));
  }

  ModelBuilder ranks;
  const int x = ranks.tensor("x", {1, 4}), y = ranks.tensor("y", {});
  ranks.declare(x, Dims(9, 1));
  ranks.op("NEG", {x}, {y});
  CHECK_FALSE(survives(ranks.finish({x}, {y})));
}

TEST_CASE("tflite: invalid options") {
  const Shape image{1, 8, 8, 4};
  for (const std::int32_t v : {smallest, -1, 0, largest}) {
    CAPTURE(v);
    for (const char* op : {"MAX_POOL_2D", "AVERAGE_POOL_2D"}) {
      CHECK_FALSE(survives(one(op, image, {}, pool_options(valid, {2, v}, 1))));
      if (v != largest) CHECK_FALSE(survives(one(op, image, {}, pool_options(same, 2, {v, 1}))));
      survives(one(op, image, {}, pool_options(same, v, v)));
    }
    CHECK_FALSE(survives(one("DEPTH_TO_SPACE", image, {}, {integer(0, v)})));
    CHECK_FALSE(survives(one("SPACE_TO_DEPTH", image, {}, {integer(0, v)})));
    CHECK(survives(one("RESIZE_BILINEAR", image, {{v, 4}}, {})) == (v > 0));
    CHECK_FALSE(survives(one("PAD", {8}, {{v, v}}, {})));  // not a matrix
    survives(one("SLICE", {1, 8}, {{0, v}, {1, v}}, {}));
    survives(one("STRIDED_SLICE", {1, 8}, {{0, v}, {1, v}, {1, v}}, {}));
    survives(one("STRIDED_SLICE", {1, 8}, {{0, v}, {1, v}, {1, 1}}, {byte(5, 1)}));
    survives(one("STRIDED_SLICE", {1, 8}, {{0, 8}, {1, 9}, {1, 1}}, {integer(4, v), integer(3, v)}));
    survives(one("LOCAL_RESPONSE_NORMALIZATION", image, {}, {integer(0, v)}));
    if (v == 0 || v == -1) continue;
    for (const char* op : {"CONCATENATION", "GATHER"}) CHECK_FALSE(survives(one(op, image, {{0}}, {integer(0, v)})));
    for (const char* op : {"PACK", "UNPACK"}) CHECK_FALSE(survives(one(op, image, {}, {integer(1, v)})));
    for (const char* op : {"EXPAND_DIMS", "MEAN"}) CHECK_FALSE(survives(one(op, image, {{v}}, {})));
    CHECK_FALSE(survives(one("TRANSPOSE", {1, 8}, {{v, 0}}, {})));
    CHECK_FALSE(survives(one("SQUEEZE", image, {}, {list(0, {v})})));
  }
  for (const Dims& target :
       std::vector<Dims>{{-1, -1}, {-2, 12}, {5, -1}, {largest, largest}, {largest}, {0, 0}, {7}, Dims(9, 1)})
    CHECK_FALSE(survives(one("RESHAPE", {2, 3, 4}, {target}, {})));
  CHECK_FALSE(survives(one("TRANSPOSE", {1, 8}, {{0, 0}}, {})));
  CHECK_FALSE(survives(one("TRANSPOSE", {1, 8}, {{0, 1, 2}}, {})));

  for (const std::int32_t v : {smallest, -1, 0, largest}) {
    ModelBuilder b;
    const int x = b.tensor("x", image), y = b.tensor("y", {}), w = b.constant("w", random_tensor({4, 3, 3, 4}, 1));
    b.op("CONV_2D", {x, w, -1}, {y}, convolution_options(same, {v, 1}, 0, 1));
    CHECK_FALSE(survives(b.finish({x}, {y})));
    ModelBuilder d;
    const int p = d.tensor("x", image), q = d.tensor("y", {}), k = d.constant("w", random_tensor({4, 3, 3, 4}, 1));
    d.op("CONV_2D", {p, k, -1}, {q}, convolution_options(valid, 1, 0, {1, v}));
    CHECK_FALSE(survives(d.finish({p}, {q})));
  }
}

TEST_CASE("tflite: indices of tensors, operators and buffers that do not exist") {
  for (const std::int32_t v : {smallest, -2, -1, 2, largest}) {
    CAPTURE(v);
    const auto file = [&](int place) {
      ModelBuilder b;
      const int x = b.tensor("x", {1, 4}), y = b.tensor("y", {});
      b.op("NEG", {place == 0 ? v : x}, {place == 1 ? v : y});
      return b.finish({place == 2 ? v : x}, {place == 3 ? v : y});
    };
    for (int place = 0; place < 4; ++place) CHECK_FALSE(survives(file(place)));
  }
  ModelBuilder none;
  const int x = none.tensor("x", {4});
  none.op("NEG", {}, {x});
  none.op("NEG", {x}, {});
  CHECK_FALSE(survives(none.finish({}, {x})));
  CHECK_FALSE(survives(ModelBuilder().finish({}, {})));
}

TEST_CASE("tflite: small files that need much memory") {
  // One matrix of 64 KiB that 2000 layers transpose.
  ModelBuilder layers;
  int last = layers.tensor("x", {1, 4, 4, 1024});
  const int x = last, w = layers.constant("w", Tensor<float>({1, 4, 4, 1024}));
  for (int i = 0; i < 2000; ++i) {
    const int next = layers.tensor("t" + std::to_string(i), {});
    layers.op("DEPTHWISE_CONV_2D", {last, w, -1}, {next}, depthwise_options(same, 1, 1));
    last = next;
  }
  CHECK_FALSE(imports(layers.finish({x}, {last})));

  // A name of 100 kB for each of 500 tensors.
  ModelBuilder names;
  const std::string name(100000, 'n');
  last = names.tensor(name, {4});
  const int first = last;
  for (int i = 0; i < 500; ++i) {
    const int next = names.tensor(name, {4});
    names.op("NEG", {last}, {next});
    last = next;
  }
  CHECK_FALSE(imports(names.finish({first}, {last})));

  // Shapes that double.
  ModelBuilder shapes;
  const int image = shapes.tensor("x", {2, 3}), y = shapes.tensor("y", {});
  int sizes = shapes.tensor("s", {2}, DType::i32);
  shapes.op("SHAPE", {image}, {sizes});
  for (int i = 0; i < 60; ++i) {
    const int twice = shapes.tensor("s" + std::to_string(i), {}, DType::i32);
    shapes.op("CONCATENATION", {sizes, sizes}, {twice});
    sizes = twice;
  }
  shapes.op("RESHAPE", {image, sizes}, {y});
  CHECK_FALSE(imports(shapes.finish({image}, {y})));

  // A tensor that is joined with itself as often as the budget allows, or nearly.
  for (const std::int32_t count : {1000, 2000, 3000, 15000, 60000}) {
    CAPTURE(count);
    ModelBuilder tiles;
    const int part = tiles.tensor("x", {1, 2, 3}), all = tiles.tensor("y", {});
    tiles.op("TILE", {part, tiles.integers("multiples", {1, 1, count})}, {all});
    CHECK(imports(tiles.finish({part}, {all})) == (count <= 2000));
  }
}

TEST_CASE("tflite: time and memory are proportional to the number of parts") {
  ModelBuilder b;
  Dims inputs{b.tensor("t", {4})};
  int last = inputs[0];
  for (int i = 0; i < 3000; ++i) {  // all with the same name
    inputs.push_back(b.tensor("t", {4}));
    const int next = b.tensor("t", {4});
    b.op("NEG", {last}, {next});
    last = next;
  }
  CHECK(imports(b.finish(inputs, {last})));
}
