#include <cstring>
#include <octet/core/cpu.hpp>
#include <octet/io/load.hpp>
#include <octet/io/try.hpp>
#include <octet/models/builder.hpp>
#include <octet/models/mobilenet.hpp>
#include <octet/models/resnet.hpp>
#include <octet/models/small_cnn.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/device_networks.hpp"
#include "support/every_operator.hpp"
#include "support/generated.hpp"
#include "support/models.hpp"

// C++ source for devices is compiled, and gives the executor's bits.

using namespace octet;
using namespace testing;
using namespace testing::every_operator;

namespace {

/// Cases of every_operator.hpp that C++ source does not have, by the start of their names: among others, what octet
/// computes in float.
bool is_refused(const std::string& name) {
  for (const char* start : {"Compress",
                            "SoftNonMaxSuppression",
                            "NonMaxSuppression",
                            "NonZero",
                            "SizesOf",
                            "NumberRange",
                            "Parametrized",
                            "ArgMax",
                            "Binary 10",
                            "Binary 11",
                            "Binary 12",
                            "Binary 13 by channel",
                            "Binary 13 of",
                            "Binary 14 by channel",
                            "Binary 14 of",
                            "Binary 15 by channel",
                            "Binary 15 of",
                            "Binary 3 by channel",
                            "Binary 3 of",
                            "Binary 4 by channel",
                            "Binary 4 of",
                            "Binary 5 by channel",
                            "Binary 5 of",
                            "Binary 6 by channel",
                            "Binary 6 of",
                            "Binary 7",
                            "Binary 8",
                            "Binary 9",
                            "Convert there",
                            "CumulativeSum",
                            "DynamicQuantizeLinear",
                            "Expand",

                            "LocalResponse",
                            "MatMul",
                            "MaxPool with indices",
                            "QuantizeLinear",
                            "Reduce 0 of 1",
                            "Reduce 1",
                            "Reduce 2",
                            "Reduce 3",
                            "Reduce 5",
                            "Resize 1",
                            "Resize 2",
                            "TopK",
                            "TransposedConvolution",
                            "Unpool",
                            "Where",
                            "logarithm"})
    if (name.compare(0, std::strlen(start), start) == 0) return true;
  return false;
}

/// The small networks.
void add_networks(GeneratedPrograms& p) {
  p.add("small_cnn", int8_of(small_cnn()));
  p.add("blocks", int8_of(blocks()));
  Model centered = int8_of(blocks());
  centered.rounding = Rounding::fp32_centered;
  p.add("centered", centered);
  p.add("windows", int8_of(windows()));
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
    for (Model m : {int8_of(small_cnn()), int8_of(blocks()), int8_of(windows()), int8_of(keyword_spotting())}) {
      m.rounding = r;
      p.add(m.name + " with TFLite's rounding", m);
    }
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
  int written = 0;
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    Graph g;
    try {
      g = network(c, 1);
    } catch (const ShapeError&) {  // its constants have a batch of 4
      continue;
    }
    const Model m = quantize<int8>(g, calibrate(g, {random_tensor({1, 6, 6, 8}, 9, -1, 1)}));
    if (is_refused(c.name)) {
      CHECK_THROWS_WITH_AS(write_cpp(m), doctest::Contains("C++ source"), FormatError);
      CHECK_THROWS_WITH_AS(write_cpp(m), doctest::Contains("layer '"), FormatError);
      continue;
    }
    p.add(c.name, m, 2);
    ++written;
  }
  CHECK(written >= 50);
  if (compiler.empty())
    MESSAGE("not compiled: no C++ compiler");
  else
    p.check(compiler, "-O1");
}

