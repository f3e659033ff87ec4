#pragma once
#include <cmath>
#include <map>

#include "../../data/preprocessing.hpp"
#include "flat_table.hpp"
#include "metadata_schema.hpp"
#include "schema.hpp"

/// What a file says besides the graph: texts that octet stored, and TFLite Metadata.
OCTET_BEGIN
namespace detail::tflite {

/// The content of a file in the zip archive at the end of a model, if it is there and not compressed.
inline std::string_view zipped_file(std::string_view bytes, std::string_view name) {
  constexpr std::size_t record = 22, entry = 46, local = 30;
  const auto number = [&](std::size_t at, int n) {
    std::size_t x = 0;
    for (int i = 0; i < n; ++i)
      x |= std::size_t{static_cast<std::uint8_t>(bytes[at + static_cast<std::size_t>(i)])} << (8 * i);
    return x;
  };
  const auto is = [&](std::size_t at, std::string_view mark) { return bytes.substr(at, mark.size()) == mark; };
  // The record at the end, after which there may be a comment.
  if (bytes.size() < record) return {};
  const std::size_t tail = bytes.size() - std::min<std::size_t>(bytes.size(), record + 65535);
  const std::size_t place_in_tail = bytes.substr(tail).rfind("PK\x05\x06", bytes.size() - tail - record);
  if (place_in_tail == std::string_view::npos) return {};
  const std::size_t end = tail + place_in_tail;
  std::size_t at = number(end + 16, 4);
  for (std::size_t left = number(end + 10, 2); left > 0; --left) {
    if (at > end || end - at < entry || !is(at, "PK\x01\x02")) return {};
    const std::size_t method = number(at + 10, 2), size = number(at + 20, 4), length = number(at + 28, 2),
                      place = number(at + 42, 4);
    if (is(at + entry, name) && length == name.size() && method == 0) {
      if (place > end || end - place < local || !is(place, "PK\x03\x04")) return {};
      const std::size_t data = place + local + number(place + 26, 2) + number(place + 28, 2);
      return data <= end && size <= end - data ? bytes.substr(data, size) : std::string_view();
    }
    at += entry + length + number(at + 30, 2) + number(at + 32, 2);
  }
  return {};
}

/// Reads metadata into the texts of a graph.
class MetadataReader {
 public:
  MetadataReader(std::string_view file, std::map<std::string, std::string>& texts) : file_(file), texts_(texts) {}

  void read(const FlatTable& model) {
    const FlatTables all = model.tables(model_field::metadata), buffers = model.tables(model_field::buffers);
    std::string_view standard;
    const std::string_view own = own_metadata;
    std::size_t copied = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::string_view name = all[i].text(metadata_field::name);
      const auto buffer = all[i].scalar<std::uint32_t>(metadata_field::buffer);
      if (buffer >= buffers.size()) continue;
      const FlatList<std::uint8_t> data = buffers[buffer].list<std::uint8_t>(buffer_field::data);
      const std::string_view bytes(reinterpret_cast<const char*>(data.data()), data.size());
      if (name == metadata_name) standard = bytes;
      if (name.size() <= own.size() || name.substr(0, own.size()) != own) continue;
      copied += name.size() + bytes.size();  // the texts of a hostile file may all be in one place
      require<FormatError>(copied <= file_.size(), "has more metadata than fit into a file of this size");
      texts_[std::string(name.substr(own.size()))] = std::string(bytes);
    }
    if (standard.size() >= 8 && standard.substr(4, 4) == metadata_identifier) read_standard(standard);
  }

 private:
  /// What octet itself stored is kept.
  void read_standard(std::string_view bytes) {
    const auto* start = reinterpret_cast<const std::uint8_t*>(bytes.data());
    flatbuffers::Verifier verifier(start, bytes.size());
    flatbuffers::uoffset_t root = 0;
    std::memcpy(&root, start, sizeof root);
    if (root >= bytes.size()) return;
    const FlatTables graphs = FlatTable(start + root, verifier).tables(model_metadata_field::subgraphs);
    if (graphs.size() == 0) return;
    const FlatTables in = graphs[0].tables(subgraph_metadata_field::inputs),
                     out = graphs[0].tables(subgraph_metadata_field::outputs);
    if (in.size() == 1) read_normalization(in[0].tables(tensor_metadata_field::process_units));
    for (std::size_t i = 0; i < out.size(); ++i)
      if (read_labels(out[i].tables(tensor_metadata_field::files))) return;
  }

  /// The recipe with these numbers, or the numbers as a text.
  void read_normalization(const FlatTables& units) {
    for (std::size_t i = 0; i < units.size(); ++i) {
      if (units[i].scalar<std::uint8_t>(process_unit_field::type) != unit_normalization) continue;
      const FlatTable options = units[i].table(process_unit_field::options);
      const FlatList<float> mean = options.list<float>(normalization_field::mean),
                            deviation = options.list<float>(normalization_field::deviation);
      if (mean.empty() || deviation.empty()) return;
      for (const std::string& name : normalization_names()) {
        const Normalization n = normalization(name);
        if (!n.bgr && equals(mean, n.mean) && equals(deviation, n.deviation))
          return void(texts_.emplace("preprocess", name));
      }
      texts_.emplace("normalization", "(pixel - " + joined(mean) + ") / " + joined(deviation));
      return;
    }
  }
  /// A list of one number is for all channels.
  static bool equals(const FlatList<float>& list, const std::array<double, 3>& numbers) {
    if (list.size() != 1 && list.size() != 3) return false;
    for (std::size_t c = 0; c < 3; ++c) {
      const auto x = static_cast<double>(list[list.size() == 1 ? 0 : c]);
      if (!(std::abs(x - numbers[c]) <= 1e-3 * std::max(1.0, std::abs(numbers[c])))) return false;
    }
    return true;
  }
  static std::string joined(const FlatList<float>& list) {
    std::string all;
    for (std::size_t i = 0; i < std::min<std::size_t>(list.size(), 3); ++i)
      all += (i ? ", " : "") + concat(static_cast<double>(list[i]));
    return list.size() == 1 ? all : "[" + all + "]";
  }
  /// Reads the first list of labels. Returns whether there is one; others are translations of it.
  bool read_labels(const FlatTables& files) {
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (files[i].scalar<std::int8_t>(associated_file_field::type) != axis_labels) continue;
      const std::string_view text = zipped_file(file_, files[i].text(associated_file_field::name));
      if (!text.empty()) texts_.emplace("labels", std::string(text));
      return true;
    }
    return false;
  }

  std::string_view file_;
  std::map<std::string, std::string>& texts_;
};

}  // namespace detail::tflite
OCTET_END
