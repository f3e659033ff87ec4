#include <octet/core/element.hpp>
#include <octet/io/load.hpp>
#include <octet/io/save.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/image_groups.hpp>
#include <octet/runtime/stages.hpp>

#include <octet/operators/all.hpp>

#include <set>

#include "support/files.hpp"
#include "support/layer.hpp"
#include "support/messages.hpp"
#include "testing.hpp"

// Models with results whose sizes depend on the data run in stages.

using namespace testing;

namespace {

constexpr std::int64_t any = Shape::unknown;

/// A detector of 36 boxes: the boxes that remain, their scores, and the map of scores. `twice`: the scores of the boxes
/// that remain are selected once more.
Model detector(double score_threshold, bool twice = false) {
  Model m;
  const int x = m.add_input("x", {1, any, any, 3});
  const auto convolution = [&](const char* name, int in, std::int64_t out, unsigned seed) {
    Convolution c;
    c.window = Window(3, 3, 1, 1);
    const int w = m.add_constant(name + std::string(".w"), random_tensor({out, 3, 3, m.value(in).shape[3]}, seed));
    return m.add(name, c, {in, w});
  };
  const int features = m.add("relu", Unary(UnaryKind::clip, 0, 1e30), {convolution("features", x, 8, 1)});
  const int boxes = m.add("boxes", Reshape({0, -1, 4}), {convolution("corners", features, 4, 2)});
  const int map = m.add("map", Unary(UnaryKind::sigmoid), {convolution("scores", features, 1, 3)});
  const int scores = m.add("flat", Reshape({0, 1, -1}), {map});
  NonMaxSuppression nms;
  nms.max_per_class = 20;
  nms.iou_threshold = 0.4;
  nms.score_threshold = score_threshold;
  const int selected = m.add("nms", nms, {boxes, scores});
  const int which = m.add("which", Squeeze({1}), {m.add("column", Slice({2}, {3}, {1}), {selected})});
  const int kept = m.add("kept", octet::Gather(1), {boxes, which}),
            best = m.add("best", octet::Gather(2), {scores, which});
  const int twofold = m.add("twofold", Binary(BinaryKind::mul), {kept, m.add_constant("two", Tensor<float>({1}, {2}))});
  m.outputs = {twofold, best, map};
  if (twice) {
    const int high =
        m.add("high", Binary(BinaryKind::greater), {best, m.add_constant("limit", Tensor<float>({1}, {0.9f}))});
    m.outputs.push_back(m.add("places", NonZero(), {high}));
  }
  return m;
}

/// The same by one run of the layers before the suppression, and by hand.
std::vector<AnyTensor> by_hand(const Model& m, const Tensor<float>& x) {
  Model head = m;
  head.outputs = {m.find("boxes"), m.find("flat"), m.find("map")};
  head.remove_unused();
  const std::vector<AnyTensor> known = run_plain(head, {x});
  const auto op = std::find_if(m.nodes.begin(), m.nodes.end(), [](const Node& n) { return n.name == "nms"; })->op;
  Graph one;
  const int a = one.add_input("a", known[0].shape()), b = one.add_input("b", known[1].shape());
  one.outputs = {one.add("nms", op, {a, b})};
  const AnyTensor selected = run_plain(one, {known[0], known[1]})[0];
  const auto rows = selected.view<std::int64_t>();
  const std::int64_t n = selected.shape()[0];
  Tensor<float> kept({1, n, 4}), best({1, 1, n});
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t k = 0; k < 4; ++k) kept[i * 4 + k] = 2 * known[0].view<float>()[rows[i * 3 + 2] * 4 + k];
    best[i] = known[1].view<float>()[rows[i * 3 + 2]];
  }
  return {kept, best, known[2]};
}

}  // namespace

TEST_CASE("stages: the sizes of results follow the data of each run") {
  const Model m = detector(0.5);
  for (Isa isa : available_isas())
    for (int threads : {1, 3})
      for (bool optimize : {false, true}) {
        const UseIsa use(isa);
        ExecutorOptions o;
        o.threads = threads;
        o.optimize = optimize;
        o.same_floats = true;
        Executor run(m, o);
        std::vector<std::int64_t> sizes;
        for (unsigned seed = 1; seed < 5; ++seed) {
          const Tensor<float> x = random_tensor({1, 6, seed == 3 ? 4 : 6, 3}, seed);
          const std::vector<AnyTensor> y = run.run({x}), right = by_hand(m, x);
          REQUIRE(y.size() == 3);
          for (std::size_t i = 0; i < 3; ++i) {
            REQUIRE(y[i].shape() == right[i].shape());
            CHECK(largest_difference(floats(y[i]), floats(right[i])) < 1e-5);
          }
          sizes.push_back(y[1].size());
        }
        CHECK(*std::min_element(sizes.begin(), sizes.end()) > 0);
        CHECK(std::set<std::int64_t>(sizes.begin(), sizes.end()).size() > 1);
      }
}

TEST_CASE("stages: nothing found") {
  const std::vector<AnyTensor> y = Executor(detector(2, true)).run({random_tensor({1, 6, 6, 3}, 1)});
  CHECK(y[0].shape() == Shape{1, 0, 4});
  CHECK(y[1].shape() == Shape{1, 1, 0});
  CHECK(y[2].shape() == Shape{1, 6, 6, 1});
  CHECK(y[3].shape() == Shape{3, 0});
}

