#include <map>
#include <octet/io/shapes_dataset.hpp>
#include <octet/models/builder.hpp>
#include <octet/models/small_cnn.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/training/batches.hpp>
#include <octet/training/checkpoint.hpp>
#include <octet/training/gradient_executor.hpp>
#include <octet/training/likeness.hpp>
#include <octet/training/loss_function.hpp>
#include <octet/training/trainer.hpp>

#include "support/files.hpp"
#include "support/same_constants.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

Model net(std::uint64_t seed = 1, std::int64_t width = 8) {
  octet::detail::NetworkBuilder b("net", 6, 1, seed);
  b.conv("conv1", width, 3, 1, 1).batch_norm("bn1").relu("relu1").max_pool("pool", 2, 2);
  b.conv("conv2", width, 3, 1, 1).batch_norm("bn2").relu("relu2").dropout("drop", 0.1);
  b.global_average("mean").linear("dense", 3);
  return b.finish();
}

/// Squares, crosses and noise, which are easy to classify.
TensorExamples examples(std::int64_t n, std::uint64_t seed = 1) {
  octet::detail::SplitMix random(seed);
  Tensor<float> images({n, 6, 6, 1});
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < n; ++i) {
    labels.push_back(random.below(3));
    const std::int64_t y = random.below(4), x = random.below(4);
    for (std::int64_t p = 0; p < 36; ++p) {
      const std::int64_t dy = p / 6 - y, dx = p % 6 - x;
      const bool in = dy >= 0 && dy < 3 && dx >= 0 && dx < 3;
      const bool on = labels.back() == 0 ? in : labels.back() == 1 && in && (dy == 1 || dx == 1);
      images[i * 36 + p] = static_cast<float>((on ? 1 : 0) + random(-0.3, 0.3));
    }
  }
  return {std::move(images), labels};
}

TrainingOptions options() {
  TrainingOptions o;
  o.batch = 16;
  o.threads = 1;
  o.learning_rate = 0.01;
  return o;
}

std::vector<double> losses(const std::vector<EpochReport>& history) {
  std::vector<double> l;
  for (const EpochReport& r : history) l.push_back(r.loss);
  return l;
}

}  // namespace

TEST_CASE("trainer: learns and reports its progress") {
  TrainingOptions o = options();
  std::vector<StepReport> steps;
  std::vector<EpochReport> epochs;
  o.on_step = [&](const StepReport& r) { steps.push_back(r); };
  o.on_epoch = [&](const EpochReport& r) { epochs.push_back(r); };
  Trainer t(net(), o);
  const TensorExamples held_out = examples(100, 2);
  const auto& history = t.fit(examples(300), 8, held_out);
  REQUIRE(history.size() == 8);
  REQUIRE(epochs.size() == 8);
  REQUIRE(steps.size() == 8 * 19);
  CHECK(history.back().loss < 0.4 * history.front().loss);
  REQUIRE(history.back().validation.has_value());
  CHECK(history.back().validation->accuracy > 0.95);
  CHECK(history.back().validation->accuracy == evaluate(t.model(), held_out).accuracy);
  CHECK(history.back().validation->loss == evaluate(t.model(), held_out, {Loss::cross_entropy, 0, 16, {}, {}}).loss);
  CHECK(steps[20].epoch == 2);
  CHECK(steps[20].step == 2);
  CHECK(steps[20].steps == 19);
  CHECK(steps[20].mean_loss == (steps[19].loss + steps[20].loss) / 2);
  CHECK(epochs[3].epoch == 4);
  CHECK(epochs[3].images_per_second > 0);
  // A second call continues.
  t.fit(examples(300), 9, held_out);
  CHECK(t.history().size() == 9);
}

TEST_CASE("trainer: learns synthetic shapes and recognizes held-out ones") {
  Preprocessing unit;
  unit.normalization = normalization("unit");
  const ImageExamples drawn(std::make_shared<ShapesDataset>(3000, 1), unit, 28, 28, 1);
  const ImageExamples held_out(std::make_shared<ShapesDataset>(500, 2), unit, 28, 28, 1);
  TrainingOptions o;
  Trainer t(small_cnn(), o);
  t.fit(drawn, 4);
  CHECK(evaluate(t.model(), held_out).accuracy > 0.93);
}

TEST_CASE("trainer: regression with mean squared error") {
  Graph g;
  const int x = g.add_input("x", {Shape::unknown, 3});
  const int h = g.add("h", FullyConnected(),
                      {x, g.add_constant("w", random_tensor({16, 3}, 1)), g.add_constant("b", Tensor<float>({16}))});
  g.outputs = {g.add("y", FullyConnected(),
                     {g.add("tanh", Unary(UnaryKind::tanh), {h}), g.add_constant("v", random_tensor({2, 16}, 2))})};
  const Tensor<float> in = random_tensor({200, 3}, 3);
  Tensor<float> target({200, 2});
  for (std::int64_t i = 0; i < 200; ++i) {
    target(i, 0) = in(i, 0) * in(i, 1);
    target(i, 1) = in(i, 2) - 0.5f * in(i, 0);
  }
  TrainingOptions o = options();
  o.loss = Loss::mean_squared_error;
  Trainer t(g, o);
  const TensorExamples data(in, target);
  const EvaluationOptions by{Loss::mean_squared_error, 0, 64, {}, {}};
  const double before = evaluate(g, data, by).loss;
  t.fit(data, 60);
  const double after = evaluate(t.model(), data, by).loss;
  CHECK(after < 0.05 * before);
  Executor run(t.model());
  const Tensor<float> y = run(in);
  double sum = 0;
  for (std::int64_t i = 0; i < y.size(); ++i) sum += std::pow(static_cast<double>(y[i] - target[i]), 2);
  CHECK(after == doctest::Approx(sum / 400));
}

