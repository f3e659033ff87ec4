#include <filesystem>
#include <octet/io/load.hpp>
#include <octet/operators/all.hpp>

#include "support/exported.hpp"
#include "support/files.hpp"

// Every model among the shared files is written and read in both formats, and in one after the other: the same numbers,
// and of integer models the same bits. What a format does not have is an error that names the layer or tensor.

using namespace octet;
using namespace testing;

namespace {

std::vector<std::string> all_models() {
  std::vector<std::string> files;
  for (const char* folder : {"models", "cases/onnx", "cases/tflite", "cases/models", "reference/exchange"}) {
    const std::string path = shared_file(folder);
    if (path.empty()) continue;
    for (const auto& entry : std::filesystem::directory_iterator(path))
      if (entry.path().extension() == ".onnx" || entry.path().extension() == ".tflite")
        files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Files with a layer that ONNX or TFLite has no form of, or octet does not write, by the start of their names.
bool may_be_refused(const std::string& file, Format f) {
  // Activations of 16 bits, or with a scale for each channel; scales of blocks; 8-bit floats.
  std::vector<std::string> starts{"blocked_int4", "fp8", "ms_qdq", "q_per_channel_act", "qdq_u16"};
  if (f == Format::tflite)
    for (const char* start :
         {"convinteger", "convt_g", "matmulinteger", "mnist_quantized_conv_integer", "quantize_conv_integer", "resize_",
          "fc_dynamic_range" /* quantized at run time, if it was .onnx before */})
      starts.push_back(start);
  return std::any_of(starts.begin(), starts.end(),
                     [&](const std::string& s) { return file.compare(0, s.size(), s) == 0; });
}

/// The model, and what it gives for an input. False if octet does not run the file on random numbers.
bool runs(const std::string& path, Model& m, std::vector<AnyTensor>& x, std::vector<AnyTensor>& y) {
  try {
    m = load(path);
    for (int v : m.inputs)
      if (m.value(v).dtype != DType::f32 && !is_byte(m.value(v).dtype)) return false;
    x = random_inputs(m, 1, 64);
    y = run_model(m, x);
  } catch (const Error&) {
    return false;
  }
  return true;
}

}  // namespace

TEST_CASE("export: every public model keeps its numbers in both formats, and in one after the other") {
  const std::vector<std::string> files = all_models();
  if (files.empty()) MESSAGE("skipped: no shared models");
  int integer = 0, real = 0;
  for (const std::string& path : files) {
    CAPTURE(path);
    Model m;
    std::vector<AnyTensor> x, expected;
    if (!runs(path, m, x, expected)) continue;
    const bool quantized = std::any_of(m.values.begin(), m.values.end(),
                                       [](const Value& v) { return v.is_quantized() && !v.is_constant(); });
    using Way = std::vector<Format>;
    for (const Way& way : {Way{Format::onnx}, Way{Format::tflite}, Way{Format::tflite, Format::onnx},
                           Way{Format::onnx, Format::tflite}}) {
      Model there = m;
      std::string passed;
      bool refused = false;
      CAPTURE(passed);
      for (Format f : way) {
        passed += std::string(" ") + testing::name(f);
        if (refused) break;
        try {
          there = through(there, f);
        } catch (const FormatError& e) {
          refused = true;
          const std::string text = e.what(), file = std::filesystem::path(path).filename().string();
          CAPTURE(text);
          CHECK(may_be_refused(file, f));
          CHECK((text.find("layer '") == 0 || text.find("constant '") == 0 || text.find("tensor '") == 0));
        }
      }
      if (refused) continue;
      const Difference d = difference(expected, run_model(there, inputs_like(x, there)));
      if (quantized)
        CHECK(d.different == 0);
      else
        CHECK(d.relative() <= 1e-5);
      (quantized ? integer : real) += 1;
    }
  }
  if (!files.empty()) {
    CHECK(integer >= 100);
    CHECK(real >= 100);
  }
  MESSAGE(integer, " ways of integer models, ", real, " of others");
}
