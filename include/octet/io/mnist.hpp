#pragma once
#include "idx.hpp"

OCTET_BEGIN

/// Images to learn from and others to measure with.
struct DataSplit {
  DatasetPtr training, test;
};

/// The four files of MNIST, or of Fashion-MNIST, in a folder, each gzipped or not.
DataSplit open_mnist(const std::string& folder);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "mnist.inl"
#endif
