#include <octet/io/shapes_dataset.hpp>
#include <octet/models/builder.hpp>
#include <octet/models/mobilenet.hpp>
#include <octet/models/small_cnn.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/training/qat.hpp>
#include <octet/training/trainer.hpp>

#include "support/allocations.hpp"
#include "support/files.hpp"
#include "support/same_constants.hpp"
#include "support/sanitized.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

const ImageExamples& shapes(bool held_out) {
  static const ImageExamples train(std::make_shared<ShapesDataset>(2000, 1), {}, 28, 28, 1),
      test(std::make_shared<ShapesDataset>(1000, 2), {}, 28, 28, 1);
  return held_out ? test : train;
}

TrainingOptions options(double rate) {
  TrainingOptions o;
  o.optimizer = adam();
  o.learning_rate = cosine_rate(rate);
  o.progress = false;
  o.threads = 1;
  o.batch = 32;
  return o;
}

Model trained(const Model& m, double rate, std::int64_t epochs) {
  Trainer t(m, options(rate));
  t.fit(shapes(false), epochs);
  return t.model();
}

Model narrow_mobilenet() {
  MobileNetOptions o;
  o.width = 0.25;
  o.image_size = 28;
  o.channels = 1;
  o.classes = 10;
  return mobilenet_v1(o);
}

Model small_resnet() {
  octet::detail::NetworkBuilder b("small_resnet", 28, 1, 1);
  b.conv("conv1", 8, 3, 2, 1).batch_norm("bn1").relu("relu1");
  for (int block = 0; block < 3; ++block) {
    const std::string p = "layer" + std::to_string(block) + ".";
    const std::int64_t out = std::int64_t{8} << block, stride = block > 0 ? 2 : 1;
    const int in = b.current();
    b.conv(p + "conv1", out, 3, stride, 1).batch_norm(p + "bn1").relu(p + "relu1");
    b.conv(p + "conv2", out, 3, 1, 1).batch_norm(p + "bn2");
    int shortcut = in;
    if (stride > 1) {
      const int branch = b.current();
      b.set_current(in);
      b.conv(p + "down", out, 1, stride, 0).batch_norm(p + "bn3");
      shortcut = b.current();
      b.set_current(branch);
    }
    b.add(p + "add", shortcut).relu(p + "relu2");
  }
  b.global_average("mean").linear("fc", 10);
  return b.finish();
}

struct Agreement {
  double float_accuracy = 0, qat_accuracy = 0, int8_accuracy = 0;
  double apart = 0;  // largest difference of logits, in steps of an 8-bit range that contains them
};

Agreement compare(const Model& before, const Model& qat) {
  const Examples& test = shapes(true);
  const Model integers = convert(qat);
  Agreement a;
  a.float_accuracy = evaluate(before, test).accuracy;
  a.qat_accuracy = evaluate(qat, test).accuracy;
  a.int8_accuracy = evaluate(integers, test).accuracy;
  Tensor<float> x({test.size(), 28, 28, 1});
  for (std::int64_t i = 0; i < test.size(); ++i) test.read(i, x.data() + i * 784);
  const Tensor<float> y = Executor(qat)(x), z = Executor(integers)(x);
  const auto [low, high] = std::minmax_element(y.begin(), y.end());
  const double step = static_cast<double>(*high - *low) / 255;
  a.apart = largest_difference(y, z) / step;
  INFO("top-1: float ", a.float_accuracy, ", qat ", a.qat_accuracy, ", int8 ", a.int8_accuracy, "; ", a.apart,
       " steps apart");
  CHECK(std::abs(a.qat_accuracy - a.int8_accuracy) <= 0.001 + 1e-9);
  CHECK(a.apart <= 2);
  return a;
}

}  // namespace

// With sanitizers, these trainings would take many minutes.
TEST_CASE("qat training: the integer model agrees with the trained one on a whole test set" *
          doctest::skip(sanitized)) {
  SUBCASE("small CNN") {
    const Model before = trained(small_cnn(), 3e-3, 2);
    const Agreement a = compare(before, trained(prepare_qat(before), 5e-4, 1));
    CHECK(a.float_accuracy > 0.7);
    CHECK(a.int8_accuracy > a.float_accuracy - 0.01);
  }
  SUBCASE("MobileNet") {
    const Model before = trained(narrow_mobilenet(), 2e-2, 8);
    const Agreement a = compare(before, trained(prepare_qat(before), 1e-3, 1));
    CHECK(a.float_accuracy > 0.6);
    CHECK(a.int8_accuracy > a.float_accuracy - 0.02);
  }
  SUBCASE("ResNet") {
    const Model before = trained(small_resnet(), 3e-3, 2);
    const Agreement a = compare(before, trained(prepare_qat(before), 5e-4, 1));
    CHECK(a.float_accuracy > 0.6);
    CHECK(a.int8_accuracy > a.float_accuracy - 0.01);
  }
}

