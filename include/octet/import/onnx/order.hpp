#pragma once
#include <array>

#include "../../core/element.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// A permutation of a tensor's dimensions. As a storage order: dimension i of the stored tensor is dimension order[i]
/// of the model's tensor ([0, 2, 3, 1] for NCHW images that are stored as NHWC).
class Order {
 public:
  Order() = default;
  Order(std::initializer_list<int> dims) {
    for (int d : dims) push_back(d);
  }
  /// The model's order.
  static Order identity(int rank) {
    Order o;
    for (int i = 0; i < rank; ++i) o.push_back(i);
    return o;
  }
  /// [N, spatial ..., C]
  static Order channels_last(int rank) {
    Order o = identity(rank);
    for (int i = 1; i < rank; ++i) o.dims_[static_cast<std::size_t>(i)] = i + 1 < rank ? i + 1 : 1;
    return o;
  }

  int rank() const noexcept { return rank_; }
  int operator[](int i) const noexcept { return dims_[static_cast<std::size_t>(i)]; }
  void push_back(int d) {
    require<ShapeError>(rank_ < Shape::max_rank, "a tensor can have at most ", Shape::max_rank, " dimensions");
    dims_[static_cast<std::size_t>(rank_++)] = d;
  }
  bool is_identity() const noexcept { return *this == identity(rank_); }
  /// The stored dimension that is the model's dimension d.
  int find(int d) const noexcept {
    int i = 0;
    while ((*this)[i] != d) ++i;
    return i;
  }
  Order inverse() const noexcept {
    Order o = *this;
    for (int i = 0; i < rank_; ++i) o.dims_[static_cast<std::size_t>((*this)[i])] = i;
    return o;
  }
  /// The order without dimension d. Higher dimensions are renumbered.
  Order without(int d) const {
    Order o;
    for (int i = 0; i < rank_; ++i)
      if ((*this)[i] != d) o.push_back((*this)[i] - ((*this)[i] > d));
    return o;
  }
  std::vector<std::int64_t> list() const { return {dims_.begin(), dims_.begin() + rank_}; }

  friend bool operator==(const Order& a, const Order& b) noexcept {
    return a.rank_ == b.rank_ && std::equal(a.dims_.begin(), a.dims_.begin() + a.rank_, b.dims_.begin());
  }
  friend bool operator!=(const Order& a, const Order& b) noexcept { return !(a == b); }

 private:
  std::array<int, Shape::max_rank> dims_{};
  int rank_ = 0;
};

/// The permutation p that transposes a tensor from order `from` to order `to`: dimension i of the result is dimension
/// p[i] of the tensor.
inline Order permutation(const Order& from, const Order& to) {
  Order p;
  for (int i = 0; i < to.rank(); ++i) p.push_back(from.find(to[i]));
  return p;
}

/// The sizes, or other values with one entry per dimension, of a transposed tensor.
template <class Sizes>
Sizes permuted(const Sizes& s, const Order& p) {
  Sizes r = s;
  for (int i = 0; i < p.rank(); ++i) r[i] = s[p[i]];
  return r;
}

/// Calls `copy(from, to)` for each element of a transposed tensor, with its old and new index.
template <class Copy>
void each_permuted(const Shape& in, const Order& p, Copy copy) {
  const Shape out = permuted(in, p);
  std::array<std::int64_t, Shape::max_rank> stride{}, index{};
  for (int i = 0; i < p.rank(); ++i) stride[static_cast<std::size_t>(i)] = in.product(p[i] + 1, in.rank());
  std::int64_t from = 0;
  for (std::int64_t to = 0, n = out.elements(); to < n; ++to) {
    copy(from, to);
    for (int d = p.rank() - 1; d >= 0; --d) {
      const auto k = static_cast<std::size_t>(d);
      from += stride[k];
      if (++index[k] < out[d]) break;
      from -= stride[k] * out[d];
      index[k] = 0;
    }
  }
}

/// A transposed copy of a constant.
inline AnyTensor permuted(const AnyTensor& t, const Order& p) {
  if (p.is_identity()) return t;
  return AnyTensor::make(t.dtype(), permuted(t.shape(), p), [&](std::byte* out) {
    const auto elements = [&](auto x) {
      using T = decltype(x);
      each_permuted(t.shape(), p, [&](std::int64_t i, std::int64_t o) { store_as(out, o, load_as<T>(t.data(), i)); });
    };
    switch (const int width = bits(t.dtype())) {
      case 8: return elements(std::uint8_t{});
      case 16: return elements(std::uint16_t{});
      case 32: return elements(std::uint32_t{});
      case 64: return elements(std::uint64_t{});
      default:
        each_permuted(t.shape(), p, [&](std::int64_t i, std::int64_t o) {
          store_bits(out, o, width, load_bits(t.data(), i, width));
        });
    }
  });
}

}  // namespace detail::onnx
OCTET_END
