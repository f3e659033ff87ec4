#include <octet/io/load.hpp>
#include <octet/models/mobilenet.hpp>
#include <octet/models/resnet.hpp>
#include <octet/models/small_cnn.hpp>

#include "support/device_networks.hpp"
#include "support/generated.hpp"

// C++ source that calls Arm's CMSIS-NN: its text, and its bits where there is a checkout of CMSIS-NN.

using namespace octet;
using namespace testing;

namespace {

CppOptions with_cmsis_nn() {
  CppOptions o;
  o.cmsis_nn = true;
  return o;
}

Model rounded_as(Model m, Rounding r) {
  m.rounding = r;
  return m;
}

/// What `text` is found how often.
int count(const CppSource& s, std::size_t file, const std::string& text) {
  int n = 0;
  for (std::size_t at = 0; (at = s.files.at(file).text.find(text, at)) != std::string::npos; ++at) ++n;
  return n;
}

/// Layers at the limits of what CMSIS-NN has: windows that end beyond the image, several outputs for each channel,
/// dilation, rows of a fully connected layer, one scale for all channels, products, differences, broadcast tensors.
Model limits() {
  Graph g;
  g.name = "limits";
  int v = g.add_input("x", {1, 7, 9, 4});
  unsigned seed = 1;
  const auto conv = [&](const Window& window, std::int64_t out, std::int64_t groups) {
    Convolution c;
    c.window = window;
    c.groups = groups;
    const Shape shape{out, window.kernel[0], window.kernel[1], g.value(v).shape.back() / groups};
    const int w = g.add_constant("w" + std::to_string(seed), random_tensor(shape, seed)),
              b = g.add_constant("b" + std::to_string(seed), random_tensor({out}, seed + 100));
    v = g.add("conv" + std::to_string(seed++), c, {v, w, b});
    return v;
  };
  Window ends(3, 3, 2, 1), point(1, 1, 2, 0), dilated(3, 2, 1, 1);
  conv(Window(3, 3, 1, 1), 8, 4);  // two outputs for each channel
  conv(dilated, 8, 8);
  dilated.dilations = {2, 1};
  conv(dilated, 8, 8);
  conv(dilated, 8, 1);
  const int a = conv(Window(3, 3, 1, 1), 8, 8), b = conv(Window(1, 1), 8, 1);
  v = g.add("product", Binary(BinaryKind::mul), {a, b});
  v = g.add("difference", Binary(BinaryKind::sub), {v, a});
  const int scales = g.add("scales", Reduce(ReduceKind::mean, {1, 2}, true), {v});
  v = g.add("sum", Binary(BinaryKind::add), {v, scales});
  ends.pads_after = {2, 2};  // the last window has one column of the image
  conv(ends, 8, 8);
  point.pads_after = {0, 2};
  conv(point, 6, 1);
  v = g.add("rows", FullyConnected(), {v, g.add_constant("rows/w", random_tensor({5, 6}, 50))});
  g.outputs = {g.add("softmax", Softmax(), {v})};
  return g;
}

/// One row, for which CMSIS-NN has a function of its own.
Model one_row() {
  Graph g;
  g.name = "one row";
  Convolution c;
  c.window.kernel = {1, 3};
  c.window.pads_before = {0, 2};
  c.window.pads_after = {0, 0};
  const int w = g.add_constant("w", random_tensor({5, 1, 3, 3}, 1)), x = g.add_input("x", {1, 1, 8, 3});
  MaxPool pool;
  pool.window.kernel = {1, 3};
  pool.window.strides = {1, 2};
  g.outputs = {g.add("pool", pool, {g.add("row", c, {x, w})})};
  return g;
}

/// Pools as in .tflite files: codes keep their scale.
Model pools(DType type = DType::i8) {
  Graph g;
  g.name = "pools";
  const auto codes = [&](int v) {
    g.value(v).quant = QuantParams(0.05f, 3);
    return v;
  };
  int v = codes(g.add_input("x", {1, 9, 8, 5}, type));
  AveragePool mean;
  mean.window = Window(3, 2, 2, 1);
  v = codes(g.add("mean", mean, {v}));
  MaxPool largest;
  largest.window = Window(2, 3, 1, 1);
  v = codes(g.add("largest", largest, {v}));
  mean.window = Window(2, 2, 1, 0);
  mean.include_padding = true;
  g.outputs = {codes(g.add("padded", mean, {v}))};
  g.rounding = Rounding::tflite_double;
  return g;
}

}  // namespace

