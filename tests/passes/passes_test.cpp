#include <octet/models/builder.hpp>
#include <octet/models/mobilenet.hpp>
#include <octet/models/resnet.hpp>
#include <octet/operators/all.hpp>
#include <octet/passes/fold_batch_norm.hpp>
#include <octet/passes/fuse.hpp>
#include <octet/passes/fuse_patterns.hpp>
#include <octet/passes/lower.hpp>
#include <octet/passes/optimize.hpp>
#include <octet/passes/quantized_operators.hpp>
#include <octet/passes/simplify.hpp>

#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

/// A graph of images [?, 6, 7, channels] that tests add layers to.
struct Net {
  Graph g;
  int x;
  unsigned seed = 100;
  explicit Net(std::int64_t channels = 5) { x = g.add_input("x", {Shape::unknown, 6, 7, channels}); }

  int weights(const Shape& s) {
    ++seed;
    return g.add_constant("w" + std::to_string(seed), random_tensor(s, seed));
  }
  int conv(int in, std::int64_t out, std::int64_t k, std::int64_t pad, bool bias, const std::string& name) {
    Convolution op;
    op.window = Window(k, k, 1, pad);
    std::vector<int> inputs{in, weights({out, k, k, g.value(in).shape.back()})};
    if (bias) inputs.push_back(weights({out}));
    return g.add(name, op, inputs);
  }
  int batch_norm(int in, const std::string& name) {
    const std::int64_t c = g.value(in).shape.back();
    const int variance = g.add_constant(name + ".var", random_tensor({c}, ++seed, 0.5f, 2.0f));
    return g.add(name, BatchNormalization(), {in, weights({c}), weights({c}), weights({c}), variance});
  }
  int relu(int in, const std::string& name) {
    return g.add(name, Unary(UnaryKind::clip, 0, std::numeric_limits<double>::infinity()), {in});
  }
  Graph done(std::vector<int> outputs) {
    g.outputs = std::move(outputs);
    return g;
  }
};

/// Whether both graphs give the same outputs (up to rounding) under the same names.
void require_same_results(const Graph& before, const Graph& after, double tolerance = 1e-5) {
  std::vector<AnyTensor> in;
  for (std::size_t i = 0; i < before.inputs.size(); ++i) {
    Shape s = before.value(before.inputs[i]).shape;
    for (int d = 0; d < s.rank(); ++d) s[d] = s[d] < 0 ? 2 : s[d];
    in.emplace_back(random_tensor(s, static_cast<unsigned>(i) + 7));
  }
  const auto a = run_plain(before, in), b = run_plain(after, in);
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(largest_difference(floats(a[i]), floats(b[i])) <= tolerance);
    CHECK(before.value(before.outputs[i]).name == after.value(after.outputs[i]).name);
  }
}

}  // namespace

TEST_CASE("batch normalization is folded into the layer before it") {
  for (bool bias : {false, true}) {
    Net n;
    const Graph before = n.done({n.batch_norm(n.conv(n.x, 8, 3, 1, bias, "conv"), "bn")});
    const Graph after = fold_batch_norm(before);
    CHECK(count<BatchNormalization>(after) == 0);
    CHECK(after.nodes.size() == 1);
    require_same_results(before, after);
  }
}

TEST_CASE("batch normalization after a fully connected layer is folded") {
  Net n;
  const int flat = n.g.add("flat", Flatten(1), {n.x});
  const int fc = n.g.add("fc", FullyConnected(), {flat, n.weights({9, 6 * 7 * 5})});
  const Graph before = n.done({n.batch_norm(fc, "bn")});
  const Graph after = fold_batch_norm(before);
  CHECK(count<BatchNormalization>(after) == 0);
  require_same_results(before, after, 1e-4);
}

TEST_CASE("batch normalization before a convolution is folded only where nothing is padded") {
  for (std::int64_t pad : {0, 1}) {
    Net n;
    const int bn = n.batch_norm(n.x, "bn");
    const Graph before = n.done({n.conv(bn, 4, 3, pad, true, "conv")});
    const Graph after = fold_batch_norm(before);
    CHECK(count<BatchNormalization>(after) == 0);
    CHECK(after.nodes.size() == (pad ? 2u : 1u));  // padded: a depthwise convolution remains
    require_same_results(before, after);
  }
}

TEST_CASE("batch normalization before a grouped convolution scales the right channels") {
  Net n(6);
  const int bn = n.batch_norm(n.x, "bn");
  Convolution op;
  op.window = Window(3, 3);
  op.groups = 3;
  const Graph before = n.done({n.g.add("conv", op, {bn, n.weights({9, 3, 3, 2})})});
  const Graph after = fold_batch_norm(before);
  CHECK(after.nodes.size() == 1);
  require_same_results(before, after);
}

