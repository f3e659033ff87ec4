#pragma once
#if defined(__unix__) || defined(__APPLE__)
#  include <dirent.h>
#  include <sys/file.h>
#  include <time.h>

#  include <cstdio>
#  include <memory>
#  if defined(__APPLE__)
#    include <sys/random.h>
#  endif

#  include "input_file.hpp"

/// Temporary files in the folder of the file that they will replace: .octet-PROCESS-RANDOM.tmp. The writer holds a lock
/// (flock), so that other processes can recognize files that a crashed writer left behind.
OCTET_BEGIN
namespace detail {

constexpr char temporary_begin[] = ".octet-", temporary_end[] = ".tmp";

/// A unique name.
inline std::string temporary_name() {
  std::uint64_t random = 0;
  if (::getentropy(&random, sizeof random) != 0) {
    struct timespec now;
    ::clock_gettime(CLOCK_REALTIME, &now);
    random = static_cast<std::uint64_t>(now.tv_nsec) * 0x9e3779b97f4a7c15u ^ reinterpret_cast<std::uintptr_t>(&random);
  }
  char text[64];
  std::snprintf(text, sizeof text, "%s%ld-%016llx%s", temporary_begin, static_cast<long>(::getpid()),
                static_cast<unsigned long long>(random), temporary_end);
  return text;
}

inline bool is_temporary_name(const char* name) noexcept {
  const std::size_t n = std::strlen(name), begin = sizeof temporary_begin - 1, end = sizeof temporary_end - 1;
  return n > begin + end + 17 && std::strncmp(name, temporary_begin, begin) == 0 &&
         std::strcmp(name + n - end, temporary_end) == 0 &&
         std::strspn(name + begin, "0123456789abcdef-") == n - begin - end;
}

/// Removes temporary files of crashed writers. Ignores those that cannot be opened or removed, such as other users'.
inline void remove_stale_temporaries(const std::string& folder) {
  struct Close {
    void operator()(DIR* d) const noexcept { ::closedir(d); }
  };
  const std::unique_ptr<DIR, Close> entries(::opendir(folder.empty() ? "." : folder.c_str()));
  if (!entries) return;
  const int at = ::dirfd(entries.get());
  while (const struct dirent* entry = ::readdir(entries.get())) {
    if (!is_temporary_name(entry->d_name)) continue;
    const FileDescriptor file(::openat(at, entry->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    struct stat status;
    if (file.get() < 0 || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    // Removed while holding the lock: a writer that has just created the file and gets the lock afterwards notices that
    // it is gone.
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlinkat(at, entry->d_name, 0);
  }
}

/// A temporary file in a folder ("" or "name/"). Removed by the destructor unless it was renamed.
class TemporaryFile {
 public:
  /// Creates the file. If that fails, good() is false and errno is set.
  TemporaryFile(const std::string& folder, mode_t mode) {
    for (int attempts = 0; attempts < 100; ++attempts) {
      path_ = folder + temporary_name();
      file_ = FileDescriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
      if (file_.get() < 0 && errno == EEXIST) continue;
      if (file_.get() < 0) return;
      // If locks are not supported, no other process can lock it to remove it either.
      while (::flock(file_.get(), LOCK_EX) != 0 && errno == EINTR) continue;
      struct stat status;
      if (::fstat(file_.get(), &status) == 0 && status.st_nlink > 0) return;
    }
    file_ = FileDescriptor();  // each existed already, or was removed before it was locked
    errno = EEXIST;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (file_.get() >= 0 && !renamed_) ::unlink(path_.c_str());
  }

  bool good() const noexcept { return file_.get() >= 0; }
  int descriptor() const noexcept { return file_.get(); }
  bool rename_to(const std::string& target) noexcept {
    return renamed_ = std::rename(path_.c_str(), target.c_str()) == 0;
  }

 private:
  std::string path_;
  FileDescriptor file_;
  bool renamed_ = false;
};

}  // namespace detail
OCTET_END
#endif