TEST_CASE("stages: one selection after another") {
  const Tensor<float> x = random_tensor({1, 6, 6, 3}, 2);
  Executor run(detector(0.3, true));
  const std::vector<AnyTensor> y = run.run({x});
  std::vector<std::int64_t> right(2 * static_cast<std::size_t>(y[3].shape()[1]), 0);
  for (std::int64_t i = 0; i < y[1].size(); ++i)
    if (y[1].view<float>()[i] > 0.9f) right.push_back(i);
  CHECK(octet::detail::to_integers(y[3]) == right);
  CHECK(right.size() > 0);
}

TEST_CASE("stages: what an executor tells of its layers") {
  const Model m = detector(0.3, true);
  Executor run(m);
  CHECK(run.plan({{1, 6, 6, 3}})[0] == Shape{1, any, 4});
  CHECK(run.plan({{1, 6, 6, 3}})[2] == Shape{1, 6, 6, 1});
  run.profile(true);
  std::vector<std::string> seen;
  run.observe([&](const Value& v, const TensorRef& t) {
    CHECK(t.shape.known());
    seen.push_back(v.name);
  });
  run.run({random_tensor({1, 6, 6, 3}, 2)});
  const std::vector<Node>& nodes = run.graph().nodes;
  const std::vector<LayerForm> forms = run.layer_forms();
  const std::vector<LayerTime> times = run.layer_times();
  REQUIRE(forms.size() == nodes.size());
  REQUIRE(times.size() == nodes.size());
  REQUIRE(seen.size() == nodes.size());
  std::int64_t macs = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    CHECK(forms[i].name == nodes[i].name);
    CHECK(times[i].name == nodes[i].name);
    CHECK(seen[i] == run.graph().value(nodes[i].outputs[0]).name);
    macs += times[i].macs;
  }
  CHECK(macs == 36 * 9 * (3 * 8 + 8 * 4 + 8));
  CHECK(run.arena_bytes() > 0);
  CHECK(run.packed_bytes() > 0);

  const Tensor<float> x = random_tensor({1, 6, 6, 3}, 2);
  const AnyTensor in = x;
  const TensorRef ref = in.ref();
  CHECK(contains(message([&] { run.run(&ref, nullptr); }), "the sizes of results depend on the data"));
  Executor moved = std::move(run);
  CHECK(moved.run({x}).size() == 4);
}

TEST_CASE("stages: one input and one output, as floats") {
  Model m;
  m.outputs = {m.add("places", NonZero(true), {m.add_input("x", {any, 2})})};
  const Tensor<float> y = Executor(m)(Tensor<float>({2, 2}, {0, 1, 2, 0}));
  CHECK(y.shape() == Shape{2, 2});
  CHECK(std::vector<float>(y.begin(), y.end()) == std::vector<float>{0, 1, 1, 0});
}

TEST_CASE("stages: quantized, saved and loaded models") {
  const Model m = detector(0.3, true);
  const Tensor<float> x = random_tensor({1, 6, 6, 3}, 2);
  const TemporaryFolder folder;
  for (const Model& form : {m, quantize<int8>(m, calibrate(m, {x})), quantize<dynamic_range>(m)}) {
    const std::vector<AnyTensor> y = Executor(form).run({x});
    for (const char* name : {"model.octet", "model.onnx"}) {
      const std::string file = folder / name;
      save(form, file);
      const std::vector<AnyTensor> z = Executor(load(file)).run({x});
      REQUIRE(z.size() == y.size());
      for (std::size_t i = 0; i < y.size(); ++i) CHECK(same_bytes(y[i], z[i]));
    }
  }
  CHECK(contains(message([&] { save(m, folder / "model.tflite"); }), "NonMaxSuppression"));
}

TEST_CASE("stages: NaN before integers is an error, because sizes cannot be NaN") {
  const Model m = detector(0.3);
  Tensor<float> x = random_tensor({1, 6, 6, 3}, 2);
  Executor bytes(quantize<int8>(m, calibrate(m, {x})));
  x[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK(contains(message([&] { bytes.run({x}); }), "NaN"));
}

TEST_CASE("stages: batches are computed in groups of images before the first selection") {
  Model m = detector(0.3);
  m.value(m.inputs[0]).shape[0] = any;
  const std::vector<octet::detail::Stage> stages = octet::detail::stages_of(m);
  REQUIRE(stages.size() == 2);
  CHECK(octet::detail::image_groups(stages[0].graph, {{8, 6, 6, 3}}, 1) == 8);
  const Tensor<float> x = random_tensor({4, 96, 96, 3}, 2);
  Executor batch(m), one(m);
  const std::vector<AnyTensor> y = batch.run({x});
  CHECK(batch.arena_bytes() < 4 * 96 * 96 * 8 * sizeof(float));
  Tensor<float> last({1, 96, 96, 3});
  std::copy(x.end() - last.size(), x.end(), last.begin());
  const AnyTensor map = one.run({last})[2];
  CHECK(std::memcmp(map.data(), y[2].data() + 3 * map.size_bytes(), map.size_bytes()) == 0);
}
