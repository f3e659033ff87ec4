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

/// Residual blocks, pooling of all kinds, depthwise convolutions, softmax.
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

}  // namespace

TEST_CASE("export_cpp: networks give the executor's bits") {
  const std::string compiler = host_compiler();
  if (compiler.empty()) {
    MESSAGE("skipped: no C++ compiler");
    return;
  }
  GeneratedPrograms p;
  p.add("small_cnn", int8_of(small_cnn()));
  p.add("blocks", int8_of(blocks()));
  p.add("mobilenet", int8_of(mobilenet_v2(tiny())));
  for (const char* name :
       {"mlperf_tiny_resnet8_int8.tflite", "mlperf_tiny_vww_int8.tflite", "mobilenet_v1_0.25_128_uint8_qat.tflite"})
    if (const std::string path = shared_file("models/" + std::string(name)); !path.empty()) {
      CAPTURE(path);
      p.add(name, load(path), 2);
    }
  p.check(compiler, "-O2");
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
