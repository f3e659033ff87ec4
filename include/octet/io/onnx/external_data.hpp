#pragma once
#include <charconv>
#include <filesystem>
#include <fstream>

#include "proto.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// The folder of a model, in whose files tensors may lie.
class ExternalData {
 public:
  ExternalData() = default;
  explicit ExternalData(std::filesystem::path folder) : folder_(std::move(folder)), known_(true) {}

  /// The `size` bytes that the entries (location, offset, length) of a tensor name.
  std::string read(const std::map<std::string_view, std::string_view>& entries, std::size_t size) const {
    const auto entry = [&](const char* key) {
      const auto e = entries.find(key);
      return e == entries.end() ? std::string_view() : e->second;
    };
    const std::filesystem::path path = inside(entry("location"));
    std::error_code error;
    const std::uint64_t file_size = std::filesystem::file_size(path, error);
    std::ifstream file(path, std::ios::binary);
    require<FormatError>(!error && file, "its data should be in '", path.string(), "', which cannot be read");
    const std::uint64_t offset = number(entry("offset"), 0);
    const std::uint64_t length = number(entry("length"), offset < file_size ? file_size - offset : 0);
    require<FormatError>(offset <= file_size && length <= file_size - offset, "its data end at byte ", offset, " + ",
                         length, " of '", path.string(), "', which has only ", file_size);
    require<FormatError>(length == size, "needs ", size, " bytes, but '", path.string(), "' holds ", length);
    std::string data(size, '\0');
    file.seekg(static_cast<std::streamoff>(offset));
    file.read(data.data(), static_cast<std::streamsize>(size));
    require<FormatError>(static_cast<std::size_t>(file.gcount()) == size, "'", path.string(), "' cannot be read");
    return data;
  }

 private:
  /// A model may only name files of its own folder: nothing absolute, no way up.
  std::filesystem::path inside(std::string_view location) const {
    const std::filesystem::path relative{std::string(location)};
    bool good = !relative.empty() && !relative.has_root_path() && location.find('\\') == std::string_view::npos &&
                location.find('\0') == std::string_view::npos;
    for (const auto& part : relative) good = good && part != "..";
    require<FormatError>(good, "its data are said to be in '", std::string(location),
                         "', which is not a file in the model's folder");
    require<FormatError>(known_, "its data are in another file ('", relative.string(),
                         "'), which cannot be found for a model in memory");
    return folder_ / relative;
  }
  static std::uint64_t number(std::string_view text, std::uint64_t missing) {
    if (text.empty()) return missing;
    std::uint64_t n = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
    require<FormatError>(r.ec == std::errc() && r.ptr == text.data() + text.size(), "'", std::string(text),
                         "' is not a number of bytes");
    return n;
  }
  std::filesystem::path folder_;
  bool known_ = false;
};

}  // namespace detail::onnx
OCTET_END
