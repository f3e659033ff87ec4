// Latency of whole networks, from float images to float logits. Prints one line per network: times,
// memory of packed weights and arena, and the peak resident memory of the process.
#include <CLI/CLI.hpp>
#include <iostream>
#include <octet/comparison/latency.hpp>
#include <octet/models/builtin.hpp>
#include "../examples/report/table.hpp"

#include "memory.hpp"
#include "models.hpp"

using namespace octet;

namespace {

const std::map<std::string, std::string> networks{{"resnet50", "resnet50"},
                                                  {"resnet18", "resnet18"},
                                                  {"vgg16", "vgg16"},
                                                  {"mobilenetv1", "mobilenet_v1"},
                                                  {"mobilenetv2", "mobilenet_v2"}};

struct Arguments {
  std::vector<std::string> nets, precisions{"int8"};
  int threads = 1;
  std::int64_t runs = 40, batch = 1;
  std::string memory = "fast", input = "nhwc";
  bool layers = false;
};

void print_layers(Executor& executor, const Tensor<float>& image) {
  report::TextTable table({"Layer", "Type", "Form", "ms", "GMAC/s"});
  const std::vector<LayerForm> forms = executor.layer_forms();
  const std::vector<LayerTime> times = measure_layers(executor, image);
  for (std::size_t i = 0; i < times.size(); ++i) {
    const LayerTime& t = times[i];
    const double rate = t.milliseconds > 0 ? static_cast<double>(t.macs) / t.milliseconds / 1e6 : 0;
    table.add({t.name, t.type, forms[i].form, report::fixed(t.milliseconds, 4), t.macs ? report::fixed(rate, 1) : ""});
  }
  std::cout << table.str();
}

/// The float model is destroyed before the runs, so that it does not count in their peak memory.
Executor make_executor(const std::string& net, const std::string& precision, const Arguments& a) {
  ExecutorOptions options;
  options.threads = a.threads;
  options.memory = weight_memory(a.memory);
  const Model model = in_precision(builtin(networks.at(net)), precision);
  return Executor(a.input == "nchw" ? taking_nchw(model) : model, options);
}

void time_network(const std::string& net, const std::string& precision, const Arguments& a) {
  Executor executor = make_executor(net, precision, a);
  forget_peak();
  const Graph& g = executor.graph();
  Shape shape = g.value(g.inputs[0]).shape;
  shape[0] = a.batch;
  const Tensor<float> image = random_tensor(shape);
  const Latency l = measure_latency({&executor}, image, 0, a.runs, [](std::int64_t, std::int64_t) {})[0];
  using report::fixed;
  using report::megabytes;
  std::cout << "octet " << net << " " << precision << " threads=" << a.threads << " batch=" << a.batch
            << " median_ms=" << fixed(l.median_ms, 3) << " min_ms=" << fixed(l.min_ms, 3)
            << " packed_mb=" << megabytes(static_cast<std::int64_t>(executor.packed_bytes()))
            << " arena_mb=" << megabytes(static_cast<std::int64_t>(executor.arena_bytes()))
            << " resident_mb=" << fixed(peak_resident_mb(), 1) << std::endl;
  if (a.layers) print_layers(executor, image);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments a;
  std::vector<std::string> known;
  for (const auto& n : networks) known.push_back(n.first);
  CLI::App app("Measures the inference time of networks with random weights on 224 x 224 images");
  app.add_option("--net", a.nets, "Networks, one or more")->required()->delimiter(',')->check(CLI::IsMember(known));
  app.add_option("--precision", a.precisions, "Precisions, one or more")
      ->delimiter(',')
      ->check(CLI::IsMember(precision_names()))
      ->capture_default_str();
  app.add_option("--threads", a.threads, "Threads")
      ->check(CLI::Range(1, ThreadPool::max_threads))
      ->capture_default_str();
  app.add_option("--runs", a.runs, "Runs of each")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--batch", a.batch, "Images in a run")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--memory", a.memory, "Memory for transformed weights of 3x3 layers: fast, balanced, small")
      ->check(CLI::IsMember({"fast", "balanced", "small"}))
      ->capture_default_str();
  app.add_option("--input", a.input, "Layout of the image: nhwc, or nchw, which is transposed in every run")
      ->check(CLI::IsMember({"nhwc", "nchw"}))
      ->capture_default_str();
  app.add_flag("--layers", a.layers, "Also print the form and time of each layer");
  CLI11_PARSE(app, argc, argv);
  try {
    for (const std::string& net : a.nets)
      for (const std::string& precision : a.precisions) time_network(net, precision, a);
  } catch (const std::exception& e) {
    std::cerr << "octet_bench_networks: " << e.what() << "\n";
    return 1;
  }
}
