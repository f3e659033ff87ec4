#include <octet/operators/all.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/training/gradient_executor.hpp>
#include <octet/training/objective.hpp>
#include <octet/training/qat.hpp>
#include <octet/training/trainer.hpp>

#include "support/allocations.hpp"
#include "support/files.hpp"
#include "support/same_constants.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

/// An image [4, 4, 2] and two numbers become logits of three classes, a feature map that the classes are computed from,
/// and a number.
Model two_by_three(bool softmax = false) {
  Graph g;
  g.name = "joint";
  const int image = g.add_input("image", {Shape::unknown, 4, 4, 2}), facts = g.add_input("facts", {Shape::unknown, 2});
  Convolution conv;
  conv.window = Window(3, 3, 1, 1);
  const int seen = g.add("tanh", Unary(UnaryKind::tanh),
                         {g.add("conv", conv,
                                {image, g.add_constant("conv.weight", random_tensor({4, 3, 3, 2}, 1, -0.5f, 0.5f)),
                                 g.add_constant("conv.bias", random_tensor({4}, 2, -0.1f, 0.1f))})});
  const int features = g.add("features", Reduce(ReduceKind::mean, {1, 2}, false), {seen});
  const int told = g.add("told", FullyConnected(),
                         {facts, g.add_constant("told.weight", random_tensor({3, 2}, 3)),
                          g.add_constant("told.bias", random_tensor({3}, 4, -0.1f, 0.1f))});
  const int joined = g.add("joined", Concat(-1), {features, told});
  const auto dense = [&](const std::string& name, std::int64_t out, unsigned seed) {
    return g.add(name, FullyConnected(),
                 {joined, g.add_constant(name + ".weight", random_tensor({out, 7}, seed)),
                  g.add_constant(name + ".bias", Tensor<float>({out}))});
  };
  const int classes = dense("classes", 3, 5), number = dense("number", 1, 6);
  g.outputs = {softmax ? g.add("softmax", Softmax(), {classes}) : classes, features, number};
  return g;
}

struct Data {
  Tensor<float> images, facts, features, numbers;
  std::vector<std::int64_t> labels;

  explicit Data(std::int64_t n, unsigned seed = 10)
      : images(random_tensor({n, 4, 4, 2}, seed)),
        facts(random_tensor({n, 2}, seed + 1)),
        features(random_tensor({n, 4}, seed + 2, 0, 1)),
        numbers({n, 1}) {
    for (std::int64_t i = 0; i < n; ++i) {
      const float x = facts(i, 0), y = facts(i, 1);
      labels.push_back(x > 0.2f ? 0 : y > 0 ? 1 : 2);
      numbers[i] = x - 0.5f * y + 0.2f * images[i * 32];
    }
  }
  TensorExamples examples() const { return {std::vector<Tensor<float>>{images, facts}, {labels, features, numbers}}; }
};

const std::vector<OutputLoss> losses{
    {Loss::cross_entropy, 0.5}, {Loss::mean_squared_error, 2}, {Loss::mean_squared_error, 1}};

TrainingOptions options() {
  TrainingOptions o;
  o.outputs = losses;
  o.batch = 8;
  o.threads = 1;
  o.learning_rate = 0.01;
  return o;
}

double squared(const Tensor<float>& a, const Tensor<float>& b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
  return sum / static_cast<double>(a.size());
}

double entropy(const Tensor<float>& logits, const std::vector<std::int64_t>& labels) {
  double sum = 0;
  const std::int64_t classes = logits.shape()[1];
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const float* x = logits.data() + static_cast<std::int64_t>(i) * classes;
    double all = 0;
    for (std::int64_t c = 0; c < classes; ++c) all += std::exp(static_cast<double>(x[c]));
    sum += std::log(all) - static_cast<double>(x[labels[i]]);
  }
  return sum / static_cast<double>(labels.size());
}

}  // namespace

