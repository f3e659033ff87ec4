#include <chrono>
#include <functional>

#include "support/allocations.hpp"
#include "support/onnx_networks.hpp"
#include "support/random.hpp"
#include "support/sanitized.hpp"
#include "testing.hpp"

// Damaged and hostile files must give an error: no crash, no hang, and no memory out of proportion to the file's size.

using namespace octet;
using namespace testing;

namespace {

/// Imports the model. Returns whether that succeeded. The test fails on exceptions other than octet::Error.
bool survives(const Bytes& model) {
  const std::int64_t before = allocated_bytes();
  const auto start = std::chrono::steady_clock::now();
  bool good = true;
  try {
    import_onnx(model, false);
  } catch (const Error&) {
    good = false;
  }
  // The sum of all allocations; the peak is far below it.
  CHECK(allocated_bytes() - before <= 200 * static_cast<std::int64_t>(model.size()) + (1 << 20));
  CHECK(std::chrono::steady_clock::now() - start < testing::patience);
  return good;
}

OnnxBuilder start(const std::vector<std::int64_t>& shape) { return OnnxBuilder().input("x", shape); }

}  // namespace

TEST_CASE("onnx: a file truncated at any byte") {
  const Bytes whole = onnx_network();
  REQUIRE(survives(whole));
  int good = 0;
  for (std::size_t n = 0; n < whole.size(); ++n) good += survives(whole.substr(0, n));
  CHECK(good <= 1);  // only the last entry, the version of com.microsoft's operators, is not needed
}

TEST_CASE("onnx: damaged bytes") {
  const Bytes whole = onnx_network();
  Random random(1);
  const auto place = [&](std::size_t size) {
    return static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(size) - 1));
  };
  int good = 0;
  constexpr int rounds = 6000;
  for (int i = 0; i < rounds; ++i) {
    Bytes b = whole;
    for (std::int64_t k = random.between(1, 3); k > 0; --k) {
      switch (random.between(0, 4)) {
        case 0: b[place(b.size())] = static_cast<char>(random.between(0, 255)); break;
        case 1: b[place(b.size())] ^= static_cast<char>(1 << random.between(0, 7)); break;
        case 2: b.erase(place(b.size()), static_cast<std::size_t>(random.between(1, 8))); break;
        case 3:
          b.insert(place(b.size()), b.substr(place(b.size()), static_cast<std::size_t>(random.between(1, 16))));
          break;
        default: b.insert(place(b.size()), "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"); break;
      }
    }
    good += survives(b);
  }
  CHECK(good > 0);       // damaged weights are still valid
  CHECK(good < rounds);  // damaged structures are detected
}

TEST_CASE("onnx: sizes that are too large, negative or contradictory") {
  constexpr std::int64_t huge = std::int64_t{1} << 62, large = std::int64_t{1} << 39;
  const auto raw = [](const std::vector<std::int64_t>& dims, std::size_t bytes) {
    Bytes t;
    protozero::pbf_writer w(t);
    w.add_packed_int64(1, dims.begin(), dims.end());
    w.add_int32(2, 1);
    w.add_string(8, "k");
    w.add_bytes(9, std::string(bytes, '\0'));
    return start({-1, 4, 8, 8}).initializer(t).node("Add", {"x", "k"}, {"y"}).output("y").bytes();
  };
  CHECK(survives(raw({4, 1, 1}, 16)));
  for (const auto& dims : std::vector<std::vector<std::int64_t>>{
           {huge}, {large, large}, {-4}, {-2, -2}, {5}, {3}, {1, 1, 1, 1, 1, 1, 1, 1, 4}})
    CHECK_FALSE(survives(raw(dims, 16)));
  CHECK_FALSE(survives(raw({4}, 15)));
  CHECK_FALSE(survives(raw({4}, 0)));
  CHECK_FALSE(survives(start({huge, 4}).node("Relu", {"x"}, {"y"}).output("y").bytes()));
  CHECK_FALSE(survives(start({1, 1, 1, 1, 1, 1, 1, 1, 1}).node("Relu", {"x"}, {"y"}).output("y").bytes()));

  const auto reshape = [](const std::vector<std::int64_t>& target) {
    return survives(start({2, 3, 4}).integers("s", target).node("Reshape", {"x", "s"}, {"y"}).output("y").bytes());
  };
  CHECK(reshape({4, -1}));
  for (const auto& target : std::vector<std::vector<std::int64_t>>{{-1, -1},
                                                                   {-2, 12},
                                                                   {5, -1},
                                                                   {huge, huge},
                                                                   {huge},
                                                                   {0, 0, 0, 0},
                                                                   {24, 0},
                                                                   {7},
                                                                   std::vector<std::int64_t>(9, 1)})
    CHECK_FALSE(reshape(target));

  const auto filled = [](const std::vector<std::int64_t>& dims) {
    return survives(start({1})
                        .integers("s", dims)
                        .node("ConstantOfShape", {"s"}, {"k"})
                        .node("Add", {"x", "k"}, {"y"})
                        .output("y")
                        .bytes());
  };
  CHECK(filled({3}));
  CHECK(filled({1 << 20, 1 << 10}));  // computed at run time
  CHECK_FALSE(filled({huge}));
  CHECK_FALSE(filled({1 << 20, 1 << 20, 1 << 20}));
  CHECK_FALSE(filled({-1}));
}

