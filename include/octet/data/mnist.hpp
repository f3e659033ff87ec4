#pragma once
#include "idx.hpp"

OCTET_BEGIN

/// Training and test images.
struct DataSplit {
  DatasetPtr training;  ///< 60,000 images [28, 28, 1]
  DatasetPtr test;      ///< 10,000 images
};

/// Opens the four files of MNIST or Fashion-MNIST in a folder, optionally gzipped. Throws FormatError if one is
/// missing.
DataSplit open_mnist(const std::string& folder);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "mnist.inl"
#endif
