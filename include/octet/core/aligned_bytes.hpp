#pragma once
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#if defined(__linux__)
#  include <sys/mman.h>
#endif

#include "error.hpp"

OCTET_BEGIN
namespace detail {

struct AlignedFree {
  std::size_t align = 1;
  void operator()(std::byte* p) const noexcept { ::operator delete (p, std::align_val_t{align}); }
};

/// An owned block of memory, aligned to 64 bytes. All tensor memory is allocated here. Large blocks use huge pages
/// where the system supports them: weights that are streamed through would otherwise miss the TLB at every page.
class AlignedBytes {
 public:
  static constexpr std::size_t alignment = 64, huge_page = std::size_t{2} << 20;
  static constexpr std::size_t most = std::size_t{1} << 40;  // larger requests are errors
  AlignedBytes() = default;
  explicit AlignedBytes(std::size_t n) : data_(block(n)), size_(n) {
    if (n == 0) return;
    if (!data_) fail("cannot allocate ", n, " bytes for tensors");
#if defined(__linux__)
    if (align_of(n) == huge_page) ::madvise(data_.get(), n, MADV_HUGEPAGE);  // only a hint: it may fail
#endif
  }
  AlignedBytes(const AlignedBytes& o) : AlignedBytes(o.size_) {
    if (size_) std::memcpy(data_.get(), o.data_.get(), size_);
  }
  AlignedBytes(AlignedBytes&& o) noexcept : data_(std::move(o.data_)), size_(std::exchange(o.size_, 0)) {}
  AlignedBytes& operator=(const AlignedBytes& o) { return *this = AlignedBytes(o); }
  AlignedBytes& operator=(AlignedBytes&& o) noexcept {
    data_ = std::move(o.data_);
    size_ = std::exchange(o.size_, 0);
    return *this;
  }
  /// Whether the system would give n bytes now. None are written to, so it takes no time.
  static bool available(std::size_t n) noexcept { return n == 0 || block(n); }
  std::byte* data() const noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }

 private:
  using Block = std::unique_ptr<std::byte, AlignedFree>;

  static std::size_t align_of(std::size_t n) noexcept { return n < 2 * huge_page ? alignment : huge_page; }
  /// Null if n is 0 or too large.
  static Block block(std::size_t n) noexcept {
    if (n == 0 || n > most) return {};
    const std::size_t align = align_of(n);
    return {static_cast<std::byte*>(::operator new (n, std::align_val_t{align}, std::nothrow)), AlignedFree{align}};
  }

  Block data_;
  std::size_t size_ = 0;
};

}  // namespace detail
OCTET_END
