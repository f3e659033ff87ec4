#pragma once
#include <filesystem>

#include "dataset.hpp"
#include "image.hpp"
#include "image_files.hpp"
#include "labels.hpp"

OCTET_BEGIN

namespace detail {

/// Images in separate files.
class ImageFiles : public Dataset {
 public:
  struct File {
    std::string path, name;
    std::vector<std::int64_t> labels;
  };
  explicit ImageFiles(std::vector<File> files, std::int64_t classes = 0)
      : files_(std::move(files)), classes_(classes) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(files_.size()); }
  Tensor<uint8> image(std::int64_t i) const override { return load_image(files_[at(i)].path); }
  std::optional<std::int64_t> label(std::int64_t i) const override {
    const auto& all = files_[at(i)].labels;
    return all.empty() ? std::nullopt : std::optional<std::int64_t>(all[0]);
  }
  std::vector<std::int64_t> labels(std::int64_t i) const override { return files_[at(i)].labels; }
  std::string name(std::int64_t i) const override { return files_[at(i)].name; }
  std::int64_t classes() const override { return classes_; }

 private:
  std::vector<File> files_;
  std::int64_t classes_;
};

OCTET_API bool is_image_file(const std::filesystem::path& p) {
  const std::string e = lowered(p.extension().string());
  return e == ".jpg" || e == ".jpeg" || e == ".png" || e == ".bmp";
}

OCTET_API std::vector<std::filesystem::path> list_folder(const std::string& path, bool folders) {
  std::error_code error;
  std::vector<std::filesystem::path> found;
  std::filesystem::directory_iterator it(path, error);
  require<FormatError>(!error, "cannot read folder '", path, "': ", error.message());
  for (const std::filesystem::directory_iterator end; it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code ignored;
    if (name[0] != '.' &&
        (folders ? it->is_directory(ignored) : !it->is_directory(ignored) && is_image_file(it->path())))
      found.push_back(it->path());
    if (error) break;
  }
  require<FormatError>(!error, "cannot read folder '", path, "': ", error.message());
  std::sort(found.begin(), found.end());
  return found;
}

/// The classes of a folder name or label: by the model's labels, or by an alternative name in `classes`.
inline std::vector<std::int64_t> find_classes(const std::string& key, const Labels& labels, const Labels& classes) {
  std::vector<std::int64_t> found = labels.find_all(key);
  if (!found.empty() || classes.empty()) return found;
  found = classes.find_all(key);
  return found.empty() || labels.empty() ? found : labels.find_all(classes.name(found[0]));
}

}  // namespace detail

OCTET_API DatasetPtr open_image_folder(const std::string& path) {
  std::vector<detail::ImageFiles::File> files;
  for (const auto& p : detail::list_folder(path, false)) files.push_back({p.string(), p.filename().string(), {}});
  detail::require<FormatError>(!files.empty(), "folder '", path, "' has no .jpg, .jpeg, .png or .bmp files");
  return std::make_shared<detail::ImageFiles>(std::move(files));
}

OCTET_API DatasetPtr open_class_folders(const std::string& path, const Labels& labels, const Labels& classes) {
  const auto folders = detail::list_folder(path, true);
  std::vector<std::vector<std::int64_t>> index;
  for (const auto& f : folders) index.push_back(detail::find_classes(f.filename().string(), labels, classes));
  const auto missing = std::find_if(index.begin(), index.end(), [](const auto& found) { return found.empty(); });
  if (missing != index.end()) {
    const auto& folder = folders[static_cast<std::size_t>(missing - index.begin())];
    detail::require<FormatError>(labels.empty() && classes.empty(), "folder '", path, "': class folder '",
                                 folder.filename().string(), "' is not in the label list");
    for (std::size_t i = 0; i < index.size(); ++i) index[i] = {static_cast<std::int64_t>(i)};
  }
  std::vector<std::vector<std::filesystem::path>> images;
  std::size_t most = 0;
  for (const auto& f : folders) {
    images.push_back(detail::list_folder(f.string(), false));
    most = std::max(most, images.back().size());
  }
  // Interleave the classes, so that the first images are a sample of all classes.
  std::vector<detail::ImageFiles::File> files;
  for (std::size_t k = 0; k < most; ++k)
    for (std::size_t i = 0; i < folders.size(); ++i)
      if (k < images[i].size()) {
        const auto& p = images[i][k];
        files.push_back({p.string(), (folders[i].filename() / p.filename()).string(), index[i]});
      }
  detail::require<FormatError>(!files.empty(), "folder '", path,
                               "' has no class folders with .jpg, .jpeg, .png or .bmp files");
  return std::make_shared<detail::ImageFiles>(std::move(files), static_cast<std::int64_t>(folders.size()));
}

OCTET_API DatasetPtr open_image_csv(const std::string& path, const Labels& labels, const Labels& classes,
                                    bool with_labels) {
  const std::string what = "'" + path + "'";
  auto rows = detail::parse_csv(detail::read_file(path, std::int64_t{1} << 28), what);
  detail::require<FormatError>(!rows.empty(), what, " is empty");
  std::size_t file = 0, label = 1, first = 0;
  for (std::size_t c = 0; c < rows[0].size(); ++c) {
    const std::string h = detail::lowered(detail::trimmed(rows[0][c]));
    if (h == "file" || h == "filename" || h == "path" || h == "image") {
      file = c;
      first = 1;
    }
    if (h == "label" || h == "class" || h == "target") {
      label = c;
      first = 1;
    }
  }
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::vector<detail::ImageFiles::File> files;
  for (std::size_t r = first; r < rows.size(); ++r) {
    const detail::CsvRow& row = rows[r];
    detail::require<FormatError>(row.size() == rows[0].size() && file < row.size(), what, ": row ", r + 1, " has ",
                                 row.size(), " columns, expected ", rows[0].size());
    const std::string name = detail::trimmed(row[file]);
    detail::ImageFiles::File f{(folder / name).string(), name, {}};
    std::error_code error;
    detail::require<FormatError>(std::filesystem::is_regular_file(f.path, error), what, ": row ", r + 1, ": file '",
                                 name, "' does not exist");
    if (with_labels && label < row.size()) {
      f.labels = detail::find_classes(row[label], labels, classes);
      detail::require<FormatError>(!f.labels.empty(), what, ": row ", r + 1, ": expected ",
                                   labels.empty() ? "a number as the label (there is no label list)"
                                                  : "a label from the label list, or a number below its size",
                                   ", found '", row[label], "'");
    }
    files.push_back(std::move(f));
  }
  detail::require<FormatError>(!files.empty(), what, " lists no images");
  return std::make_shared<detail::ImageFiles>(std::move(files));
}

OCTET_END