TEST_CASE("trainer: frozen layers do not change") {
  const Model before = net();
  TrainingOptions o = options();
  const auto changed = [&](const std::vector<std::string>& freeze) {
    o.freeze = freeze;
    Trainer t(before, o);
    t.fit(examples(32), 1);
    const Model after = t.model();
    std::vector<std::string> names;
    for (std::size_t v = 0; v < before.values.size(); ++v)
      if (before.values[v].is_constant() &&
          std::memcmp(before.values[v].constant.data(), after.values[v].constant.data(),
                      before.values[v].constant.size_bytes()) != 0)
        names.push_back(before.values[v].name);
    return names;
  };
  CHECK(changed({"conv*", "bn*"}) == std::vector<std::string>{"dense.weight", "dense.bias"});
  CHECK(changed({"*1", "conv2", "bn2"}) == std::vector<std::string>{"dense.weight", "dense.bias"});
  CHECK(changed({"dense", "bn1", "conv2", "bn2"}) == std::vector<std::string>{"conv1.weight"});
  CHECK(changed({"dense"}).size() == 10);
  CHECK_THROWS_WITH_AS(changed({"conv3"}),
                       "no layer to be frozen matches 'conv3'; the nearest names are 'conv1', 'conv2'", Error);
  CHECK_THROWS_WITH_AS(changed({"*"}), "model 'net' has no parameters to train: every layer is frozen", Error);
}

TEST_CASE("trainer: early stopping restores the best weights") {
  TrainingOptions o = options();
  o.early_stopping.patience = 2;
  o.learning_rate = 0.05;
  std::vector<Model> models;
  Trainer* trainer = nullptr;
  o.on_epoch = [&](const EpochReport&) { models.push_back(trainer->model()); };
  Trainer t(net(), o);
  trainer = &t;
  const TensorExamples held_out = examples(40, 3);
  const auto& history = t.fit(examples(64), 100, held_out);
  REQUIRE(history.size() < 100);
  std::size_t best = 0;
  for (std::size_t i = 0; i < history.size(); ++i)
    if (history[i].validation->loss < history[best].validation->loss) best = i;
  CHECK(best == history.size() - 3);
  CHECK(same_constants(t.model(), models[best]));
  CHECK_FALSE(same_constants(t.model(), models.back()));
  CHECK(evaluate(t.model(), held_out).loss == doctest::Approx(history[best].validation->loss));
}

TEST_CASE("trainer: can be stopped and continued") {
  TrainingOptions o = options();
  Trainer* trainer = nullptr;
  int steps = 0;
  o.on_step = [&](const StepReport&) {
    if (++steps == 7) trainer->stop();
  };
  Trainer t(net(), o);
  trainer = &t;
  CHECK(t.fit(examples(64), 5).size() == 1);
  CHECK(steps == 7);
  CHECK(t.fit(examples(64), 5).size() == 5);
  CHECK(steps == 20);
  o.on_step = {};
  Trainer straight(net(), o);
  straight.fit(examples(64), 5);
  CHECK(same_constants(straight.model(), t.model()));
}

TEST_CASE("trainer: batch normalization statistics can be frozen during training") {
  TrainingOptions o = options();
  Trainer t(net(), o);
  t.fit(examples(64), 1);
  const Model before = t.model();
  t.freeze_statistics();
  t.fit(examples(64), 2);
  const Model after = t.model();
  const auto same = [&](const char* name) {
    const AnyTensor &a = before.value(before.find(name)).constant, &b = after.value(after.find(name)).constant;
    return std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
  };
  CHECK(same("bn1.running_mean"));
  CHECK(same("bn2.running_var"));
  CHECK_FALSE(same("bn1.weight"));
}

TEST_CASE("trainer: changes by callbacks are in the checkpoint") {
  const TemporaryFolder folder;
  TrainingOptions o = options();
  Trainer* trainer = nullptr;
  o.on_epoch = [&](const EpochReport& r) {
    if (r.epoch == 1) trainer->freeze_statistics();
  };
  Trainer straight(net(), o);
  trainer = &straight;
  straight.fit(examples(64), 2);
  o.checkpoint = folder / "run.checkpoint";
  Trainer first(net(), o);
  trainer = &first;
  first.fit(examples(64), 1);
  Trainer second(net(), o);
  CHECK(second.resume());
  second.fit(examples(64), 2);
  CHECK(same_constants(second.model(), straight.model()));
}

