#pragma once
#include "dataset.hpp"

OCTET_BEGIN

namespace detail {

constexpr std::int64_t max_unpacked_bytes = std::int64_t{1} << 32;

}  // namespace detail

/// Images, and labels unless that name is empty, from IDX files (MNIST, Fashion-MNIST), gzipped or not.
DatasetPtr open_idx(const std::string& images, const std::string& labels = "");

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "idx.inl"
#endif
