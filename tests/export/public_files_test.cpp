#include <filesystem>
#include <octet/io/load.hpp>
#include <octet/operators/all.hpp>
#include <set>

#include "support/exported.hpp"
#include "support/files.hpp"

// Every model among the shared files is written, read and written again in both formats: the same numbers, and of integer
// models the same bits.

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
  if (files.empty()) MESSAGE("skipped: no shared models");
  return files;
}

bool has_integer_layers(const Model& m) {
  return std::any_of(m.values.begin(), m.values.end(),
                     [](const Value& v) { return v.is_quantized() && !v.is_constant(); });
}
bool takes_numbers(const Model& m) {
  return std::all_of(m.inputs.begin(), m.inputs.end(), [&](int v) {
    return m.value(v).dtype == DType::f32 || is_byte(m.value(v).dtype);
  });
}

}  // namespace

TEST_CASE("export: every public model keeps its numbers in both formats, and in one after the other") {
  int compared = 0;
  for (const std::string& path : all_models()) {
    CAPTURE(path);
    Model m;
    try {
      m = load(path);
    } catch (const FormatError&) {
      continue;
    }
    if (!takes_numbers(m)) continue;
    const std::vector<AnyTensor> x = random_inputs(m, 1, 64);
    std::vector<AnyTensor> expected;
    try {
      expected = run_model(m, x);
    } catch (const Error& e) {
      MESSAGE(path, " DOES NOT RUN: ", std::string(e.what()));
      continue;
    }
    const bool integer = has_integer_layers(m);
    for (const std::vector<Format>& way :
         {std::vector<Format>{Format::onnx}, {Format::tflite}, {Format::tflite, Format::onnx}, {Format::onnx, Format::tflite}}) {
      std::string text;
      Model there = m;
      try {
        for (Format f : way) {
          text += std::string(" ") + testing::name(f);
          there = through(there, f);
        }
      } catch (const FormatError& e) {
        MESSAGE(path, text, " REFUSED: ", std::string(e.what()));
        continue;
      }
      CAPTURE(text);
      const Difference d = difference(expected, run_model(there, inputs_like(x, there)));
      ++compared;
      if (integer ? d.different != 0 : d.relative() > 1e-5)
        MESSAGE(path, text, " DIFFERS: ", d.different, " of ", d.elements, ", relative ", d.relative(), integer ? " integer" : "");
    }
  }
  MESSAGE(compared);
}
