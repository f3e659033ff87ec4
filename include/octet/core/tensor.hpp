#pragma once
#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "aligned_bytes.hpp"
#include "index.hpp"
#include "shape.hpp"
#include "types.hpp"

OCTET_BEGIN

namespace detail {

// Detects Eigen's dense types by their members, so that Eigen need not be included here.
template <class E, class = void>
struct IsEigen : std::false_type {};
template <class E>
struct IsEigen<E, std::void_t<typename E::Scalar, decltype(std::declval<E&>().derived()), decltype(E::IsRowMajor),
                              decltype(std::declval<E&>().innerStride())>> : std::true_type {};

/// Whether E is an Eigen type with elements T.
template <class E, class T, bool = IsEigen<E>::value>
constexpr bool has_elements = false;
template <class E, class T>
constexpr bool has_elements<E, T, true> = std::is_same_v<typename E::Scalar, T>;

/// [rows, columns] of an Eigen object; vectors have rank 1.
template <class E>
Shape eigen_shape(const E& e) {
  if (E::IsVectorAtCompileTime) return {static_cast<std::int64_t>(e.size())};
  return {static_cast<std::int64_t>(e.rows()), static_cast<std::int64_t>(e.cols())};
}

/// Row-major position of the element at the given indices.
template <class... I>
std::int64_t offset_of(const Shape& shape, I... index) noexcept {
  int d = 0;
  std::int64_t offset = 0;
  ((offset = offset * shape[d++] + static_cast<std::int64_t>(index)), ...);
  return offset;
}

}  // namespace detail

/// A non-owning tensor: a pointer and a shape. The elements are row-major and contiguous. View<const T> is read-only.
template <class T>
class View {
 public:
  using value_type = std::remove_const_t<T>;  ///< the element type without const

  View() = default;
  /// Refers to shape.elements() elements, which must outlive the view. Throws ShapeError if a size is unknown.
  View(T* data, const Shape& shape) : data_(data), shape_(shape), size_(shape.elements()) {}
  /// A read-only view of the same elements.
  template <class U, class = std::enable_if_t<std::is_same_v<const U, T>>>
  View(const View<U>& o) : View(o.data(), o.shape()) {}
  /// A view of a vector: of rank 1, or of the given shape. Throws ShapeError if the number of elements differs.
  template <class V, class = std::enable_if_t<std::is_same_v<std::remove_const_t<V>, std::vector<value_type>>>>
  View(V& v) : View(v.data(), Shape{static_cast<std::int64_t>(v.size())}) {}
  /// A view of a vector with the given shape. Throws ShapeError if the number of elements differs.
  template <class V, class = std::enable_if_t<std::is_same_v<std::remove_const_t<V>, std::vector<value_type>>>>
  View(V& v, const Shape& shape) : View(v.data(), shape) {
    detail::require<ShapeError>(size_ == static_cast<std::int64_t>(v.size()), "a vector of ", v.size(),
                                " elements cannot be viewed as ", shape);
  }
  /// A view of an Eigen vector, or of a row-major Eigen matrix or map without strides. Copy others into a Tensor.
  template <class E, class = void,
            class = std::enable_if_t<detail::has_elements<std::remove_const_t<E>, std::remove_const_t<T>>>>
  View(E& e) : View(e.data(), detail::eigen_shape(e)) {
    static_assert(E::IsRowMajor || E::IsVectorAtCompileTime, "column-major: copy it into an octet::Tensor instead");
    detail::require<ShapeError>(e.innerStride() == 1 && (E::IsVectorAtCompileTime || e.outerStride() == e.cols()),
                                "an Eigen map with strides cannot be viewed: copy it into a Tensor");
  }

  /// The elements, row-major; null for a default-constructed view.
  T* data() const noexcept { return data_; }
  /// The sizes, all known.
  const Shape& shape() const noexcept { return shape_; }
  /// Number of elements.
  std::int64_t size() const noexcept { return size_; }
  /// The first element.
  T* begin() const noexcept { return data_; }
  /// The end of the elements.
  T* end() const noexcept { return data_ + size_; }
  /// Element i in memory order. Not checked.
  T& operator[](std::int64_t i) const noexcept { return data_[i]; }
  /// The element at the given indices, one per dimension.
  template <class... I>
  T& operator()(I... index) const noexcept {
    return data_[detail::offset_of(shape_, index...)];
  }

 private:
  T* data_ = nullptr;
  Shape shape_;
  std::int64_t size_ = 0;
};

/// An owning tensor, aligned to 64 bytes and row-major. Images are NHWC, convolution weights OHWI. New elements are
/// zero. int4 tensors are packed; only their bytes can be accessed.
template <class T>
class Tensor {
 public:
  using value_type = T;                                              ///< the element type
  static constexpr bool packed = std::is_same_v<T, int4>;            ///< whether two elements share a byte
  using storage_type = std::conditional_t<packed, std::uint8_t, T>;  ///< what data() points to: bytes if packed