TEST_CASE("cmsis_nn: the source calls CMSIS-NN where it has the layer") {
  const Model m = int8_of(blocks());
  const CppSource s = write_cpp(m, with_cmsis_nn()), loops = write_cpp(m);
  CHECK(count(s, 1, "if (!cmsis_convolution(layer_") == 3);  // first, second, last: a scale for each channel
  CHECK(count(s, 1, "if (!cmsis_depthwise(layer_") == 1);    // by_channel
  CHECK(count(s, 1, "if (!succeeded(arm_elementwise_add_s8(") == 1);
  CHECK(count(s, 1, "if (!cmsis_max_pool(layer_") == 1);
  CHECK(count(s, 1, "  convolution(layer_") == 1);  // by_group
  CHECK(count(s, 1, "FixedScaled<Fixed>{") == 1);   // with the same rounding
  CHECK(count(s, 1, "fixed_mean(") == 1);
  CHECK(count(s, 1, "  softmax(") == 1);
  CHECK(count(s, 1, "return true;") == 1);
  CHECK(count(s, 0, "bool run(const float* in_0, float* out_0) noexcept;") == 1);
  CHECK(count(s, 2, "#include <arm_nnfunctions.h>") == 1);
  CHECK(count(s, 2, "#if defined(CMSIS_NN_USE_SINGLE_ROUNDING)\n#  error \"the model rounds twice") == 1);
  CHECK(count(s, 2, "cmsis_fully_connected") == 0);  // only what is needed
  CHECK(s.layers == 11);                             // also the conversions of input and output
  CHECK(s.cmsis_nn_layers == 6);
  REQUIRE(s.notes.size() == 2);
  CHECK(s.notes[0] == "the rounding is tflite_double, as CMSIS-NN's, instead of the model's");
  CHECK(s.notes[1].find("1 sums") == 0);
  for (std::size_t file = 0; file < 3; ++file)
    CHECK(count(s, file, "// For CMSIS-NN, the rounding is tflite_double") == 1);
  // Scratch memory of the convolutions is in the arena: of by_channel 4 * 124 * 9 bytes.
  CHECK(s.arena_bytes >= loops.arena_bytes);
  CHECK(s.arena_bytes >= 2 * 9 * 9 * 8 + 4 * 124 * 9);
  CHECK(count(s, 1, ", 4464};") == 1);
  for (std::size_t file = 0; file < 3; ++file) CHECK(count(loops, file, "msis") == 0);
  CHECK(loops.cmsis_nn_layers == 0);
}

TEST_CASE("cmsis_nn: the rounding is the model's, or tflite_double") {
  const Model m = int8_of(small_cnn());
  CHECK(for_cmsis_nn(m).rounding == Rounding::tflite_double);
  CHECK(for_cmsis_nn(rounded_as(m, Rounding::litert)).rounding == Rounding::tflite_double);
  const CppSource once = write_cpp(rounded_as(m, Rounding::tflite_single), with_cmsis_nn());
  CHECK(once.notes.empty());
  CHECK(count(once, 2, "#if !defined(CMSIS_NN_USE_SINGLE_ROUNDING)\n#  error \"the model rounds once") == 1);
  // A second time nothing changes.
  CHECK(write_cpp(for_cmsis_nn(int8_of(blocks())), with_cmsis_nn()).notes.empty());
}

