#include <octet/models/builder.hpp>
#include <octet/operators/all.hpp>
#include <octet/training/gradient_executor.hpp>
#include <octet/training/oscillation_freezer.hpp>
#include <octet/training/qat.hpp>
#include <octet/training/trainer.hpp>

#include "support/allocations.hpp"
#include "support/files.hpp"
#include "support/same_constants.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

constexpr std::int64_t channels = 3, size = 5;

/// x -> fully connected, with rounded weights [3, 5] of 4 bits.
Model rounded_layer(bool learned) {
  Graph g;
  g.name = "layer";
  const int x = g.add_input("x", {Shape::unknown, size});
  FakeQuantizeWeights op;
  op.bits = 4;
  std::vector<int> in{g.add_constant("w", random_tensor({channels, size}, 1))};
  if (learned) in.push_back(g.add_constant("s", Tensor<float>({channels}, {0.2f, -0.15f, 0.3f})));
  g.outputs = {g.add("y", FullyConnected(), {x, g.add("rounded", op, in)})};
  return g;
}

/// Algorithm 1 of Nagel et al. 2022 for one weight.
struct Reference {
  double code = 0, last = 0, frequency = 0, average = 0;
  bool begun = false, frozen = false;

  void see(double now, double momentum, double threshold) {
    if (frozen) return;
    if (!begun) {
      begun = true;
      code = average = now;
      return;
    }
    const double change = now - code;
    const bool oscillates = change != 0 && last != 0 && (change > 0) != (last > 0);
    frequency = momentum * oscillates + (1 - momentum) * frequency;
    average = momentum * now + (1 - momentum) * average;
    if (change != 0) last = change;
    code = now;
    if (frequency <= threshold) return;
    frozen = true;
    code = std::nearbyint(average);
  }
};

Model net() {
  octet::detail::NetworkBuilder b("net", 8, 1, 1);
  b.conv("conv1", 8, 3, 1, 1).batch_norm("bn1").relu("relu1");
  b.conv("conv2", 8, 3, 2, 1).batch_norm("bn2").relu("relu2");
  b.global_average("mean").linear("dense", 3);
  return b.finish();
}

TensorExamples examples() {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < 96; ++i) labels.push_back(i * 7 % 3);
  return {random_tensor({96, 8, 8, 1}, 5), labels};
}

QatConfig config(bool learned) {
  QatConfig c;
  c.weight_bits = 4;
  c.learned_scales = learned;
  return c;
}

TrainingOptions options(double threshold) {
  TrainingOptions o;
  o.optimizer = sgd(0.9);
  o.learning_rate = 0.05;
  o.batch = 8;
  o.threads = 1;
  o.oscillation_freezing.threshold = threshold;
  o.oscillation_freezing.momentum = 0.1;
  return o;
}

}  // namespace

