#pragma once

#include "../../files/map_file.hpp"
#include "../../files/read_file.hpp"
#include "../../runtime/runnable.hpp"
#include "importer.hpp"
#include "tflite.hpp"

OCTET_BEGIN

namespace detail::tflite {

inline Model parse(const SharedBytes& bytes, const std::string& source, const LoadOptions& options) {
  Model m = Importer(bytes, source, options).run();
  naming_file(source, [&] { require_runnable(m); });
  return m;
}

}  // namespace detail::tflite

OCTET_API Model detail::load_tflite_bytes(const SharedBytes& bytes, const std::string& source_name,
                                          const LoadOptions& options) {
  return tflite::parse(bytes, source_name, options);
}

OCTET_API Model parse_tflite(View<const std::uint8_t> bytes, const std::string& source_name,
                             const LoadOptions& options) {
  const auto copy = detail::SharedBytes::copy(bytes.data(), static_cast<std::size_t>(bytes.size()));
  return detail::tflite::parse(copy, source_name, options);
}

OCTET_API Model load_tflite(const std::string& path, const LoadOptions& options) {
  return detail::tflite::parse(detail::map_file(path), path, options);
}

OCTET_END