TEST_CASE("trainer: learning rates") {
  const LearningRate constant(0.5), steps = step_rate(1, 2, 0.1), cosine = cosine_rate(1, 0.2).warmed_up(2);
  CHECK(constant.at(1000, 10, 20) == 0.5);
  CHECK(steps.at(19, 10, 20) == 1);
  CHECK(steps.at(20, 10, 20) == doctest::Approx(0.1));
  CHECK(steps.at(45, 10, 20) == doctest::Approx(0.01));
  CHECK(cosine.at(0, 10, 12) == doctest::Approx(1.0 / 20));
  CHECK(cosine.at(19, 10, 12) == 1);
  CHECK(cosine.at(70, 10, 12) == doctest::Approx(0.6));  // halfway
  CHECK(cosine.at(119, 10, 12) == doctest::Approx(0.2).epsilon(0.01));
  for (const auto& r : {LearningRate(0), LearningRate(-1), step_rate(1, 0), cosine_rate(1, -1)}) {
    TrainingOptions o = options();
    o.learning_rate = r;
    CHECK_THROWS_AS(Trainer(net(), o), Error);
  }
  TrainingOptions o = options();
  std::vector<double> rates;
  o.learning_rate = step_rate(0.1, 1, 0.5);
  o.on_step = [&](const StepReport& r) { rates.push_back(r.learning_rate); };
  Trainer t(net(), o);
  t.fit(examples(32), 3);
  CHECK(rates == std::vector<double>{0.1, 0.1, 0.05, 0.05, 0.025, 0.025});
}

TEST_CASE("trainer: shuffled and augmented batches") {
  Tensor<float> images({5, 3, 4, 2});
  for (std::int64_t i = 0; i < images.size(); ++i) images[i] = static_cast<float>(i);
  const TensorExamples data(images, std::vector<std::int64_t>(5, 0));
  ThreadPool pool(2);
  const auto read = [&](octet::detail::Batches& b, std::int64_t place, std::int64_t n, std::int64_t size) {
    std::vector<float> to(static_cast<std::size_t>(n * size));
    b.read(place, n, 0, to.data(), pool);
    return to;
  };
  octet::detail::Batches plain(data, {Shape{1, 3, 4, 2}}, {}, 2);
  const auto all = read(plain, 0, 5, 24);
  CHECK(all == std::vector<float>(images.begin(), images.end()));
  plain.begin(1, 0, true);
  std::vector<std::int64_t> order, again;
  for (std::int64_t i = 0; i < 5; ++i) order.push_back(plain.example(i));
  CHECK(plain.example(6) == plain.example(1));
  CHECK(order != std::vector<std::int64_t>{0, 1, 2, 3, 4});
  const auto shuffled = read(plain, 3, 2, 24);
  CHECK(shuffled[0] == static_cast<float>(24 * order[3]));
  CHECK(shuffled[24] == static_cast<float>(24 * order[4]));
  plain.begin(1, 1, true);
  for (std::int64_t i = 0; i < 5; ++i) again.push_back(plain.example(i));
  CHECK(order != again);
  std::sort(again.begin(), again.end());
  CHECK(again == std::vector<std::int64_t>{0, 1, 2, 3, 4});

  // Larger images are cropped in the middle; [H, W, C] becomes [C, H, W] if the model requires it.
  octet::detail::Batches cropped(data, {Shape{1, 1, 2, 2}}, {}, 2);
  const auto middle = read(cropped, 1, 1, 4);
  CHECK(middle == std::vector<float>{24 + 10, 24 + 11, 24 + 12, 24 + 13});
  Tensor<float> color({1, 2, 2, 3});
  for (std::int64_t i = 0; i < 12; ++i) color[i] = static_cast<float>(i);
  const TensorExamples pictures(color, std::vector<std::int64_t>{0});
  octet::detail::Batches planes(pictures, {Shape{1, 3, 2, 2}}, {}, 2);
  CHECK(read(planes, 0, 1, 12) == std::vector<float>{0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11});

  // Flips and shifts: every result is a possible one, all occur, and they are reproducible.
  Augmentation both;
  both.flip = true;
  both.shift = 1;
  both.fill = -1;
  octet::detail::Batches changed(data, {Shape{1, 3, 4, 2}}, both, 2);
  std::map<std::vector<float>, int> seen;
  for (int epoch = 0; epoch < 100; ++epoch) {
    changed.begin(3, epoch, false);
    for (int image = 0; image < 5; ++image) {
      auto x = read(changed, image, 1, 24);
      for (float& v : x) v = v < 0 ? v : v - static_cast<float>(24 * image);
      ++seen[x];
    }
  }
  std::map<std::vector<float>, int> possible;
  for (int top = -1; top <= 1; ++top)
    for (int left = -1; left <= 1; ++left)
      for (bool flip : {false, true}) {
        std::vector<float> x;
        for (int y = 0; y < 3; ++y)
          for (int c = 0; c < 8; ++c) {
            const int iy = y + top, ix = (flip ? 3 - c / 2 : c / 2) + left;
            x.push_back(iy < 0 || iy > 2 || ix < 0 || ix > 3 ? -1.0f : static_cast<float>((iy * 4 + ix) * 2 + c % 2));
          }
        possible[x] = 1;
      }
  CHECK(possible.size() == 18);
  CHECK(seen.size() == 18);
  for (const auto& [x, n] : seen) CHECK(possible.count(x) == 1);
}

