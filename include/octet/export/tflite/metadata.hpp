#pragma once
#include <flatbuffers/flatbuffers.h>

#include <algorithm>
#include <optional>

#include "../../data/preprocessing.hpp"
#include "../../graph/graph.hpp"
#include "../../import/tflite/metadata_schema.hpp"

/// TFLite Metadata: the normalization of images and the names of classes, where Graph::metadata has them.
OCTET_BEGIN
namespace detail::tflite {

/// The text under a key, empty if there is none.
inline std::string metadata_text(const Graph& g, const char* key) {
  const auto found = g.metadata.find(key);
  return found == g.metadata.end() ? std::string() : found->second;
}

/// Whether a value of the graph is one image of 1 or 3 channels.
inline bool is_image_input(const Graph& g) {
  if (g.inputs.size() != 1) return false;
  const Shape& s = g.value(g.inputs[0]).shape;
  return s.rank() == 4 && (s[3] == 1 || s[3] == 3);
}

/// The normalization of the model's image, if it is known and TFLite Metadata can say it, which has RGB only.
inline std::optional<Normalization> stored_normalization(const Graph& g) {
  const std::string recipe = metadata_text(g, "preprocess");
  const std::vector<std::string>& names = normalization_names();
  if (!is_image_input(g) || std::find(names.begin(), names.end(), recipe) == names.end()) return std::nullopt;
  const Normalization n = normalization(recipe);
  return n.bgr ? std::nullopt : std::make_optional(n);
}

/// Writes the buffer TFLITE_METADATA.
class MetadataWriter {
 public:
  explicit MetadataWriter(const Graph& g) : g_(g) {}

  /// The buffer; empty if nothing is known. `label_output`: the position of the output whose last dimension has labels,
  /// or -1.
  std::string run(int label_output) {
    const auto normalization = stored_normalization(g_);
    if (!normalization && label_output < 0) return {};
    std::vector<Offset> in, out;
    for (int v : g_.inputs) in.push_back(tensor(v, normalization ? content(v) : 0, units(v, normalization), 0));
    for (std::size_t i = 0; i < g_.outputs.size(); ++i)
      out.push_back(tensor(g_.outputs[i], 0, 0, static_cast<int>(i) == label_output ? labels() : 0));
    const auto in_list = b_.CreateVector(in), out_list = b_.CreateVector(out);
    const std::vector<Offset> graphs{
        table({{subgraph_metadata_field::inputs, in_list.o}, {subgraph_metadata_field::outputs, out_list.o}})};
    const auto graph_list = b_.CreateVector(graphs);
    const auto version = b_.CreateString("1.0.0");
    b_.Finish(
        table({{model_metadata_field::subgraphs, graph_list.o}, {model_metadata_field::min_parser_version, version.o}}),
        metadata_identifier);
    return {reinterpret_cast<const char*>(b_.GetBufferPointer()), b_.GetSize()};
  }

 private:
  using Offset = flatbuffers::Offset<void>;
  using Place = flatbuffers::uoffset_t;
  static flatbuffers::voffset_t slot(int field) {
    return flatbuffers::FieldIndexToOffset(static_cast<flatbuffers::voffset_t>(field));
  }
  Offset table(const std::vector<std::pair<int, Place>>& offsets) {
    const auto start = b_.StartTable();
    for (const auto& [field, offset] : offsets)
      if (offset) b_.AddOffset(slot(field), Offset(offset));
    return Offset(b_.EndTable(start));
  }
  /// A union's type and its table.
  Offset choice(std::uint8_t type, Offset value) {
    const auto start = b_.StartTable();
    b_.AddElement<std::uint8_t>(slot(0), type, 0);
    b_.AddOffset(slot(1), value);
    return Offset(b_.EndTable(start));
  }
  Offset tensor(int v, Place content, Place units, Place files) {
    const auto name = b_.CreateString(g_.value(v).name);
    return table({{tensor_metadata_field::name, name.o},
                  {tensor_metadata_field::content, content},
                  {tensor_metadata_field::process_units, units},
                  {tensor_metadata_field::files, files}});
  }
  Place content(int v) {
    const Shape& s = g_.value(v).shape;
    Offset size;
    if (s[1] > 0 && s[2] > 0) {
      const auto start = b_.StartTable();
      b_.AddElement<std::uint32_t>(slot(0), static_cast<std::uint32_t>(s[2]), 0);
      b_.AddElement<std::uint32_t>(slot(1), static_cast<std::uint32_t>(s[1]), 0);
      size = Offset(b_.EndTable(start));
    }
    const auto start = b_.StartTable();
    b_.AddElement<std::int8_t>(slot(image_field::color_space), s[3] == 1 ? grayscale : rgb, 0);
    if (size.o) b_.AddOffset(slot(image_field::default_size), size);
    return choice(content_image, Offset(b_.EndTable(start))).o;
  }
  Place units(int v, const std::optional<Normalization>& n) {
    if (!n) return 0;
    const auto channels = static_cast<std::ptrdiff_t>(g_.value(v).shape[3]);
    const auto floats = [&](const std::array<double, 3>& all) {
      std::vector<float> f;
      std::transform(all.begin(), all.begin() + channels, std::back_inserter(f),
                     [](double x) { return static_cast<float>(x); });
      return b_.CreateVector(f).o;
    };
    const Place mean = floats(n->mean), deviation = floats(n->deviation);
    const Offset options = table({{normalization_field::mean, mean}, {normalization_field::deviation, deviation}});
    return b_.CreateVector(std::vector<Offset>{choice(unit_normalization, options)}).o;
  }
  Place labels() {
    const auto name = b_.CreateString(label_file);
    const auto start = b_.StartTable();
    b_.AddOffset(slot(associated_file_field::name), name);
    b_.AddElement<std::int8_t>(slot(associated_file_field::type), axis_labels, 0);
    return b_.CreateVector(std::vector<Offset>{Offset(b_.EndTable(start))}).o;
  }

  const Graph& g_;
  flatbuffers::FlatBufferBuilder b_;
};

/// The first output with as many classes as there are labels, or -1.
inline int output_with_labels(const Graph& g) {
  const std::string labels = metadata_text(g, "labels");
  const auto count = std::count(labels.begin(), labels.end(), '\n') + (labels.empty() || labels.back() == '\n' ? 0 : 1);
  for (std::size_t i = 0; count > 0 && i < g.outputs.size(); ++i) {
    const Shape& s = g.value(g.outputs[i]).shape;
    if (s.rank() > 0 && s.back() == count) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace detail::tflite
OCTET_END
