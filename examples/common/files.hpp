#pragma once
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <octet/io/atomic_file.hpp>
#include <string>

/// What programs do with files, each failing with a message that names the file.

/// Throws where a file of that name could not be made, before long work is done for it.
inline void require_writable(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const bool writable = access(folder.empty() ? "." : folder.c_str(), W_OK) == 0;
  octet::detail::require<octet::FormatError>(writable, "cannot write '", path, "' (", std::strerror(errno), ")");
  std::error_code ignored;
  octet::detail::require<octet::FormatError>(!std::filesystem::is_directory(path, ignored), "cannot write '", path,
                                             "' (it is a folder)");
}

/// Makes a folder, and those it lies in, unless it is there.
inline void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  octet::detail::require<octet::FormatError>(!error, "cannot make folder '", path, "' (", error.message(), ")");
}

/// Writes a text file; it appears whole or not at all.
inline void write_file(const std::string& path, const std::string& text) {
  octet::detail::write_atomically(path, [&](std::ostream& out) { out << text; });
}