TEST_CASE("several outputs: gradients of the whole loss are its differences") {
  const Model m = two_by_three();
  const Data data(6);
  const TensorExamples examples = data.examples();
  GradientOptions o;
  o.threads = 1;
  GradientExecutor executor(m, o);
  const std::vector<Shape> shapes = octet::detail::batch_shapes(m, examples, 6);
  CHECK(shapes == std::vector<Shape>{{6, 4, 4, 2}, {6, 2}});
  executor.plan_all(shapes);
  octet::detail::Batches batches(examples, shapes, {}, 1);
  octet::detail::TrainingObjective objective(losses, 0);
  objective.plan(examples, {executor.output(0).shape(), executor.output(1).shape(), executor.output(2).shape()}, 6);
  for (std::size_t k = 0; k < 2; ++k) batches.read(0, 6, k, executor.input(k).data(), executor.pool());
  CHECK(std::memcmp(executor.input(1).data(), data.facts.data(), data.facts.size_bytes()) == 0);
  const auto forward = [&](bool gradients) {
    executor.forward({});
    for (std::size_t k = 0; k < 3; ++k)
      objective.compare(k, batches, 0, executor.output(k), gradients ? executor.output_gradient(k) : View<float>(),
                        executor.pool());
    return objective.total();
  };
  // The loss is the sum of its definitions.
  const octet::detail::BatchLoss found = forward(true);
  const std::vector<AnyTensor> y = Executor(m).run(data.images, data.facts);
  const double by_definition = 0.5 * entropy(floats(y[0]), data.labels) + 2 * squared(floats(y[1]), data.features) +
                               squared(floats(y[2]), data.numbers);
  CHECK(found.mean == doctest::Approx(by_definition).epsilon(1e-5));
  executor.backward({});
  const Parameters& p = executor.parameters();
  CHECK(p.list().size() == 8);
  const std::vector<float> gradients(p.gradients(), p.gradients() + p.learned_size());
  for (const Parameter& one : p.list()) {
    double apart = 0, largest = 0;
    for (std::int64_t i = one.offset; i < one.offset + one.size; ++i) {
      float& value = p.values()[i];
      const float before = value;
      value = before + 1e-3f;
      const double above = forward(false).mean;
      value = before - 1e-3f;
      const double difference = (above - forward(false).mean) / 2e-3;
      value = before;
      apart = std::max(apart, std::abs(difference - static_cast<double>(gradients[static_cast<std::size_t>(i)])));
      largest = std::max(largest, std::abs(difference));
    }
    INFO(one.name, ": apart ", apart, " of ", largest);
    CHECK(largest > 1e-3);
    CHECK(apart < 5e-3 * largest);
  }
}

TEST_CASE("several outputs: a model learns all of them") {
  const Data data(200), other(100, 50);
  TrainingOptions o = options();
  o.augmentation.flip = true;  // of the images only
  Trainer t(two_by_three(), o);
  EvaluationOptions e;
  e.outputs = losses;
  const Evaluation before = evaluate(two_by_three(), other.examples(), e);
  const auto& history = t.fit(data.examples(), 40, other.examples());
  const Evaluation after = evaluate(t.model(), other.examples(), e);
  REQUIRE(after.outputs.size() == 3);
  CHECK(after.outputs[0].accuracy > 0.85);
  CHECK(after.accuracy == after.outputs[0].accuracy);
  for (std::size_t k : {0u, 2u}) CHECK(after.outputs[k].loss < 0.5 * before.outputs[k].loss);
  CHECK(after.outputs[1].loss < before.outputs[1].loss);
  CHECK(after.outputs[1].accuracy == 0);
  CHECK(after.loss == doctest::Approx(0.5 * after.outputs[0].loss + 2 * after.outputs[1].loss + after.outputs[2].loss));
  REQUIRE(history.back().validation.has_value());
  const Evaluation held_out = *history.back().validation;
  CHECK(held_out.loss == doctest::Approx(after.loss));
  CHECK(held_out.outputs[2].loss == doctest::Approx(after.outputs[2].loss));
  // Against the runs of the executor.
  const std::vector<AnyTensor> y = Executor(t.model()).run(other.images, other.facts);
  CHECK(after.outputs[0].loss == doctest::Approx(entropy(floats(y[0]), other.labels)).epsilon(1e-5));
  CHECK(after.outputs[2].loss == doctest::Approx(squared(floats(y[2]), other.numbers)).epsilon(1e-5));
}

TEST_CASE("several outputs: an output with the weight 0 needs no answers and changes nothing") {
  const Data data(32);
  TrainingOptions o = options();
  const auto trained = [&](const std::vector<OutputLoss>& by, const TensorExamples& examples) {
    o.outputs = by;
    Trainer t(two_by_three(), o);
    t.fit(examples, 2);
    return t.model();
  };
  const std::vector<OutputLoss> one{{Loss::cross_entropy, 1}, {Loss::cross_entropy, 0}, {Loss::cross_entropy, 0}};
  const TensorExamples few({data.images, data.facts}, {data.labels, {}, {}});
  const Model found = trained(one, few);
  Model alone = two_by_three();
  const Model before = alone;
  alone.outputs.resize(1);
  o.outputs.clear();
  Trainer t(alone, o);
  t.fit(few, 2);
  const auto same = [](const Model& a, const Model& b, const char* name) {
    const AnyTensor &x = a.value(a.find(name)).constant, &y = b.value(b.find(name)).constant;
    return std::memcmp(x.data(), y.data(), x.size_bytes()) == 0;
  };
  for (const char* name : {"conv.weight", "told.bias", "classes.weight"}) {
    INFO(name);
    CHECK(same(found, t.model(), name));
    CHECK(!same(found, before, name));
  }
  CHECK(same(found, before, "number.weight"));
}

