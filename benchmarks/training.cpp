// Images per second in training (forward pass, backward pass and Adam) on one batch of random images. Optionally
// measures quantization-aware training of the same networks, alternating with float training.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <iostream>
#include <octet/models/mobilenet.hpp>
#include <octet/models/small_cnn.hpp>
#include <octet/models/vgg.hpp>
#include <octet/training/gradient_executor.hpp>
#include <octet/training/loss_function.hpp>
#include <octet/training/optimizer_state.hpp>
#include <octet/training/qat.hpp>
#include <octet/training/trainer.hpp>
#include "../examples/report/table.hpp"

#include "models.hpp"

using namespace octet;

namespace {

struct Net {
  const char* name;
  std::int64_t side;
  int steps;  // per round
  Model (*make)();
};

Model mobilenet() {
  MobileNetOptions o;
  o.image_size = 32;
  o.channels = 1;
  o.classes = 10;
  return mobilenet_v1(o);
}
Model vgg16() {
  VggOptions o;
  o.batch_norm = true;
  o.image_size = 32;
  o.channels = 1;
  o.classes = 10;
  o.hidden = 0;
  return vgg(o);
}
const std::vector<Net> nets{
    {"cnn", 28, 100, [] { return small_cnn(); }}, {"mobilenet", 32, 6, mobilenet}, {"vgg16", 32, 3, vgg16}};

/// Training steps on a fixed batch.
class Steps {
 public:
  Steps(const Net& net, const Model& model, std::int64_t batch, const GradientOptions& options)
      : executor_(model, options), optimizer_(adam(), executor_.parameters()), loss_(Loss::cross_entropy, 0) {
    executor_.plan({batch, net.side, net.side, 1});
    loss_.plan(batch);
    const Tensor<float> images = random_tensor({batch, net.side, net.side, 1});
    std::copy(images.begin(), images.end(), executor_.input().begin());
    for (std::int64_t i = 0; i < batch; ++i) labels_.push_back(i * 7 % 10);
  }
  void operator()() {
    const TrainingPass pass;
    loss_.cross_entropy(executor_.forward(pass), labels_.data(), executor_.output_gradient(), executor_.pool());
    executor_.backward(pass);
    optimizer_.step(1e-3, 1, executor_.pool());
  }
  /// The mean time of a step in seconds.
  double time(int steps) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < steps; ++i) (*this)();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / steps;
  }
  GradientExecutor& executor() { return executor_; }

 private:
  GradientExecutor executor_;
  octet::detail::OptimizerState optimizer_;
  octet::detail::LossFunction loss_;
  std::vector<std::int64_t> labels_;
};

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

void print_layers(Steps& step) {
  step.executor().profile(true);
  step();
  report::TextTable table({"Layer", "Type", "forward ms", "GMAC/s", "backward ms", "GMAC/s"});
  for (const LayerPassTime& t : step.executor().layer_times()) {
    const auto rate = [&](double ms, double passes) {
      return t.macs && ms > 0 ? report::fixed(passes * static_cast<double>(t.macs) / ms / 1e6, 1) : "";
    };
    table.add({t.name, t.type, report::fixed(t.forward, 3), rate(t.forward, 1), report::fixed(t.backward, 3),
               rate(t.backward, 2)});
  }
  std::cout << table.str();
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names, known;
  for (const Net& n : nets) known.emplace_back(n.name);
  names = known;
  int threads = 1, rounds = 3;
  std::int64_t batch = 64;
  bool layers = false, qat = false, bf16 = false;
  CLI::App app("Measures training steps (Adam, cross entropy) of networks for ten classes of small gray images");
  app.add_option("--net", names, "Networks, one or more")
      ->delimiter(',')
      ->check(CLI::IsMember(known))
      ->capture_default_str();
  app.add_option("--threads", threads, "Threads")->check(CLI::Range(1, ThreadPool::max_threads))->capture_default_str();
  app.add_option("--batch", batch, "Batch size")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--rounds", rounds, "Number of rounds; the median is printed")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--layers", layers, "Also print the time of each layer");
  app.add_flag("--qat", qat, "Also measure steps with fake quantization, and print how much longer they take");
  app.add_flag("--bf16", bf16, "Multiply in bfloat16, if the CPU supports it");
  CLI11_PARSE(app, argc, argv);
  GradientOptions options;
  options.threads = threads;
  options.bf16_products = bf16;
  try {
    for (const Net& net : nets) {
      if (std::find(names.begin(), names.end(), net.name) == names.end()) continue;
      const Model model = net.make();
      Steps step(net, model, batch, options);
      std::optional<Steps> rounded;
      if (qat) rounded.emplace(net, prepare_qat(model), batch, options);
      step();
      step();
      if (qat) (*rounded)(), (*rounded)();
      std::vector<double> all, qat_seconds, ratios;
      for (int r = 0; r < rounds; ++r) {
        all.push_back(step.time(net.steps));
        if (!qat) continue;
        qat_seconds.push_back(rounded->time(net.steps));
        ratios.push_back(qat_seconds.back() / all.back());
      }
      const double seconds = median(all);
      std::int64_t parameters = 0;
      for (const Parameter& p : step.executor().parameters().list()) parameters += p.learned ? p.size : 0;
      std::cout << net.name << " threads=" << threads << " parameters=" << parameters
                << " images_per_s=" << report::fixed(static_cast<double>(batch) / seconds, 1)
                << " step_ms=" << report::fixed(seconds * 1e3, 2)
                << " arena_mb=" << report::fixed(static_cast<double>(step.executor().arena_bytes()) / 1e6, 1)
                << std::endl;
      if (layers) print_layers(step);
      if (!qat) continue;
      std::cout << net.name << " qat_step_ms=" << report::fixed(median(qat_seconds) * 1e3, 2)
                << " ratio=" << report::fixed(median(ratios), 3) << std::endl;
      if (layers) print_layers(*rounded);
    }
  } catch (const std::exception& e) {
    std::cerr << "octet_bench_training: " << e.what() << "\n";
    return 1;
  }
}