TEST_CASE("oscillation freezing: freezes what the algorithm does") {
  for (bool learned : {false, true}) {
    GradientExecutor executor(rounded_layer(learned), {});
    const Parameters& p = executor.parameters();
    const Parameter& w = *p.find(executor.graph().find("w"));
    const Parameter* s = learned ? p.find(executor.graph().find("s")) : nullptr;
    OscillationFreezing options;
    options.threshold = 0.2;
    options.last_threshold = 0.05;
    options.momentum = 0.1;
    octet::detail::OscillationFreezer freezer(options, executor.graph(), p);
    ThreadPool pool(2);
    std::vector<Reference> expected(static_cast<std::size_t>(channels * size));
    const auto scale = [&](std::int64_t o) {
      if (s) return std::abs(p.values()[s->offset + o]);
      float most = 0;
      for (std::int64_t i = 0; i < size; ++i) most = std::max(most, std::abs(p.values()[w.offset + o * size + i]));
      return most / 7;
    };
    constexpr int steps = 60;
    bool some_frozen = false, some_not = false;
    for (int step = 1; step <= steps; ++step) {
      // Weight i alternates with a period that grows with i. The last weight of each channel is its largest.
      for (std::int64_t o = 0; o < channels; ++o) {
        if (s && step > 1) p.values()[s->offset + o] *= 1.001f;
        for (std::int64_t i = 0; i + 1 < size; ++i)
          p.values()[w.offset + o * size + i] =
              scale(o) * static_cast<float>((step / (1 + 4 * i + o)) % 2 == 0 ? 2.7 : 2.2);
        p.values()[w.offset + o * size + size - 1] = 1.9f;
      }
      const double part = static_cast<double>(step) / steps;
      for (std::int64_t i = 0; i < channels * size; ++i) {
        const double v = static_cast<double>(p.values()[w.offset + i] / scale(i / size));
        expected[static_cast<std::size_t>(i)].see(std::clamp(std::nearbyint(v), -7.0, 7.0), 0.1,
                                                  0.05 + 0.15 * 0.5 * (1 + std::cos(part * std::acos(-1))));
      }
      freezer.after_step(part, pool);
      for (std::int64_t i = 0; i < channels * size; ++i) {
        const Reference& r = expected[static_cast<std::size_t>(i)];
        if (!r.frozen) continue;
        CAPTURE(step);
        CAPTURE(i);
        CHECK(p.values()[w.offset + i] == static_cast<float>(r.code) * scale(i / size));
      }
    }
    std::int64_t frozen = 0;
    for (const Reference& r : expected) {
      frozen += r.frozen;
      (r.frozen ? some_frozen : some_not) = true;
    }
    CHECK(freezer.count() == frozen);
    CHECK(some_frozen);
    CHECK(some_not);
  }
}

TEST_CASE("oscillation freezing: the gradient of a frozen weight belongs to its scale") {
  GradientExecutor executor(rounded_layer(true), {});
  const Parameters& p = executor.parameters();
  const Parameter &w = *p.find(executor.graph().find("w")), &s = *p.find(executor.graph().find("s"));
  OscillationFreezing options;
  options.threshold = 0.5;
  options.last_threshold = 0.5;
  options.momentum = 0.6;
  octet::detail::OscillationFreezer freezer(options, executor.graph(), p);
  ThreadPool pool(1);
  for (double v : {2.4, 2.6, 2.4}) {  // weight 1 of channel 1 alternates between 2 and 3
    p.values()[w.offset + size + 1] = static_cast<float>(0.15 * v);
    freezer.after_step(1, pool);
  }
  REQUIRE(freezer.count() == 1);
  const auto scale = static_cast<double>(std::abs(p.values()[s.offset + 1])),
             code = std::nearbyint(static_cast<double>(p.values()[w.offset + size + 1]) / scale);
  CHECK(code == 2);
  // The output is code * |s| * x for x that has only element 1.
  executor.plan({1, size});
  std::fill(executor.input().begin(), executor.input().end(), 0.0f);
  executor.input()[1] = 1.5f;
  executor.forward({});
  std::fill(executor.output_gradient().begin(), executor.output_gradient().end(), 0.0f);
  executor.output_gradient()[1] = 1;
  executor.backward({});
  CHECK(p.gradients()[w.offset + size + 1] == 1.5f);
  freezer.before_step(pool);
  CHECK(p.gradients()[w.offset + size + 1] == 0);
  const double share = 1 / std::sqrt(size * 7.0);
  CHECK(static_cast<double>(p.gradients()[s.offset + 1]) == doctest::Approx(-1.5 * code * share).epsilon(1e-4));
}

