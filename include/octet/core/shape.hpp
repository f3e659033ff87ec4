#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "error.hpp"

OCTET_BEGIN

/// Sizes of a tensor's dimensions, outermost first. Holds up to 8 dimensions and does not allocate. In a graph, a size
/// may be `unknown` (batch, image size); sizes of tensors are always known. Rank 0 is a scalar.
class Shape {
 public:
  static constexpr int max_rank = 8;           ///< more dimensions throw ShapeError
  static constexpr std::int64_t unknown = -1;  ///< a size that is known only when the model is run

  Shape() = default;
  /// The sizes, outermost first. Throws ShapeError if there are more than max_rank.
  Shape(std::initializer_list<std::int64_t> dims) : Shape(dims.begin(), dims.end()) {}
  /// The sizes in [first, last), of any integer type. Throws ShapeError if there are more than max_rank.
  template <class It>
  Shape(It first, It last) {
    for (; first != last; ++first) push_back(static_cast<std::int64_t>(*first));
  }

  /// Number of dimensions.
  int rank() const noexcept { return rank_; }
  /// Whether it is a scalar's shape, rank 0.
  bool empty() const noexcept { return rank_ == 0; }
  /// The size of dimension i, in [0, rank). Not checked.
  std::int64_t operator[](int i) const noexcept { return dims_[static_cast<std::size_t>(i)]; }
  /// The size of dimension i, in [0, rank). Not checked.
  std::int64_t& operator[](int i) noexcept { return dims_[static_cast<std::size_t>(i)]; }
  /// The first size.
  const std::int64_t* begin() const noexcept { return dims_.data(); }
  /// The end of the sizes.
  const std::int64_t* end() const noexcept { return dims_.data() + rank_; }
  /// The innermost size, of channels in NHWC. Undefined for rank 0.
  std::int64_t back() const noexcept { return dims_[static_cast<std::size_t>(rank_ - 1)]; }

  /// Adds an innermost dimension. Throws ShapeError if there are max_rank already.
  void push_back(std::int64_t d) {
    detail::require<ShapeError>(rank_ < max_rank, "a tensor can have at most ", max_rank, " dimensions");
    dims_[static_cast<std::size_t>(rank_++)] = d;
  }
  /// Inserts a dimension of size d at index `at`, in [0, rank]. Throws ShapeError if there are max_rank already.
  void insert(int at, std::int64_t d) {
    push_back(d);
    for (int i = rank_ - 1; i > at; --i) (*this)[i] = (*this)[i - 1];
    (*this)[at] = d;
  }
  /// Removes dimension `at`, in [0, rank).
  void erase(int at) {
    for (int i = at; i + 1 < rank_; ++i) (*this)[i] = (*this)[i + 1];
    --rank_;
  }

  /// Whether no size is unknown.
  bool known() const noexcept {
    for (std::int64_t d : *this)
      if (d < 0) return false;
    return true;
  }

  /// Product of the sizes of dimensions [from, to). Throws ShapeError if a size is unknown or negative, or the product
  /// exceeds 2^40.
  std::int64_t product(int from, int to) const;
  /// Number of elements, 1 for a scalar. Throws ShapeError as product does.
  std::int64_t elements() const { return product(0, rank_); }
  /// Whether the product of the sizes that are known is at most 2^40; it is 0 if one of them is.
  bool countable() const noexcept;

  /// Equal if ranks and sizes are; unknown equals unknown.
  friend bool operator==(const Shape& a, const Shape& b) noexcept {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }
  /// The opposite of ==.
  friend bool operator!=(const Shape& a, const Shape& b) noexcept { return !(a == b); }

 private:
  static constexpr std::int64_t max_elements = std::int64_t{1} << 40;  ///< so byte counts cannot overflow
  std::array<std::int64_t, max_rank> dims_{};
  int rank_ = 0;
};

/// For example "[2, ?, 3]", where ? is an unknown size.
std::string to_string(const Shape& s);
/// Appends to_string(s) to an error message.
inline void append_text(std::string& text, const Shape& s) { text += to_string(s); }
/// Prints to a std::ostream. A template, so that this header need not include `<ostream>`.
template <class Stream>
auto operator<<(Stream& out, const Shape& s) -> decltype(out << std::string()) {
  return out << to_string(s);
}

/// Converts an axis in [-rank, rank) to [0, rank): negative ones count from the back. Throws ShapeError outside.
int normalize_axis(std::int64_t axis, int rank);

/// The shape of a and b broadcast to each other by NumPy's rules. A size is unknown if the known ones do not determine
/// it. Throws ShapeError if the shapes cannot be broadcast.
Shape broadcast(const Shape& a, const Shape& b);
/// Whether the shapes can be broadcast to each other.
bool can_broadcast(const Shape& a, const Shape& b) noexcept;

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "shape.inl"
#endif
