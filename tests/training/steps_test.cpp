#include <ostream>

#include <octet/models/builder.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/training/gradient_executor.hpp>
#include <octet/training/trainer.hpp>

#include "support/allocations.hpp"
#include "support/same_constants.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

/// The numbers scale * sin(1.3 i + k), as in training_reference.py.
Tensor<float> wave(const Shape& shape, int k, double scale = 0.5, double shift = 0) {
  Tensor<float> t(shape);
  for (std::int64_t i = 0; i < t.size(); ++i)
    t[i] = static_cast<float>(shift + scale * std::sin(1.3 * static_cast<double>(i) + k));
  return t;
}

/// The network of training_reference.py.
Model reference_net() {
  Graph g;
  g.name = "reference";
  const auto batch_norm = [&](const std::string& n, int x, int k, double shift, double epsilon) {
    BatchNormalization op;
    op.epsilon = epsilon;
    return g.add(n, op,
                 {x, g.add_constant(n + ".weight", wave({8}, k, 0.5, 1)),
                  g.add_constant(n + ".bias", wave({8}, k + 1, 0.5, shift)),
                  g.add_constant(n + ".mean", Tensor<float>({8})), g.add_constant(n + ".var", wave({8}, 0, 0, 1))});
  };
  Convolution conv, depthwise, grouped;
  conv.window = Window(3, 3, 1, 1);
  depthwise.window = Window(3, 3, 2, 1);
  depthwise.groups = 8;
  grouped.window = Window(1, 1);
  grouped.groups = 2;
  MaxPool largest;
  largest.window = Window(3, 3, 2, 1);
  AveragePool mean;
  mean.window = Window(2, 2, 2);
  int x = g.add_input("image", {Shape::unknown, 12, 12, 3});
  x = g.add("conv", conv, {x, g.add_constant("conv.weight", wave({8, 3, 3, 3}, 1))});
  x = g.add("relu1", Unary(UnaryKind::clip, 0, std::numeric_limits<double>::infinity()),
            {batch_norm("bn1", x, 3, 0, 1e-5)});
  x = g.add("depthwise", depthwise, {x, g.add_constant("depthwise.weight", wave({8, 3, 3, 1}, 5))});
  x = g.add("relu2", Unary(UnaryKind::clip, 0, 6), {batch_norm("bn2", x, 6, 2, 1e-3)});
  const int branch =
      g.add("grouped", grouped,
            {x, g.add_constant("grouped.weight", wave({8, 1, 1, 4}, 8)), g.add_constant("grouped.bias", wave({8}, 9))});
  x = g.add("add", Binary(BinaryKind::add), {x, g.add("hardswish", Unary(UnaryKind::hard_swish), {branch})});
  x = g.add("concat", Concat(-1), {x, g.add("sigmoid", Unary(UnaryKind::sigmoid), {x})});
  x = g.add("mean", mean, {g.add("max", largest, {x})});
  x = g.add("global", Reduce(ReduceKind::mean, {1, 2}, false), {x});
  x = g.add("linear", FullyConnected(),
            {x, g.add_constant("linear.weight", wave({4, 16}, 10)), g.add_constant("linear.bias", wave({4}, 11))});
  g.outputs = {g.add("softmax", Softmax(), {x})};
  return g;
}

/// The four batches of training_reference.py.
TensorExamples reference_examples() {
  Tensor<float> images({16, 12, 12, 3});
  std::vector<std::int64_t> labels;
  for (int step = 0; step < 4; ++step) {
    const Tensor<float> batch = wave({4, 12, 12, 3}, 20 + step, 1);
    std::copy(batch.begin(), batch.end(), images.data() + step * batch.size());
    for (int i = 0; i < 4; ++i) labels.push_back((step + 2 * i) % 4);
  }
  return {std::move(images), labels};
}

TrainingOptions reference_options() {
  TrainingOptions o;
  o.batch = 4;
  o.shuffle = false;
  o.threads = 1;
  o.optimizer.decay_vectors = true;
  return o;
}

struct Reference {
  std::vector<double> losses, seen;  // per step; per parameter: the sum of its elements times a wave
};

