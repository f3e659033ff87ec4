#pragma once
#include <CLI/CLI.hpp>
#include <octet/graph/graph.hpp>
#include <octet/graph/metadata.hpp>
#include <string>
#include <vector>

/// Sizes for the dimensions that a model leaves open.
struct InputSizes {
  std::vector<std::string> given;  // N, or NAME=N
  std::int64_t batch = 1;

  void add_to(CLI::App& command);
  /// The shapes of the model's inputs. Dimensions have the names batch, height, width, channels for inputs of rank 4,
  /// else batch, dim1, dim2 and so on, and those of the file, if it has any; INPUT.NAME is that of one input. N alone
  /// is for all open dimensions but the batch; 224 if nothing is given. Throws Error for names that are no open
  /// dimension.
  std::vector<octet::Shape> shapes(const octet::Model& model) const;

 private:
  CLI::Option* batch_option_ = nullptr;
};