TEST_CASE("oscillation freezing: training keeps frozen weights at their codes") {
  for (bool learned : {false, true}) {
    const auto changes = [&](double threshold) {  // of codes in the second half of the training
      std::vector<float> codes;
      std::int64_t changed = 0, steps = 0;
      Trainer* running = nullptr;
      TrainingOptions o = options(threshold);
      o.on_step = [&](const StepReport&) {
        const Parameters& p = running->executor().parameters();
        const Graph& g = running->executor().graph();
        const Parameter& w = *p.find(g.find("conv2.weight"));
        octet::detail::WeightRounding rounding(octet::detail::kernels(), 4);
        rounding.plan(w.shape);
        std::vector<float> now;
        const float* scales = learned ? p.values() + p.find(g.find("conv2.weight.scale"))->offset : nullptr;
        for (std::int64_t i = 0; i < w.size; ++i)
          now.push_back(std::nearbyint(p.values()[w.offset + i] /
                                       rounding.scale(p.values() + w.offset, scales, i / (w.size / w.shape[0]))));
        if (++steps > 60)
          for (std::size_t i = 0; i < now.size(); ++i) changed += now[i] != codes[i];
        codes = now;
      };
      Trainer t(prepare_qat(net(), config(learned)), o);
      running = &t;
      t.fit(examples(), 10);
      return changed;
    };
    const std::int64_t without = changes(0), with = changes(0.05);
    INFO("learned scales: ", learned, "; changes of codes: ", without, " without, ", with, " with freezing");
    CHECK(without > 20);
    CHECK(2 * with < without);
  }
}

TEST_CASE("oscillation freezing: the same bits with any number of threads, and after an interruption") {
  const TemporaryFolder folder;
  const auto run = [&](int threads, bool interrupted) {
    TrainingOptions o = options(0.05);
    o.threads = threads;
    const Model qat = prepare_qat(net(), config(true));
    const std::string file = folder / "run.checkpoint";
    if (interrupted) {
      std::int64_t steps = 0;
      TrainingOptions until = o;
      Trainer* running = nullptr;
      until.on_step = [&](const StepReport&) {
        if (++steps == 31) running->stop();
      };
      Trainer part(qat, until);
      running = &part;
      part.fit(examples(), 6);
      part.save_checkpoint(file);
    }
    Trainer t(qat, o);
    if (interrupted) t.resume(file);
    t.fit(examples(), 6);
    return t.model();
  };
  const Model expected = run(1, false);
  CHECK(same_constants(run(2, false), expected));
  CHECK(same_constants(run(3, true), expected));
}

TEST_CASE("oscillation freezing: checkpoints with and without it are told apart") {
  const TemporaryFolder folder;
  const std::string with = folder / "with.checkpoint", without = folder / "without.checkpoint";
  const Model qat = prepare_qat(net(), config(true));
  Trainer freezing(qat, options(0.05)), plain(qat, options(0));
  freezing.save_checkpoint(with);
  plain.save_checkpoint(without);
  CHECK_THROWS_WITH_AS(
      freezing.resume(without),
      doctest::Contains("the checkpoint was made without oscillation freezing, expected the same option"), FormatError);
  CHECK_THROWS_WITH_AS(plain.resume(with),
                       doctest::Contains("the checkpoint was made with oscillation freezing, expected the same option"),
                       FormatError);
  freezing.resume(with);
}

TEST_CASE("oscillation freezing: steps do not allocate") {
  for (int threads : {1, 2}) {
    TrainingOptions o = options(0.05);
    o.threads = threads;
    std::vector<std::int64_t> counts;
    counts.reserve(100);
    o.on_step = [&](const StepReport&) { counts.push_back(allocations()); };
    Trainer t(prepare_qat(net(), config(true)), o);
    t.fit(examples(), 2);
    CHECK(counts[10] == counts.front());
  }
}

TEST_CASE("oscillation freezing: options out of range and models without rounded weights are refused") {
  const Model qat = prepare_qat(net(), config(true));
  for (double wrong : {-0.1, 1.0, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS_WITH_AS(Trainer(qat, options(wrong)),
                         doctest::Contains("expected thresholds and momentum of oscillation_freezing in (0, 1)"),
                         Error);
  TrainingOptions o = options(0.05);
  o.oscillation_freezing.last_threshold = 0;
  CHECK_THROWS_AS(Trainer(qat, o), Error);
  o = options(0.05);
  o.oscillation_freezing.momentum = 0;
  CHECK_THROWS_AS(Trainer(qat, o), Error);
  CHECK_THROWS_WITH_AS(
      Trainer(net(), options(0.05)),
      "model 'net': expected weights with fake quantization for oscillation_freezing, found none that are trained",
      Error);
}