TEST_CASE("several outputs: one class for all of them, by default") {
  // An auxiliary classifier: both outputs learn the same labels.
  Graph g;
  const int x = g.add_input("x", {Shape::unknown, 2});
  const int h = g.add("h", FullyConnected(), {x, g.add_constant("u", random_tensor({3, 2}, 1))});
  g.outputs = {g.add("y", FullyConnected(),
                     {g.add("tanh", Unary(UnaryKind::tanh), {h}), g.add_constant("v", random_tensor({3, 3}, 2))}),
               h};
  const Data data(100);
  TrainingOptions o = options();
  o.outputs.clear();
  Trainer t(g, o);
  const TensorExamples examples(data.facts, data.labels);
  t.fit(examples, 40);
  const Evaluation e = evaluate(t.model(), examples);
  REQUIRE(e.outputs.size() == 2);
  for (const OutputEvaluation& one : e.outputs) CHECK(one.accuracy > 0.85);
  CHECK(e.loss == doctest::Approx(e.outputs[0].loss + e.outputs[1].loss));
}

TEST_CASE("several outputs: the same bits with any number of threads, and after an interruption") {
  const Data data(60);
  const TensorExamples examples = data.examples();
  const auto run = [&](int threads, bool interrupted) {
    TrainingOptions o = options();
    o.threads = threads;
    o.distillation.teacher = std::make_shared<const Model>(two_by_three());
    const TemporaryFile file("outputs.checkpoint");
    if (interrupted) {
      Trainer first(two_by_three(), o);
      first.fit(examples, 1, examples);
      first.save_checkpoint(file.path);
    }
    Trainer t(two_by_three(), o);
    if (interrupted) {
      t.resume(file.path);
      REQUIRE(t.history().size() == 1);
      REQUIRE(t.history()[0].validation.has_value());
      CHECK(t.history()[0].validation->outputs.size() == 3);
      CHECK(t.history()[0].validation->outputs[2].loss > 0);
    }
    t.fit(examples, 2, examples);
    return t.model();
  };
  const Model expected = run(1, false);
  for (int threads : {2, 3}) CHECK(same_constants(run(threads, false), expected));
  CHECK(same_constants(run(2, true), expected));
}

