#pragma once
#include <filesystem>

#include "dataset.hpp"
#include "labels.hpp"

OCTET_BEGIN

namespace detail {

bool is_image_file(const std::filesystem::path& p);

/// The subfolders, or the image files, of a folder, sorted by name. Hidden ones are skipped.
std::vector<std::filesystem::path> list_folder(const std::string& path, bool folders);

}  // namespace detail

/// A folder of images without labels. Throws FormatError if it has no images.
DatasetPtr open_image_folder(const std::string& path);

/// A folder with one subfolder of images per class. The names of the subfolders are looked up in `labels`, then in
/// `classes` (rows of synset,label), whose names are in `labels`. Without labels, the class is the name of the
/// subfolder if all names are numbers, else its position in alphabetical order.
DatasetPtr open_class_folders(const std::string& path, const Labels& labels = {}, const Labels& classes = {});

/// A CSV file with columns file,label. Paths are relative to its folder. Labels are numbers, or names in `labels` (or
/// `classes`, as above). Images have no labels if there is no such column or `with_labels` is false.
DatasetPtr open_image_csv(const std::string& path, const Labels& labels = {}, const Labels& classes = {},
                          bool with_labels = true);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "image_files.inl"
#endif
