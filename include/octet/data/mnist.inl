#pragma once
#include <filesystem>

#include "idx.hpp"
#include "mnist.hpp"

OCTET_BEGIN

OCTET_API DataSplit open_mnist(const std::string& folder) {
  const auto file = [&](const std::string& name) {
    const std::string path = (std::filesystem::path(folder) / name).string();
    std::error_code error;
    for (const char* ending : {"", ".gz"})
      if (std::filesystem::is_regular_file(path + ending, error)) return path + ending;
    detail::fail<FormatError>("file '", path, "' (or .gz) does not exist; MNIST data requires it");
  };
  // In this order, so that the error names the first missing file.
  const std::string images = file("train-images-idx3-ubyte"), labels = file("train-labels-idx1-ubyte"),
                    test_images = file("t10k-images-idx3-ubyte"), test_labels = file("t10k-labels-idx1-ubyte");
  return {open_idx(images, labels), open_idx(test_images, test_labels)};
}

OCTET_END
