// Times of single layers and conversions on one thread. Names are network/layer/precision; --benchmark_filter
// picks.
#include <benchmark/benchmark.h>

#include <iostream>
#include <octet/report/machine.hpp>

#include "layers.hpp"
#include "models.hpp"
#include "peak.hpp"

using namespace octet;

namespace {

/// A layer ready to run, without the conversions at the borders of its model.
class Layer {
 public:
  Layer(const LayerCase& c, const std::string& precision) : Layer(c.make(c), precision) {}

  /// Seconds of one run.
  double run() {
    executor_.run(in_.data(), out_.data());
    double ms = 0;
    macs_ = elements_ = 0;
    const std::vector<LayerTime> times = executor_.layer_times();
    for (const LayerTime& t : times) {
      if (t.type == Convert::type_name) continue;
      ms += t.milliseconds;
      macs_ += t.macs;
    }
    for (const TensorRef& o : out_) elements_ += o.shape.elements();
    return ms / 1e3;
  }
  std::int64_t macs() const { return macs_; }
  std::int64_t elements() const { return elements_; }  // of the output

 private:
  static ExecutorOptions one_thread() {
    ExecutorOptions o;
    o.threads = 1;
    return o;
  }
  Layer(const Model& model, const std::string& precision)
      : inputs_(random_inputs(model)), executor_(in_precision(model, precision), one_thread()) {
    std::vector<Shape> shapes;
    for (const AnyTensor& t : inputs_) shapes.push_back(t.shape()), in_.push_back(t.ref());
    for (const Shape& s : executor_.plan(shapes)) outputs_.push_back(Tensor<float>::uninitialized(s));
    for (Tensor<float>& t : outputs_) out_.push_back({DType::f32, t.shape(), reinterpret_cast<std::byte*>(t.data())});
    executor_.profile(true);
  }

  std::vector<AnyTensor> inputs_;
  Executor executor_;
  std::vector<Tensor<float>> outputs_;
  std::vector<TensorRef> in_, out_;
  std::int64_t macs_ = 0, elements_ = 0;
};

void time_layer(benchmark::State& state, const LayerCase& c, const std::string& precision, double peak) {
  // Google Benchmark calls this several times, with more and more iterations.
  static std::string last;
  static std::unique_ptr<Layer> layer;
  if (last != c.name + precision) {
    layer.reset();
    layer = std::make_unique<Layer>(c, precision);
    layer->run();
    last = c.name + precision;
  }
  double seconds = 0;
  for (auto _ : state) {
    const double s = layer->run();
    seconds += s;
    state.SetIterationTime(s);
  }
  const double rate = static_cast<double>(state.iterations()) / seconds;
  const double macs = static_cast<double>(layer->macs()) * rate;
  if (macs > 0) {
    state.counters["GMAC/s"] = macs / 1e9;
    if (peak > 0) state.counters["% of peak"] = 100 * macs / peak;
  } else {
    state.counters["Gelem/s"] = static_cast<double>(layer->elements()) * rate / 1e9;
  }
}

void time_quantize(benchmark::State& state) {
  const Tensor<float> x = random_tensor({state.range(0)});
  auto q = Tensor<std::uint8_t>::uninitialized(x.shape());
  octet::detail::QuantizeF32 a;
  a.in = x.data(), a.out = q.data(), a.count = x.size();
  a.scale = 1 / 127.0f, a.zero_point = 128, a.flip = 0x80;
  for (auto _ : state) {
    octet::detail::kernels().quantize_f32(a);
    benchmark::ClobberMemory();
  }
  state.counters["Gelem/s"] =
      benchmark::Counter(static_cast<double>(x.size()) / 1e9, benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const Peak peak = measure_peak(active_isa());
  std::cerr << machine_description(1) << ", peak int8 " << peak.int8 / 1e9 << ", float " << peak.f32 / 1e9
            << " GMAC/s\n";
  for (const LayerCase& c : layer_cases())
    for (const char* precision : {"int8", "fp32"}) {
      const std::string name = c.name + "/" + precision;
      const double best = std::string("int8") == precision ? peak.int8 : peak.f32;
      benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& s) { time_layer(s, c, precision, best); })
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond);
    }
  for (const std::int64_t n : {4096, 32768, 262144, 16777216})
    benchmark::RegisterBenchmark("quantize/int8", time_quantize)->Arg(n)->Unit(benchmark::kMicrosecond);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
