#pragma once
#include <algorithm>
#include <filesystem>
#include <set>

#include "../files/read_file.hpp"
#include "input_files.hpp"
#include "npy.hpp"

OCTET_BEGIN

namespace detail {

/// The files with one of two endings in a folder, sorted by name; or the path itself if it is a file.
inline std::vector<std::string> files_ending(const std::filesystem::path& path, const std::string& ending) {
  const auto fits = [&](const std::filesystem::path& p) { return p.extension() == ending; };
  std::error_code error;
  std::vector<std::string> files;
  if (!std::filesystem::is_directory(path, error)) {
    if (fits(path) && std::filesystem::exists(path, error)) files.push_back(path.string());
    return files;
  }
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    if (fits(it->path()) && it->path().filename().string()[0] != '.') files.push_back(it->path().string());
  std::sort(files.begin(), files.end());
  return files;
}

/// Whether a tensor has the shape of an input; -1 fits any size.
inline bool fits_shape(const Shape& declared, const Shape& found) {
  if (declared.rank() != found.rank()) return false;
  for (int d = 0; d < found.rank(); ++d)
    if (declared[d] >= 0 && declared[d] != found[d]) return false;
  return true;
}

/// The shape with a first dimension of 1 where only that is missing.
inline Shape with_batch(const Shape& declared, Shape found) {
  if (found.rank() + 1 == declared.rank() && declared[0] <= 1) found.insert(0, 1);
  return found;
}

/// How many samples a tensor has: 1, or the number of the model's batches.
inline std::int64_t batches_in(const Shape& declared, const Shape& found) {
  if (declared.rank() == 0 || found.rank() != declared.rank() || declared[0] < 1 || found[0] % declared[0] != 0)
    return 1;
  return std::max<std::int64_t>(1, found[0] / declared[0]);
}

/// Part `part` of `parts` equal ones of the first dimension.
inline AnyTensor batch_of(const AnyTensor& t, std::int64_t part, std::int64_t parts) {
  if (parts == 1) return t;
  Shape s = t.shape();
  s[0] /= parts;
  return AnyTensor::make(t.dtype(), s, [&](std::byte* to) {
    const std::size_t n = octet::bytes(t.dtype(), s.elements());
    std::memcpy(to, t.data() + static_cast<std::size_t>(part) * n, n);
  });
}

class InputFiles : public InputSet {
 public:
  InputFiles(const std::string& path, const Model& model) : path_(path) {
    for (int v : model.inputs) {
      inputs_.push_back(model.value(v));
      inputs_.back().constant = {};
    }
    list_files();
    for (std::size_t f = 0; f < files_.size(); ++f) {
      const std::vector<AnyTensor> tensors = tensors_of(f);
      const std::int64_t parts = parts_of(tensors, f);
      for (std::int64_t p = 0; p < parts; ++p) samples_.push_back({f, p, parts});
    }
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(samples_.size()); }
  std::vector<AnyTensor> inputs(std::int64_t i) const override {
    const Sample& s = samples_.at(static_cast<std::size_t>(i));
    std::vector<AnyTensor> tensors = tensors_of(s.file);
    for (std::size_t k = 0; k < tensors.size(); ++k)
      tensors[k] = fitted_input(inputs_[k], batch_of(tensors[k], s.part, s.parts), name_of(s.file, k));
    return tensors;
  }
  std::string name(std::int64_t i) const override {
    const Sample& s = samples_.at(static_cast<std::size_t>(i));
    return files_[s.file][0] + (s.parts > 1 ? "[" + std::to_string(s.part) + "]" : "");
  }

 private:
  struct Sample {
    std::size_t file;
    std::int64_t part, parts;
  };

  void list_files() {
    namespace fs = std::filesystem;
    for (const std::string& file : files_ending(path_, ".npz")) files_.push_back({file});
    archives_ = !files_.empty();
    if (archives_) return;
    if (inputs_.size() == 1)
      for (const std::string& file : files_ending(path_, ".npy")) files_.push_back({file});
    if (!files_.empty()) return;
    std::vector<std::string> names;
    for (const Value& v : inputs_) names.push_back(v.name);
    const std::vector<std::string> folders = file_names_of(names);
    for (std::size_t k = 0; k < inputs_.size(); ++k) {
      const fs::path folder = fs::path(path_) / folders[k];
      const std::vector<std::string> files = files_ending(folder, ".npy");
      require<FormatError>(!files.empty(), "'", path_, "': expected .npz files, or .npy files of input '", names[k],
                           "' in folder '", folder.string(), "'");
      if (k == 0) files_.resize(files.size());
      require<FormatError>(files.size() == files_.size(), "folder '", folder.string(), "' has ", files.size(),
                           " files, that of input '", names[0], "' has ", files_.size());
      for (std::size_t f = 0; f < files.size(); ++f) files_[f].push_back(files[f]);
    }
  }

