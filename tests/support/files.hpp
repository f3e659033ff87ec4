#pragma once
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <octet/files/read_file.hpp>
#include <string>

namespace testing {

/// The name of a temporary file, which is removed by the destructor.
struct TemporaryFile {
  std::string path;
  explicit TemporaryFile(const std::string& name)
      : path((std::filesystem::temp_directory_path() / ("octet_" + std::to_string(::getpid()) + "_" + name)).string()) {
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
};

/// A temporary folder, which is removed with its contents by the destructor.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "octet_XXXXXX").string();
    if (::mkdtemp(name.data())) path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_.string() + "/" + name; }
  /// Writes a file, creating its parent folders. Returns its path.
  std::string write(const std::string& name, const std::string& bytes) const {
    const std::string file = *this / name;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
    return file;
  }

 private:
  std::filesystem::path path_;
};

/// The path of a file or folder of real data and models; empty if it does not exist.
inline std::string shared_file(const std::string& name) {
  const char* folder = std::getenv("OCTET_SHARED");
#ifdef OCTET_SHARED_DIR
  if (!folder) folder = OCTET_SHARED_DIR;
#endif
  const std::string path = folder ? std::string(folder) + "/" + name : "";
  return std::filesystem::exists(path) ? path : "";
}

inline std::string contents(const std::string& path) { return octet::detail::read_file(path, std::int64_t{1} << 32); }

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace testing
