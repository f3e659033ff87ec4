#pragma once
#include <cstdint>

#include "../../core/config.hpp"

/// TFLite Metadata (schema 1.0): what an application has to know about a model's tensors. The parts that octet uses, by
/// field numbers.
OCTET_BEGIN
namespace detail::tflite {

/// The name of its buffer among a file's metadata, the identifier of that buffer, and the name of octet's label file.
constexpr const char *metadata_name = "TFLITE_METADATA", *metadata_identifier = "M001", *label_file = "labels.txt";
/// The beginning of the names under which octet stores Graph::metadata, each text in a buffer of its own.
constexpr const char* own_metadata = "octet.";

namespace metadata_field {
enum { name, buffer };
}
namespace model_metadata_field {
enum { name, description, version, subgraphs, author, license, files, min_parser_version };
}
namespace subgraph_metadata_field {
enum { name, description, inputs, outputs };
}
namespace tensor_metadata_field {
enum { name, description, dimension_names, content, process_units, stats, files };
}
namespace content_field {
enum { type, properties };
}
namespace image_field {
enum { color_space, default_size };
}
namespace process_unit_field {
enum { type, options };
}
namespace normalization_field {
enum { mean, deviation };
}
namespace associated_file_field {
enum { name, description, type };
}

constexpr std::uint8_t content_image = 2, unit_normalization = 1;
constexpr std::int8_t rgb = 1, grayscale = 2, axis_labels = 2;

}  // namespace detail::tflite
OCTET_END
