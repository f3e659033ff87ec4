#pragma once
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "../core/error.hpp"
#if defined(__unix__) || defined(__APPLE__)
#  include <fcntl.h>
#  include <sys/stat.h>
#  include <unistd.h>
#else
#  include <fstream>
#endif

OCTET_BEGIN
namespace detail {

#if defined(__unix__) || defined(__APPLE__)

/// Largest number of bytes per read or write call. macOS fails above INT_MAX.
constexpr std::size_t most_at_once = std::size_t{1} << 30;

/// Describes a file that is not a regular one. Null for regular files.
inline const char* special_file(mode_t mode) noexcept {
  if (S_ISREG(mode)) return nullptr;
  if (S_ISDIR(mode)) return "it is a folder";
  if (S_ISFIFO(mode)) return "it is a FIFO";
  if (S_ISSOCK(mode)) return "it is a socket";
  return "it is a device";
}

/// Owns a file descriptor.
class FileDescriptor {
 public:
  explicit FileDescriptor(int file = -1) noexcept : file_(file) {}
  FileDescriptor(FileDescriptor&& o) noexcept : file_(o.release()) {}
  FileDescriptor& operator=(FileDescriptor&& o) noexcept {
    if (this != &o) {
      close();
      file_ = o.release();
    }
    return *this;
  }
  ~FileDescriptor() { close(); }
  int get() const noexcept { return file_; }
  int release() noexcept {
    const int file = file_;
    file_ = -1;
    return file;
  }

 private:
  void close() noexcept {
    if (file_ >= 0) ::close(file_);
  }
  int file_;
};

/// A file opened for reading. octet opens all files with it. Only regular files are accepted: opening a FIFO would
/// block, and reading from a device may never end.
class InputFile {
 public:
  explicit InputFile(const std::string& path) : path_(path) {
    struct stat status;
    // Checked before opening, since opening a device can have side effects, and again after it, since the file may have
    // been replaced in between.
    require_regular(::stat(path.c_str(), &status) == 0, status);
    file_ = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    require_regular(file_.get() >= 0 && ::fstat(file_.get(), &status) == 0, status);
    size_ = static_cast<std::uint64_t>(status.st_size);
  }

  std::uint64_t size() const noexcept { return size_; }
  int descriptor() const noexcept { return file_.get(); }
  /// Releases ownership of the descriptor.
  int release() noexcept { return file_.release(); }

  void seek(std::uint64_t offset) {
    const bool done = ::lseek(file_.get(), static_cast<off_t>(offset), SEEK_SET) >= 0;
    require<FormatError>(done, "cannot read '", path_, "' (", std::strerror(errno), ")");
  }
  /// Reads the next n bytes, or fewer at the end of the file. Returns their number.
  std::size_t read(void* to, std::size_t n) {
    std::size_t done = 0;
    while (done < n) {
      const ssize_t some = ::read(file_.get(), static_cast<char*>(to) + done, std::min(n - done, most_at_once));
      if (some < 0 && errno == EINTR) continue;
      require<FormatError>(some >= 0, "cannot read '", path_, "' (", std::strerror(errno), ")");
      if (some == 0) break;
      done += static_cast<std::size_t>(some);
    }
    return done;
  }

 private:
  void require_regular(bool known, const struct stat& status) const {
    const char* const problem = known ? special_file(status.st_mode) : std::strerror(errno);
    require<FormatError>(!problem, "cannot open '", path_, "' (", problem ? problem : "", ")");
  }

  std::string path_;
  FileDescriptor file_;
  std::uint64_t size_ = 0;
};

/// Whether a file or folder exists at the path.
inline bool path_exists(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

#else

class InputFile {
 public:
  explicit InputFile(const std::string& path) : path_(path), file_(path, std::ios::binary | std::ios::ate) {
    require<FormatError>(file_.good(), "cannot open '", path_, "' (", std::strerror(errno), ")");
    size_ = static_cast<std::uint64_t>(file_.tellg());
    seek(0);
  }

  std::uint64_t size() const noexcept { return size_; }

  void seek(std::uint64_t offset) {
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(offset));
    require<FormatError>(file_.good(), "cannot read '", path_, "'");
  }
  std::size_t read(void* to, std::size_t n) {
    file_.read(static_cast<char*>(to), static_cast<std::streamsize>(n));
    require<FormatError>(!file_.bad(), "cannot read '", path_, "'");
    return static_cast<std::size_t>(file_.gcount());
  }

 private:
  std::string path_;
  std::ifstream file_;
  std::uint64_t size_ = 0;
};

inline bool path_exists(const std::string& path) { return std::ifstream(path, std::ios::binary).good(); }

#endif

}  // namespace detail
OCTET_END
