#include <octet/core/cpu.hpp>
#include <octet/io/load.hpp>
#include <octet/models/builder.hpp>
#include <octet/models/mobilenet.hpp>
#include <octet/models/resnet.hpp>
#include <octet/models/small_cnn.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <set>

#include "support/every_operator.hpp"
#include "support/generated.hpp"
#include "support/models.hpp"

// C++ source for devices is compiled, and gives the executor's bits.

using namespace octet;
using namespace testing;
using namespace testing::every_operator;

namespace {

Model int8_of(const Model& m, const Int8Options& o = {}) {
  std::vector<Tensor<float>> batches;
  for (unsigned i = 0; i < 2; ++i) batches.push_back(floats(random_inputs(m, 20 + i)[0]));
  return quantize<int8>(m, calibrate(m, batches), o);
}

/// Cases of every_operator.hpp that C++ source does not have.
const std::set<std::string>& refused() {
  static const std::set<std::string> all{};
  return all;
}

/// Residual blocks, pooling, convolutions of all kinds, softmax.
Model blocks() {
  detail::NetworkBuilder b("blocks \\ \n \"name\"", 17, 3, 5);
  b.conv("first", 8, 3, 2, 1, 1, true).relu("relu1");
  const int skip = b.current();
  b.conv("second", 8, 3, 1, 1, 1, true).add("sum", skip).relu("relu2");
  b.conv("by_channel", 8, 3, 1, 1, 8, true).relu6("relu3");
  b.conv("by_group", 12, 3, 2, 2, 4, true);
  b.max_pool("max", 3, 1, 1).global_average("mean").linear("last", 7).softmax("softmax");
  return b.finish();
}

/// The network for keyword spotting of MLPerf Tiny (DS-CNN), with random weights: 49 x 10 features, 12 words.
Model keyword_spotting() {
  Graph g;
  g.name = "kws";
  int v = g.add_input("features", {Shape::unknown, 49, 10, 1});
  unsigned seed = 1;
  const auto conv = [&](const Window& window, std::int64_t in, std::int64_t out, std::int64_t groups) {
    Convolution c;
    c.window = window;
    c.window.padding = Window::Padding::same_upper;
    c.groups = groups;
    c.activation = {0, std::numeric_limits<double>::infinity()};
    const std::int64_t taps = window.taps() * in / groups;
    const float size = std::sqrt(6.0f / static_cast<float>(taps));
    const Shape shape{out, window.kernel[0], window.kernel[1], in / groups};
    const std::string name = "conv" + std::to_string(seed);
    const int w = g.add_constant(name + "/weights", random_tensor(shape, seed, -size, size)),
              b = g.add_constant(name + "/bias", random_tensor({out}, seed + 1, -0.1f, 0.1f));
    seed += 2;
    v = g.add(name, c, {v, w, b});
  };
  Window first(10, 4);
  first.strides = {2, 2};
  conv(first, 1, 64, 1);
  for (int i = 0; i < 4; ++i) {
    conv(Window(3, 3), 64, 64, 64);
    conv(Window(1, 1), 64, 64, 1);
  }
  AveragePool pool;
  pool.window = Window(25, 5);
  v = g.add("flatten", Flatten(1), {g.add("pool", pool, {v})});
  const int w = g.add_constant("words/weights", random_tensor({12, 64}, 50, -0.3f, 0.3f)),
            b = g.add_constant("words/bias", random_tensor({12}, 51));
  g.outputs = {g.add("softmax", Softmax(), {g.add("words", FullyConnected(), {v, w, b})})};
  return g;
}

/// The small networks.
void add_networks(GeneratedPrograms& p) {
  p.add("small_cnn", int8_of(small_cnn()));
  p.add("blocks", int8_of(blocks()));
  p.add("kws", int8_of(keyword_spotting()));
  for (const char* name : {"mlperf_tiny_resnet8_int8.tflite", "mlperf_tiny_vww_int8.tflite"})
    if (const std::string path = shared_file("models/" + std::string(name)); !path.empty()) p.add(name, load(path), 2);
}

}  // namespace

TEST_CASE("export_cpp: networks give the executor's bits") {
  const std::string compiler = host_compiler();
  if (compiler.empty()) {
    MESSAGE("skipped: no C++ compiler");
    return;
  }
  GeneratedPrograms p;
  add_networks(p);
  p.add("mobilenet_v2", int8_of(mobilenet_v2(tiny())));
  for (Rounding r : {Rounding::tflite_double, Rounding::tflite_single}) {
    Model m = int8_of(small_cnn());
    m.rounding = r;
    p.add("small_cnn with TFLite's rounding", m);
  }
  if (const std::string path = shared_file("models/mobilenet_v1_0.25_128_uint8_qat.tflite"); !path.empty())
    p.add("mobilenet_v1 with uint8 codes", load(path), 1);
  p.check(compiler, "-O2");
  // Products and sums may become one operation without other bits.
  if (has_isa(Isa::avx2)) p.check(compiler, "-O2 -mavx2 -mfma -ffp-contract=fast");
  const std::string narrow = compiler + " -m32 -msse2 -mfpmath=sse";
  const std::string test = "echo 'int main() {}' | " + narrow + " -x c++ - -o /dev/null > /dev/null 2>&1";
  if (std::system(test.c_str()) == 0)
    p.check(compiler, "-O2 -m32 -msse2 -mfpmath=sse");
  else
    MESSAGE("not compiled for 32-bit x86");
}

TEST_CASE("export_cpp: every operator is written or refused by name") {
  const std::string compiler = host_compiler();
  GeneratedPrograms p;
  std::set<std::string> without;
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    try {
      const Graph g = network(c, 1);
      p.add(c.name, quantize<int8>(g, calibrate(g, {random_tensor({1, 6, 6, 8}, 9, -1, 1)})), 2);
    } catch (const ShapeError&) {  // its constants have a batch of 4
    } catch (const FormatError& e) {
      CHECK(std::string(e.what()).find("layer '") != std::string::npos);
      without.insert(c.name + "   " + e.what());
    }
  }
  CHECK(refused().empty());
  for (const std::string& s : without) MESSAGE(s);
  if (compiler.empty())
    MESSAGE("not compiled: no C++ compiler");
  else
    p.check(compiler, "-O1");
}

TEST_CASE("export_cpp: Cortex-M devices compute the executor's bits") {
  if (std::system("arm-none-eabi-g++ --version > /dev/null 2>&1") != 0 ||
      std::system("qemu-system-arm --version > /dev/null 2>&1") != 0) {
    MESSAGE("skipped: no arm-none-eabi-g++ or no qemu-system-arm");
    return;
  }
  GeneratedPrograms p;
  add_networks(p);
  p.check_device("-mcpu=cortex-m3 -mthumb", "mps2-an385", OCTET_DEVICE_START);  // without FPU
  p.check_device("-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16", "mps2-an386", OCTET_DEVICE_START);
  p.check_device("-mcpu=cortex-m55 -mthumb -mfloat-abi=hard", "mps3-an547", OCTET_DEVICE_START);
}
