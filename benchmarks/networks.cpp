// Latency of whole networks at batch 1: a float image in, float logits out.
#include <CLI/CLI.hpp>
#include <iostream>
#include <octet/models/builtin.hpp>
#include <octet/report/latency.hpp>
#include <octet/report/table.hpp>

#include "models.hpp"

using namespace octet;

namespace {

const std::map<std::string, std::string> networks{{"resnet50", "resnet50"},
                                                  {"resnet18", "resnet18"},
                                                  {"vgg16", "vgg16"},
                                                  {"mobilenetv1", "mobilenet_v1"},
                                                  {"mobilenetv2", "mobilenet_v2"}};

void print_layers(Executor& executor, const Tensor<float>& image) {
  TextTable table({"Layer", "Type", "ms", "GMAC/s"});
  for (const LayerTime& t : measure_layers(executor, image)) {
    const double rate = t.milliseconds > 0 ? static_cast<double>(t.macs) / t.milliseconds / 1e6 : 0;
    table.add({t.name, t.type, octet::detail::fixed(t.milliseconds, 4), t.macs ? octet::detail::fixed(rate, 1) : ""});
  }
  std::cout << table.str();
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> nets, precisions{"int8"}, known;
  for (const auto& n : networks) known.push_back(n.first);
  int threads = 1;
  std::int64_t runs = 40;
  bool layers = false;
  CLI::App app("Times networks with random weights on one 224 x 224 image");
  app.add_option("--net", nets, "Networks, one or more")->required()->delimiter(',')->check(CLI::IsMember(known));
  app.add_option("--precision", precisions, "Forms of them")
      ->delimiter(',')
      ->check(CLI::IsMember(precision_names()))
      ->capture_default_str();
  app.add_option("--threads", threads, "Threads")->check(CLI::Range(1, ThreadPool::max_threads))->capture_default_str();
  app.add_option("--runs", runs, "Runs of each")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_flag("--layers", layers, "Print the time of each layer as well");
  CLI11_PARSE(app, argc, argv);
  try {
    ExecutorOptions options;
    options.threads = threads;
    for (const std::string& net : nets) {
      const Model model = builtin(networks.at(net));
      const Tensor<float> image = random_tensor(model.value(model.inputs[0]).shape);
      for (const std::string& precision : precisions) {
        Executor executor(in_precision(model, precision), options);
        const Latency l = measure_latency({&executor}, image, 0, runs, [](std::int64_t, std::int64_t) {})[0];
        std::cout << "octet " << net << " " << precision << " threads=" << threads
                  << " median_ms=" << octet::detail::fixed(l.median_ms, 3)
                  << " min_ms=" << octet::detail::fixed(l.min_ms, 3) << std::endl;
        if (layers) print_layers(executor, image);
      }
    }
  } catch (const std::exception& e) {
    std::cerr << "octet_bench_networks: " << e.what() << "\n";
    return 1;
  }
}
