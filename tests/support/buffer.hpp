#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

namespace testing {

/// Memory of exactly n elements, `shift` bytes after an aligned address, so that AddressSanitizer detects accesses
/// beyond its end.
template <class T>
class Exact {
 public:
  explicit Exact(std::int64_t n, std::size_t shift = 0)
      : size_(n),
        memory_(new std::byte[shift + static_cast<std::size_t>(n) * sizeof(T)]),
        data_(memory_.get() + shift) {}
  T* data() const noexcept { return reinterpret_cast<T*>(data_); }
  std::byte* bytes() const noexcept { return data_; }
  std::int64_t size() const noexcept { return size_; }
  T operator[](std::int64_t i) const noexcept {
    T x;
    std::memcpy(&x, data_ + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
    return x;
  }
  void set(std::int64_t i, T x) noexcept {
    std::memcpy(data_ + static_cast<std::size_t>(i) * sizeof(T), &x, sizeof(T));
  }

 private:
  std::int64_t size_;
  std::unique_ptr<std::byte[]> memory_;
  std::byte* data_;
};

/// Memory for n elements with guard bytes on both sides and a known pattern inside, to check which bytes a kernel
/// writes.
template <class T>
class Guarded {
 public:
  static constexpr std::size_t margin = 128;
  static constexpr std::byte guard{0xA5};
  explicit Guarded(std::int64_t n, std::size_t shift = 0)
      : shift_(shift),
        bytes_(static_cast<std::size_t>(n) * sizeof(T)),
        memory_(new std::byte[shift + bytes_ + 2 * margin]) {
    std::memset(memory_.get(), static_cast<int>(guard), shift + bytes_ + 2 * margin);
  }
  std::byte* bytes() const noexcept { return memory_.get() + margin + shift_; }
  T* data() const noexcept { return reinterpret_cast<T*>(bytes()); }
  T operator[](std::int64_t i) const noexcept {
    T x;
    std::memcpy(&x, bytes() + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
    return x;
  }
  /// Whether the guard bytes are unchanged.
  bool intact() const noexcept {
    for (std::size_t i = 0; i < margin + shift_; ++i)
      if (memory_[i] != guard) return false;
    for (std::size_t i = 0; i < margin; ++i)
      if (bytes()[bytes_ + i] != guard) return false;
    return true;
  }

 private:
  std::size_t shift_, bytes_;
  std::unique_ptr<std::byte[]> memory_;
};

}  // namespace testing
