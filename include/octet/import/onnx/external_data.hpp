#pragma once
#include <charconv>
#include <filesystem>
#include <map>

#include "../../files/map_file.hpp"
#include "proto.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Reads tensors from external data files in the folder of a model.
class ExternalData {
 public:
  ExternalData() = default;
  explicit ExternalData(const std::filesystem::path& model) : folder_(model.parent_path()), known_(true) {
    // If the model is itself a symbolic link, as in model caches, its data may be links into the same folder.
    std::error_code ignored;
    homes_ = {std::filesystem::canonical(folder_.empty() ? "." : folder_, ignored),
              std::filesystem::canonical(model, ignored).parent_path()};
  }

  /// Counts copies of the data in `budget`, which grows with each new file.
  void count_in(std::size_t& budget) noexcept { budget_ = &budget; }

  /// The `size` bytes described by the entries (location, offset, length) of a tensor, in the memory-mapped file.
  std::shared_ptr<const std::byte> read(const std::map<std::string_view, std::string_view>& entries,
                                        std::size_t size) const {
    const auto entry = [&](const char* key) {
      const auto e = entries.find(key);
      return e == entries.end() ? std::string_view() : e->second;
    };
    const std::filesystem::path path = inside(entry("location"));
    const SharedBytes& file = mapped(path);
    const std::uint64_t file_size = file.size;
    const std::uint64_t offset = number(entry("offset"), 0);
    const std::uint64_t length = number(entry("length"), offset < file_size ? file_size - offset : 0);
    require<FormatError>(offset <= file_size && length <= file_size - offset, "its data is at bytes ", offset, " + ",
                         length, " of '", path.string(), "', which has only ", file_size);
    require<FormatError>(length == size, "needs ", size, " bytes, found ", length, " in '", path.string(), "'");
    if (budget_) {
      require<FormatError>(size <= *budget_, "too many tensors share the data in '", path.string(), "'");
      *budget_ -= size;
    }
    return {file.data, file.data.get() + offset};
  }

 private:
  /// A model may only refer to files in its folder: no absolute paths, no "..", and no links that lead out of it.
  std::filesystem::path inside(std::string_view location) const {
    const std::filesystem::path relative{std::string(location)};
    bool good = !relative.empty() && !relative.has_root_path() && location.find('\\') == std::string_view::npos &&
                location.find('\0') == std::string_view::npos;
    for (const auto& part : relative) good = good && part != "..";
    require<FormatError>(good, "its data is in '", std::string(location),
                         "', which is not a file in the model's folder");
    require<FormatError>(known_, "its data is in another file ('", relative.string(),
                         "'), which is not supported for a model in memory");
    const std::filesystem::path named = folder_ / relative;
    std::error_code error;
    std::filesystem::path real = std::filesystem::canonical(named, error);
    require<FormatError>(!error, "its data is in '", named.string(), "', which cannot be read (", error.message(), ")");
    const auto holds = [&](const std::filesystem::path& home) {
      return !home.empty() && std::mismatch(home.begin(), home.end(), real.begin(), real.end()).first == home.end();
    };
    require<FormatError>(std::any_of(homes_.begin(), homes_.end(), holds), "its data is in '", named.string(),
                         "', which is a link to '", real.string(), "', not a file in the model's folder");
    return real;
  }

  /// Maps a file on its first use. It adds to the budget like the bytes of the model; each read uses it up.
  const SharedBytes& mapped(const std::filesystem::path& path) const {
    const auto known = files_.find(path);
    if (known != files_.end()) return known->second;
    const SharedBytes& file = files_[path] = map_file(path.string());
    constexpr std::size_t copies = 16, most = std::numeric_limits<std::size_t>::max();
    if (budget_) *budget_ += std::min(copies * std::min(file.size, most / copies), most - *budget_);
    return file;
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
  std::vector<std::filesystem::path> homes_;
  bool known_ = false;
  std::size_t* budget_ = nullptr;
  mutable std::map<std::filesystem::path, SharedBytes> files_;
};

}  // namespace detail::onnx
OCTET_END
