#pragma once
#include <zlib.h>
#include <algorithm>

#include <memory>

#include "input_file.hpp"

OCTET_BEGIN
namespace detail {

/// Reads a file sequentially and decompresses it if it is gzipped. Throws FormatError if the contents are far larger
/// than the file, so that a small file cannot make it run out of memory.
class GzipFile {
 public:
  explicit GzipFile(const std::string& path) : path_(path) {
    InputFile file(path);
    most_ = std::max(free_bytes, static_cast<std::int64_t>(file.size()) * most_ratio);
#if defined(__unix__) || defined(__APPLE__)
    file_.reset(gzdopen(file.descriptor(), "rb"));
    if (file_) file.release();
#else
    file_.reset(gzopen(path.c_str(), "rb"));
#endif
    require<FormatError>(file_ != nullptr, "cannot open '", path, "' (out of memory)");
  }

  /// Throws FormatError if the next `bytes` bytes, as declared in the file, are implausibly many for the file's size.
  void require_likely(std::int64_t bytes) const {
    require<FormatError>(bytes <= most_ - read_, "'", path_, "' decompresses to more than ", most_, " bytes, over ",
                         most_ratio, " times its size; if that is correct, decompress the file first");
  }

  /// The next `most` bytes, or fewer at the end of the file. Allocates memory only for bytes that exist.
  std::string read(std::int64_t most) {
    const bool packed = gzdirect(file_.get()) == 0;
    std::string bytes, part(std::size_t{1} << 18, '\0');
    while (static_cast<std::int64_t>(bytes.size()) < most) {
      const auto want = std::min<std::int64_t>(static_cast<std::int64_t>(part.size()),
                                               most - static_cast<std::int64_t>(bytes.size()));
      const int n = gzread(file_.get(), part.data(), static_cast<unsigned>(want));
      int code = Z_OK;
      const char* reason = gzerror(file_.get(), &code);
      // For a truncated stream, zlib returns its bytes first and then an error.
      require<FormatError>(n >= 0 && (code == Z_OK || code == Z_STREAM_END), "'", path_, "' is damaged (", reason, ")");
      if (n == 0) break;
      if (packed) require_likely(n);
      read_ += n;
      bytes.append(part.data(), static_cast<std::size_t>(n));
    }
    return bytes;
  }

 private:
  // Images and labels are compressed by factors of 2 to 20; zeros by 1000.
  static constexpr std::int64_t free_bytes = std::int64_t{1} << 24, most_ratio = 128;
  struct Close {
    void operator()(gzFile f) const noexcept { gzclose(f); }
  };
  std::string path_;
  std::int64_t most_ = 0, read_ = 0;
  std::unique_ptr<std::remove_pointer_t<gzFile>, Close> file_;
};

}  // namespace detail
OCTET_END