  Tensor() = default;
  /// Zeros. Throws ShapeError if a size is unknown.
  explicit Tensor(const Shape& shape) : Tensor(shape, Uninitialized{}) {
    if (memory_.size()) std::memset(static_cast<void*>(memory_.data()), 0, memory_.size());
  }
  /// A copy of row-major values. Throws ShapeError if the number of elements differs.
  Tensor(const Shape& shape, const std::vector<T>& values) : Tensor(View<const T>(values, shape)) {}
  /// A copy of the elements of a view.
  template <class U, class = std::enable_if_t<std::is_same_v<std::remove_const_t<U>, T>>>
  explicit Tensor(View<U> v) : Tensor(v.shape(), Uninitialized{}) {
    std::copy(v.begin(), v.end(), data());
  }
  /// Copies an Eigen matrix, map or vector of any storage order and stride.
  template <class E, class = std::enable_if_t<detail::IsEigen<E>::value>>
  explicit Tensor(const E& e) : Tensor(detail::eigen_shape(e), Uninitialized{}) {
    storage_type* to = data();
    for (std::int64_t i = 0; i < e.rows(); ++i)
      for (std::int64_t j = 0; j < e.cols(); ++j) *to++ = e(i, j);
  }
  /// A tensor whose elements are not initialized.
  static Tensor uninitialized(const Shape& shape) { return Tensor(shape, Uninitialized{}); }

  /// The elements, row-major; bytes with two elements each if packed.
  storage_type* data() noexcept { return reinterpret_cast<storage_type*>(memory_.data()); }
  /// The elements, read-only.
  const storage_type* data() const noexcept { return reinterpret_cast<const storage_type*>(memory_.data()); }
  /// The sizes, all known.
  const Shape& shape() const noexcept { return shape_; }
  /// Number of elements.
  std::int64_t size() const noexcept { return size_; }
  /// The memory, size_bytes() long.
  const std::byte* bytes() const noexcept { return memory_.data(); }
  /// Size of the memory in bytes.
  std::size_t size_bytes() const noexcept { return memory_.size(); }

  /// The first element, or the first byte if packed.
  storage_type* begin() noexcept { return data(); }
  /// The end of the elements.
  storage_type* end() noexcept { return data() + (packed ? static_cast<std::int64_t>(size_bytes()) : size_); }
  /// The first element, or the first byte if packed.
  const storage_type* begin() const noexcept { return data(); }
  /// The end of the elements.
  const storage_type* end() const noexcept { return const_cast<Tensor*>(this)->end(); }
  /// Element i in memory order, or byte i if packed. Not checked.
  storage_type& operator[](std::int64_t i) noexcept { return data()[i]; }
  /// Element i in memory order, or byte i if packed. Not checked.
  const storage_type& operator[](std::int64_t i) const noexcept { return data()[i]; }
  /// The element at the given indices, one per dimension. Not checked; not for packed types.
  template <class... I>
  storage_type& operator()(I... index) noexcept {
    return data()[detail::offset_of(shape_, index...)];
  }
  /// The element at the given indices, one per dimension. Not checked; not for packed types.
  template <class... I>
  const storage_type& operator()(I... index) const noexcept {
    return data()[detail::offset_of(shape_, index...)];
  }

  /// A view of the elements, so that tensors can be passed where a View is expected.
  template <class U = T, class = std::enable_if_t<std::is_same_v<U, T> && !packed>>
  operator View<U>() noexcept {
    return {data(), shape_};
  }
  /// A read-only view of the elements.
  template <class U = T, class = std::enable_if_t<std::is_same_v<U, T> && !packed>>
  operator View<const U>() const noexcept {
    return {data(), shape_};
  }

  /// The same elements with another shape. Throws ShapeError if the number of elements differs.
  Tensor reshaped(const Shape& shape) && {
    detail::require<ShapeError>(shape.elements() == size_, "a tensor of shape ", shape_, " cannot be reshaped to ",
                                shape);
    shape_ = shape;
    return std::move(*this);
  }

 private:
  struct Uninitialized {};
  Tensor(const Shape& shape, Uninitialized)
      : memory_(octet::bytes(dtype_of<T>, shape.elements())), shape_(shape), size_(shape.elements()) {}

  detail::AlignedBytes memory_;
  Shape shape_{0};
  std::int64_t size_ = 0;
};

/// Tensor(shape, values) has the element type of the values.
template <class T>
Tensor(const Shape&, const std::vector<T>&) -> Tensor<T>;
/// Tensor(view) has the element type of the view.
template <class T>
Tensor(View<T>) -> Tensor<std::remove_const_t<T>>;
/// Tensor(matrix) has the element type of the Eigen matrix.
template <class E, class = std::enable_if_t<detail::IsEigen<E>::value>>
Tensor(const E&) -> Tensor<typename E::Scalar>;

OCTET_END
