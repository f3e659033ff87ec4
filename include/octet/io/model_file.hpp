#pragma once
#include "../graph/graph.hpp"
#include "load_options.hpp"

OCTET_BEGIN

struct SaveOptions {
  bool self_test = true;  // run the model and keep the outcome, for verify
};

namespace detail {

/// Refuses names that promise a file of another format.
void require_octet_name(const std::string& path);

/// The size of the file that save would write.
std::int64_t saved_size(const Model& model);

}  // namespace detail

/// Writes a model to an .octet file, which appears whole or not at all. Throws FormatError where that cannot be, or
/// the name ends in .onnx or .tflite.
void save(const Model& model, const std::string& path, const SaveOptions& options = {});

/// Reads an .octet file. Its weights are mapped, not copied; the file must not be changed in place while the
/// model lives (replacing it, as save does, is fine). With options.self_test it also runs the test that the file
/// carries. Throws FormatError where the file is damaged, or where the test is asked for and is missing or its
/// outcome is another than that of the machine that wrote it.
Model load_octet(const std::string& path, const LoadOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "model_file.inl"
#endif