void check_reference(const TrainingOptions& options, const Reference& expected) {
  TrainingOptions o = options;
  std::vector<double> losses;
  o.on_step = [&](const StepReport& r) { losses.push_back(r.loss); };
  Trainer trainer(reference_net(), o);
  const TensorExamples examples = reference_examples();
  trainer.fit(examples, 1);
  REQUIRE(losses.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    INFO("step ", i);
    CHECK(losses[i] == doctest::Approx(expected.losses[i]).epsilon(2e-5));
  }
  const Model trained = trainer.model();
  const char* names[] = {"conv.weight",      "bn1.weight",   "bn1.bias",      "bn1.mean",   "bn1.var",
                         "depthwise.weight", "bn2.weight",   "bn2.bias",      "bn2.mean",   "bn2.var",
                         "grouped.weight",   "grouped.bias", "linear.weight", "linear.bias"};
  for (std::size_t p = 0; p < expected.seen.size(); ++p) {
    const Tensor<float> t = floats(trained.value(trained.find(names[p])).constant);
    const Tensor<float> w = wave({t.size()}, 30 + static_cast<int>(p), 1);
    double sum = 0;
    for (std::int64_t i = 0; i < t.size(); ++i) sum += static_cast<double>(t[i]) * static_cast<double>(w[i]);
    INFO(names[p]);
    CHECK(std::abs(sum - expected.seen[p]) < 3e-5);
  }
}

}  // namespace

// Expected numbers: training_reference.py.
TEST_CASE("training steps: the same as in PyTorch") {
  TrainingOptions o = reference_options();
  SUBCASE("sgd, momentum, weight decay") {
    o.optimizer = sgd(0.9, 1e-2);
    o.learning_rate = 0.05;
    o.optimizer.decay_vectors = true;
    check_reference(o, {{4.085318735, 4.859679103, 4.270958822, 3.111202338},
                        {-40.637209855, -0.441762525, -1.613727914, 0.000329368, -1.101046856, 3.036115135, 0.341546732,
                         1.965869284, 0.122353175, 0.221213961, 6.226067745, 1.610969045, 12.426423535, 0.796232604}});
  }
  SUBCASE("sgd, nesterov, label smoothing") {
    o.optimizer = sgd(0.9, 0, true);
    o.learning_rate = 0.05;
    o.label_smoothing = 0.1;
    check_reference(o, {{4.080917496, 6.002248268, 5.581718291, 3.752348838},
                        {-40.809264863, -0.440519215, -1.615633014, 0.000312039, -1.150677655, 3.152924747, 0.268258754,
                         1.891243802, 0.112591106, 0.215647845, 5.958754513, 1.519631678, 13.021287853, 0.810254496}});
  }
  SUBCASE("sgd without momentum, clipped") {
    o.optimizer = sgd(0);
    o.learning_rate = 0.2;
    o.clip_norm = 0.5;
    check_reference(o, {{4.085318735, 4.116010462, 3.046685348, 2.817371360},
                        {-40.627644316, -0.559850204, -1.817052413, 0.000324968, -1.033921623, 2.955664144, 0.079893419,
                         2.002148209, 0.122790516, 0.224148596, 6.817740840, 1.520480215, 13.274437027, 0.863101020}});
  }
  SUBCASE("adam, weight decay") {
    o.optimizer = adam(1e-2);
    o.learning_rate = 0.01;
    o.optimizer.decay_vectors = true;
    check_reference(o, {{4.085318735, 4.078234064, 2.796994414, 2.581735525},
                        {-40.332014273, -0.489853782, -1.803120372, 0.000339213, -1.074531927, 2.937081440, 0.102404587,
                         1.974857440, 0.135514144, 0.212133778, 6.842412682, 1.565566325, 13.292074185, 0.819776509}});
  }
  SUBCASE("adamw") {
    o.optimizer = adamw(0.1);
    o.learning_rate = 0.01;
    o.optimizer.decay_vectors = true;
    check_reference(o, {{4.085318735, 4.134321433, 2.779344584, 2.622550035},
                        {-40.360933485, -0.532154445, -1.798981359, 0.000340082, -1.059548531, 2.961049476, 0.103227582,
                         1.968243800, 0.135379036, 0.211887703, 6.821591750, 1.562288767, 13.308709185, 0.816654667}});
  }
}

namespace {

/// A network with all operators that could depend on threads or random numbers: batch norm, dropout, a residual,
/// depthwise layers.
Model small_net(std::uint64_t seed = 1) {
  octet::detail::NetworkBuilder b("small", 10, 2, seed);
  b.conv("conv", 24, 3, 1, 1).batch_norm("bn").relu("relu").dropout("drop", 0.2);
  const int shortcut = b.current();
  b.conv("depthwise", 24, 3, 1, 1, 24).batch_norm("bn2").relu6("relu6").conv("point", 24, 1, 1, 0, 1, true);
  b.add("add", shortcut).max_pool("pool", 2, 2).flatten("flat").linear("dense", 5);
  return b.finish();
}

TensorExamples small_examples(std::int64_t n, unsigned seed = 1) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < n; ++i) labels.push_back((i * 7 + i / 5) % 5);
  return {random_tensor({n, 10, 10, 2}, seed), labels};
}