TEST_CASE("trainer: a resumed run gives the same bits") {
  const TemporaryFolder folder;
  const std::string file = folder / "run.checkpoint";
  TrainingOptions o = options();
  o.augmentation.shift = 1;
  o.augmentation.flip = true;
  o.learning_rate = cosine_rate(0.02).warmed_up(1);
  o.early_stopping.patience = 10;
  const TensorExamples data = examples(70), held_out = examples(30, 2);
  for (const Optimizer& optimizer : {sgd(0.9), adam(), adamw()}) {
    o.optimizer = optimizer;
    Trainer straight(net(), o);
    straight.fit(data, 4, held_out);

    // Interrupted after an epoch, and again within one.
    TrainingOptions interrupted = o;
    interrupted.checkpoint = file;
    interrupted.checkpoint_steps = 2;
    {
      Trainer t(net(), interrupted);
      CHECK_FALSE(t.resume());
      t.fit(data, 1, held_out);
    }
    {
      TrainingOptions stopping = interrupted;
      Trainer* trainer = nullptr;
      int steps = 0;
      stopping.on_step = [&](const StepReport&) {
        if (++steps == 8) trainer->stop();  // the third step of an epoch; the checkpoint is of the second
      };
      stopping.seed = 99;  // the seed of the checkpoint is used
      Trainer t(net(5), stopping);
      trainer = &t;
      CHECK(t.resume());
      CHECK(t.history().size() == 1);
      t.fit(data, 4, held_out);
      CHECK(t.history().size() == 2);
    }
    Trainer t(net(7), interrupted);
    CHECK(t.resume());
    t.fit(data, 4, held_out);
    CHECK(same_constants(t.model(), straight.model()));
    CHECK(losses(t.history()) == losses(straight.history()));
    CHECK(t.history()[2].validation->loss == straight.history()[2].validation->loss);
    std::filesystem::remove(file);
  }
}

TEST_CASE("trainer: checkpoints of other models are refused and change nothing") {
  const TemporaryFolder folder;
  const std::string file = folder / "run.checkpoint";
  const TensorExamples data = examples(40);
  Trainer t(net(), options());
  t.fit(data, 1);
  t.save_checkpoint(file);
  const std::string bytes = contents(file);
  const auto refused = [&](const Model& model, const TrainingOptions& o, const std::string& why) {
    Trainer other(model, o);
    const Model before = other.model();
    CHECK_THROWS_WITH_AS(other.resume(file), doctest::Contains(why.c_str()), FormatError);
    CHECK(same_constants(before, other.model()));
    CHECK(other.history().empty());
  };
  const std::string of_another = "'" + file + "': the checkpoint is of another model ('net'): ";
  refused(net(1, 9), options(),
          of_another +
              "expected parameter 'conv1.weight' of shape [9, 3, 3, 1], found 'conv1.weight' of shape [8, 3, 3, 1]");
  refused(small_cnn(), options(), of_another + "expected 4 parameters, found 12");
  Model renamed = net();
  for (Node& n : renamed.nodes)
    if (n.name == "drop") n.op = std::make_shared<const Dropout>(0.2);
  refused(renamed, options(), of_another + "its layers or frozen weights differ from those of model 'net'");
  TrainingOptions o = options();
  o.optimizer = sgd();
  refused(net(), o, "the checkpoint has the optimizer adam, expected sgd");
  o = options();
  o.freeze = {"conv1"};
  refused(net(), o, of_another + "expected 11 parameters, found 12");
  // Frozen weights have to match.
  {
    Trainer frozen(net(1), o);
    const std::string other = folder / "frozen.checkpoint";
    frozen.save_checkpoint(other);
    Trainer same(net(1), o), different(net(2), o);
    same.resume(other);
    CHECK_THROWS_WITH_AS(different.resume(other), doctest::Contains("frozen weights differ"), FormatError);
  }

  // Any bytes.
  const auto damaged = [&](std::string changed, const char* why) {
    write_file(file, changed);
    refused(net(), options(), why);
  };
  damaged("", "expected a checkpoint of octet, found another format");
  damaged("OCTETCP\n", "expected a checkpoint of octet, found another format");
  damaged(bytes.substr(0, bytes.size() - 1), "expected ");
  for (std::size_t at : {std::size_t{9}, std::size_t{40}, std::size_t{60}, bytes.size() / 2, bytes.size() - 1}) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    damaged(changed, at == 9 ? "expected version " : "the file is damaged: its checksum is wrong");
  }
  write_file(file, bytes);
  CHECK_THROWS_WITH_AS(Trainer(net(), options()).resume(folder / "none"), doctest::Contains("cannot open"),
                       FormatError);

  // A wrong description with a correct checksum.
  for (int round = 0; round < 300; ++round) {
    octet::detail::SplitMix random(static_cast<std::uint64_t>(round));
    std::string changed = bytes;
    std::uint64_t description = 0;
    std::memcpy(&description, &bytes[32], 8);
    changed[40 + static_cast<std::size_t>(random.below(static_cast<std::int64_t>(description)))] =
        static_cast<char>(random.below(256));
    octet::detail::Checksum sum;
    sum.add(changed.data() + 32, changed.size() - 32);
    const std::uint64_t value = sum.value();
    std::memcpy(&changed[24], &value, 8);
    write_file(file, changed);
    Trainer victim(net(), options());
    try {
      victim.resume(file);
    } catch (const Error&) {
    }
  }
}

