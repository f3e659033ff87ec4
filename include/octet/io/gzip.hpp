#pragma once
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "../core/error.hpp"

OCTET_BEGIN
namespace detail {

/// Reads a file front to back, unpacking it where it is gzipped.
class GzipFile {
 public:
  explicit GzipFile(const std::string& path)
      : path_(path), file_(is_folder(path) ? nullptr : gzopen(path.c_str(), "rb")) {
    require<FormatError>(file_ != nullptr, "cannot open '", path, "' (",
                         is_folder(path) ? "it is a folder" : std::strerror(errno), ")");
  }

  /// The next bytes, `most` unless the file ends before. Memory grows with what is there, not with what is
  /// asked for.
  std::string read(std::int64_t most) {
    std::string bytes, part(std::size_t{1} << 18, '\0');
    while (static_cast<std::int64_t>(bytes.size()) < most) {
      const auto want = std::min<std::int64_t>(static_cast<std::int64_t>(part.size()),
                                               most - static_cast<std::int64_t>(bytes.size()));
      const int n = gzread(file_.get(), part.data(), static_cast<unsigned>(want));
      int code = Z_OK;
      const char* reason = gzerror(file_.get(), &code);
      // A stream that stops early gives its bytes and then an error.
      require<FormatError>(n >= 0 && (code == Z_OK || code == Z_STREAM_END), "'", path_, "' is damaged (", reason, ")");
      if (n == 0) break;
      bytes.append(part.data(), static_cast<std::size_t>(n));
    }
    return bytes;
  }

 private:
  static bool is_folder(const std::string& path) {
    std::error_code ignored;
    return std::filesystem::is_directory(path, ignored);
  }
  struct Close {
    void operator()(gzFile f) const noexcept { gzclose(f); }
  };
  std::string path_;
  std::unique_ptr<std::remove_pointer_t<gzFile>, Close> file_;
};

}  // namespace detail
OCTET_END