TEST_CASE("several outputs: a softmax before one of them becomes part of the loss") {
  const Data data(32);
  const auto trained = [&](bool softmax) {
    Trainer t(two_by_three(softmax), options());
    t.fit(data.examples(), 2);
    return t.model();
  };
  const Model plain = trained(false), with = trained(true);
  CHECK(std::count_if(with.nodes.begin(), with.nodes.end(), [](const Node& n) { return as<Softmax>(*n.op); }) == 1);
  const AnyTensor &a = plain.value(plain.find("classes.weight")).constant,
                  &b = with.value(with.find("classes.weight")).constant;
  CHECK(std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
  EvaluationOptions e;
  e.outputs = losses;
  CHECK(evaluate(plain, data.examples(), e).loss == evaluate(with, data.examples(), e).loss);
}

TEST_CASE("several outputs: distillation teaches those that classify") {
  const Data data(150), other(100, 70);
  Trainer first(two_by_three(), options());
  first.fit(data.examples(), 30);
  TrainingOptions o = options();
  o.distillation.teacher = std::make_shared<const Model>(first.model());
  o.distillation.weight = 1;
  Model fresh = two_by_three();
  fresh.value(fresh.find("classes.weight")).constant = random_tensor({3, 7}, 99);
  Trainer taught(fresh, o);
  const std::vector<std::int64_t> wrong(150, 2);
  taught.fit(TensorExamples({data.images, data.facts}, {wrong, data.features, data.numbers}), 30);
  EvaluationOptions e;
  e.outputs = losses;
  CHECK(evaluate(taught.model(), other.examples(), e).accuracy > 0.8);
  Model alone = two_by_three();
  alone.outputs.resize(1);
  o.distillation.teacher = std::make_shared<const Model>(alone);
  CHECK_THROWS_WITH_AS(Trainer(two_by_three(), o),
                       "teacher 'joint' has 2 inputs and 1 outputs, expected 2 and 3, as the trained model has",
                       ShapeError);
}

TEST_CASE("several outputs: quantization-aware training of all of them") {
  const Data data(200), other(100, 50);
  Trainer t(two_by_three(), options());
  t.fit(data.examples(), 40);
  for (bool learned : {false, true}) {
    QatConfig c;
    c.learned_scales = learned;
    TrainingOptions o = options();
    o.learning_rate = 1e-3;
    Trainer qat(prepare_qat(t.model(), c), o);
    qat.fit(data.examples(), 2);
    const Model integers = convert(qat.model());
    int int8_weights = 0;
    for (const Value& v : integers.values)
      int8_weights += v.is_constant() && v.dtype == DType::i8 && v.shape.rank() > 1;
    CHECK(int8_weights == 4);
    EvaluationOptions e;
    e.outputs = losses;
    const Evaluation fake = evaluate(qat.model(), other.examples(), e), real = evaluate(integers, other.examples(), e);
    CHECK(real.accuracy > 0.8);
    CHECK(real.loss == doctest::Approx(fake.loss).epsilon(0.02));
    const std::vector<AnyTensor> y = Executor(qat.model()).run(other.images, other.facts),
                                 z = Executor(integers).run(other.images, other.facts);
    for (std::size_t k = 0; k < 3; ++k) {
      const Tensor<float> a = floats(y[k]);
      const auto [low, high] = std::minmax_element(a.begin(), a.end());
      CHECK(largest_difference(a, floats(z[k])) <= 2.01 * static_cast<double>(*high - *low) / 255);
    }
  }
}

TEST_CASE("several outputs: steps do not allocate") {
  const Data data(64);
  for (int threads : {1, 2}) {
    TrainingOptions o = options();
    o.threads = threads;
    o.distillation.teacher = std::make_shared<const Model>(two_by_three());
    std::vector<std::int64_t> counts;
    counts.reserve(100);
    o.on_step = [&](const StepReport&) { counts.push_back(allocations()); };
    Trainer t(two_by_three(), o);
    t.fit(data.examples(), 1);
    CHECK(counts.back() == counts.front());
  }
}

TEST_CASE("several outputs: errors say what is missing") {
  const Data data(8);
  const auto fit = [&](const std::vector<OutputLoss>& by, const TensorExamples& examples) {
    TrainingOptions o = options();
    o.outputs = by;
    Trainer(two_by_three(), o).fit(examples, 1);
  };
  CHECK_THROWS_WITH_AS(fit({{Loss::cross_entropy, 1}}, data.examples()),
                       "model 'joint' has 3 outputs, expected as many losses, found 1", Error);
  std::vector<OutputLoss> wrong = losses;
  wrong[1].weight = -1;
  CHECK_THROWS_WITH_AS(fit(wrong, data.examples()), "expected weights of losses >= 0, found -1", Error);
  for (OutputLoss& o : wrong) o.weight = 0;
  CHECK_THROWS_WITH_AS(fit(wrong, data.examples()), "expected an output whose loss has a weight > 0, found none",
                       Error);
  CHECK_THROWS_WITH_AS(fit(losses, TensorExamples(data.images, data.labels)),
                       "model 'joint' has 2 inputs, found examples with 1", ShapeError);
  CHECK_THROWS_WITH_AS(fit(losses, TensorExamples({data.images, data.facts}, {data.labels, data.features})),
                       "example 0: expected a target of 1 elements, as the model's output, found 0", ShapeError);
  CHECK_THROWS_WITH_AS(fit({}, data.examples()), "example 0: expected a class (the loss is cross entropy), found none",
                       Error);
  CHECK_THROWS_WITH_AS(TensorExamples({data.images, Tensor<float>({7, 2})}, {data.labels}),
                       "inputs of shape [8, 4, 4, 2]: expected as many elements of another input as inputs, found 7",
                       ShapeError);
  CHECK_THROWS_WITH_AS(TensorExamples(std::vector<Tensor<float>>(), {data.labels}),
                       "expected at least one tensor of inputs, found none", Error);
  // An output that is not of examples.
  Model whole = two_by_three();
  whole.outputs[2] = whole.add("whole", Reduce(ReduceKind::mean, {0}, false), {whole.outputs[1]});
  EvaluationOptions e;
  e.outputs = {{Loss::cross_entropy, 0}, {Loss::cross_entropy, 0}, {Loss::mean_squared_error, 1}};
  e.batch = 4;
  const Data six(6);
  CHECK_THROWS_WITH_AS(evaluate(whole, TensorExamples({six.images, six.facts}, {{}, {}, six.numbers}), e),
                       doctest::Contains("output 2: expected 1 elements for each of 2 examples, found 4"), ShapeError);
  Model twice = two_by_three(true);
  twice.outputs[1] = twice.nodes.back().inputs[0];
  TrainingOptions o = options();
  CHECK_THROWS_WITH_AS(Trainer(twice, o),
                       "model 'joint': output 1 ('classes') is, before a softmax, the same as an earlier one", Error);
}
