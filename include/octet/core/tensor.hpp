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
  using value_type = std::remove_const_t<T>;

  View() = default;
  View(T* data, const Shape& shape) : data_(data), shape_(shape), size_(shape.elements()) {}
  template <class U, class = std::enable_if_t<std::is_same_v<const U, T>>>
  View(const View<U>& o) : View(o.data(), o.shape()) {}
  /// A view of a vector: of rank 1, or of the given shape. Throws ShapeError if the number of elements differs.
  template <class V, class = std::enable_if_t<std::is_same_v<std::remove_const_t<V>, std::vector<value_type>>>>
  View(V& v) : View(v.data(), Shape{static_cast<std::int64_t>(v.size())}) {}
  template <class V, class = std::enable_if_t<std::is_same_v<std::remove_const_t<V>, std::vector<value_type>>>>
  View(V& v, const Shape& shape) : View(v.data(), shape) {
    detail::require<ShapeError>(size_ == static_cast<std::int64_t>(v.size()), "a vector of ", v.size(),
                                " elements cannot be viewed as ", shape);
  }
  /// A view of an Eigen vector, or of a row-major Eigen matrix or map without strides. Copy others into a Tensor.
  template <class E, class = void, class = std::enable_if_t<detail::IsEigen<std::remove_const_t<E>>::value>>
  View(E& e) : View(e.data(), detail::eigen_shape(e)) {
    static_assert(E::IsRowMajor || E::IsVectorAtCompileTime, "column-major: copy it into an octet::Tensor instead");
    detail::require<ShapeError>(e.innerStride() == 1 && (E::IsVectorAtCompileTime || e.outerStride() == e.cols()),
                                "an Eigen map with strides cannot be viewed: copy it into a Tensor");
  }

  T* data() const noexcept { return data_; }
  const Shape& shape() const noexcept { return shape_; }
  std::int64_t size() const noexcept { return size_; }
  T* begin() const noexcept { return data_; }
  T* end() const noexcept { return data_ + size_; }
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
  using value_type = T;
  static constexpr bool packed = std::is_same_v<T, int4>;
  using storage_type = std::conditional_t<packed, std::uint8_t, T>;

  Tensor() = default;
  explicit Tensor(const Shape& shape) : Tensor(shape, Uninitialized{}) {
    if (memory_.size()) std::memset(static_cast<void*>(memory_.data()), 0, memory_.size());
  }
  Tensor(const Shape& shape, const std::vector<T>& values) : Tensor(View<const T>(values, shape)) {}
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

  storage_type* data() noexcept { return reinterpret_cast<storage_type*>(memory_.data()); }
  const storage_type* data() const noexcept { return reinterpret_cast<const storage_type*>(memory_.data()); }
  const Shape& shape() const noexcept { return shape_; }
  std::int64_t size() const noexcept { return size_; }
  const std::byte* bytes() const noexcept { return memory_.data(); }
  std::size_t size_bytes() const noexcept { return memory_.size(); }

  storage_type* begin() noexcept { return data(); }
  storage_type* end() noexcept { return data() + (packed ? static_cast<std::int64_t>(size_bytes()) : size_); }
  const storage_type* begin() const noexcept { return data(); }
  const storage_type* end() const noexcept { return const_cast<Tensor*>(this)->end(); }
  storage_type& operator[](std::int64_t i) noexcept { return data()[i]; }
  const storage_type& operator[](std::int64_t i) const noexcept { return data()[i]; }
  template <class... I>
  storage_type& operator()(I... index) noexcept {
    return data()[detail::offset_of(shape_, index...)];
  }
  template <class... I>
  const storage_type& operator()(I... index) const noexcept {
    return data()[detail::offset_of(shape_, index...)];
  }

  template <class U = T, class = std::enable_if_t<!std::is_same_v<U, int4>>>
  operator View<U>() noexcept {
    return {data(), shape_};
  }
  template <class U = T, class = std::enable_if_t<!std::is_same_v<U, int4>>>
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

template <class T>
Tensor(const Shape&, const std::vector<T>&) -> Tensor<T>;
template <class T>
Tensor(View<T>) -> Tensor<std::remove_const_t<T>>;
template <class E, class = std::enable_if_t<detail::IsEigen<E>::value>>
Tensor(const E&) -> Tensor<typename E::Scalar>;

OCTET_END