TEST_CASE("batch normalization of a concat is folded into its parts") {
  Net n;
  const int a = n.conv(n.x, 3, 1, 0, false, "a"), b = n.conv(n.x, 6, 3, 1, true, "b");
  Concat concat;
  concat.axis = 3;
  const Graph before = n.done({n.relu(n.batch_norm(n.g.add("cat", concat, {a, b}), "bn"), "relu")});
  const Graph after = fold_batch_norm(before);
  CHECK(count<BatchNormalization>(after) == 0);
  CHECK(count<Convolution>(after) == 2);
  require_same_results(before, after);
}

TEST_CASE("batch normalization whose input has other users is not folded") {
  Net n;
  const int conv = n.conv(n.x, 4, 1, 0, false, "conv");
  const Graph before = n.done({n.batch_norm(conv, "bn"), conv});
  const Graph after = fold_batch_norm(before);
  CHECK(after.nodes.size() == 2);
  require_same_results(before, after);
}

TEST_CASE("batch normalization fuses a clamp, and passes it on when it is folded") {
  Net n;  // after a layer, before one, separate, and after a concat
  const int after_conv = n.relu(n.batch_norm(n.conv(n.x, 8, 3, 1, true, "conv"), "bn1"), "relu1");
  const int before_conv = n.conv(n.relu(n.batch_norm(after_conv, "bn2"), "relu2"), 4, 1, 0, false, "next");
  const int parts =
      n.g.add("parts", Concat(3), {n.conv(after_conv, 3, 1, 0, false, "a"), n.conv(after_conv, 2, 1, 0, false, "b")});
  const Graph before = n.done({before_conv, n.relu(n.batch_norm(parts, "bn3"), "relu3")});
  const Graph fused = fuse_activation(before);
  CHECK(count<Unary>(fused) == 0);
  CHECK(count<BatchNormalization>(fused) == 3);
  require_same_results(before, fused);
  const Graph folded = fold_batch_norm(fused);
  CHECK(count<BatchNormalization>(folded) == 0);
  CHECK(count<Convolution>(folded) == 5);  // bn2 became a 1x1 convolution
  require_same_results(before, folded);
  require_same_results(before, optimize(before));
}

TEST_CASE("dropout disappears") {
  Net n;
  const Graph before = n.done({n.conv(n.g.add("drop", Dropout(0.5), {n.x}), 2, 1, 0, false, "conv")});
  CHECK(optimize(before).nodes.size() == 1);
  require_same_results(before, optimize(before));
}

TEST_CASE("consecutive activations are fused") {
  Net n;
  const int conv = n.conv(n.x, 4, 3, 1, true, "conv");
  const int clip = n.g.add("clip", Unary(UnaryKind::clip, -0.5, 0.25), {n.relu(conv, "relu")});
  const Graph before = n.done({clip});
  const Graph after = fuse_activation(before);
  REQUIRE(after.nodes.size() == 1);
  const auto& range = as<Convolution>(*after.nodes[0].op)->activation;
  CHECK(range.low == 0);
  CHECK(range.high == 0.25);
  require_same_results(before, after, 0);
}

TEST_CASE("an activation whose input has other users is not fused") {
  Net n;
  const int conv = n.conv(n.x, 4, 3, 1, true, "conv");
  const Graph before = n.done({n.relu(conv, "relu"), conv});
  CHECK(fuse_activation(before).nodes.size() == 2);
}

TEST_CASE("constant sums and products become weights and bias") {
  Net n;
  const int conv = n.conv(n.x, 4, 3, 1, false, "conv");
  const int product = n.g.add("mul", Binary(BinaryKind::mul), {n.weights({4}), conv});
  const Graph before = n.done({n.g.add("add", Binary(BinaryKind::add, {0, 1}), {product, n.weights({1, 1, 4})})});
  const Graph after = fuse_bias(before);
  CHECK(after.nodes.size() == 1);
  require_same_results(before, after);
}

TEST_CASE("a sum with a constant of another shape is unchanged") {
  Net n(4);
  const int conv = n.conv(n.x, 4, 1, 0, false, "conv");
  const Graph before = n.done({n.g.add("add", Binary(BinaryKind::add), {conv, n.weights({7, 1})})});
  CHECK(fuse_bias(before).nodes.size() == 2);
  require_same_results(before, fuse_bias(before));
}

