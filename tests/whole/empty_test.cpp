#include <functional>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/every_operator.hpp"
#include "testing.hpp"

// Images without elements: each operator gives a result of the right shape, or an error that names it.

using namespace octet;
using namespace testing;
using namespace testing::every_operator;

namespace {

bool has_data_sizes(const Model& m) {
  return std::any_of(m.nodes.begin(), m.nodes.end(), [](const Node& n) { return n.op->traits().data_sized; });
}

/// Runs the model on that many images. Returns the error, if there is one, after checking the shapes of the outputs.
std::string outcome(const Model& m, const Shape& shape, bool optimize) {
  try {
    ExecutorOptions o;
    o.threads = 2;
    o.optimize = optimize;
    const std::vector<AnyTensor> found = Executor(m, o).run({AnyTensor(random_tensor(shape, 1, 0.1f, 1))});
    const std::vector<Shape> shapes = m.infer_shapes({shape});
    for (std::size_t i = 0; i < found.size(); ++i) {
      Shape expected = shapes[static_cast<std::size_t>(m.outputs[i])];
      for (int d = 0; d < expected.rank(); ++d)
        if (has_data_sizes(m) && expected[d] == Shape::unknown) expected[d] = found[i].shape()[d];
      CHECK(found[i].shape() == expected);
    }
  } catch (const Error& e) {
    CHECK(std::string(e.what()) != "");
    return e.what();
  }
  return "";
}

const std::vector<Shape> empty_images{{0, 6, 6, 8}, {4, 0, 6, 8}, {4, 6, 0, 8}, {4, 6, 6, 0}, {0, 0, 0, 0}};

/// The operator alone, after an image of that shape; open: its sizes are known only when it runs. Nothing, if the
/// operator does not accept it.
Model alone(const Case& c, const Shape& shape, bool open) {
  Graph g;
  Shape declared = shape;
  for (int d = 0; open && d < declared.rank(); ++d)
    if (declared[d] == 0) declared[d] = Shape::unknown;
  const int x = g.add_input("x", declared);
  g.outputs = {c.add(g, x)};
  return g;
}

}  // namespace

TEST_CASE("empty images: every operator, sizes known before and while it runs") {
  int ran = 0, refused = 0;
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    for (const Shape& shape : empty_images) {
      CAPTURE(shape);
      for (const bool open : {false, true})
        for (const bool optimize : {false, true}) {
          std::string said;
          try {
            said = outcome(alone(c, shape, open), shape, optimize);
          } catch (const Error& e) {
            said = e.what();
            CHECK(said != "");
          }
          ++(said.empty() ? ran : refused);
        }
    }
  }
  MESSAGE(ran, " ran, ", refused, " were refused");
  CHECK(ran > refused);
}

TEST_CASE("empty batches: every operator in every form") {
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    Graph g;
    try {
      g = network(c, Shape::unknown);
    } catch (const Error&) {  // it needs the number of images
      continue;
    }
    const Tensor<float> x = random_tensor({4, 6, 6, 8}, 9, -1, 1);
    WeightOptions all_sizes;
    all_sizes.least_elements = 0;
    for (const Model& m : {Model(g), quantize<int8>(g, calibrate(g, {x})), quantize<dynamic_range>(g, all_sizes),
                           quantize<fp16>(g, all_sizes)})
      for (const bool optimize : {false, true}) outcome(m, {0, 6, 6, 8}, optimize);
  }
}

TEST_CASE("empty weights: layers without outputs") {
  const auto check = [](const std::function<int(Graph&, int)>& add) {
    Graph g;
    const int x = g.add_input("x", {2, 6, 6, 8});
    std::string said;
    try {
      g.outputs = {add(g, x)};
      said = outcome(g, {2, 6, 6, 8}, true);
      outcome(quantize<dynamic_range>(g), {2, 6, 6, 8}, true);
      const Tensor<float> in = random_tensor({2, 6, 6, 8}, 9, -1, 1);
      outcome(quantize<int8>(g, calibrate(g, {in})), {2, 6, 6, 8}, true);
    } catch (const Error& e) {
      CHECK(std::string(e.what()) != "");
    }
    return said;
  };
  for (const std::int64_t k : {1, 3}) {
    CAPTURE(k);
    check([k](Graph& g, int x) { return convolution(g, "op", x, 0, k, 1); });
  }
  check([](Graph& g, int x) {
    return g.add("op", FullyConnected(), {x, constant(g, {0, 8}, 1), constant(g, {0}, 2)});
  });
  check([](Graph& g, int x) { return g.add("op", MatMul(), {x, constant(g, {8, 0}, 1)}); });
  check([](Graph& g, int x) {
    TransposedConvolution t;
    t.window = Window(2, 2, 2);
    return g.add("op", t, {x, constant(g, {0, 2, 2, 8}, 1), constant(g, {0}, 2)});
  });
  check([](Graph& g, int x) { return g.add("op", Concat(3), {x, constant(g, {2, 6, 6, 0}, 1)}); });
  check([](Graph& g, int x) {
    return g.add("op", Gather(3), {x, g.add_constant("at", Tensor<std::int64_t>(Shape{0}))});
  });
  check([](Graph& g, int x) { return g.add("op", Slice({3}, {3}, {3}), {x}); });
  check([](Graph& g, int x) { return g.add("op", Binary(BinaryKind::add), {x, constant(g, {0}, 1)}); });
}
