#pragma once
#include <filesystem>
#include <system_error>

#include "../../files/atomic_file.hpp"
#include "cpp.hpp"
#include "exporter.hpp"

OCTET_BEGIN
namespace detail::cpp {

/// Files and folders that are being made. Unless they are kept, those that did not exist before are removed.
class NewFiles {
 public:
  NewFiles() = default;
  NewFiles(const NewFiles&) = delete;
  NewFiles& operator=(const NewFiles&) = delete;
  ~NewFiles() {
    std::error_code error;
    for (auto it = made_.rbegin(); it != made_.rend(); ++it) std::filesystem::remove(*it, error);  // folders: if empty
  }
  void make_folder(const std::string& path) {
    namespace fs = std::filesystem;
    std::error_code error;
    std::vector<fs::path> missing;
    for (fs::path p = path; !p.empty() && !fs::exists(p, error); p = p.parent_path()) missing.push_back(p);
    made_.assign(missing.rbegin(), missing.rend());
    fs::create_directories(path, error);
    std::error_code ignored;
    require<FormatError>(fs::is_directory(path, ignored), "cannot create folder '", path, "' (",
                         error ? error.message() : "it is a file", ")");
  }
  void add(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) made_.emplace_back(path);
  }
  void keep() noexcept { made_.clear(); }

 private:
  std::vector<std::filesystem::path> made_;
};

}  // namespace detail::cpp

OCTET_API Model for_cmsis_nn(const Model& model) { return detail::cpp::cmsis_nn_model(model); }

OCTET_API CppSource write_cpp(const Model& model, const CppOptions& options) {
  return detail::cpp::Exporter(model, options).run();
}

OCTET_API void save_cpp(const CppSource& source, const std::string& directory) {
  detail::cpp::NewFiles made;
  made.make_folder(directory);
  const auto path = [&](const CppSource::File& f) { return (std::filesystem::path(directory) / f.name).string(); };
  for (const CppSource::File& f : source.files) require_writable(path(f));
  for (const CppSource::File& f : source.files) {
    made.add(path(f));
    write_file(path(f), f.text);
  }
  made.keep();
}

OCTET_API CppSource export_cpp(const Model& model, const std::string& directory, const CppOptions& options) {
  CppSource source = write_cpp(model, options);
  save_cpp(source, directory);
  return source;
}

OCTET_END
