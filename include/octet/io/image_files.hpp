#pragma once
#include <filesystem>

#include "dataset.hpp"
#include "labels.hpp"

OCTET_BEGIN

namespace detail {

bool is_image_file(const std::filesystem::path& p);

/// The folders, or the image files, right in a folder, sorted by name; hidden ones are left out.
std::vector<std::filesystem::path> list_folder(const std::string& path, bool folders);

}  // namespace detail

/// A folder of images without labels.
DatasetPtr open_image_folder(const std::string& path);

/// A folder with a folder of images for each class. Their names are looked up in `labels`; those not found
/// there are looked up in `classes` (rows of synset,label), whose names `labels` knows. Without labels,
/// classes are the folders' numbers if that is their names, else their order.
DatasetPtr open_class_folders(const std::string& path, const Labels& labels = {}, const Labels& classes = {});

/// A csv of file,label; files are relative to it. Labels are names of `labels` (or of `classes`, as above) or
/// numbers. Without a label column, or where `with_labels` is false, images have none.
DatasetPtr open_image_csv(const std::string& path, const Labels& labels = {}, const Labels& classes = {},
                          bool with_labels = true);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "image_files.inl"
#endif