TEST_CASE("cmsis_nn: what CMSIS-NN does not have, or would compute otherwise, stays a loop") {
  const CppSource s = write_cpp(int8_of(limits()), with_cmsis_nn());
  CHECK(count(s, 1, "if (!cmsis_depthwise(layer_") == 4);
  CHECK(count(s, 1, "if (!cmsis_convolution(layer_") == 3);
  CHECK(count(s, 1, "if (!succeeded(arm_elementwise_mul_s8(") == 1);
  CHECK(count(s, 1, "FixedAddition<Fixed>{") == 2);     // the difference, and the broadcast sum
  CHECK(count(s, 1, "  depthwise_convolution(") == 1);  // these two have windows
  CHECK(count(s, 1, "  convolution(") == 1);            // whose middle is outside of the image
  const CppSource p = write_cpp(pools(), with_cmsis_nn());
  CHECK(count(p, 1, "if (!cmsis_average_pool(") == 1);
  CHECK(count(p, 1, "if (!cmsis_max_pool(") == 1);
  CHECK(count(p, 1, "  fixed_average_pool(") == 1);  // whose padding counts
  const CppSource b = write_cpp(pools(DType::u8), with_cmsis_nn());
  CHECK(count(b, 0, "bool run(const std::uint8_t* in_0, std::uint8_t* out_0) noexcept;") == 1);
  CHECK(count(b, 1, "  lookup(") == 2);  // conversions to int8 and back
  CHECK(count(b, 1, "if (!cmsis_max_pool(") == 1);
  CHECK(count(b, 1, "  fixed_average_pool(") == 2);  // its mean rounds away from another code
}

namespace {

/// Models with a rounding of CMSIS-NN: small ones, and those of MLPerf Tiny.
void add_small(GeneratedPrograms& p, Rounding r) {
  p.add("small_cnn", rounded_as(int8_of(small_cnn()), r));
  p.add("blocks", rounded_as(int8_of(blocks()), r));
  p.add("windows", rounded_as(int8_of(windows()), r));
  p.add("kws", rounded_as(int8_of(keyword_spotting()), r));
  p.add("limits", rounded_as(int8_of(limits()), r));
  p.add("one row", rounded_as(int8_of(one_row()), r));
  p.add("pools", rounded_as(pools(), r));
  p.add("pools of uint8", rounded_as(pools(DType::u8), r));
}
void add_tiny(GeneratedPrograms& p, Rounding r) {
  for (const char* name : {"mlperf_tiny_resnet8_int8.tflite", "mlperf_tiny_vww_int8.tflite"})
    if (const std::string path = shared_file("models/" + std::string(name)); !path.empty())
      p.add(name, rounded_as(load(path), r), 2);
}

}  // namespace

TEST_CASE("cmsis_nn: compiled with CMSIS-NN, programs have the executor's bits") {
  const std::string compiler = host_compiler(), folder = cmsis_nn_folder();
  if (compiler.empty() || folder.empty()) {
    MESSAGE("skipped: no C++ compiler, or no CMSIS-NN (OCTET_CMSIS_NN_DIR)");
    return;
  }
  GeneratedPrograms twice(folder), once(folder);
  add_small(twice, Rounding::tflite_double);
  add_tiny(twice, Rounding::tflite_double);
  twice.add("mobilenet_v2", int8_of(mobilenet_v2(tiny())));
  twice.check(compiler, "-O2");
  add_small(once, Rounding::tflite_single);
  add_tiny(once, Rounding::tflite_single);
  once.check(compiler, "-O2 -DCMSIS_NN_USE_SINGLE_ROUNDING");
}

TEST_CASE("cmsis_nn: Cortex-M devices compute the executor's bits with CMSIS-NN") {
  const std::string folder = cmsis_nn_folder();
  if (folder.empty() || std::system("arm-none-eabi-g++ --version > /dev/null 2>&1") != 0 ||
      std::system("qemu-system-arm --version > /dev/null 2>&1") != 0) {
    MESSAGE("skipped: no CMSIS-NN (OCTET_CMSIS_NN_DIR), no arm-none-eabi-g++ or no qemu-system-arm");
    return;
  }
  GeneratedPrograms small(folder), tiny(folder), once(folder);  // as large as the devices' memory
  add_small(small, Rounding::tflite_double);
  add_tiny(tiny, Rounding::tflite_double);
  add_small(once, Rounding::tflite_single);
  const char *m3 = "-mcpu=cortex-m3 -mthumb", *m4 = "-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16",
             *m55 = "-mcpu=cortex-m55 -mthumb -mfloat-abi=hard";
  for (const GeneratedPrograms* p : {&small, &tiny}) {
    p->check_device(m3, "mps2-an385", OCTET_DEVICE_START);   // plain C
    p->check_device(m4, "mps2-an386", OCTET_DEVICE_START);   // DSP
    p->check_device(m55, "mps3-an547", OCTET_DEVICE_START);  // MVE
  }
  once.check_device(std::string(m55) + " -DCMSIS_NN_USE_SINGLE_ROUNDING", "mps3-an547", OCTET_DEVICE_START);
}