TEST_CASE("trainer: a checkpoint with an impossible position is refused") {
  const TemporaryFolder folder;
  const std::string file = folder / "run.checkpoint";
  GradientExecutor executor(net(), GradientOptions());
  octet::detail::OptimizerState optimizer(options().optimizer, executor.parameters());
  octet::detail::OscillationFreezer freezer;
  std::vector<float> best;
  const auto why = [&](const octet::detail::TrainingPosition& position) -> std::string {
    octet::detail::TrainingPosition p = position;
    octet::detail::Checkpoint(executor, optimizer, options().optimizer.kind, freezer, p, best).save(file);
    Trainer t(net(), options());
    try {
      t.resume(file);
    } catch (const FormatError& e) {
      CHECK(t.history().empty());
      return e.what();
    }
    return "";
  };
  octet::detail::TrainingPosition p;
  p.step = 4;
  p.steps_per_epoch = 4;
  p.batch = 16;
  CHECK(why(p).empty());  // written after the last step, before the end of the epoch
  p.step = 5;
  CHECK(why(p) == "'" + file + "': found step 5 of an epoch of 4 steps");
  p.step = std::numeric_limits<std::int64_t>::max();
  CHECK(why(p).find("of an epoch of 4 steps") != std::string::npos);
  p.step = 2;
  p.epoch = 3;
  CHECK(why(p).find("found reports of 0 epochs, expected 3") != std::string::npos);
  p.epoch = 0;
  p.epochs_without_gain = 1;
  CHECK(why(p).find("epochs without improvement") != std::string::npos);
  p.epochs_without_gain = 0;
  p.loss_sum = std::numeric_limits<double>::quiet_NaN();
  CHECK(why(p).find("not finite") != std::string::npos);
}

TEST_CASE("trainer: checkpoints of version 1 can be resumed") {
  const TemporaryFolder folder;
  const std::string file = folder / "run.checkpoint";
  TrainingOptions o = options();
  Trainer* running = nullptr;
  o.on_step = [&](const StepReport& r) {
    if (r.step == 2) running->stop();
  };
  Trainer first(net(), o);
  running = &first;
  first.fit(examples(64), 1);
  first.save_checkpoint(file);
  // Version 1 had no number of frozen elements before that of the best ones and the position, and no last float.
  octet::detail::TrainingPosition position;
  position.step = 2;
  position.steps_per_epoch = 4;
  position.batch = 16;
  octet::detail::ArchiveWriter number, end;
  number.put(std::uint64_t{0});
  end.put(std::uint64_t{0});
  octet::detail::write_position(position, end);
  const std::size_t left_out = number.bytes().size();
  std::string bytes = contents(file);
  std::uint64_t description = 0;
  std::memcpy(&description, &bytes[32], 8);
  bytes.erase(bytes.size() - 4);
  bytes.erase(40 + static_cast<std::size_t>(description) - end.bytes().size() - left_out, left_out);
  description -= left_out;
  const std::uint64_t version = 1, size = bytes.size();
  std::memcpy(&bytes[8], &version, 8);
  std::memcpy(&bytes[16], &size, 8);
  std::memcpy(&bytes[32], &description, 8);
  octet::detail::Checksum sum;
  sum.add(bytes.data() + 32, bytes.size() - 32);
  const std::uint64_t value = sum.value();
  std::memcpy(&bytes[24], &value, 8);
  write_file(file, bytes);
  Trainer resumed(net(), options()), whole(net(), options());
  resumed.resume(file);
  resumed.fit(examples(64), 1);
  whole.fit(examples(64), 1);
  CHECK(same_constants(resumed.model(), whole.model()));
}

TEST_CASE("trainer: training does not start if the checkpoint cannot be written") {
  const TemporaryFolder folder;
  const std::string file = folder.write("file", "no folder");
  for (const std::string& path : {folder / "no/such/run.checkpoint", folder / ".", file + "/run.checkpoint"}) {
    TrainingOptions o = options();
    int steps = 0;
    o.checkpoint = path;
    o.on_step = [&](const StepReport&) { ++steps; };
    Trainer t(net(), o);
    CHECK_FALSE((path != folder / "." && t.resume()));
    CHECK_THROWS_WITH_AS(t.fit(examples(40), 1), doctest::Contains("cannot write"), FormatError);
    CHECK(steps == 0);
  }
}

TEST_CASE("trainer: a failed write keeps the previous checkpoint") {
  const TemporaryFolder folder;
  const std::string file = folder / "run.checkpoint";
  Trainer t(net(), options());
  t.save_checkpoint(file);
  const std::string before = contents(file);
  CHECK_THROWS_AS(t.save_checkpoint(folder / "no/such/folder/file"), FormatError);
  t.fit(examples(20), 1);
  t.save_checkpoint(file);
  CHECK(contents(file) != before);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "")) files += entry.is_regular_file();
  CHECK(files == 1);  // no temporary file remains
}

TEST_CASE("trainer: an interrupted epoch cannot be resumed with other examples") {
  const TemporaryFolder folder;
  TrainingOptions o = options();
  Trainer* trainer = nullptr;
  o.on_step = [&](const StepReport& r) {
    if (r.step == 2) trainer->stop();
  };
  Trainer t(net(), o);
  trainer = &t;
  t.fit(examples(60), 1);
  CHECK_THROWS_WITH_AS(t.fit(examples(90), 1),
                       "the checkpoint is within an epoch of 4 batches of 16, expected 6 batches of 16", Error);
}

