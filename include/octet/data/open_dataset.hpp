#pragma once
#include "dataset.hpp"
#include "labels.hpp"

OCTET_BEGIN

/// Options of open_dataset.
struct DatasetOptions {
  std::string format = "auto";  ///< folder, csv, idx, cifar
  Labels labels;                ///< of the model, to look up class names of the data
  Labels classes;           ///< further class names, see open_class_folders; default: classes.csv next to the folders
  bool with_labels = true;  ///< false: ignores labels (for calibration)
};

/// Guesses the format of a data set (folder, csv, idx or cifar) from file names and first bytes. Empty if it is not
/// clear. Throws FormatError if the path does not exist.
std::string guess_format(const std::string& path);

/// Opens a data set: "builtin:shapes", a folder (of images, of one subfolder per class, with a labels.csv, or of MNIST
/// or CIFAR files), a CSV file with columns file,label, an IDX file or a CIFAR-10 binary. The format is guessed unless
/// o.format is given. Throws FormatError if nothing suitable is found.
DatasetPtr open_dataset(const std::string& path, const DatasetOptions& o = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "open_dataset.inl"
#endif
