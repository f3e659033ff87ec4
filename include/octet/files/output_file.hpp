#pragma once
#if defined(__unix__) || defined(__APPLE__)
#  include <streambuf>
#  include <string>

#  include "temporary_file.hpp"

OCTET_BEGIN
namespace detail {

/// Writes to a file descriptor and keeps the error if that fails.
class DescriptorBuffer : public std::streambuf {
 public:
  explicit DescriptorBuffer(int file) : file_(file), buffer_(std::size_t{1} << 16, '\0') { empty(); }
  int error() const noexcept { return error_; }

 protected:
  inline int_type overflow(int_type c) override {
    if (sync() != 0) return traits_type::eof();
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    *pptr() = traits_type::to_char_type(c);
    pbump(1);
    return c;
  }
  inline std::streamsize xsputn(const char* from, std::streamsize n) override {
    if (n < epptr() - pptr()) return std::streambuf::xsputn(from, n);
    return sync() == 0 && put(from, static_cast<std::size_t>(n)) ? n : 0;
  }
  inline int sync() override {
    const bool good = put(pbase(), static_cast<std::size_t>(pptr() - pbase()));
    empty();
    return good ? 0 : -1;
  }

 private:
  void empty() { setp(buffer_.data(), buffer_.data() + buffer_.size()); }
  bool put(const char* from, std::size_t n) {
    while (n > 0 && !error_) {
      const ssize_t some = ::write(file_, from, std::min(n, most_at_once));
      if (some < 0 && errno != EINTR) error_ = errno;
      if (some > 0) {
        from += some;
        n -= static_cast<std::size_t>(some);
      }
    }
    return error_ == 0;
  }
  int file_, error_ = 0;
  std::string buffer_;
};

/// The target of a path after following symbolic links, whether it exists or not. Empty, with errno set, if there are
/// too many links.
inline std::string followed_links(std::string path) {
  for (int links = 0; links < 40; ++links) {
    std::string target(4096, '\0');
    const ssize_t n = ::readlink(path.c_str(), target.data(), target.size());
    if (n < 0) return path;  // not a link, or does not exist
    target.resize(static_cast<std::size_t>(n));
    const std::size_t slash = path.rfind('/');
    path = target[0] == '/' || slash == std::string::npos ? target : path.substr(0, slash + 1) + target;
  }
  errno = ELOOP;
  return {};
}

/// A file that is written atomically: under a temporary name in the same folder, then renamed when all of it is on
/// disk. Keeps the permissions of a file that it replaces, and symbolic links to it. Throws FormatError for devices,
/// FIFOs, sockets and folders.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path)
      : path_(path),
        target_(followed_links(path)),
        folder_(target_.substr(0, target_.rfind('/') + 1)),
        replaces_(check_target()),
        temporary_((remove_stale_temporaries(folder_), folder_), replaces_ ? mode_t{0600} : mode_t{0666}),
        buffer_(temporary_.descriptor()) {
    require_done(temporary_.good(), "cannot write '");
    if (replaces_) keep_permissions();
  }

  std::streambuf* buffer() noexcept { return &buffer_; }

  /// Finishes the file. `good`: whether all writes succeeded; throws FormatError if not.
  void publish(bool good) {
    if (!good) errno = buffer_.error() ? buffer_.error() : EIO;
    require_done(good, "writing '", "' failed");
    // EINVAL: the file system does not support fsync.
    require_done(::fsync(temporary_.descriptor()) == 0 || errno == EINVAL, "writing '", "' failed");
    require_done(temporary_.rename_to(target_), "cannot replace '");
    const FileDescriptor folder(::open(folder_.empty() ? "." : folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() >= 0) ::fsync(folder.get());  // errors are ignored: the file exists in any case
  }

 private:
  void require_done(bool done, const char* before, const char* after = "'") const {
    const int reason = errno;
    require<FormatError>(done, before, path_, after, " (", std::strerror(reason), ")");
  }

  /// Whether a file will be replaced. Throws FormatError if the path cannot be written.
  bool check_target() {
    require_done(!target_.empty(), "cannot write '");
    if (::stat(target_.c_str(), &old_) != 0) {
      require_done(errno == ENOENT, "cannot write '");
      return false;
    }
    const char* const problem = special_file(old_.st_mode);
    require<FormatError>(!problem, "cannot write '", path_, "' (", problem ? problem : "", ")");
    require_done(::access(target_.c_str(), W_OK) == 0, "cannot write '");
    return true;
  }

  void keep_permissions() {
    struct stat now;
    const int file = temporary_.descriptor();
    require_done(::fstat(file, &now) == 0, "cannot write '");
    // Only root can keep the owner of another user's file.
    if (now.st_uid != old_.st_uid || now.st_gid != old_.st_gid)
      if (::fchown(file, old_.st_uid, old_.st_gid) != 0 && ::fchown(file, static_cast<uid_t>(-1), old_.st_gid) != 0)
        old_.st_mode &= ~mode_t{S_IRWXG};  // they applied to the old file's group
    require_done(::fchmod(file, old_.st_mode & 0777) == 0, "cannot write '");
  }

  std::string path_, target_, folder_;
  struct stat old_ {};
  bool replaces_;
  TemporaryFile temporary_;
  DescriptorBuffer buffer_;
};

}  // namespace detail
OCTET_END
#else
#  include <atomic>
#  include <cerrno>
#  include <cstdio>
#  include <cstring>
#  include <ctime>
#  include <filesystem>
#  include <fstream>

#  include "input_file.hpp"

OCTET_BEGIN
namespace detail {

/// As above, with the standard library alone: does not wait until the file is on disk.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path) : path_(path), temporary_(temporary_beside(path)) {
    out_.open(temporary_, std::ios::binary | std::ios::trunc);
    require<FormatError>(out_.good(), "cannot write '", path_, "' (", std::strerror(errno), ")");
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile() {
    out_.close();
    std::remove(temporary_.c_str());
  }

  std::streambuf* buffer() noexcept { return out_.rdbuf(); }

  void publish(bool good) {
    out_.close();
    require<FormatError>(good && out_.good(), "writing '", path_, "' failed (disk full?)");
    std::error_code error;
    std::filesystem::rename(temporary_, path_, error);  // unlike std::rename, replaces files on Windows, too
    require<FormatError>(!error, "cannot replace '", path_, "' (", error.message(), ")");
  }

 private:
  static std::string temporary_beside(const std::string& path) {
    static std::atomic<unsigned> count{0};
    return path + "." + std::to_string(std::time(nullptr)) + "-" + std::to_string(++count) + ".tmp";
  }

  std::string path_, temporary_;
  std::ofstream out_;
};

}  // namespace detail
OCTET_END
#endif