TEST_CASE("trainer: an error about a loss that is not finite names the first such layer") {
  Model m = net();
  TrainingOptions o = options();
  SUBCASE("weights") {
    Tensor<float> w = random_tensor({8, 3, 3, 8}, 1);
    w[5] = std::numeric_limits<float>::quiet_NaN();
    m.value(m.find("conv2.weight")).constant = w;
    Trainer t(m, o);
    CHECK_THROWS_WITH_AS(t.fit(examples(40), 1),
                         "epoch 1, step 1: the loss is nan: layer 'conv2' (Convolution): parameter "
                         "'conv2.weight' has elements that are not finite",
                         Error);
  }
  SUBCASE("results") {
    Graph g;
    const int x = g.add_input("x", {Shape::unknown, 6, 6, 1});
    const int mean = g.add("mean", Reduce(ReduceKind::mean, {1, 2}, false), {x});
    const int dense = g.add("dense", FullyConnected(), {mean, g.add_constant("w", random_tensor({3, 1}, 1, -3, -2))});
    g.outputs = {g.add("logarithm", Unary(UnaryKind::log), {dense})};
    Trainer t(g, o);
    CHECK_THROWS_WITH_AS(
        t.fit(examples(40), 1),
        doctest::Contains("layer 'logarithm' (Unary) is the first layer with results that are not finite"), Error);
  }
  SUBCASE("input") {
    Tensor<float> images({16, 6, 6, 1});
    images[100] = std::numeric_limits<float>::infinity();
    Trainer t(m, o);
    CHECK_THROWS_WITH_AS(t.fit(TensorExamples(images, std::vector<std::int64_t>(16, 0)), 1),
                         "epoch 1, step 1: the loss is nan: input 'input' has elements that are not finite", Error);
  }
  SUBCASE("gradients") {  // the loss is finite, but not its gradient with respect to the logarithm's input
    Graph g;
    const int x = g.add_input("x", {Shape::unknown, 6, 6, 1});
    const int mean = g.add("mean", Reduce(ReduceKind::mean, {1, 2}, false), {x});
    const int dense = g.add("dense", FullyConnected(), {mean, g.add_constant("w", Tensor<float>({3, 1}))});
    g.outputs = {g.add("root", Unary(UnaryKind::sqrt), {dense})};
    o.clip_norm = 1;
    Trainer t(g, o);
    CHECK_THROWS_WITH_AS(t.fit(examples(40), 1), "epoch 1, step 1: the gradient of 'w' (layer 'dense') is not finite",
                         Error);
  }
  SUBCASE("steps that are too large") {
    o.optimizer = sgd(0);
    o.learning_rate = 1e38;
    Trainer t(m, o);
    CHECK_THROWS_WITH_AS(t.fit(examples(40), 1), doctest::Contains("epoch 1, step "), Error);
  }
}