TEST_CASE("qat training: the same with other bits, learned scales and other initial models" *
          doctest::skip(sanitized)) {
  QatConfig c;
  Model before = small_resnet();
  SUBCASE("a new model") {}
  SUBCASE("learned scales") {
    before = trained(before, 3e-3, 1);
    c.learned_scales = true;
    CHECK(compare(before, trained(prepare_qat(before, c), 5e-4, 1)).int8_accuracy > 0.5);
    return;
  }
  SUBCASE("4 bits, learned scales") {
    before = trained(before, 3e-3, 1);
    c.learned_scales = true;
    c.weight_bits = c.activation_bits = 4;
    c.keep_first_float = c.keep_last_float = true;
  }
  SUBCASE("4-bit weights") { c.weight_bits = 4; }
  SUBCASE("an integer model") {
    before = trained(before, 3e-3, 1);
    std::vector<Tensor<float>> images;
    for (std::int64_t i = 0; i < 32; ++i) {
      images.emplace_back(Shape{1, 28, 28, 1});
      shapes(false).read(i, images.back().data());
    }
    before = quantize<int8>(before, calibrate(before, images));
    CHECK(compare(before, trained(prepare_qat(before), 5e-4, 1)).int8_accuracy > 0.5);
    return;
  }
  compare(before, trained(prepare_qat(before, c), 1e-3, 1));
}

TEST_CASE("qat training: the same weights with any number of threads, and after an interruption") {
  for (bool learned : {false, true}) {
    QatConfig c;
    c.learned_scales = learned;
    const Model qat = prepare_qat(small_resnet(), c);
    Tensor<float> x = random_tensor({40, 28, 28, 1}, 1, 0, 1);
    std::vector<std::int64_t> labels;
    for (int i = 0; i < 40; ++i) labels.push_back(i % 10);
    const TensorExamples examples(std::move(x), labels);
    TrainingOptions o = options(1e-3);
    o.batch = 8;
    o.statistics_epochs = 2;
    o.observer_epochs = 1;
    if (learned) {
      o.distillation.teacher = std::make_shared<const Model>(small_resnet());
      o.oscillation_damping = 0.01;
    }
    const auto run = [&](const TrainingOptions& with) {
      Trainer t(qat, with);
      t.fit(examples, 3);
      return t.model();
    };
    const Model one = run(o);
    TrainingOptions two = o;
    two.threads = 3;
    CHECK(same_constants(one, run(two)));
    const TemporaryFolder folder;
    TrainingOptions saved = o;
    saved.checkpoint = folder / "qat.checkpoint";
    saved.checkpoint_steps = 2;
    Trainer* running = nullptr;
    saved.on_step = [&](const StepReport& r) {
      if (r.epoch == 2 && r.step == 3) running->stop();
    };
    {
      Trainer t(qat, saved);
      running = &t;
      t.fit(examples, 3);
      t.save_checkpoint(saved.checkpoint);
    }
    saved.on_step = nullptr;
    Trainer t(qat, saved);
    CHECK(t.resume());
    t.fit(examples, 3);
    CHECK(same_constants(one, t.model()));
    if (!learned) CHECK_THROWS_AS(Trainer(small_resnet(), saved).resume(), Error);
  }
}

TEST_CASE("qat training: statistics and ranges are frozen after the given epochs") {
  const TensorExamples examples(random_tensor({16, 28, 28, 1}, 1), std::vector<std::int64_t>(16, 3));
  TrainingOptions o = options(1e-2);
  o.batch = 8;
  o.statistics_epochs = 1;
  o.observer_epochs = 2;
  std::vector<std::vector<float>> found;  // after each epoch: a running mean, a range, a weight
  Trainer* running = nullptr;
  o.on_epoch = [&](const EpochReport&) {
    const Model m = running->model();
    std::vector<float> now;
    for (const char* name : {"bn1.running_mean", "relu1.range", "conv1.weight"})
      now.push_back(m.value(m.find(name)).constant.view<float>()[1]);
    found.push_back(now);
  };
  Trainer t(prepare_qat(small_resnet()), o);
  running = &t;
  t.fit(examples, 4);
  const auto stays = [&](std::size_t epoch, std::size_t what) { return found[epoch][what] == found[epoch - 1][what]; };
  CHECK(stays(1, 0));
  CHECK_FALSE(stays(1, 1));
  CHECK(stays(2, 1));
  CHECK(stays(3, 1));
  for (std::size_t epoch : {1u, 2u, 3u}) CHECK_FALSE(stays(epoch, 2));
  o.observer_epochs = -1;
  CHECK_THROWS_AS(Trainer(small_resnet(), o), Error);
}

