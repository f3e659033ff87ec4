#pragma once
#include "../../files/atomic_file.hpp"
#include "exporter.hpp"
#include "onnx.hpp"

OCTET_BEGIN
namespace detail::onnx {

constexpr std::size_t largest_file = (std::size_t{1} << 31) - (std::size_t{1} << 27);  // with room for the rest

}  // namespace detail::onnx

OCTET_API std::string write_onnx(const Model& model, const SaveOptions& options) {
  const Graph g = detail::prepared_model(model, false, &OperatorNames::onnx_type);
  const detail::onnx::File file = detail::onnx::Exporter(g, options).run();
  detail::require<FormatError>(file.constant_bytes() <= detail::onnx::largest_file, "the model has constants of ",
                               file.constant_bytes(), " bytes, of which ONNX files hold less than 2^31: use save_onnx");
  return file.bytes(model.name, detail::prepared_metadata(g), {});
}

OCTET_API void save_onnx(const Model& model, const std::string& path, const SaveOptions& options) {
  detail::naming_file(path, [&] {
    const Graph g = detail::prepared_model(model, false, &OperatorNames::onnx_type);
    const detail::onnx::File file = detail::onnx::Exporter(g, options).run();
    const bool external =
        file.has_data() && (options.external_data || file.constant_bytes() > detail::onnx::largest_file);
    const std::string data = external ? path.substr(path.rfind('/') + 1) + ".data" : "";
    const std::string bytes = file.bytes(model.name, detail::prepared_metadata(g), data);
    if (external) detail::write_atomically(path + ".data", [&](std::ostream& out) { file.write_data(out); });
    detail::write_atomically(path, [&](std::ostream& out) { out << bytes; });
  });
}

OCTET_END
