#pragma once
#include <octet/graph/graph.hpp>
#include <string>

#include "common.hpp"

/// How `convert --check` compares a model with what was written.
struct CheckOptions {
  std::string input;    ///< an image, or an .npy or .npz file in the layout of the model's file; empty: no check
  double limit = 20;    ///< dB: the least SQNR of an output
  ImageOptions images;  ///< for an image

  void add_to(CLI::App& command);
};

/// Runs the model and the one in `written`, which was made from it, and prints how their outputs differ. Throws Error
/// if they differ by more than the limit.
void check_conversion(const std::string& name, const octet::Model& model, const std::string& written,
                      const CheckOptions& options);