TEST_CASE("onnx: invalid attributes") {
  constexpr std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                         high = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t v : {low, high, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1} << 32}) {
    for (const char* key : {"kernel_shape", "strides", "dilations"}) {
      OnnxBuilder b = start({1, 3, 8, 8}).initializer("w", random_tensor({3, 3, 2, 2}, 1));
      CHECK_FALSE(
          survives(b.node("Conv", {"x", "w"}, {"y"}, {{key, std::vector<std::int64_t>{v, v}}}).output("y").bytes()));
    }
    OnnxBuilder b = start({1, 3, 8, 8}).initializer("w", random_tensor({3, 3, 2, 2}, 1));
    CHECK_FALSE(survives(b.node("Conv", {"x", "w"}, {"y"}, {{"group", v}}).output("y").bytes()));
    if (v != 0) {
      for (const char* type : {"MaxPool", "AveragePool"}) {
        OnnxBuilder p = start({1, 3, 8, 8});
        const std::vector<std::int64_t> pads{v, v, v, v}, window{2, 2};
        CHECK_FALSE(
            survives(p.node(type, {"x"}, {"y"}, {{"kernel_shape", window}, {"pads", pads}}).output("y").bytes()));
      }
      CHECK_FALSE(
          survives(start({1, 16, 8, 8}).node("DepthToSpace", {"x"}, {"y"}, {{"blocksize", v}}).output("y").bytes()));
    }
    if (v == low || v > 8) {
      for (const char* type : {"Softmax", "Concat", "Flatten", "Gather", "Split"}) {
        OnnxBuilder o = start({1, 3, 8, 8}).integers("i", {0});
        CHECK_FALSE(survives(o.node(type, {"x", "i"}, {"y"}, {{"axis", v}}).output("y").bytes()));
      }
      CHECK_FALSE(survives(start({1, 3})
                               .node("Transpose", {"x"}, {"y"}, {{"perm", std::vector<std::int64_t>{v, 0}}})
                               .output("y")
                               .bytes()));
    }
    // All slices are valid, because they are clamped.
    OnnxBuilder s = start({1, 3}).integers("a", {v}).integers("b", {1}).integers("one", {1});
    survives(s.node("Slice", {"x", "a", "b", "one", "b"}, {"y"}).output("y").bytes());
    OnnxBuilder r = start({1, 3}).integers("a", {1}).integers("b", {v});
    survives(r.node("Slice", {"x", "a", "b", "a", "b"}, {"y"}).output("y").bytes());
  }
}

TEST_CASE("onnx: lists that double, and constants in many orders") {
  // The list would be 60 times as long if it were not refused.
  OnnxBuilder b = start({2, 3});
  b.node("Shape", {"x"}, {"s0"});
  for (int i = 0; i < 60; ++i) {
    const std::string from = "s" + std::to_string(i);
    b.node("Concat", {from, from}, {"s" + std::to_string(i + 1)}, {{"axis", 0}});
  }
  CHECK_FALSE(survives(b.node("Reshape", {"x", "s60"}, {"y"}).output("y").bytes()));

  // A constant of 64 KiB that every node needs in another order.
  OnnxBuilder c = start({1});
  c.initializer("k", Tensor<float>({4, 4, 4, 4, 4, 4, 4}));
  std::vector<std::int64_t> perm{0, 1, 2, 3, 4, 5, 6};
  std::string last = "x";
  for (int i = 0; i < 2000; ++i) {
    std::next_permutation(perm.begin(), perm.end());
    const std::string n = std::to_string(i);
    c.node("Transpose", {"k"}, {"t" + n}, {{"perm", perm}}).node("ReduceMax", {"t" + n}, {"r" + n}, {{"keepdims", 0}});
    c.node("Add", {last, "r" + n}, {"a" + n});
    last = "a" + n;
  }
  survives(c.output(last).bytes());
}

TEST_CASE("onnx: messages within messages") {
  // Types nested 20000 deep and subgraphs in attributes, which are not parsed.
  Bytes nested;
  for (int i = 0; i < 2000; ++i) {
    Bytes outer;
    protozero::pbf_writer(outer).add_message(4, Bytes());
    protozero::pbf_writer(outer).add_message(1, nested);
    nested = outer;
  }
  Bytes info, graph, model;
  protozero::pbf_writer v(info);
  v.add_string(1, "x");
  v.add_message(2, nested);
  protozero::pbf_writer(graph).add_message(11, info);
  protozero::pbf_writer(graph).add_message(12, info);
  protozero::pbf_writer(model).add_message(7, graph);
  CHECK_FALSE(survives(model));
  CHECK_FALSE(survives(Bytes(100000, '\x3a')));
  CHECK_FALSE(survives(Bytes(100000, '\0')));
  CHECK_FALSE(survives(Bytes(100000, '\xff')));
}

TEST_CASE("onnx: time and memory are proportional to the number of parts") {
  OnnxBuilder b = start({4});
  std::string last = "x";
  for (int i = 0; i < 3000; ++i) {
    b.input("i" + std::to_string(i), {1, 3, 4, 4});
    b.node("Relu", {last}, {"r" + std::to_string(i)});
    last = "r" + std::to_string(i);
  }
  CHECK(survives(b.output(last).bytes()));
}
