#pragma once
#include <octet/core/any_tensor.hpp>
#include <octet/graph/graph.hpp>
#include <string>
#include <vector>

#include "common.hpp"

/// How `convert --check` compares a model with what was written.
struct CheckOptions {
  std::string input;    ///< an image, or an .npy or .npz file in the layout of the model's file; empty: no check
  double limit = 20;    ///< dB: the least SQNR of an output
  ImageOptions images;  ///< for an image
  InputShapes shapes;   ///< those with which the model was opened

  void add_to(CLI::App& command);
};

/// The inputs of the model `name` for the check; none if there is no check.
std::vector<octet::AnyTensor> check_inputs(const std::string& name, const octet::Model& model,
                                           const CheckOptions& options);

/// Runs the model and the one in `written`, which was made from it, and prints how their outputs differ. Throws Error
/// if they differ by more than the limit (dB).
void check_conversion(const octet::Model& model, const std::vector<octet::AnyTensor>& inputs,
                      const std::string& written, double limit);
