#pragma once
#include <octet/core/any_tensor.hpp>
#include <octet/graph/graph.hpp>
#include <string>
#include <vector>

/// Tensors in files: the inputs and outputs of a run.

/// The inputs of a model, from files given as FILE.npy or NAME=FILE.npy (in the order of the inputs, if they have no
/// name) or FILE.npz (arrays by the names of inputs). Throws Error if inputs are missing or do not fit.
std::vector<octet::AnyTensor> read_inputs(const octet::Model& model, const std::vector<std::string>& given);

/// The files that `given` names.
std::vector<std::string> input_files(const octet::Model& model, const std::vector<std::string>& given);

/// FOLDER/NAME.npy for each output of the model, with names that are allowed in file names.
std::vector<std::string> output_files(const octet::Model& model, const std::string& folder);

/// A table of the outputs: type, shape, smallest and largest element, mean.
std::string output_table(const octet::Model& model, const std::vector<octet::AnyTensor>& outputs);

/// An input with random elements: real values in [-1, 1), pixels from 0 to 255, small indices.
octet::AnyTensor random_input(const octet::Value& input, const octet::Shape& shape);
