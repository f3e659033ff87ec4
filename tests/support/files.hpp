#pragma once
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <octet/io/read_file.hpp>
#include <string>

namespace testing {

/// The name of a file that is removed in the end.
struct TemporaryFile {
  std::string path;
  explicit TemporaryFile(const std::string& name)
      : path((std::filesystem::temp_directory_path() / ("octet_" + std::to_string(::getpid()) + "_" + name))
                 .string()) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
};

inline std::string contents(const std::string& path) {
  return octet::detail::read_file(path, std::int64_t{1} << 32);
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace testing