  std::string name_of(std::size_t file, std::size_t input) const { return files_[file][archives_ ? 0 : input]; }
  std::vector<AnyTensor> tensors_of(std::size_t file) const {
    std::vector<AnyTensor> tensors;
    if (!archives_) {
      for (std::size_t k = 0; k < inputs_.size(); ++k) tensors.push_back(load_npy(files_[file][k]));
    } else {
      const std::string& path = files_[file][0];
      auto arrays = load_npz(path);
      for (const Value& v : inputs_) {
        auto found = arrays.find(v.name);
        if (found == arrays.end()) found = arrays.find(file_name_of(v.name));
        if (found == arrays.end() && inputs_.size() == 1 && arrays.size() == 1) found = arrays.begin();
        require<FormatError>(found != arrays.end(), "'", path, "' has no array of input '", v.name, "'");
        tensors.push_back(found->second);
      }
    }
    for (std::size_t k = 0; k < inputs_.size(); ++k)
      tensors[k] = tensors[k].reshaped(with_batch(inputs_[k].shape, tensors[k].shape()));
    return tensors;
  }
  /// The number of samples in a file; also checks that they fit.
  std::int64_t parts_of(const std::vector<AnyTensor>& tensors, std::size_t file) const {
    std::int64_t parts = 1;
    for (std::size_t k = 0; k < tensors.size(); ++k) {
      const std::int64_t own = batches_in(inputs_[k].shape, tensors[k].shape());
      Shape one = tensors[k].shape();
      if (own > 1) one[0] /= own;
      fitted_input(inputs_[k], tensors[k].size() > 0 ? batch_of(tensors[k], 0, own) : tensors[k], name_of(file, k));
      require<ShapeError>(k == 0 || own == parts, "'", name_of(file, k), "' has ", own, " samples for input '",
                          inputs_[k].name, "', but ", parts, " for input '", inputs_[0].name, "'");
      parts = own;
    }
    return parts;
  }

  std::string path_;
  std::vector<Value> inputs_;
  bool archives_ = false;
  std::vector<std::vector<std::string>> files_;  // of each sample: the archive, or a file for each input
  std::vector<Sample> samples_;
};

}  // namespace detail

OCTET_API bool has_input_files(const std::string& path) {
  namespace fs = std::filesystem;
  const auto some = [](const fs::path& p) {
    return !detail::files_ending(p, ".npy").empty() || !detail::files_ending(p, ".npz").empty();
  };
  if (some(path)) return true;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    if (it->is_directory(error) && some(it->path())) return true;
  return false;
}

OCTET_API InputSetPtr open_input_files(const std::string& path, const Model& model) {
  detail::require<FormatError>(has_input_files(path), "'", path, "' is no .npy or .npz file, and has none");
  return std::make_shared<detail::InputFiles>(path, model);
}

OCTET_API AnyTensor fitted_input(const Value& input, const AnyTensor& tensor, const std::string& what) {
  using detail::require;
  require<ShapeError>(tensor.dtype() == input.dtype, "'", what, "': input '", input.name, "' takes ", name(input.dtype),
                      " ", input.shape, ", found ", name(tensor.dtype()), " ", tensor.shape());
  const Shape s = detail::with_batch(input.shape, tensor.shape());
  require<ShapeError>(detail::fits_shape(input.shape, s), "'", what, "': input '", input.name, "' takes ",
                      name(input.dtype), " ", input.shape, ", found ", name(tensor.dtype()), " ", tensor.shape());
  return tensor.reshaped(s);
}

OCTET_API std::string file_name_of(const std::string& tensor) {
  constexpr std::size_t longest = 120;  // below the limits of file systems, with room for an ending
  std::string file = tensor.substr(0, longest);
  for (char& c : file) {
    const bool kept =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    if (!kept) c = '_';
  }
  if (file.empty() || file[0] == '.') file = "_" + file.substr(file.empty() ? 0 : 1);
  return file;
}

OCTET_API std::vector<std::string> file_names_of(const std::vector<std::string>& tensors) {
  std::vector<std::string> files;
  std::set<std::string> used;  // in lower case, since some file systems do not distinguish it
  const auto lower = [](std::string s) {
    for (char& c : s) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return s;
  };
  for (const std::string& t : tensors) {
    const std::string first = file_name_of(t);
    std::string file = first;
    for (int k = 2; !used.insert(lower(file)).second; ++k) file = first + "_" + std::to_string(k);
    files.push_back(file);
  }
  return files;
}

OCTET_END