TEST_CASE("trainer: invalid models, examples and options are refused before training") {
  const auto fit = [](const Model& m, const Examples& e, const TrainingOptions& o = options()) {
    Trainer(m, o).fit(e, 1);
  };
  const Tensor<float> images({4, 6, 6, 1});
  CHECK_THROWS_WITH_AS(fit(net(), TensorExamples(images, std::vector<std::int64_t>{0, 1, 2, 3})),
                       "example 3: expected a class in [0, 3), as the model has, found 3", Error);
  CHECK_THROWS_WITH_AS(fit(net(), TensorExamples(images, std::vector<std::int64_t>{0, -1, 2, 0})),
                       "example 1: expected a class in [0, 3), as the model has, found -1", Error);
  CHECK_THROWS_WITH_AS(fit(net(), TensorExamples(images, Tensor<float>({4, 3}))),
                       "example 0: expected a class (the loss is cross entropy), found none", Error);
  CHECK_THROWS_WITH_AS(TensorExamples(images, std::vector<std::int64_t>{0}),
                       "inputs of shape [4, 6, 6, 1]: expected as many labels as inputs, found 1", ShapeError);
  CHECK_THROWS_WITH_AS(TensorExamples(images, Tensor<float>({3, 3})),
                       "inputs of shape [4, 6, 6, 1]: expected as many targets as inputs, found 3", ShapeError);
  CHECK_THROWS_WITH_AS(fit(net(), TensorExamples(Tensor<float>({0, 6, 6, 1}), std::vector<std::int64_t>())),
                       "expected at least one example, found none", ShapeError);
  CHECK_THROWS_WITH_AS(fit(net(), TensorExamples(Tensor<float>({1, 5, 6, 1}), std::vector<std::int64_t>{0})),
                       "expected examples of shape [6, 6, 1], as the model takes, found [5, 6, 1]", ShapeError);
  CHECK_THROWS_WITH_AS(fit(net(), TensorExamples(Tensor<float>({1, 6, 6, 3}), std::vector<std::int64_t>{0})),
                       "expected examples of shape [6, 6, 1], as the model takes, found [6, 6, 3]", ShapeError);
  CHECK_THROWS_WITH_AS(fit(net(), TensorExamples(Tensor<float>({1, 36}), std::vector<std::int64_t>{0})),
                       "model 'net': expected examples for inputs of shape [?, 6, 6, 1], found examples of shape [36]",
                       ShapeError);
  TrainingOptions o = options();
  o.loss = Loss::mean_squared_error;
  CHECK_THROWS_WITH_AS(fit(net(), TensorExamples(images, Tensor<float>({4, 2})), o),
                       "example 0: expected a target of 3 elements, as the model's output, found 2", ShapeError);
  Trainer t(net(), options());
  const TensorExamples none(Tensor<float>({0, 6, 6, 1}), std::vector<std::int64_t>());
  CHECK_THROWS_WITH_AS(t.fit(examples(4), 1, none), "expected at least one example, found none", ShapeError);
  CHECK_THROWS_WITH_AS(t.fit(examples(4), 1, TensorExamples(images, std::vector<std::int64_t>{0, 1, 2, 3})),
                       "example 3: expected a class in [0, 3), as the model has, found 3", Error);
  CHECK(t.history().empty());

  const auto refused = [](const std::function<void(TrainingOptions&)>& change, const char* why) {
    TrainingOptions wrong = options();
    change(wrong);
    CHECK_THROWS_WITH_AS(Trainer(net(), wrong), why, Error);
  };
  refused([](TrainingOptions& x) { x.batch = 0; }, "expected a batch size of at least 1, found 0");
  refused([](TrainingOptions& x) { x.clip_norm = -1; }, "expected clip_norm >= 0, found -1");
  refused([](TrainingOptions& x) { x.label_smoothing = 1; }, "expected label smoothing in [0, 1), found 1");
  refused([](TrainingOptions& x) { x.statistics_momentum = 2; }, "expected statistics_momentum in [0, 1], found 2");
  refused([](TrainingOptions& x) { x.checkpoint_steps = 5; },
          "expected checkpoint_steps = 0, or > 0 and the name of a checkpoint file, found 5");
  refused([](TrainingOptions& x) { x.early_stopping.patience = -1; },
          "expected a patience of early stopping >= 0, found -1");
  refused([](TrainingOptions& x) { x.optimizer.momentum = 1; },
          "expected momentum and betas in [0, 1), found 1, 0.9 and 0.999");
  const auto teacher = std::make_shared<const Model>(net());
  refused([](TrainingOptions& x) { x.oscillation_damping = -1; }, "expected oscillation_damping >= 0, found -1");
  refused(
      [&](TrainingOptions& x) {
        x.distillation.teacher = teacher;
        x.distillation.temperature = 0;
      },
      "expected a temperature > 0 and a weight in [0, 1] of distillation, found 0 and 0.9");
  refused(
      [&](TrainingOptions& x) {
        x.distillation.teacher = teacher;
        x.loss = Loss::mean_squared_error;
      },
      "distillation is for classes: expected the loss cross_entropy");
  refused([](TrainingOptions& x) { x.optimizer.weight_decay = -1; },
          "expected epsilon > 0 and weight_decay >= 0, found 1e-08 and -1");

  // Models that cannot be trained.
  Model none_out = net();
  none_out.outputs.clear();
  CHECK_THROWS_WITH_AS(Trainer(none_out, options()),
                       "model 'net' has 1 inputs and 0 outputs, expected at least one of each", ShapeError);
  Graph plain;
  plain.name = "plain";
  plain.outputs = {plain.add("relu", Unary(UnaryKind::clip, 0, 1), {plain.add_input("x", {1, 2})})};
  CHECK_THROWS_WITH_AS(Trainer(plain, options()), "model 'plain' has no parameters to train", Error);
  Graph normalized;
  const int x = normalized.add_input("x", {Shape::unknown, 4});
  const int h = normalized.add("h", FullyConnected(), {x, normalized.add_constant("w", random_tensor({4, 4}, 1))});
  normalized.outputs = {normalized.add("p", LocalResponseNormalization(), {h})};
  CHECK_THROWS_WITH_AS(
      Trainer(normalized, options()),
      "layer 'p' (LocalResponseNormalization): has no gradient, so neither it nor a layer before it can "
      "be trained",
      Error);
  Calibrator c(net());
  c.add(Tensor<float>({1, 6, 6, 1}));
  CHECK_THROWS_WITH_AS(Trainer(quantize<int8>(net(), c.result()), options()),
                       "layer 'conv1' (Convolution): expected float parameter 'conv1.weight', found int8", Error);
}

TEST_CASE("trainer: distillation has the loss and the gradient of its definition") {
  constexpr std::int64_t n = 5, classes = 4;
  const Tensor<float> x = random_tensor({n, classes}, 1, -2, 2), t = random_tensor({n, classes}, 2, -3, 3);
  const std::vector<std::int64_t> labels{0, 3, 1, 1, 2};
  const double temperature = 3, share = 0.7;
  const auto loss = [&](const std::vector<double>& v) {
    const auto log_softmax = [](std::vector<double> z) {
      double sum = 0;
      for (double e : z) sum += std::exp(e);
      for (double& e : z) e -= std::log(sum);
      return z;
    };
    double all = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      std::vector<double> hard, student, teacher;
      for (std::int64_t c = 0; c < classes; ++c) {
        hard.push_back(v[static_cast<std::size_t>(i * classes + c)]);
        student.push_back(hard.back() / temperature);
        teacher.push_back(static_cast<double>(t[i * classes + c]) / temperature);
      }
      student = log_softmax(student);
      teacher = log_softmax(teacher);
      double divergence = 0;
      for (std::size_t c = 0; c < classes; ++c) divergence += std::exp(teacher[c]) * (teacher[c] - student[c]);
      all += -(1 - share) * log_softmax(hard)[static_cast<std::size_t>(labels[static_cast<std::size_t>(i)])] +
             share * temperature * temperature * divergence;
    }
    return all / n;
  };
  std::vector<double> exact(x.begin(), x.end());
  octet::detail::LossFunction f(Loss::cross_entropy, 0);
  f.plan(n);
  Tensor<float> gradient(x.shape());
  ThreadPool pool(2);
  f.cross_entropy(x, labels.data(), gradient, pool);
  CHECK(f.distill(x, t.data(), temperature, share, gradient, pool).mean == doctest::Approx(loss(exact)).epsilon(1e-6));
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const double at = exact[i];
    exact[i] = at + 1e-5;
    const double above = loss(exact);
    exact[i] = at - 1e-5;
    const double difference = (above - loss(exact)) / 2e-5;
    exact[i] = at;
    CHECK(static_cast<double>(gradient[static_cast<std::int64_t>(i)]) == doctest::Approx(difference).epsilon(1e-4));
  }
}

