#pragma once
#include "../../files/atomic_file.hpp"
#include "exporter.hpp"
#include "onnx.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Metadata, without what the shapes of the file say.
inline std::map<std::string, std::string> own_metadata(const Graph& g) {
  std::map<std::string, std::string> m = prepared_metadata(g);
  for (int v : g.inputs)
    for (int d = 0; d < g.value(v).shape.rank(); ++d) m.erase(dimension_key(g.value(v).name, d));
  for (const auto* ends : {&g.inputs, &g.outputs})
    for (int v : *ends) m.erase(layout_key(g.value(v).name));
  return m;
}

}  // namespace detail::onnx

OCTET_API std::string write_onnx(const Model& model, const SaveOptions& options) {
  const Graph g = detail::prepared_model(model, false, &OperatorNames::onnx_type, options.notes);
  const detail::onnx::File file = detail::onnx::Exporter(g, options).run();
  detail::require<FormatError>(file.constant_bytes() <= options.largest_file, "the model has constants of ",
                               file.constant_bytes(), " bytes, of which one .onnx file holds ", options.largest_file,
                               " (SaveOptions::largest_file): use save_onnx");
  return file.bytes(model.name, detail::onnx::own_metadata(g), {});
}

OCTET_API void save_onnx(const Model& model, const std::string& path, const SaveOptions& options) {
  detail::naming_file(path, [&] {
    const Graph g = detail::prepared_model(model, false, &OperatorNames::onnx_type, options.notes);
    const detail::onnx::File file = detail::onnx::Exporter(g, options).run();
    const bool external = file.has_data() && (options.external_data || file.constant_bytes() > options.largest_file);
    const std::string data = external ? path.substr(path.rfind('/') + 1) + ".data" : "";
    const std::string bytes = file.bytes(model.name, detail::onnx::own_metadata(g), data);
    // The data are complete before the file that refers to them is replaced.
    detail::write_atomically(path, [&](std::ostream& out) {
      out << bytes << std::flush;
      if (external && out.good())
        detail::write_atomically(path + ".data", [&](std::ostream& to) { file.write_data(to); });
    });
  });
}

OCTET_END
