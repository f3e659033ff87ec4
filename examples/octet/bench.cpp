#include <iostream>
#include <octet/comparison/latency.hpp>

#include "../report/json.hpp"
#include "../report/layer_text.hpp"
#include "../report/machine.hpp"

#include "../common/progress.hpp"
#include "commands.hpp"
#include "common.hpp"
#include "sizes.hpp"
#include "tensors.hpp"

using namespace octet;

namespace {

struct BenchArguments {
  std::string model, json;
  std::int64_t runs = 0;
  InputSizes sizes;
  double seconds = 3;
  int threads = 0;
  WeightMemory memory = WeightMemory::fast;
  std::optional<Rounding> rounding;
  bool layers = true, full_names = false, force = false;
};

std::string gmacs_per_second(std::int64_t macs, double ms) {
  return macs > 0 && ms > 0 ? report::fixed(static_cast<double>(macs) / ms / 1e6, 1) : "";
}

void bench_command(const BenchArguments& o) {
  if (!o.json.empty()) OutputCheck({o.model}, o.force).writes(o.json, FileKind::results);
  const Model model = open_model(o.model, o.rounding);
  Executor executor(model, with_threads(o.threads, o.memory));
  const std::vector<Shape> shapes = o.sizes.shapes(model);
  std::vector<AnyTensor> x;
  for (std::size_t i = 0; i < shapes.size(); ++i) x.push_back(random_input(model.value(model.inputs[i]), shapes[i]));
  Progress progress;
  const Latency l = measure_latency({&executor}, x, o.seconds, o.runs, [&](std::int64_t done, std::int64_t total) {
    progress("measuring", done, total);
  })[0];
  const std::vector<LayerTime> layers = measure_layers(executor, x);
  progress.clear();
  double total_ms = 0;
  std::int64_t macs = 0;
  for (const LayerTime& t : layers) {
    total_ms += t.milliseconds;
    macs += t.macs;
  }
  using report::significant;
  if (o.layers) {
    report::TextTable table({"Layer", "Type", "Form", "ms", "% of time", "GMAC/s"});
    const Graph& g = executor.graph();
    const std::vector<std::string> names = layer_names(g, o.full_names);
    const std::vector<LayerForm> forms = executor.layer_forms();
    for (std::size_t i = 0; i < layers.size(); ++i)
      table.add({names[i], report::layer_kind(g, g.nodes[i]), forms[i].form, report::fixed(layers[i].milliseconds, 4),
                 report::fixed(100 * layers[i].milliseconds / std::max(total_ms, 1e-9), 1),
                 gmacs_per_second(layers[i].macs, layers[i].milliseconds)});
    std::cout << table.str(o.full_names ? 0 : 120) << "\n";
  }
  std::cout << report::machine_description(executor.threads()) << "\n"
            << model.name << " batch=" << o.sizes.batch << " median_ms=" << significant(l.median_ms)
            << " min_ms=" << significant(l.min_ms) << " runs=" << l.runs
            << " gmac_per_s=" << gmacs_per_second(macs, l.median_ms)
            << " arena_mb=" << report::megabytes(static_cast<std::int64_t>(executor.arena_bytes()))
            << " packed_mb=" << report::megabytes(static_cast<std::int64_t>(executor.packed_bytes())) << "\n";
  if (o.json.empty()) return;
  nlohmann::ordered_json j{{"model", model.name},
                           {"batch", o.sizes.batch},
                           {"threads", executor.threads()},
                           {"isa", name(executor.isa())},
                           {"median_ms", l.median_ms},
                           {"min_ms", l.min_ms},
                           {"arena_bytes", executor.arena_bytes()}};
  for (const LayerTime& t : layers)
    j["layers"].push_back({{"name", t.name}, {"type", t.type}, {"ms", t.milliseconds}, {"macs", t.macs}});
  write_file(o.json, report::json_text(j));
}

}  // namespace

void add_bench(CLI::App& app) {
  auto o = std::make_shared<BenchArguments>();
  CLI::App* c = app.add_subcommand("bench", "Measures the inference time of a model and of each layer");
  c->add_option("model", o->model, ".onnx, .tflite or .octet file, or builtin:NAME")->required();
  o->sizes.add_to(*c);
  CLI::Option* seconds = c->add_option("--seconds", o->seconds, "Duration of the measurement in seconds")
                             ->check(CLI::Range(0.01, 3600.0))
                             ->capture_default_str();
  c->add_option("--runs", o->runs, "Number of runs, instead of --seconds (0: as many as fit)")
      ->check(at_least(0))
      ->excludes(seconds)
      ->capture_default_str();
  add_threads(*c, o->threads);
  add_memory(*c, o->memory);
  add_rounding(*c, o->rounding);
  c->add_flag("--layers,!--no-layers", o->layers, "Print the time of each layer (the default)");
  add_full_names(*c, o->full_names);
  c->add_option("--json", o->json, "Write the results to this JSON file");
  add_force(*c, o->force);
  c->callback([o] { bench_command(*o); });
}