TEST_CASE("trainer: distillation teaches a new network what another one does") {
  const TensorExamples data = examples(96), held_out = examples(200, 7);
  Trainer first(net(), options());
  first.fit(data, 8);
  const Model teacher = first.model();
  Tensor<float> images({96, 6, 6, 1});
  for (std::int64_t i = 0; i < 96; ++i) data.read(i, images.data() + i * 36);
  const TensorExamples wrong(std::move(images), std::vector<std::int64_t>(96, 2));  // labels that say nothing
  TrainingOptions o = options();
  o.distillation.teacher = std::make_shared<const Model>(teacher);
  o.distillation.weight = 1;
  Trainer taught(net(2), o);
  taught.fit(wrong, 8);
  CHECK(evaluate(teacher, held_out).accuracy > 0.9);
  CHECK(evaluate(taught.model(), held_out).accuracy > 0.8);
  // Other outputs or inputs than those of the trained model.
  octet::detail::NetworkBuilder b("other", 6, 1, 1);
  b.global_average("mean").linear("dense", 4);
  o.distillation.teacher = std::make_shared<const Model>(b.finish());
  CHECK_THROWS_WITH_AS(Trainer(net(), o).fit(data, 1),
                       "teacher 'other': expected outputs of shape [16, 3], as the trained model has, found [16, 4]",
                       ShapeError);
}

TEST_CASE("likeness: agreement and divergence are those of the probabilities") {
  const Model a = net(1), b = net(2);
  constexpr std::int64_t n = 37;
  const Tensor<float> x = random_tensor({n, 6, 6, 1}, 3, 0, 1);
  const TensorExamples data(x, std::vector<std::int64_t>(n, 0));
  const Tensor<float> p = Executor(a)(x), q = Executor(b)(x);
  double agreement = 0, divergence = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const float *u = p.data() + 3 * i, *v = q.data() + 3 * i;
    agreement += (std::max_element(u, u + 3) - u == std::max_element(v, v + 3) - v ? 1.0 : 0.0) / n;
    double of_u = 0, of_v = 0;
    for (int c = 0; c < 3; ++c) {
      of_u += std::exp(static_cast<double>(u[c]));
      of_v += std::exp(static_cast<double>(v[c]));
    }
    for (int c = 0; c < 3; ++c) {
      const double log_p = static_cast<double>(u[c]) - std::log(of_u),
                   log_q = static_cast<double>(v[c]) - std::log(of_v);
      divergence += std::exp(log_q) * (log_q - log_p) / n;
    }
  }
  Model with = a;
  with.outputs = {with.add("softmax", Softmax(), {with.outputs[0]})};
  for (std::int64_t batch : {1, 16, 64})
    for (const Model& m : {a, with}) {
      EvaluationOptions o;
      o.batch = batch;
      const Likeness found = likeness(m, b, data, o);
      CHECK(found.agreement == doctest::Approx(agreement));
      CHECK(found.divergence == doctest::Approx(divergence).epsilon(1e-5));
    }
  CHECK(divergence > 1e-4);
  CHECK(likeness(a, a, data).agreement == 1);
  CHECK(likeness(a, a, data).divergence == 0);
  octet::detail::NetworkBuilder other("other", 6, 1, 1);
  other.global_average("mean").linear("dense", 4);
  CHECK_THROWS_WITH_AS(likeness(other.finish(), a, data),
                       "model 'other' has outputs of shape [37, 4], expected [37, 3]", ShapeError);
}

TEST_CASE("trainer: a softmax at the end becomes part of the loss") {
  Model with = net();
  with.outputs = {with.add("softmax", Softmax(), {with.outputs[0]})};
  const TensorExamples data = examples(48);
  Trainer a(net(), options()), b(with, options());
  a.fit(data, 2);
  b.fit(data, 2);
  CHECK(losses(a.history()) == losses(b.history()));
  const Model plain = a.model(), trained = b.model();
  CHECK(as<Softmax>(*trained.nodes.back().op));
  const AnyTensor &w = plain.value(plain.find("dense.weight")).constant,
                  &v = trained.value(trained.find("dense.weight")).constant;
  CHECK(std::memcmp(w.data(), v.data(), w.size_bytes()) == 0);
  CHECK(evaluate(plain, data).loss == evaluate(trained, data).loss);
}
