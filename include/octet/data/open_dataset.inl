#pragma once

#include "cifar.hpp"
#include "idx.hpp"
#include "image_files.hpp"
#include "load_labels.hpp"
#include "open_dataset.hpp"
#include "shapes_dataset.hpp"

OCTET_BEGIN

namespace detail {

inline bool ends_with(const std::string& s, const std::string& end) {
  return s.size() >= end.size() && s.compare(s.size() - end.size(), end.size(), end) == 0;
}

inline bool file_exists(const std::filesystem::path& p) {
  std::error_code error;
  return std::filesystem::exists(p, error);
}

/// The first file of a folder whose name has one of the beginnings and one of the endings. Empty if there is none.
inline std::string find_file(const std::string& folder, std::initializer_list<const char*> beginnings,
                             std::initializer_list<const char*> endings) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  for (const char* b : beginnings)
    for (const std::string& n : names)
      for (const char* e : endings)
        if (n.compare(0, std::strlen(b), b) == 0 && ends_with(n, e))
          return (std::filesystem::path(folder) / n).string();
  return {};
}

/// The IDX file with test images in a folder.
inline std::string find_images(const std::string& folder) {
  return find_file(folder, {"t10k-images", "test-images", ""}, {"idx3-ubyte", "idx3-ubyte.gz"});
}

inline DatasetPtr open_idx_path(const std::string& path, bool with_labels) {
  std::error_code error;
  std::string images = path, labels;
  if (std::filesystem::is_directory(path, error)) images = find_images(path);
  require<FormatError>(!images.empty(), "folder '", path, "' has no file ...-images-idx3-ubyte, gzipped or not");
  // The file of labels is in the same folder; its name differs only in these parts.
  labels = images;
  for (const auto& [from, to] : {std::make_pair("images", "labels"), std::make_pair("idx3", "idx1")})
    if (const auto at = labels.rfind(from); at != std::string::npos) labels.replace(at, std::strlen(from), to);
  return open_idx(images, with_labels && labels != images && file_exists(labels) ? labels : std::string());
}

inline DatasetPtr open_folder_path(const std::string& path, const DatasetOptions& o) {
  if (list_folder(path, true).empty()) return open_image_folder(path);
  if (!o.with_labels) return open_class_folders(path);
  Labels classes = o.classes;
  const std::filesystem::path folder(path);
  for (const auto& candidate : {folder / "classes.csv", folder / ".." / "classes.csv"})
    if (classes.empty() && file_exists(candidate)) classes = load_labels(candidate.string());
  return open_class_folders(path, o.labels, classes);
}

}  // namespace detail

OCTET_API std::string guess_format(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    detail::require<FormatError>(detail::file_exists(path), "'", path, "' does not exist");
    const std::string name = detail::lowered(path);
    if (detail::ends_with(name, ".csv")) return "csv";
    if (detail::ends_with(name, ".bin") || detail::ends_with(name, ".bin.gz")) return "cifar";
    const std::string magic = detail::GzipFile(path).read(4);
    return magic.size() == 4 && magic.compare(0, 3, std::string("\0\0\x08", 3)) == 0 ? "idx" : "";
  }
  if (detail::file_exists(std::filesystem::path(path) / "labels.csv")) return "csv";
  if (!detail::list_folder(path, false).empty() || !detail::list_folder(path, true).empty()) return "folder";
  return detail::find_images(path).empty() ? "cifar" : "idx";
}

OCTET_API DatasetPtr open_dataset(const std::string& path, const DatasetOptions& o) {
  if (path.compare(0, 8, "builtin:") == 0) {
    detail::require(path == "builtin:shapes", "unknown data set '", path, "', expected builtin:shapes");
    return std::make_shared<ShapesDataset>(2000, 2);
  }
  const std::string format = o.format == "auto" ? guess_format(path) : o.format;
  std::error_code error;
  const bool folder = std::filesystem::is_directory(path, error);
  if (format == "folder") return detail::open_folder_path(path, o);
  if (format == "idx") return detail::open_idx_path(path, o.with_labels);
  if (format == "csv")
    return open_image_csv(folder ? (std::filesystem::path(path) / "labels.csv").string() : path, o.labels, o.classes,
                          o.with_labels);
  detail::require<FormatError>(!format.empty(), "'", path,
                               "': the format of the data set is unknown; specify it (folder, csv, idx, cifar)");
  detail::require(format == "cifar", "unknown format '", format, "', expected folder, csv, idx or cifar");
  const std::string file = folder ? detail::find_file(path, {"test", ""}, {".bin", ".bin.gz"}) : path;
  detail::require<FormatError>(!file.empty(), "folder '", path,
                               "' has no images, labels.csv, IDX files or CIFAR .bin files");
  return open_cifar(file);
}

OCTET_END
