#pragma once
#include <memory>

/// Reading and writing files without exceptions, see octet/try.hpp.
#include "../core/result.hpp"
#include "../export/cpp/cpp.hpp"
#include "../model_file/load_options.hpp"
#include "../model_file/model_file.hpp"
#include "../quantization/plan.hpp"

#if !OCTET_EXCEPTIONS && !defined(OCTET_COMPILED)
#  error "octet/io/try.hpp in a file without exceptions needs OCTET_COMPILED and octet::compiled, see octet/try.hpp"
#endif

OCTET_BEGIN

/// As load: an .onnx, .tflite or .octet file.
Result<Model> try_load(const std::string& path, const LoadOptions& options = {});
/// As load for bytes in memory, which are copied.
Result<Model> try_load(const std::byte* bytes, std::size_t size, const std::string& source_name = "the model",
                       const LoadOptions& options = {});
/// As load for bytes that the model may keep.
Result<Model> try_load(std::shared_ptr<const std::byte> bytes, std::size_t size,
                       const std::string& source_name = "the model", const LoadOptions& options = {});
/// As save: writes an .onnx, .tflite or .octet file.
Result<void> try_save(const Model& model, const std::string& path, const SaveOptions& options = {});

/// As write_cpp: C++ source of an int8 model.
Result<CppSource> try_write_cpp(const Model& model, const CppOptions& options = {});
/// As export_cpp: writes the source to a folder.
Result<CppSource> try_export_cpp(const Model& model, const std::string& directory, const CppOptions& options = {});

/// Parses the bytes of an .onnx or .tflite file. Errors call it source_name.
Result<Model> try_parse_onnx(View<const std::uint8_t> bytes, const std::string& source_name,
                             const LoadOptions& options = {});
/// The same for .tflite.
Result<Model> try_parse_tflite(View<const std::uint8_t> bytes, const std::string& source_name,
                               const LoadOptions& options = {});

/// As load_calibration: reads a JSON file.
Result<Calibration> try_load_calibration(const std::string& path);
/// As save: writes a JSON file.
Result<void> try_save(const Calibration& calibration, const std::string& path);

/// As load_plan: reads a JSON file.
Result<QuantizationPlan> try_load_plan(const std::string& path);
/// As save: writes a JSON file.
Result<void> try_save(const QuantizationPlan& plan, const std::string& path);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "try.inl"
#endif
