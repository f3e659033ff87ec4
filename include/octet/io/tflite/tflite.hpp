#pragma once
#include "../../runtime/runnable.hpp"
#include "../map_file.hpp"
#include "../read_file.hpp"
#include "importer.hpp"

/// TFLite models. Needs FlatBuffers.
OCTET_BEGIN
namespace detail::tflite {

inline Model parse(const SharedBytes& bytes, const std::string& source, const LoadOptions& options) {
  Model m = Importer(bytes, source, options).run();
  naming_file(source, [&] { require_runnable(m); });
  return m;
}

}  // namespace detail::tflite

/// The model in the bytes of a TFLite file. Errors call it source_name. Tensors keep their names; a batch
/// that the file declares as 1 may have any size. Float, int8 (per channel), uint8, dynamic-range and 16-bit
/// float models. Throws FormatError for what is damaged or not supported.
///
/// With Rounding::tflite_double, uint8 models give the bytes of TFLite's own kernels. Of int8, LiteRT rounds plain
/// convolutions and fully connected layers once (tflite_single), depthwise and grouped convolutions and everything else
/// twice; the default is close to its XNNPACK path.
inline Model parse_tflite(View<const std::uint8_t> bytes, const std::string& source_name,
                          const LoadOptions& options = {}) {
  const auto copy = detail::SharedBytes::copy(bytes.data(), static_cast<std::size_t>(bytes.size()));
  return detail::tflite::parse(copy, source_name, options);
}

/// Reads a TFLite file. Constants stay in the file, which is mapped, where their layout is octet's.
inline Model load_tflite(const std::string& path, const LoadOptions& options = {}) {
  return detail::tflite::parse(detail::map_file(path), path, options);
}

OCTET_END
