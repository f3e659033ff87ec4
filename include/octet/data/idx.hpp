#pragma once
#include "dataset.hpp"

OCTET_BEGIN

namespace detail {

constexpr std::int64_t max_unpacked_bytes = std::int64_t{1} << 32;

}  // namespace detail

/// The images of an IDX file (MNIST, Fashion-MNIST) and, unless that name is empty, the labels of another. Both may be
/// gzipped. Throws FormatError if a file is damaged or the numbers of images and labels differ.
DatasetPtr open_idx(const std::string& images, const std::string& labels = "");

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "idx.inl"
#endif