namespace {

QuantParams codes(float scale, std::int32_t zero) { return {scale, zero}; }

/// Two inputs; outputs that are a sum, an input in another shape, the sum again, and numbers of a float bias.
Model many_ends() {
  Graph g;
  g.name = "many";
  const auto with = [&](int v, const QuantParams& q) {
    g.value(v).quant = q;
    return v;
  };
  const int a = with(g.add_input("a", {1, 4, 4, 2}, DType::i8), codes(0.05f, 3)),
            b = with(g.add_input("b", {1, 1, 4, 2}, DType::i8), codes(0.03f, -7));
  const int sum = with(g.add("sum", Binary(BinaryKind::sub), {a, b}), codes(0.06f, 1));
  const int joined = with(g.add("joined", Concat(3), {sum, a}), codes(0.07f, 0));
  Pad pad;
  pad.before = {0, 1, 0, 0};
  pad.after = {0, 0, 2, 0};
  pad.value = 0.07;
  const int padded = with(g.add("padded", pad, {joined}), codes(0.07f, 0));
  const int part = with(g.add("part", Slice({1, 4}, {4, 0}, {1, 3}, {1, -1}), {padded}), codes(0.07f, 0));
  const int turned = with(g.add("turned", Transpose({0, 3, 1, 2}), {part}), codes(0.07f, 0));
  const int flat = with(g.add("flat", Flatten(1), {turned}), codes(0.07f, 0));
  const std::int64_t k = g.value(flat).shape.back();
  const int w = g.add_constant("w", random_integers<std::int8_t>({5, k}, 3, -127, 127), {0.01f, 0}),
            bias = g.add_constant("bias", random_tensor({5}, 4));
  const int last = with(g.add("last", FullyConnected(), {flat, w, bias}), codes(0.5f, -9));
  const int same = with(g.add("same", Reshape({16, 2}), {a}), codes(0.05f, 3));
  g.outputs = {sum, same, sum, last};
  return g;
}

bool has_text(const CppSource& s, std::size_t file, const std::string& text) {
  return s.files.at(file).text.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("export_cpp: several inputs and outputs") {
  const Model m = many_ends();
  CHECK(has_text(write_cpp(m), 0, "void run(const std::int8_t* in_0, const std::int8_t* in_1, std::int8_t* out_0, "));
  const std::string compiler = host_compiler();
  if (compiler.empty()) return;
  GeneratedPrograms p;
  p.add("many ends", m, 4);
  p.check(compiler, "-O2");
}

TEST_CASE("export_cpp: an output that joins unlike ranges stays float") {
  Graph g;
  g.name = "boxes";
  const int x = g.add_input("x", {Shape::unknown, 6, 6, 4});
  std::vector<int> parts;
  for (const auto& [name, size] : {std::pair<const char*, float>{"boxes", 100.0f}, {"scores", 0.01f}}) {
    const int w = g.add_constant(std::string(name) + "/weights", random_tensor({3, 1, 1, 4}, 70, -size, size));
    parts.push_back(g.add(name, Convolution(), {x, w}));
  }
  const int joined = g.add("joined", Concat(3), parts);
  g.outputs = {g.add("turned", Transpose({0, 3, 1, 2}), {joined})};
  const Model m = int8_of(g);
  CHECK(has_text(write_cpp(m), 0, "float* out_0"));
  const std::string compiler = host_compiler();
  if (compiler.empty()) return;
  GeneratedPrograms p;
  p.add("boxes", m, 4);
  p.check(compiler, "-O2");
}

TEST_CASE("export_cpp: codes in place of floats") {
  const Model m = int8_of(blocks());
  CppOptions o;
  o.integer_ends = true;
  const CppSource s = write_cpp(m, o);
  CHECK(has_text(s, 0, "void run(const std::int8_t* in_0, std::int8_t* out_0) noexcept;"));
  CHECK_FALSE(has_text(s, 2, "quantize("));
  const std::string compiler = host_compiler();
  if (compiler.empty()) return;
  // A program that does what the other one does with floats.
  const Tensor<std::int8_t> codes = random_integers<std::int8_t>({1, 17, 17, 3}, 8, -128, 127);
  const TemporaryFolder folder;
  save_cpp(s, folder / "");
  folder.write("in", {reinterpret_cast<const char*>(codes.data()), codes.size_bytes()});
  folder.write("main.cpp",
               "#include <cstdio>\n#include \"model.cpp\"\n"
               "using namespace model;\n"
               "int main() {\n"
               "  static std::int8_t in[input_0::size], out[output_0::size];\n"
               "  float x[input_0::size], y[output_0::size];\n"
               "  if (std::fread(in, 1, sizeof in, stdin) != sizeof in) return 1;\n"
               "  run(in, out);\n"
               "  for (std::size_t i = 0; i < input_0::size; ++i)\n"
               "    x[i] = static_cast<float>(in[i] - input_0::zero_point) * input_0::scale;\n"
               "  for (std::size_t i = 0; i < output_0::size; ++i)\n"
               "    y[i] = static_cast<float>(out[i] - output_0::zero_point) * output_0::scale;\n"
               "  std::fwrite(x, 1, sizeof x, stdout);\n"
               "  std::fwrite(y, 1, sizeof y, stdout);\n"
               "}\n");
  REQUIRE(
      succeeds("cd '" + (folder / "") + "' && " + compiler + " -std=c++17 main.cpp -o program && ./program < in > out",
               folder / "log"));
  Tensor<float> x({1, 17, 17, 3});
  Tensor<float> y({1, 7});
  std::ifstream file(folder / "out", std::ios::binary);
  file.read(reinterpret_cast<char*>(x.data()), static_cast<std::streamsize>(x.size_bytes()));
  file.read(reinterpret_cast<char*>(y.data()), static_cast<std::streamsize>(y.size_bytes()));
  REQUIRE(file.good());
  const Tensor<float> expected = floats(run_model(m, {AnyTensor(x)})[0]);
  CHECK(largest_difference(expected, y) == 0);
}

TEST_CASE("export_cpp: the files say what they need") {
  const Model m = int8_of(blocks());
  CppOptions o;
  o.name = "tiny_model";
  const CppSource s = write_cpp(m, o);
  REQUIRE(s.files.size() == 3);
  CHECK(s.files[0].name == "tiny_model.hpp");
  CHECK(s.files[1].name == "tiny_model.cpp");
  CHECK(s.files[2].name == "tiny_model_kernels.hpp");
  CHECK(has_text(s, 0, "inline constexpr std::size_t arena_bytes = " + std::to_string(s.arena_bytes) + ";"));
  CHECK(has_text(s, 0, "inline constexpr std::size_t constant_bytes = " + std::to_string(s.constant_bytes) + ";"));
  CHECK(has_text(s, 0, "inline constexpr std::int32_t shape[] = {1, 17, 17, 3};"));
  CHECK_FALSE(has_text(s, 2, "lookup"));  // only kernels that are needed
  // Buffers are reused: the input of 867 codes, and one of 9 x 9 x 8 that the convolution's sum is computed in.
  CHECK(s.arena_bytes < 3 * 9 * 9 * 8);
  const CppSource again = write_cpp(m, o);
  for (std::size_t i = 0; i < 3; ++i) CHECK(again.files[i].text == s.files[i].text);
}

TEST_CASE("export_cpp: what cannot be written is an error, and leaves nothing behind") {
  const TemporaryFolder folder;
  const std::string target = folder / "new/folder";
  const auto refuses = [&](const Model& m, const std::string& text, const CppOptions& o = {}) {
    CHECK_THROWS_WITH_AS(export_cpp(m, target, o), doctest::Contains(text.c_str()), FormatError);
    CHECK(!std::filesystem::exists(folder / "new"));
  };
  refuses(small_cnn(), "layer 'conv' (Convolution): reads or writes 'input' as float32");
  const Result<CppSource> failed = try_write_cpp(small_cnn());
  CHECK(!failed.ok());
  const Model good = int8_of(small_cnn());
  for (const char* name :
       {"", "a b", "1st", "a__b", "_a", "class", "concept", "size_t", "linux", "main", "std", "a\nb", "../up"}) {
    CppOptions o;
    o.name = name;
    refuses(good, "cannot be that of a C++ namespace", o);
  }
  Model open = good;
  open.value(open.inputs[0]).shape = {Shape::unknown, Shape::unknown, 28, 1};
  CHECK_THROWS_AS(export_cpp(open, target), Error);
  Model batch = good;
  batch.value(batch.inputs[0]).shape = {8, 28, 28, 1};
  refuses(batch, "batch of one image");
  CHECK(!std::filesystem::exists(folder / "new"));

  // A file in the way of the folder, and a folder in the way of a file.
  const std::string file = folder.write("file", "text");
  CHECK_THROWS_WITH_AS(export_cpp(good, file), doctest::Contains("cannot create folder"), FormatError);
  CHECK_THROWS_AS(export_cpp(good, file + "/below"), FormatError);
  std::filesystem::create_directories(target + "/model.cpp");
  CHECK_THROWS_AS(export_cpp(good, target), FormatError);
  CHECK(!std::filesystem::exists(target + "/model.hpp"));
  std::filesystem::remove(target + "/model.cpp");
  CHECK(export_cpp(good, target).files.size() == 3);
  CHECK(std::filesystem::file_size(target + "/model.cpp") > 10000);
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
