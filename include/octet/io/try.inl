#pragma once
#include "../core/attempt.hpp"
#include "../export/save.hpp"
#include "../import/load.hpp"
#include "../import/onnx/onnx.hpp"
#include "../import/tflite/tflite.hpp"
#include "../quantization/calibration_file.hpp"
#include "../quantization/plan_file.hpp"
#include "try.hpp"

#if OCTET_EXCEPTIONS  // a library without them has no such functions
OCTET_BEGIN

OCTET_API Result<Model> try_load(const std::string& path, const LoadOptions& options) {
  return detail::attempt<Model>([&] { return load(path, options); });
}

OCTET_API Result<Model> try_load(const std::byte* bytes, std::size_t size, const std::string& source_name,
                                 const LoadOptions& options) {
  return detail::attempt<Model>([&] { return load(bytes, size, source_name, options); });
}

OCTET_API Result<Model> try_load(std::shared_ptr<const std::byte> bytes, std::size_t size,
                                 const std::string& source_name, const LoadOptions& options) {
  return detail::attempt<Model>([&] { return load(std::move(bytes), size, source_name, options); });
}

OCTET_API Result<CppSource> try_write_cpp(const Model& model, const CppOptions& options) {
  return detail::attempt<CppSource>([&] { return write_cpp(model, options); });
}

OCTET_API Result<CppSource> try_export_cpp(const Model& model, const std::string& directory,
                                           const CppOptions& options) {
  return detail::attempt<CppSource>([&] { return export_cpp(model, directory, options); });
}

OCTET_API Result<void> try_save(const Model& model, const std::string& path, const SaveOptions& options) {
  return detail::attempt<void>([&] { save(model, path, options); });
}

OCTET_API Result<Model> try_parse_onnx(View<const std::uint8_t> bytes, const std::string& source_name,
                                       const LoadOptions& options) {
  return detail::attempt<Model>([&] { return parse_onnx(bytes, source_name, options); });
}

OCTET_API Result<Model> try_parse_tflite(View<const std::uint8_t> bytes, const std::string& source_name,
                                         const LoadOptions& options) {
  return detail::attempt<Model>([&] { return parse_tflite(bytes, source_name, options); });
}

OCTET_API Result<Calibration> try_load_calibration(const std::string& path) {
  return detail::attempt<Calibration>([&] { return load_calibration(path); });
}

OCTET_API Result<void> try_save(const Calibration& calibration, const std::string& path) {
  return detail::attempt<void>([&] { save(calibration, path); });
}

OCTET_API Result<QuantizationPlan> try_load_plan(const std::string& path) {
  return detail::attempt<QuantizationPlan>([&] { return load_plan(path); });
}

OCTET_API Result<void> try_save(const QuantizationPlan& plan, const std::string& path) {
  return detail::attempt<void>([&] { save(plan, path); });
}

OCTET_END
#endif
