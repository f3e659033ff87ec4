#pragma once
#include <limits>
#include <memory>

#include "../core/tensor.hpp"
#include "read_file.hpp"
#if defined(__unix__) || defined(__APPLE__)
#  include <sys/mman.h>
#endif

OCTET_BEGIN
namespace detail {

/// Shared memory with reference counting, aligned to 64 bytes.
struct SharedBytes {
  std::shared_ptr<const std::byte> data;
  std::size_t size = 0;

  static SharedBytes copy(const void* from, std::size_t n) {
    auto owner = std::make_shared<AlignedBytes>(n);
    if (n) std::memcpy(owner->data(), from, n);
    return {std::shared_ptr<const std::byte>(owner, owner->data()), n};
  }
};

/// Maps a file into memory, so that weights are not copied and are read only when needed. Reads it where mapping is not
/// possible.
inline SharedBytes map_file(const std::string& path) {
#if defined(__unix__) || defined(__APPLE__)
  const InputFile file(path);
  if (file.size() > 0) {
    const auto size = static_cast<std::size_t>(file.size());
    void* at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
    if (at != MAP_FAILED)
      return {
          std::shared_ptr<const std::byte>(static_cast<const std::byte*>(at),
                                           [size](const std::byte* p) { ::munmap(const_cast<std::byte*>(p), size); }),
          size};
  }
#endif
  const std::string bytes = read_file(path, std::numeric_limits<std::int64_t>::max());
  return SharedBytes::copy(bytes.data(), bytes.size());
}

}  // namespace detail
OCTET_END
