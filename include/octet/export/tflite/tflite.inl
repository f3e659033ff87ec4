#pragma once
#include "../../files/atomic_file.hpp"
#include "exporter.hpp"
#include "rows_as_images.hpp"
#include "tflite.hpp"

OCTET_BEGIN

OCTET_API std::string write_tflite(const Model& model, const SaveOptions& options) {
  const Graph g = detail::tflite::rows_as_images(
      detail::insert_float_fallbacks(detail::prepared_model(model, true, &OperatorNames::tflite_code, options.notes)));
  return detail::tflite::Exporter(g, options).run();
}

OCTET_API void save_tflite(const Model& model, const std::string& path, const SaveOptions& options) {
  detail::naming_file(path, [&] {
    const std::string bytes = write_tflite(model, options);
    detail::write_atomically(path, [&](std::ostream& out) { out << bytes; });
  });
}

OCTET_END
