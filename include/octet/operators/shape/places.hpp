#pragma once
#include "../../core/element.hpp"
#include "../implement.hpp"

/// Places in tensors that are elements of another tensor, of int32 or int64.
OCTET_BEGIN
namespace detail {

/// Number i, clamped to [0, size), because no error can be reported at run time. Negative ones count from the back.
inline std::int64_t place_at(const TensorRef& places, std::int64_t i, std::int64_t size) noexcept {
  const std::int64_t x =
      places.dtype == DType::i64 ? load_as<std::int64_t>(places.data, i) : load_as<std::int32_t>(places.data, i);
  return std::clamp<std::int64_t>(x < 0 ? x + size : x, 0, size - 1);
}

/// Throws ShapeError unless input i has a type for places. Returns its elements if it is constant.
inline std::vector<std::int64_t> constant_places(const ShapeContext& c, int i) {
  c.require(c.dtype(i) == DType::i32 || c.dtype(i) == DType::i64, "expected places of type int32 or int64, found ",
            name(c.dtype(i)));
  return c.value(i).is_constant() ? to_integers(c.value(i).constant) : std::vector<std::int64_t>();
}

inline void require_place(const ShapeContext& c, std::int64_t place, const Shape& in, int d) {
  c.require(in[d] == Shape::unknown || (place >= -in[d] && place < in[d]), "place ", place,
            " is out of range for dimension ", d, " of ", in);
}

/// Whether one of the sizes is unknown, or they are equal.
inline bool may_equal(std::int64_t a, std::int64_t b) noexcept {
  return a == Shape::unknown || b == Shape::unknown || a == b;
}

/// Checks places of single elements along an axis of input 0, which are no more than its elements in other dimensions.
/// Returns the axis, counted from the front.
inline int require_element_places(const ShapeContext& c, int places, std::int64_t axis) {
  const Shape &in = c.shape(0), &at = c.shape(places);
  c.require(in.rank() > 0 && in.rank() == at.rank(), "expected places with as many dimensions as ", in, ", found ", at);
  const int a = normalize_axis(axis, in.rank());
  for (int d = 0; d < in.rank(); ++d)
    c.require(d == a || at[d] == Shape::unknown || in[d] == Shape::unknown || at[d] <= in[d], "places of shape ", at,
              " are larger than ", in, " in dimension ", d);
  for (std::int64_t i : constant_places(c, places)) require_place(c, i, in, a);
  return a;
}

/// The elements of a tensor of the shape `of`, with their offsets in a larger tensor `in` that has the same dimensions,
/// all of which count but `axis`.
class ElementWalk {
 public:
  ElementWalk() = default;
  ElementWalk(const Shape& of, const Shape& in, int axis) : of_(of), along_(in.product(axis + 1, in.rank())) {
    for (int d = 0; d < in.rank(); ++d)
      strides_[static_cast<std::size_t>(d)] = d == axis ? 0 : in.product(d + 1, in.rank());
  }
  /// The distance of elements along the axis.
  std::int64_t along() const noexcept { return along_; }
  std::int64_t count() const noexcept { return of_.elements(); }

  /// use(i, offset) for elements [first, last).
  template <class Use>
  void each(std::int64_t first, std::int64_t last, Use use) const noexcept {
    if (first >= last) return;
    std::array<std::int64_t, Shape::max_rank> index{};
    std::int64_t rest = first, offset = 0;
    for (int d = of_.rank() - 1; d >= 0; --d) {
      const auto k = static_cast<std::size_t>(d);
      index[k] = rest % of_[d];
      rest /= of_[d];
      offset += index[k] * strides_[k];
    }
    for (std::int64_t i = first; i < last; ++i) {
      use(i, offset);
      for (int d = of_.rank() - 1; d >= 0; --d) {
        const auto k = static_cast<std::size_t>(d);
        offset += strides_[k];
        if (++index[k] < of_[d]) break;
        offset -= strides_[k] * of_[d];
        index[k] = 0;
      }
    }
  }

 private:
  Shape of_;
  std::array<std::int64_t, Shape::max_rank> strides_{};
  std::int64_t along_ = 1;
};

/// Rows of n places each that name blocks of a tensor: for GatherND and ScatterND.
class BlockPlaces {
 public:
  BlockPlaces() = default;
  BlockPlaces(const Shape& data, const Shape& places, int batch_dims) {
    const int n = static_cast<int>(places[places.rank() - 1]);
    rows_ = places.product(batch_dims, places.rank() - 1);
    batches_ = data.product(0, batch_dims);
    block_ = data.product(batch_dims + n, data.rank());
    batch_ = data.product(batch_dims, data.rank());
    for (int k = 0; k < n; ++k) sizes_.push_back(data[batch_dims + k]);
  }
  std::int64_t rows() const noexcept { return batches_ * rows_; }
  /// Elements of a block.
  std::int64_t block() const noexcept { return block_; }
  /// Whether there is nothing to name.
  bool empty() const noexcept { return batches_ * batch_ == 0 || rows() == 0; }

  /// The offset in elements of the block that row r names.
  std::int64_t offset(const TensorRef& places, std::int64_t r) const noexcept {
    const int n = sizes_.rank();
    std::int64_t block = 0;
    for (int k = 0; k < n; ++k) block = block * sizes_[k] + place_at(places, r * n + k, sizes_[k]);
    return r / rows_ * batch_ + block * block_;
  }

  /// Checks the shapes, as far as they are known, and constant places. Returns n.
  static int require_fit(const ShapeContext& c, int places, std::int64_t batch_dims) {
    const Shape &in = c.shape(0), &at = c.shape(places);
    c.require(batch_dims >= 0 && batch_dims < std::min(in.rank(), at.rank()), batch_dims,
              " batch dimensions do not fit ", in, " and places of shape ", at);
    const auto b = static_cast<int>(batch_dims);
    const std::int64_t n = at[at.rank() - 1];
    c.require(n != Shape::unknown, "expected places [..., n] with a known n, found ", at);
    c.require(n >= 1 && n <= in.rank() - b, "places of shape ", at, " name ", n, " dimensions, expected 1 to ",
              in.rank() - b, " of ", in);
    for (int d = 0; d < b; ++d)
      c.require(may_equal(in[d], at[d]), "expected the same batch dimensions, found ", in, " and places of shape ", at);
    const std::vector<std::int64_t> all = constant_places(c, places);
    for (std::size_t i = 0; i < all.size(); ++i)
      require_place(c, all[i], in, b + static_cast<int>(i % static_cast<std::size_t>(n)));
    return static_cast<int>(n);
  }

 private:
  Shape sizes_;
  std::int64_t rows_ = 1, batches_ = 1, block_ = 1, batch_ = 1;
};

}  // namespace detail
OCTET_END
