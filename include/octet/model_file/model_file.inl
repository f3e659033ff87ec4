#pragma once
#include <ostream>

#include "../files/atomic_file.hpp"
#include "../runtime/runnable.hpp"
#include "layout.hpp"
#include "load_options.hpp"
#include "model_file.hpp"

OCTET_BEGIN

OCTET_API std::int64_t saved_size(const Model& model) {
  const detail::ModelParts parts = detail::model_parts(model, detail::make_self_test(model));
  std::size_t n = parts.front.size();
  for (const auto& data : parts.data) n += detail::aligned_size(data.second);
  return static_cast<std::int64_t>(n);
}

OCTET_API void save_octet(const Model& model, const std::string& path, const SaveOptions& options) {
  detail::naming_file(path, [&] {
    detail::check_graph(model);
    require_runnable(model);
    const auto test = options.self_test ? detail::make_self_test(model) : std::nullopt;
    detail::ModelParts parts = detail::model_parts(model, test);
    static constexpr char zeros[detail::AlignedBytes::alignment] = {};
    const auto each_part = [&](auto use) {
      for (const auto& [data, n] : parts.data) {
        use(reinterpret_cast<const char*>(data), n);
        use(zeros, detail::aligned_size(n) - n);
      }
    };
    const std::uint64_t checksum = detail::model_checksum(
        parts.front.data(), parts.front.size(),
        [&](detail::Checksum& sum) { each_part([&](const char* p, std::size_t n) { sum.add(p, n); }); });
    std::memcpy(parts.front.data() + detail::model_checksum_at, &checksum, 8);
    detail::write_atomically(path, [&](std::ostream& out) {
      out.write(parts.front.data(), static_cast<std::streamsize>(parts.front.size()));
      each_part([&](const char* p, std::size_t n) { out.write(p, static_cast<std::streamsize>(n)); });
    });
  });
}

OCTET_API Model detail::load_octet_bytes(const SharedBytes& bytes, const std::string& source_name,
                                         const LoadOptions& options) {
  require<FormatError>(options.input_shapes.empty(), "'", source_name,
                       "': shapes of inputs can be given for .onnx and .tflite files only");
  ModelFile file = naming_file(source_name, [&] { return read_model_file(bytes); });
  naming_file(source_name, [&] { require_runnable(file.model); });
  if (options.self_test) {
    naming_file(source_name, [&] {
      require<FormatError>(file.test.has_value(), "the file has no self-test");
      check_self_test(file.model, *file.test);
    });
  }
  if (options.rounding) file.model.rounding = *options.rounding;
  return std::move(file.model);
}

OCTET_API Model load_octet(const std::string& path, const LoadOptions& options) {
  return detail::load_octet_bytes(detail::naming_file(path, [&] { return detail::map_file(path); }), path, options);
}

OCTET_END
