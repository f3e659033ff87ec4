#pragma once
#include "input_set.hpp"

OCTET_BEGIN

/// Whether a path is a .npy or .npz file, or a folder with such files or with subfolders that have some.
bool has_input_files(const std::string& path);

/// Samples in .npy or .npz files: a folder with a subfolder of .npy files for each input of the model (a sample is the
/// files that are at the same place of the sorted lists), a folder of .npz files, whose arrays have the names of the
/// inputs, a folder of .npy files for a model with one input, or one file. Subfolders are named after the inputs, see
/// file_name_of. Each file is a sample, with or without the dimension of the batch, or a batch; where the model fixes
/// the size of the batch, a larger one is divided. Throws FormatError if types or shapes are not those of the model.
InputSetPtr open_input_files(const std::string& path, const Model& model);

/// The tensor as an input of the model: a missing dimension of the batch is added. Throws ShapeError, naming the input,
/// `what`, and the expected and found type or shape, if it does not fit.
AnyTensor fitted_input(const Value& input, const AnyTensor& tensor, const std::string& what);

/// The name of a tensor as the name of a file: other characters than letters, digits, '.', '-' and '_' are replaced by
/// '_', as is a '.' at the beginning. Long names are shortened.
std::string file_name_of(const std::string& tensor);

/// File names for several tensors, each once: the second of the same name ends in _2.
std::vector<std::string> file_names_of(const std::vector<std::string>& tensors);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "input_files.inl"
#endif