TEST_CASE("zero padding moves into convolutions and average pools") {
  for (bool pool : {false, true}) {
    Net n;
    Pad pad;
    pad.before = {0, 1, 2, 0};
    pad.after = {0, 3, 0, 0};
    const int padded = n.g.add("pad", pad, {n.x});
    AveragePool average;
    average.window = Window(2, 3);
    const Graph before = n.done({pool ? n.g.add("pool", average, {padded}) : n.conv(padded, 3, 3, 1, true, "conv")});
    const Graph after = fuse_padding(before);
    CHECK(after.nodes.size() == 1);
    require_same_results(before, after);
  }
}

TEST_CASE("padding other than zeros around images is unchanged") {
  Net n;
  Pad pad;
  pad.before = {0, 1, 1, 0};
  pad.after = {0, 1, 1, 0};
  pad.value = 1;
  const Graph one = n.done({n.conv(n.g.add("pad", pad, {n.x}), 3, 3, 0, true, "conv")});
  CHECK(fuse_padding(one).nodes.size() == 2);
  Net m;
  pad.value = 0;
  pad.after = {0, 1, 1, 2};
  const Graph channels = m.done({m.conv(m.g.add("pad", pad, {m.x}), 3, 3, 0, true, "conv")});
  CHECK(fuse_padding(channels).nodes.size() == 2);
}

TEST_CASE("residual sums are fused into the later convolution, with the activation after them") {
  Net n(4);
  const int a = n.conv(n.x, 4, 3, 1, true, "a");
  const int b = n.conv(n.relu(a, "relu"), 4, 3, 1, true, "b");
  const int sum = n.g.add("sum", Binary(BinaryKind::add), {n.x, b});
  const Graph before = n.done({n.relu(sum, "out")});
  const Graph after = fuse_residual(fuse_activation(before));
  CHECK(after.nodes.size() == 2);
  CHECK(after.nodes[1].inputs[3] == after.inputs[0]);
  require_same_results(before, after);
}

TEST_CASE("a sum that broadcasts is not a residual") {
  Net n(4);
  const int a = n.conv(n.x, 4, 3, 1, true, "a");
  const int mean = n.g.add("mean", Reduce(ReduceKind::mean, {1, 2}, true), {n.x});
  const Graph before = n.done({n.g.add("sum", Binary(BinaryKind::add), {a, mean})});
  const Graph after = fuse_residual(before);
  CHECK(count<Binary>(after) == 1);
  require_same_results(before, after);
}

TEST_CASE("identities disappear and outputs keep their names") {
  Net n(4);
  const int conv = n.conv(n.x, 4, 1, 0, true, "conv");
  const int same = n.g.add("same", Identity(), {n.g.add("drop", Identity(), {conv})});
  Transpose t;
  t.perm = {0, 3, 1, 2};
  Transpose back;
  back.perm = {0, 2, 3, 1};
  const int moved = n.g.add("back", back, {n.g.add("there", t, {same})});
  const Graph before = n.done({moved, n.g.add("copy", Identity(), {n.x})});
  const Graph after = remove_identities(before);
  CHECK(count<Transpose>(after) == 0);
  CHECK(after.nodes.size() == 2);  // the convolution, and the identity from an input to an output
  require_same_results(before, after, 0);
}

TEST_CASE("SiLU and hard swish are recognized in every form") {
  for (int form = 0; form < 5; ++form) {
    Net n;
    const int conv = n.conv(n.x, 4, 3, 1, true, "conv");
    const auto number = [&](float x) {
      return n.g.add_constant("c" + std::to_string(++n.seed), Tensor<float>({1}, {x}));
    };
    int y = 0;
    if (form == 0) {
      y = n.g.add("y", Binary(BinaryKind::mul), {n.g.add("s", Unary(UnaryKind::sigmoid), {conv}), conv});
    } else if (form == 1) {
      y = n.g.add("y", Binary(BinaryKind::mul),
                  {conv, n.g.add("h", Unary(UnaryKind::hard_sigmoid, 1.0 / 6, 0.5), {conv})});
    } else {
      const int sum = n.g.add("add", Binary(BinaryKind::add), {conv, number(3)});
      const int gate = n.g.add("clip", Unary(UnaryKind::clip, 0, 6), {sum});
      const int product = n.g.add("mul", Binary(BinaryKind::mul), {conv, gate});
      if (form == 2) y = n.g.add("y", Binary(BinaryKind::div), {product, number(6)});
      if (form == 3) y = n.g.add("y", Binary(BinaryKind::mul), {number(1.0f / 6), product});
      if (form == 4) y = n.g.add("y", Binary(BinaryKind::div), {product, number(5)});  // not a hard swish
    }
    const Graph before = n.done({y});
    const Graph after = optimize(before);
    CHECK(after.nodes.size() == (form == 4 ? 4u : 2u));
    require_same_results(before, after);
  }
}

