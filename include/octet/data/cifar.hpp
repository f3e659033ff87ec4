#pragma once
#include "dataset.hpp"

OCTET_BEGIN

/// The images of a CIFAR-10 binary file, optionally gzipped. Throws FormatError if the file is damaged.
DatasetPtr open_cifar(const std::string& path);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "cifar.inl"
#endif
