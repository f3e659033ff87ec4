#pragma once
#include <cstring>

#include "../files/extension.hpp"
#include "../files/map_file.hpp"
#include "load.hpp"
#if !OCTET_EXCEPTIONS || __has_include(<protozero/pbf_reader.hpp>)  // without exceptions, octet has its own reader
#  include "onnx/onnx.hpp"
#endif
#if __has_include(<flatbuffers/flatbuffers.h>)
#  include "tflite/tflite.hpp"
#endif

OCTET_BEGIN

namespace detail {

[[noreturn]] inline void fail_without_onnx(const std::string& source) {
  fail<FormatError>("'", source, "': reading ONNX requires the library protozero at compile time");
}
[[noreturn]] inline void fail_without_tflite(const std::string& source) {
  fail<FormatError>("'", source, "': reading TFLite requires the library flatbuffers at compile time");
}

inline bool has_bytes(const std::byte* bytes, std::size_t size, std::size_t at, std::string_view wanted) {
  return size >= at + wanted.size() && std::memcmp(bytes + at, wanted.data(), wanted.size()) == 0;
}

/// Parses the bytes of a model. Without `keep`, they are copied where the model refers to them.
inline Model load_bytes(const std::byte* bytes, std::size_t size, const std::shared_ptr<const std::byte>* keep,
                        const std::string& source, const LoadOptions& options) {
  const bool aligned = reinterpret_cast<std::uintptr_t>(bytes) % AlignedBytes::alignment == 0;
  const auto shared = [&] { return keep && aligned ? SharedBytes{*keep, size} : SharedBytes::copy(bytes, size); };
  if (has_bytes(bytes, size, 0, "OCTET\r\n")) return load_octet_bytes(shared(), source, options);
  if (has_bytes(bytes, size, 4, "TFL3")) {
#if __has_include(<flatbuffers/flatbuffers.h>)
    return load_tflite_bytes(shared(), source, options);
#else
    fail_without_tflite(source);
#endif
  }
  // ONNX has no mark. Its files begin with a field of the message ModelProto, in practice the version.
  require<FormatError>(size > 0 && bytes[0] != std::byte{0}, "'", source,
                       "' is not a model: expected the bytes of an .onnx, .tflite or .octet file");
#if !OCTET_EXCEPTIONS || __has_include(<protozero/pbf_reader.hpp>)
  return parse_onnx({reinterpret_cast<const std::uint8_t*>(bytes), {static_cast<std::int64_t>(size)}}, source, options);
#else
  fail_without_onnx(source);
#endif
}

}  // namespace detail

OCTET_API Model load(const std::byte* bytes, std::size_t size, const std::string& source_name,
                     const LoadOptions& options) {
  return detail::load_bytes(bytes, size, nullptr, source_name, options);
}

OCTET_API Model load(std::shared_ptr<const std::byte> bytes, std::size_t size, const std::string& source_name,
                     const LoadOptions& options) {
  return detail::load_bytes(bytes.get(), size, &bytes, source_name, options);
}

OCTET_API Model load(const std::string& path, const LoadOptions& options) {
  if (detail::has_extension(path, ".octet")) return load_octet(path, options);
  if (detail::has_extension(path, ".onnx")) {
#if !OCTET_EXCEPTIONS || __has_include(<protozero/pbf_reader.hpp>)
    return load_onnx(path, options);
#else
    detail::fail_without_onnx(path);
#endif
  }
  if (detail::has_extension(path, ".tflite")) {
#if __has_include(<flatbuffers/flatbuffers.h>)
    return load_tflite(path, options);
#else
    detail::fail_without_tflite(path);
#endif
  }
  detail::fail<FormatError>("'", path, "' is not a model: expected a name that ends in .onnx, .tflite or .octet");
}

OCTET_END
