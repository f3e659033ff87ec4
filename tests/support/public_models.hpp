#pragma once
#include <algorithm>
#include <filesystem>
#include <octet/io/load.hpp>

#include "exported.hpp"
#include "files.hpp"

/// The models among the shared files.
namespace testing {

inline std::vector<std::string> public_models() {
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
inline bool may_be_refused(const std::string& file, Format f) {
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
inline bool runs(const std::string& path, Model& m, std::vector<AnyTensor>& x, std::vector<AnyTensor>& y) {
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

/// Whether a tensor that is computed is quantized.
inline bool has_codes(const Model& m) {
  return std::any_of(m.values.begin(), m.values.end(),
                     [](const Value& v) { return v.is_quantized() && !v.is_constant(); });
}

}  // namespace testing