TEST_CASE("qat training: steps do not allocate") {
  const TensorExamples examples(random_tensor({64, 28, 28, 1}, 1), std::vector<std::int64_t>(64, 3));
  for (bool learned : {false, true})
    for (int threads : {1, 2}) {
      QatConfig c;
      c.learned_scales = learned;
      TrainingOptions o = options(1e-3);
      o.batch = 8;
      o.threads = threads;
      if (learned) {
        o.distillation.teacher = std::make_shared<const Model>(small_resnet());
        o.oscillation_damping = 0.01;
      }
      std::vector<std::int64_t> counts;
      counts.reserve(100);
      o.on_step = [&](const StepReport&) { counts.push_back(allocations()); };
      Trainer t(prepare_qat(small_resnet(), c), o);
      t.fit(examples, 1);
      CHECK(counts.back() == counts.front());
    }
}

TEST_CASE("qat training: damping draws weights to their rounded values") {
  const TensorExamples examples(random_tensor({32, 28, 28, 1}, 1), std::vector<std::int64_t>(32, 3));
  QatConfig c;
  c.weight_bits = 4;
  for (bool learned : {false, true}) {
    c.learned_scales = learned;
    const auto apart = [&](double damping) {  // mean distance to the nearest code, in steps
      TrainingOptions o = options(1e-3);
      o.optimizer = sgd(0.9);
      o.batch = 8;
      o.oscillation_damping = damping;
      Trainer t(prepare_qat(small_resnet(), c), o);
      t.fit(examples, 10);
      const Model m = t.model();
      const auto w = m.value(m.find("layer1.conv2.weight")).constant.view<float>();
      const std::int64_t channels = w.shape()[0], size = w.size() / channels;
      double sum = 0;
      for (std::int64_t k = 0; k < channels; ++k) {
        double scale = 0;
        for (std::int64_t i = k * size; i < (k + 1) * size; ++i)
          scale = std::max(scale, std::abs(static_cast<double>(w[i])));
        scale = learned ? static_cast<double>(m.value(m.find("layer1.conv2.weight.scale")).constant.view<float>()[k])
                        : scale / 7;
        for (std::int64_t i = k * size; i < (k + 1) * size; ++i) {
          const double v = std::clamp(static_cast<double>(w[i]) / scale, -7.0, 7.0);
          sum += std::abs(v - std::nearbyint(v)) / static_cast<double>(w.size());
        }
      }
      return sum;
    };
    const double without = apart(0), with = apart(30);
    INFO("learned scales: ", learned, "; steps from the nearest code: ", without, " without, ", with, " with damping");
    CHECK(without > 0.2);
    CHECK(with < 0.5 * without);
  }
}

TEST_CASE("qat training: learned scales of 4 bits start where observed ranges do or better" *
          doctest::skip(sanitized)) {
  const Model before = trained(small_resnet(), 3e-3, 2);
  const auto start = [&](bool learned) {  // after one step that changes nothing but ranges
    QatConfig c;
    c.learned_scales = learned;
    c.weight_bits = c.activation_bits = 4;
    TrainingOptions o = options(1e-9);
    o.optimizer = sgd(0);
    o.statistics_momentum = 0;
    o.batch = 256;
    Trainer t(prepare_qat(before, c), o);
    t.fit(shapes(false), 1);
    return evaluate(t.model(), shapes(true)).accuracy;
  };
  const double observed = start(false), learned = start(true);
  INFO("observed ", observed, ", learned ", learned);
  CHECK(learned > observed);
}

TEST_CASE("qat training: PReLU and transposed convolutions become integers" * doctest::skip(sanitized)) {
  octet::detail::NetworkBuilder b("decoder", 28, 1, 1);
  b.conv("conv1", 8, 3, 2, 1).batch_norm("bn1");
  Graph g = b.finish();
  int y = g.add("prelu", PRelu(), {g.outputs[0], g.add_constant("slopes", random_tensor({8}, 2, 0.1f, 0.4f))});
  TransposedConvolution up;
  up.window = Window(2, 2, 2);
  y = g.add("up", up,
            {y, g.add_constant("up.weight", random_tensor({8, 2, 2, 8}, 3, -0.3f, 0.3f)),
             g.add_constant("up.bias", Tensor<float>({8}))});
  y = g.add("relu", Unary(UnaryKind::clip, 0, std::numeric_limits<double>::infinity()), {y});
  y = g.add("pool", Reduce(ReduceKind::mean, {1, 2}, false), {y});
  g.outputs = {g.add("dense", FullyConnected(),
                     {y, g.add_constant("dense.weight", random_tensor({10, 8}, 4)),
                      g.add_constant("dense.bias", Tensor<float>({10}))})};
  for (bool learned : {false, true}) {
    QatConfig c;
    c.learned_scales = learned;
    const Model qat = trained(prepare_qat(g, c), 3e-3, 1);
    for (const char* name : {"up.weight", "up.bias", "slopes"}) {
      const AnyTensor &before = g.value(g.find(name)).constant, &after = qat.value(qat.find(name)).constant;
      INFO(name);
      CHECK(std::memcmp(before.data(), after.data(), before.size_bytes()) != 0);
    }
    const Agreement a = compare(g, qat);
    CHECK(a.int8_accuracy > a.float_accuracy);
  }
}

