#pragma once
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <octet/files/atomic_file.hpp>
#include <octet/io/model_file.hpp>
#include <string>
#include <vector>

#include "text.hpp"

/// File operations of the programs. Errors name the file.

/// Creates a folder and its parents, unless they exist.
inline void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  require<octet::FormatError>(!error, "cannot create folder '", path, "' (", error.message(), ")");
}

/// A folder for results. If it is new, and still empty in the end since there was an error, it is removed.
class ResultFolder {
 public:
  explicit ResultFolder(const std::string& path) : path_(path) {
    std::error_code error;
    is_new_ = !std::filesystem::exists(path, error);
    make_folder(path);
  }
  ~ResultFolder() {
    std::error_code error;
    if (is_new_) std::filesystem::remove(path_, error);  // fails if there is a file in it
  }
  ResultFolder(const ResultFolder&) = delete;
  ResultFolder& operator=(const ResultFolder&) = delete;

 private:
  std::string path_;
  bool is_new_;
};

/// Kinds of files that programs write.
enum class FileKind { model, checkpoint, calibration, plan, results, report, tensor, source };

/// Whether octet wrote the file and it is of that kind, judging by its first bytes.
inline bool is_octet_file(const std::string& path, FileKind kind) {
  std::string text(std::size_t{1} << 16, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  const auto begins = [&](const char* with) { return text.compare(0, std::strlen(with), with) == 0; };
  const auto has = [&](const char* part) { return text.find(part) != std::string::npos; };
  switch (kind) {
    case FileKind::model:
      return begins("OCTET\r\n\x1a") || text.find("\x12\x05octet") == 2 || (text.find("TFL3") == 4 && has("octet"));
    case FileKind::checkpoint: return begins("OCTETCP\n");
    case FileKind::calibration: return begins("{") && has("\"octet_calibration\"");
    case FileKind::plan: return begins("{") && has("\"octet_plan\"");
    case FileKind::results:
      return begins("{\n  \"model") && (has("\"variants\": [") || has("\"ptq_int8_top1\": ") ||
                                        has("\"arena_bytes\": ") || has("\"time_ratio\": "));
    case FileKind::report: return begins("<!DOCTYPE html>") && has(" - octet</title>");
    case FileKind::source: return begins("// ") && text.find(", written by octet.") < text.find('\n');
    case FileKind::tensor: return false;  // NumPy writes the same
  }
  return false;
}

/// Keeps a program from overwriting its inputs and files that octet did not write. Use it before doing any work.
class OutputCheck {
 public:
  /// `inputs`: files and folders that are read; empty names and built-in ones are ignored. With `force`, files that
  /// octet did not write may be replaced.
  OutputCheck(const std::vector<std::string>& inputs, bool force) : inputs_(inputs), force_(force) {}

  /// Throws FormatError if the file is an input or another output, was not written by octet, or cannot be written.
  void writes(const std::string& path, FileKind kind) {
    using octet::FormatError;
    namespace fs = std::filesystem;
    if (kind == FileKind::model) octet::require_writable(path);
    std::error_code error;
    const fs::path place = fs::weakly_canonical(fs::absolute(path), error);
    for (const fs::path& other : outputs_)
      require<FormatError>(place != other, "cannot write '", path, "': it is the name of two outputs");
    outputs_.push_back(place);
    if (fs::exists(path, error)) {
      for (const std::string& input : inputs_)
        require<FormatError>(!fs::equivalent(path, input, error), "cannot write '", path, "': it is the input '", input,
                             "'");
      // Files that are not regular are rejected below.
      const bool known = !fs::is_regular_file(path, error) || is_octet_file(path, kind);
      for (const std::string& input : inputs_)
        require<FormatError>(known || !lies_in(place, input), "cannot write '", path, "': it is a file of the input '",
                             input, "'");
      require<FormatError>(known || force_, "cannot write '", path, "': the file exists",
                           kind == FileKind::tensor ? "" : " and octet did not write it", " (--force replaces it)");
    }
    octet::require_writable(path);
    require<FormatError>(kind != FileKind::model || is_model_name(path), "cannot write '", path,
                         "': the name of a model has to end in .octet, .onnx or .tflite");
  }

 private:
  static bool is_model_name(const std::string& path) {
    std::string extension = std::filesystem::path(path).extension().string();
    for (char& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return extension == ".octet" || extension == ".onnx" || extension == ".tflite";
  }
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