TEST_CASE("GELU is recognized in every form") {
  for (int form = 0; form < 7; ++form) {
    Net n;
    const int conv = n.conv(n.x, 4, 3, 1, true, "conv");
    const auto number = [&](float x) {
      return n.g.add_constant("c" + std::to_string(++n.seed), Tensor<float>({1}, {x}));
    };
    const auto mul = [&](const char* name, int a, int b) { return n.g.add(name, Binary(BinaryKind::mul), {a, b}); };
    const int scaled = form % 2 ? mul("scaled", number(0.70710678f), conv)
                                : n.g.add("scaled", Binary(BinaryKind::div), {conv, number(1.41421356f)});
    const int erf = n.g.add("erf", Unary(UnaryKind::erf), {scaled});
    const float one = form == 5 ? 2.0f : 1.0f, half = form == 4 ? 0.25f : 0.5f;  // these two are no GELU
    const int sum =
        n.g.add("sum", Binary(BinaryKind::add), {form == 1 ? number(one) : erf, form == 1 ? erf : number(one)});
    int y = 0;
    if (form == 0) y = mul("y", mul("product", mul("double", conv, number(1)), sum), number(half));  // four factors
    if (form == 1 || form == 4 || form == 5) y = mul("y", mul("product", conv, sum), number(half));
    if (form == 2) y = mul("y", mul("product", number(half), conv), sum);
    if (form == 3) y = mul("y", conv, mul("product", sum, number(half)));
    if (form == 6)
      y = mul("y", mul("product", n.conv(n.x, 4, 3, 1, true, "other"), sum), number(half));  // another argument
    const Graph before = n.done({y});
    const Graph after = optimize(before);
    CAPTURE(form);
    CHECK((count<Unary>(after) == 1 && count<Binary>(after) == 0) == (form >= 1 && form <= 3));
    require_same_results(before, after);
  }
}

TEST_CASE("constants are folded unless they become larger") {
  Graph g;
  const int x = g.add_input("x", {3});
  const int a = g.add_constant("a", random_tensor({3}, 1)), b = g.add_constant("b", random_tensor({3}, 2));
  const int sum = g.add("sum", Binary(BinaryKind::add), {g.add("product", Binary(BinaryKind::mul), {a, b}), x});
  g.outputs = {sum};
  const Graph after = fold_constants(g);
  CHECK(after.nodes.size() == 1);
  require_same_results(g, after, 0);

  Graph huge;
  Expand expand;
  expand.shape = {std::int64_t{1} << 38};
  huge.outputs = {huge.add("expand", expand, {huge.add_constant("c", random_tensor({1}, 1))})};
  huge.add("drop", Identity(), {huge.outputs[0]});
  CHECK(fold_constants(huge).nodes.size() >= 1);
}

TEST_CASE("whole networks keep their results and are reduced to their layers") {
  for (const Model& m : {resnet({18, true, 64, 10, 3}), mobilenet_v2({0.35, 64, 10, 3})}) {
    const Graph after = optimize(m);
    CHECK(count<BatchNormalization>(after) == 0);
    CHECK(count<Unary>(after) == 0);
    CHECK(count<Binary>(after) == 0);
    require_same_results(m, after, 2e-4 * 50);
    CHECK(optimize(after).nodes.size() == after.nodes.size());
  }
}

static_assert(!std::is_constructible_v<OptimizedModel, Model>, "only optimize makes an OptimizedModel");
static_assert(!std::is_convertible_v<Model, OptimizedModel>, "a function that needs one cannot be given a Model");
static_assert(!std::is_constructible_v<octet::detail::LoweredGraph, Graph>, "only lower makes a LoweredGraph");

TEST_CASE("stages: executors take optimized models as they are") {
  const Model m = mobilenet_v2({0.35, 64, 10, 3});
  const OptimizedModel fast = optimize(m);
  const Executor from_model(m), from_optimized(fast);
  CHECK(from_model.graph().nodes.size() == from_optimized.graph().nodes.size());
  require_same_results(from_model.graph(), from_optimized.graph(), 0);

  ExecutorOptions plain;
  plain.optimize = false;
  CHECK(Executor(fast, plain).graph().nodes.size() == fast.nodes.size());
  CHECK(Executor(m, plain).graph().nodes.size() == m.nodes.size());
  CHECK(octet::detail::lower(fast, false).nodes.size() == fast.nodes.size());
  CHECK(octet::detail::lower(fast).nodes.size() < fast.nodes.size());  // chains of layers
}
