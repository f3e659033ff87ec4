#pragma once
#include "dataset.hpp"
#include "labels.hpp"

OCTET_BEGIN

struct DatasetOptions {
  std::string format = "auto";  // folder, csv, idx, cifar
  Labels labels;                // of the model: what class names in the data mean
  Labels classes;           // further names of classes, see open_class_folders; else classes.csv beside the folders is
                            // used
  bool with_labels = true;  // false: for calibration; class names need not be known
};

namespace detail {
/// The format of a data set, told from names or its first bytes; empty where it is not clear.
std::string guess_format(const std::string& path);
}  // namespace detail

/// Opens a data set: "builtin:shapes", a folder (of images, or of a folder for each class, or with a
/// labels.csv, or of MNIST's or CIFAR's files), a csv of file,label, an IDX file or a CIFAR-10 binary. The
/// format is told from the names unless it is given.
DatasetPtr open_dataset(const std::string& path, const DatasetOptions& o = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "open_dataset.inl"
#endif
