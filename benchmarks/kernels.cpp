// Times of single layers and conversions on one thread, as inside a network: layers of int8 models read and write
// uint8, all others float. Names are network/layer/precision, followed by /direct or /winograd if both are possible;
// select with
// --benchmark_filter. Times are processor time; GMAC/s and % of peak are those of the median run. Multiply-adds are
// those of the direct algorithm, so Winograd can exceed the peak. fp16 and bf16 are compared with the peak of fp32.
#include <benchmark/benchmark.h>
#include <time.h>

#include <iostream>
#include <octet/comparison/latency.hpp>
#include <octet/kernels/dispatch.hpp>
#include "../examples/report/machine.hpp"

#include "layers.hpp"
#include "models.hpp"
#include "peak.hpp"

using namespace octet;

namespace {

struct Variant {
  std::string name;
  LayerCase layer;
  std::string precision;
  WeightMemory memory = WeightMemory::fast;
  double peak = 0;  // multiply-adds per second
};

/// A layer with its input and output.
class Layer {
 public:
  explicit Layer(const Variant& v)
      : executor_(in_precision(v.layer.make(v.layer), v.precision, true), options(v.memory)),
        inputs_(random_inputs(executor_.graph())),
        outputs_(executor_.run(inputs_)) {
    for (const AnyTensor& t : inputs_) in_.push_back(t.ref());
    for (const AnyTensor& t : outputs_) {
      out_.push_back(t.ref());
      elements_ += t.size();
    }
    const std::vector<LayerForm> forms = executor_.layer_forms();
    require(forms.size() == 1, "'", v.layer.name, "' became ", forms.size(), " layers");
    form_ = forms[0].form;
    macs_ = executor_.layer_times()[0].macs;
  }

  void run() { executor_.run(in_.data(), out_.data()); }
  const std::string& form() const { return form_; }
  std::int64_t macs() const { return macs_; }
  std::int64_t elements() const { return elements_; }  // of the output

 private:
  static ExecutorOptions options(WeightMemory memory) {
    ExecutorOptions o;
    o.threads = 1;
    o.memory = memory;
    return o;
  }

  Executor executor_;
  std::vector<AnyTensor> inputs_, outputs_;
  std::vector<TensorRef> in_, out_;
  std::string form_;
  std::int64_t macs_ = 0, elements_ = 0;
};

/// Processor time of this thread in seconds, which excludes other programs.
double processor_seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Returns the median time of f in seconds. Short runs are timed in groups.
template <class F>
double median_seconds(benchmark::State& state, F f) {
  const auto timed = [&](std::int64_t runs) {
    const double start = processor_seconds();
    for (std::int64_t i = 0; i < runs; ++i) {
      f();
      benchmark::ClobberMemory();
    }
    return processor_seconds() - start;
  };
  constexpr double least = 50e-6;
  std::int64_t runs = 1;
  while (timed(runs) < least) runs *= 2;
  std::vector<double> times;
  while (state.KeepRunningBatch(runs)) {
    const double seconds = timed(runs);
    state.SetIterationTime(seconds);
    times.push_back(seconds / static_cast<double>(runs));
  }
  return summarize(std::move(times)).median_ms;
}

void time_layer(benchmark::State& state, const Variant& v) {
  // Google Benchmark calls this several times with increasing numbers of iterations.
  static std::string last;
  static std::unique_ptr<Layer> layer;
  if (last != v.name) {
    layer.reset();
    layer = std::make_unique<Layer>(v);
    last = v.name;
  }
  const double seconds = median_seconds(state, [&] { layer->run(); });
  state.SetLabel(layer->form());
  if (layer->macs() > 0) {
    const double rate = static_cast<double>(layer->macs()) / seconds;
    state.counters["GMAC/s"] = rate / 1e9;
    if (v.peak > 0) state.counters["% of peak"] = 100 * rate / v.peak;
  } else {
    state.counters["Gelem/s"] = static_cast<double>(layer->elements()) / seconds / 1e9;
  }
}

/// Conversions of n floats: the range of a tensor, quantization, dequantization.
template <class Convert>
void time_conversion(benchmark::State& state, Convert convert) {
  const Tensor<float> x = random_tensor({state.range(0)});
  Tensor<float> y(x.shape());
  Tensor<std::uint8_t> q(x.shape());
  const double seconds = median_seconds(state, [&] { convert(octet::detail::kernels(), x, q, y); });
  state.counters["Gelem/s"] = static_cast<double>(x.size()) / seconds / 1e9;
}
void range(const octet::detail::Kernels& k, const Tensor<float>& x, Tensor<std::uint8_t>&, Tensor<float>& y) {
  k.minmax_f32(x.data(), x.size(), y.data());
}
void quantize_floats(const octet::detail::Kernels& k, const Tensor<float>& x, Tensor<std::uint8_t>& q, Tensor<float>&) {
  octet::detail::QuantizeF32 a;
  a.in = x.data();
  a.out = q.data();
  a.count = x.size();
  a.scale = 1 / 127.0f;
  a.zero_point = 128;
  k.quantize_f32(a);
}
void dequantize_bytes(const octet::detail::Kernels& k, const Tensor<float>&, Tensor<std::uint8_t>& q,
                      Tensor<float>& y) {
  k.dequantize_u8(q.data(), y.data(), q.size(), 1 / 127.0f, 128);
}

void add(const Variant& v) {
  benchmark::RegisterBenchmark(v.name.c_str(), [v](benchmark::State& s) { time_layer(s, v); })
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

void add_layer(const LayerCase& c, const std::string& precision, const Peak& peak) {
  const bool bytes = precision == "int8" || precision.compare(0, 4, "int4") == 0 || precision == "dynamic";
  Variant v{c.name + "/" + precision, c, precision, WeightMemory::fast, bytes ? peak.int8 : peak.f32};
  if (!has_winograd(c, bytes)) return add(v);
  const std::string name = v.name;
  v.name = name + "/winograd";
  add(v);
  v.name = name + "/direct";
  v.memory = WeightMemory::small;
  add(v);
}

/// Weights of 4 bits are for single rows, in blocks for fully connected layers.
bool is_timed(const LayerCase& c, const std::string& precision) {
  if (weight_block(precision) != 0) return c.size == 1 && c.name.compare(0, 5, "gemm/") == 0;
  return c.all_precisions || precision == "int8" || precision == "fp32" || (precision == "int4" && c.size == 1);
}

template <class F>
void add_conversion(const char* name, F f) {
  for (const std::int64_t n : {4096, 32768, 262144, 16777216})
    benchmark::RegisterBenchmark(name, [f](benchmark::State& s) { time_conversion(s, f); })
        ->Arg(n)
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const Peak peak = measure_peak(active_isa());
  std::cerr << report::machine_description(1) << ", peak int8 " << peak.int8 / 1e9 << ", float " << peak.f32 / 1e9
            << " GMAC/s\n";
  for (const LayerCase& c : layer_cases())
    for (const std::string& precision : precision_names())
      if (is_timed(c, precision)) add_layer(c, precision, peak);
  add_conversion("range/fp32", range);
  add_conversion("quantize/int8", quantize_floats);
  add_conversion("dequantize/int8", dequantize_bytes);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
