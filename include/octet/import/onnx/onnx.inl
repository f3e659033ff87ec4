#pragma once

#include "../../core/with_place.hpp"
#include "../../files/read_file.hpp"
#include "../../runtime/runnable.hpp"
#include "importer.hpp"
#include "onnx.hpp"

OCTET_BEGIN

namespace detail::onnx {

inline Model parse(std::string_view bytes, const std::string& source, const LoadOptions& options, ExternalData files) {
  ModelProto model = with_place([&](const std::string& text) { return "'" + source + "': " + text; },
                                [&] { return parse_model(bytes); });
  Model m = Importer(std::move(model), source, options, std::move(files), bytes.size()).run();
  naming_file(source, [&] { require_runnable(m); });
  return m;
}

}  // namespace detail::onnx

OCTET_API Model parse_onnx(View<const std::uint8_t> bytes, const std::string& source_name, const LoadOptions& options) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(bytes.size()));
  return detail::onnx::parse(text, source_name, options, {});
}

OCTET_API Model load_onnx(const std::string& path, const LoadOptions& options) {
  constexpr std::int64_t largest = std::int64_t{1} << 32;  // twice the limit of protobuf
  const std::string bytes = detail::read_file(path, largest);
  return detail::onnx::parse(bytes, path, options, detail::onnx::ExternalData(std::filesystem::path(path)));
}

OCTET_END