TEST_CASE("qat training: frozen layers keep their weights") {
  const TensorExamples examples(random_tensor({16, 28, 28, 1}, 1), std::vector<std::int64_t>(16, 3));
  const Model qat = prepare_qat(small_resnet());
  TrainingOptions o = options(1e-2);
  o.batch = 8;
  o.freeze = {"conv1", "bn1"};
  Trainer t(qat, o);
  t.fit(examples, 1);
  const Model after = t.model();
  const auto same = [&](const char* name) {
    const AnyTensor &a = qat.value(qat.find(name)).constant, &b = after.value(qat.find(name)).constant;
    return std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
  };
  CHECK(same("conv1.weight"));
  CHECK(same("bn1.running_var"));
  CHECK_FALSE(same("layer0.conv1.weight"));
}

TEST_CASE("reestimate_batch_norm: statistics are means over batches") {
  octet::detail::NetworkBuilder b("one", 4, 2, 1);
  b.conv("conv", 3, 1, 1, 0).batch_norm("bn").global_average("mean").linear("dense", 2);
  const Model m = b.finish();
  const TensorExamples examples(random_tensor({24, 4, 4, 2}, 1), std::vector<std::int64_t>(24, 1));
  ReestimationOptions o;
  o.batch = 8;
  o.threads = 1;
  const Model after = reestimate_batch_norm(m, examples, o);
  const auto w = m.value(m.find("conv.weight")).constant.view<float>();
  for (std::int64_t c = 0; c < 3; ++c) {
    double mean = 0, variance = 0;
    for (std::int64_t batch = 0; batch < 3; ++batch) {
      double sum = 0, squares = 0;
      for (std::int64_t i = batch * 8; i < batch * 8 + 8; ++i) {
        float x[32];
        examples.read(i, x);
        for (int p = 0; p < 16; ++p) {
          const double y = static_cast<double>(w[2 * c] * x[2 * p] + w[2 * c + 1] * x[2 * p + 1]);
          sum += y / 128;
          squares += y * y / 128;
        }
      }
      mean += sum / 3;
      variance += (squares - sum * sum) * 128 / 127 / 3;
    }
    const auto found = [&](const char* name) {
      return static_cast<double>(after.value(after.find(name)).constant.view<float>()[c]);
    };
    CHECK(found("bn.running_mean") == doctest::Approx(mean).epsilon(1e-4));
    CHECK(found("bn.running_var") == doctest::Approx(variance).epsilon(1e-4));
  }
  CHECK(std::memcmp(after.value(after.find("conv.weight")).constant.data(), w.data(), 24) == 0);
  // Of changed images, as in training: always mirrored or not, the means stay; of shifted ones they do not.
  const auto mean_of = [&](const Model& one) {
    return static_cast<double>(one.value(one.find("bn.running_mean")).constant.view<float>()[0]);
  };
  ReestimationOptions changed = o;
  changed.augmentation.flip = true;
  CHECK(mean_of(reestimate_batch_norm(m, examples, changed)) == doctest::Approx(mean_of(after)).epsilon(1e-4));
  changed.augmentation.shift = 2;
  changed.augmentation.fill = 5;
  const Model shifted = reestimate_batch_norm(m, examples, changed);
  CHECK(std::abs(mean_of(shifted) - mean_of(after)) > 0.05);
  CHECK(same_constants(shifted, reestimate_batch_norm(m, examples, changed)));
  changed.seed = 2;
  CHECK(!same_constants(shifted, reestimate_batch_norm(m, examples, changed)));
  // Ranges of fake quantization do not change.
  const Model qat = prepare_qat(m), again = reestimate_batch_norm(qat, examples, o);
  CHECK(again.value(again.find("bn.range")).constant.view<float>()[2] == 0);
  CHECK_THROWS_WITH_AS(reestimate_batch_norm(small_cnn(), examples), "model 'small_cnn' has no batch normalization",
                       Error);
}