TrainingOptions small_options(int threads = 1) {
  TrainingOptions o;
  o.batch = 8;
  o.threads = threads;
  o.seed = 7;
  o.augmentation.flip = true;
  o.augmentation.shift = 2;
  o.optimizer = sgd(0.9, 1e-4, true);
  o.learning_rate = cosine_rate(0.05).warmed_up(0.5);
  o.clip_norm = 1;
  return o;
}

}  // namespace

TEST_CASE("training steps: the same weights with any number of threads, others with another seed") {
  const TensorExamples examples = small_examples(30);
  const auto trained = [&](const TrainingOptions& o) {
    Trainer t(small_net(), o);
    t.fit(examples, 2);
    return t.model();
  };
  const Model one = trained(small_options());
  CHECK_FALSE(same_constants(one, small_net()));
  for (int threads : {1, 2, 3}) CHECK(same_constants(one, trained(small_options(threads))));
  TrainingOptions other = small_options();
  other.seed = 8;
  CHECK_FALSE(same_constants(one, trained(other)));
}

TEST_CASE("training steps: steps do not allocate") {
  const TensorExamples examples = small_examples(64);
  for (const auto& kind : {sgd(), adam()})
    for (int threads : {1, 2}) {
      TrainingOptions o = small_options(threads);
      o.optimizer = kind;
      std::vector<std::int64_t> counts;
      counts.reserve(100);
      o.on_step = [&](const StepReport&) { counts.push_back(allocations()); };
      Trainer t(small_net(), o);
      t.fit(examples, 1);
      REQUIRE(counts.size() == 8);
      INFO(threads, " threads");
      CHECK(counts.back() == counts.front());
    }
}

TEST_CASE("training steps: gradients of values and weights that are used several times") {
  // Compared with differences of the float loss, to check that gradients are added up correctly.
  Graph g;
  const int x = g.add_input("x", {Shape::unknown, 4, 4, 3});
  Convolution conv;
  conv.window = Window(3, 3, 1, 1);
  const int w = g.add_constant("w", random_tensor({3, 3, 3, 3}, 1, -0.5f, 0.5f));
  const int a = g.add("a", conv, {x, w});
  const int b = g.add("b", Unary(UnaryKind::tanh), {a});
  const int c = g.add("c", Binary(BinaryKind::mul), {a, b});
  const int d = g.add("d", conv, {c, w});  // the same weights again
  const int e = g.add("e", Binary(BinaryKind::add), {d, a});
  const int f = g.add("f", Binary(BinaryKind::mul), {e, e});
  const int joined = g.add("joined", Concat(-1), {f, a, g.add("view", Reshape({0, 0, 0, 3}), {b})});
  const int out = g.add("out", Reduce(ReduceKind::mean, {1, 2}, false), {joined});
  g.outputs = {g.add("dense", FullyConnected(), {out, g.add_constant("v", random_tensor({2, 9}, 2))})};
  GradientOptions o;
  o.threads = 1;
  GradientExecutor executor(g, o);
  executor.plan({2, 4, 4, 3});
  const Tensor<float> image = random_tensor({2, 4, 4, 3}, 3);
  std::copy(image.begin(), image.end(), executor.input().begin());
  const auto loss = [&] {
    double sum = 0;
    const View<const float> y = executor.forward({});
    for (std::int64_t i = 0; i < y.size(); ++i) sum += static_cast<double>(y[i]) * (i % 3 == 0 ? -1.0 : 0.5);
    return sum;
  };
  loss();
  for (std::int64_t i = 0; i < 4; ++i) executor.output_gradient()[i] = i % 3 == 0 ? -1.0f : 0.5f;
  executor.backward({});
  const Parameters& p = executor.parameters();
  REQUIRE(p.list().size() == 2);
  for (const Parameter& one : p.list()) {
    const std::vector<float> gradient(p.gradients() + one.offset, p.gradients() + one.offset + one.size);
    double apart = 0, largest = 0;
    for (std::int64_t i = 0; i < one.size; ++i) {
      float& value = p.values()[one.offset + i];
      const float before = value;
      value = before + 1e-2f;
      const double above = loss();
      value = before - 1e-2f;
      const double difference = (above - loss()) / 2e-2;
      value = before;
      apart = std::max(apart, std::abs(difference - static_cast<double>(gradient[static_cast<std::size_t>(i)])));
      largest = std::max(largest, std::abs(difference));
    }
    INFO(one.name, ": apart ", apart, " of ", largest);
    CHECK(apart < 2e-3 * largest);
  }
}

