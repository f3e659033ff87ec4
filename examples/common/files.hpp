#pragma once
#include <algorithm>
#include <filesystem>
#include <octet/io/atomic_file.hpp>
#include <octet/io/model_file.hpp>
#include <string>
#include <vector>

/// What programs do with files, each failing with a message that names the file.

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

/// Kinds of files that programs write.
enum class FileKind { model, checkpoint, calibration, results, report };

/// Whether a file is one of that kind that octet wrote, as its beginning tells.
inline bool is_octet_file(const std::string& path, FileKind kind) {
  std::string text(std::size_t{1} << 16, '\0');
  text.resize(octet::detail::InputFile(path).read(text.data(), text.size()));
  const auto begins = [&](const char* with) { return text.compare(0, std::strlen(with), with) == 0; };
  const auto has = [&](const char* part) { return text.find(part) != std::string::npos; };
  switch (kind) {
    case FileKind::model: return begins("OCTET\r\n\x1a");
    case FileKind::checkpoint: return begins("OCTETCP\n");
    case FileKind::calibration: return begins("{") && has("\"octet_calibration\"");
    case FileKind::results:
      return begins("{\n  \"model") &&
             (has("\"variants\": [") || has("\"ptq_int8_top1\": ") || has("\"arena_bytes\": "));
    case FileKind::report: return begins("<!DOCTYPE html>") && has(" - octet</title>");
  }
  return false;
}

/// Keeps a program from writing over what it reads, and over files of others. To be asked before any work.
class OutputCheck {
 public:
  /// Files and folders that are read (empty names, and those of built-in ones, are left out). With `force`, other files
  /// may be replaced, whatever they are.
  OutputCheck(const std::vector<std::string>& inputs, bool force) : inputs_(inputs), force_(force) {}

  /// Throws where that file is an input, is another output, is none of octet's, or cannot be written.
  void writes(const std::string& path, FileKind kind) {
    using octet::FormatError;
    using octet::detail::require;
    namespace fs = std::filesystem;
    if (kind == FileKind::model) octet::detail::require_octet_name(path);
    std::error_code error;
    const fs::path place = fs::weakly_canonical(fs::absolute(path), error);
    for (const fs::path& other : outputs_)
      require<FormatError>(place != other, "cannot write '", path, "': it is given for two outputs");
    outputs_.push_back(place);
    if (fs::exists(path, error)) {
      for (const std::string& input : inputs_)
        require<FormatError>(!fs::equivalent(path, input, error), "cannot write '", path, "': it is the input '", input,
                             "'");
      // A file that is no regular one is refused below.
      const bool known = !fs::is_regular_file(path, error) || is_octet_file(path, kind);
      for (const std::string& input : inputs_)
        require<FormatError>(known || !lies_in(place, input), "cannot write '", path, "': it is a file of the input '",
                             input, "'");
      require<FormatError>(known || force_, "cannot write '", path,
                           "': there is a file of that name that octet did not write (--force replaces it)");
    }
    octet::detail::require_writable(path);
  }

 private:
  static bool lies_in(const std::filesystem::path& file, const std::string& folder) {
    std::error_code error;
    if (folder.empty() || !std::filesystem::is_directory(folder, error)) return false;
    const std::filesystem::path home = std::filesystem::canonical(folder, error);
    return std::mismatch(home.begin(), home.end(), file.begin(), file.end()).first == home.end();
  }

  std::vector<std::string> inputs_;
  std::vector<std::filesystem::path> outputs_;
  bool force_;
};
