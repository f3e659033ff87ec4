#include <doctest/doctest.h>

#include <filesystem>

#include <octet/core/element.hpp>
#include <octet/files/read_file.hpp>
#include <octet/io/load.hpp>
#include <octet/operators/all.hpp>

#include "testing.hpp"

// Compares published TFLite models with outputs of the TensorFlow runtime, if the folder of real models exists.

using namespace octet;

namespace {

namespace fs = std::filesystem;

/// The folder of models. Empty, with a message, if it does not exist.
fs::path models() {
#ifdef OCTET_SHARED_DIR
  const fs::path folder = fs::path(OCTET_SHARED_DIR) / "models";
  if (fs::exists(folder / "golden")) return folder;
#endif
  MESSAGE("skipped: the folder with real models does not exist");
  return {};
}

std::string contents(const fs::path& p) { return detail::read_file(p.string(), std::int64_t{1} << 30); }

/// The images of the files as one batch.
AnyTensor batch(const Model& m, const std::vector<fs::path>& files) {
  const Value& v = m.value(m.inputs[0]);
  std::string all;
  for (const fs::path& f : files) all += contents(f);
  Shape s = v.shape;
  s[0] = static_cast<std::int64_t>(files.size());
  REQUIRE(all.size() == bytes(v.dtype, s.elements()));
  return AnyTensor::make(v.dtype, s, [&](std::byte* p) { std::memcpy(p, all.data(), all.size()); });
}

/// Differences between a model's outputs and the reference for both images; in steps for integers.
std::vector<double> distances(const fs::path& folder, const std::string& model, const std::string& type,
                              const std::string& network, const std::string& size, Rounding rounding) {
  LoadOptions options;
  options.rounding = rounding;
  const Model m = load((folder / model).string(), options);
  const fs::path golden = folder / "golden";
  const auto file = [&](const char* image, const std::string& rest) {
    return golden / (type + "_" + image + "_" + rest);
  };
  const AnyTensor y = Executor(m).run({batch(m, {file("banana", size + ".input"), file("cup", size + ".input")})})[0];
  const std::string expected =
      contents(file("banana", network + ".output")) + contents(file("cup", network + ".output"));
  REQUIRE(y.shape() == Shape{2, 1001});
  REQUIRE(y.size_bytes() == expected.size());
  std::vector<double> d;
  for (std::int64_t i = 0; i < y.size(); ++i)
    d.push_back(std::abs(detail::load_element(y.dtype(), y.data(), i) -
                         detail::load_element(y.dtype(), reinterpret_cast<const std::byte*>(expected.data()), i)));
  return d;
}
double largest(const std::vector<double>& d) { return *std::max_element(d.begin(), d.end()); }

}  // namespace

TEST_CASE("tflite: float MobileNetV1 gives the reference outputs") {
  const fs::path folder = models();
  if (folder.empty()) return;
  CHECK(largest(distances(folder, "mobilenet_v1_0.25_128.tflite", "float", "v1_0.25_128", "128", Rounding::fp32)) <
        1e-4);
}

TEST_CASE("tflite: uint8 MobileNets give the reference outputs byte for byte with TFLite's rounding") {
  const fs::path folder = models();
  if (folder.empty()) return;
  struct Network {
    const char *file, *name, *size;
  };
  for (const Network& n : {Network{"mobilenet_v1_0.25_128_uint8_qat.tflite", "v1_0.25_128", "128"},
                           Network{"mobilenet_v2_1.0_224_uint8_qat.tflite", "v2_1.0_224", "224"}}) {
    CAPTURE(n.file);
    CHECK(largest(distances(folder, n.file, "uint8", n.name, n.size, Rounding::tflite_double)) == 0);
    const std::vector<double> d = distances(folder, n.file, "uint8", n.name, n.size, Rounding::fp32);
    CHECK(largest(d) > 0);
    CHECK(largest(d) <= 7);
  }
}

TEST_CASE("tflite: every published model loads and runs with any batch size and rounding") {
  const fs::path folder = models();
  if (folder.empty()) return;
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".tflite") continue;
    CAPTURE(entry.path().filename().string());
    ++files;
    for (const Rounding rounding : {Rounding::fp32, Rounding::tflite_single}) {
      LoadOptions options;
      options.rounding = rounding;
      const Model m = load(entry.path().string(), options);
      const Value& v = m.value(m.inputs[0]);
      Shape shape = v.shape;
      REQUIRE(shape[0] == Shape::unknown);
      shape[0] = 3;
      const AnyTensor x = AnyTensor::make(v.dtype, shape, [&](std::byte* p) {
        for (std::int64_t i = 0; i < shape.elements(); ++i)
          detail::store_element(v.dtype, p, i, static_cast<double>(i * 7 % 101) / (is_floating(v.dtype) ? 101 : 1));
      });
      Executor run(m);
      const AnyTensor all = run.run({x})[0];
      shape[0] = 1;
      const std::size_t one = bytes(v.dtype, shape.elements());
      const AnyTensor last =
          AnyTensor::make(v.dtype, shape, [&](std::byte* p) { std::memcpy(p, x.data() + 2 * one, one); });
      const AnyTensor y = run.run({last})[0];
      REQUIRE(all.size_bytes() == 3 * y.size_bytes());
      CHECK(std::memcmp(all.data() + 2 * y.size_bytes(), y.data(), y.size_bytes()) == 0);
    }
  }
  CHECK(files >= 8);
}

TEST_CASE("tflite: int8 networks give the outputs of LiteRT") {
  const fs::path folder = models();
  if (folder.empty()) return;
  // Four images of stripes, and the bytes that LiteRT 2.5.3 computes for them with XNNPACK (the default) and with its
  // own kernels.
  const auto outputs = [&](const char* file, std::int64_t size) {
    LoadOptions options;
    options.rounding = Rounding::tflite_single;  // int8 convolutions of LiteRT round once in both
    const Model m = load((folder / file).string(), options);
    Tensor<int8> x({4, size, size, 3});
    for (std::int64_t k = 0; k < 4; ++k)
      for (std::int64_t i = 0; i < size; ++i)
        for (std::int64_t j = 0; j < size; ++j)
          for (std::int64_t c = 0; c < 3; ++c) {
            const std::int64_t v = (j * (k + 2) * 96 / size * 3 + i * (5 - k) * 96 / size * 2 + c * 60 * k) % 256;
            x(k, i, j, c) = static_cast<int8>(v > 127 ? v - 256 : v);
          }
    const AnyTensor y = Executor(m).run(std::vector<AnyTensor>{x})[0];
    const View<const int8> bytes = y.view<int8>();
    return std::vector<int>(bytes.begin(), bytes.end());
  };
  CHECK(outputs("mlperf_tiny_resnet8_int8.tflite", 32) ==
        std::vector<int>{-88,  -33,  -128, -121, -128, -128, -128, -128, -128, -15,  -128, -83,  -128, -128,
                         -128, -128, -128, -128, 83,   -128, -128, -48,  -119, -128, -128, -128, 32,   -128,
                         -128, -121, -128, -128, 127,  -128, -128, -128, -128, -128, -127, -128});
  CHECK(outputs("mlperf_tiny_vww_int8.tflite", 96) == std::vector<int>{122, -122, 113, -113, 115, -115, -75, 75});
}
