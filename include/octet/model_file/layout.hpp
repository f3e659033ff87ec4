#pragma once
#include "../files/checksum.hpp"
#include "../files/map_file.hpp"
#include "graph_description.hpp"
#include "self_test.hpp"

/// The .octet file format. Integers in the header are little-endian.
///   bytes 0-7    "OCTET\r\n\x1a"
///         8-11   version of the format, 12-15 zero
///        16-23   size of the file
///        24-31   checksum of all other bytes (files/checksum.hpp)
///        32-39   size of the description, 40-63 zero
///        64-     description: graph and self-test (model_file/graph_description.hpp, self_test.hpp)
///                elements of the constants, each at a multiple of 64
/// The constants of a loaded model refer to the mapped file.
OCTET_BEGIN
namespace detail {

constexpr char model_magic[] = "OCTET\r\n\x1a";
constexpr std::uint32_t model_version = 3, oldest_model_version = 2;
constexpr std::size_t model_header = 64, model_checksum_at = 24;

inline std::size_t aligned_size(std::size_t n) { return round_up(n, AlignedBytes::alignment); }

/// The parts of a file in the order in which they are written.
struct ModelParts {
  std::string front;                                           // header and description
  std::vector<std::pair<const std::byte*, std::size_t>> data;  // of the constants
};

inline ModelParts model_parts(const Model& model, const std::optional<SelfTest>& test) {
  ModelParts parts;
  // Constants that share memory are written once.
  std::map<std::pair<const std::byte*, std::size_t>, std::uint64_t> offsets;  // relative to the first constant
  std::uint64_t data_bytes = 0;
  for (const Value& v : model.values) {
    if (!v.is_constant()) continue;
    const std::pair<const std::byte*, std::size_t> data{v.constant.data(), v.constant.size_bytes()};
    if (!offsets.emplace(data, data_bytes).second) continue;
    parts.data.push_back(data);
    data_bytes += aligned_size(data.second);
  }
  ArchiveWriter description;
  write_graph(
      model,
      [&](std::size_t i) {
        const AnyTensor& t = model.values[i].constant;
        return t ? DataPlace{offsets.at({t.data(), t.size_bytes()}), t.size_bytes()} : DataPlace{};
      },
      description);
  write_self_test(test, model, description);
  const std::size_t first = aligned_size(model_header + description.bytes().size());
  ArchiveWriter header;
  header.put_bytes(model_magic, 8);
  header.put_fixed(model_version);
  header.put_fixed(std::uint32_t{0});
  header.put_fixed(std::uint64_t{first + data_bytes});
  header.put_fixed(std::uint64_t{0});
  header.put_fixed(std::uint64_t{description.bytes().size()});
  parts.front = header.bytes();
  parts.front.resize(model_header, '\0');
  parts.front += description.bytes();
  parts.front.resize(first, '\0');
  return parts;
}

/// The checksum of a file that starts with the n bytes `front`, which contain the header. `add_rest` adds the others.
template <class AddRest>
std::uint64_t model_checksum(const char* front, std::size_t n, AddRest add_rest) {
  Checksum sum;
  sum.add(front, model_checksum_at);
  sum.add(front + model_checksum_at + 8, n - model_checksum_at - 8);
  add_rest(sum);
  return sum.value();
}

struct ModelFile {
  Model model;
  std::optional<SelfTest> test;
};

/// Integer models of files of version 2 keep their bits.
inline void keep_rounding_of_version_2(Graph& g) {
  const auto is_code = [](const Value& v) { return v.is_quantized() && !v.is_constant(); };
  if (g.rounding == Rounding::fp32 && std::any_of(g.values.begin(), g.values.end(), is_code))
    g.rounding = Rounding::fp32_centered;
}

inline ModelFile read_model_file(const SharedBytes& file) {
  const auto* bytes = reinterpret_cast<const char*>(file.data.get());
  require<FormatError>(file.size >= model_header && std::memcmp(bytes, model_magic, 8) == 0,
                       "expected an octet model, found another format");
  ArchiveReader header(file.data.get() + 8, model_header - 8);
  const auto version = header.get_fixed<std::uint32_t>();
  require<FormatError>(version >= oldest_model_version && version <= model_version, "expected version ",
                       oldest_model_version, " to ", model_version, " of the format, found ", version);
  header.get_fixed<std::uint32_t>();
  const auto size = header.get_fixed<std::uint64_t>(), checksum = header.get_fixed<std::uint64_t>(),
             description = header.get_fixed<std::uint64_t>();
  require<FormatError>(size == file.size, "expected a file of ", size, " bytes, found ", file.size);
  require<FormatError>(checksum == model_checksum(bytes, file.size, [](Checksum&) {}),
                       "the file is damaged: its checksum is wrong");
  require<FormatError>(description <= file.size - model_header, "the description is longer than the file");
  ArchiveReader from(file.data.get() + model_header, description);
  ModelFile m;
  const std::size_t first = std::min(file.size, aligned_size(model_header + description));
  m.model = read_graph(from, {{file.data, file.data.get() + first}, file.size - first});
  if (version == 2) keep_rounding_of_version_2(m.model);
  m.test = read_self_test(from, m.model);
  require<FormatError>(from.left() == 0, "the description has ", from.left(), " unexpected bytes at its end");
  return m;
}

inline ModelFile read_model_file(const std::string& path) {
  return naming_file(path, [&] { return read_model_file(map_file(path)); });
}

}  // namespace detail
OCTET_END