TEST_CASE("training steps: only the weights of the model change") {
  const Model before = small_net();
  Trainer t(before, small_options());
  CHECK(same_constants(t.model(), before));
  t.fit(small_examples(16), 1);
  const Model after = t.model();
  REQUIRE(after.nodes.size() == before.nodes.size());
  for (std::size_t i = 0; i < after.nodes.size(); ++i) {
    CHECK(after.nodes[i].name == before.nodes[i].name);
    CHECK(after.nodes[i].op == before.nodes[i].op);
  }
  for (std::size_t v = 0; v < after.values.size(); ++v) {
    CHECK(after.values[v].name == before.values[v].name);
    if (before.values[v].is_constant())
      CHECK_FALSE(std::memcmp(after.values[v].constant.data(), before.values[v].constant.data(),
                              after.values[v].constant.size_bytes()) == 0);
  }
  // evaluate() gives the same result as an executor.
  const TensorExamples held_out = small_examples(13, 5);
  const Evaluation e = evaluate(after, held_out);
  Executor run(after);
  double loss = 0, correct = 0;
  for (std::int64_t i = 0; i < 13; ++i) {
    Tensor<float> image({1, 10, 10, 2});
    held_out.read(i, image.data());
    const Tensor<float> y = run(image);
    double sum = 0;
    std::int64_t best = 0;
    for (std::int64_t c = 0; c < 5; ++c) {
      sum += std::exp(static_cast<double>(y[c]));
      best = y[c] > y[best] ? c : best;
    }
    loss += std::log(sum) - static_cast<double>(y[*held_out.label(i)]);
    correct += best == *held_out.label(i);
  }
  CHECK(e.loss == doctest::Approx(loss / 13));
  CHECK(e.accuracy == doctest::Approx(correct / 13));
}

namespace {

/// Returns its input and counts training passes in its second input, as an observer of ranges does.
class Counter : public octet::OperatorOf<Counter> {
 public:
  static constexpr const char* type_name = "Counter";
  std::vector<Shape> shapes(const ShapeContext& c) const override { return {c.shape(0)}; }
  std::unique_ptr<Step> prepare(const PrepareContext&) const override { return octet::detail::make_view_step(); }
  std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext&) const override {
    class Counting : public GradientStep {
     public:
      GradientMemory plan(const GradientPlanContext&) override { return {}; }
      void forward(const ForwardContext& c) noexcept override {
        std::memcpy(c.output(), c.input(0), c.outputs[0].size_bytes());
        *c.inputs[1].as<float>() += 1;
      }
      void backward(const BackwardContext& c) noexcept override {
        std::memcpy(c.input_gradient(0), c.output_gradient(), c.outputs[0].size_bytes());
      }
    };
    return std::make_unique<Counting>();
  }
  Learning learning(int input) const override { return input == 1 ? Learning::by_statistics : Learning::none; }
};

}  // namespace

TEST_CASE("training steps: running statistics are updated at any position in the graph") {
  Graph g;
  const int x = g.add_input("x", {Shape::unknown, 3});
  const auto counter = [&](const std::string& n, int in) {
    return g.add(n, Counter(), {in, g.add_constant(n + ".count", Tensor<float>({1}))});
  };
  const int seen = counter("before", x);  // no learned parameters before this one
  const int y = g.add("dense", FullyConnected(), {seen, g.add_constant("w", random_tensor({2, 3}, 1))});
  g.outputs = {counter("after", y)};
  TrainingOptions o;
  o.batch = 4;
  o.threads = 1;
  Trainer t(g, o);
  t.fit(TensorExamples(random_tensor({20, 3}, 2), std::vector<std::int64_t>(20, 1)), 2);
  const Model after = t.model();
  CHECK(after.value(after.find("before.count")).constant.view<float>()[0] == 10);
  CHECK(after.value(after.find("after.count")).constant.view<float>()[0] == 10);
  CHECK(t.history()[1].loss < t.history()[0].loss);
  o.freeze = {"before"};
  Trainer frozen(g, o);
  frozen.fit(TensorExamples(random_tensor({20, 3}, 2), std::vector<std::int64_t>(20, 1)), 1);
  CHECK(frozen.model().value(g.find("before.count")).constant.view<float>()[0] == 0);
}

TEST_CASE("training steps: half-precision weights become float") {
  Model half = quantize<fp16>(reference_net());
  TrainingOptions o = reference_options();
  Trainer t(half, o);
  t.fit(reference_examples(), 1);
  const Model trained = t.model();
  for (const Value& v : trained.values)
    if (v.is_constant()) CHECK(v.dtype == DType::f32);
}
