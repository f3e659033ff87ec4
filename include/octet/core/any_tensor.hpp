#pragma once
#include <memory>
#include <utility>

#include "tensor.hpp"

OCTET_BEGIN

/// A non-owning tensor whose element type is known only at run time. Kernels take their operands in this form.
struct TensorRef {
  DType dtype = DType::none;  ///< none if the tensor is missing
  Shape shape;                ///< sizes must be known for data to be read
  std::byte* data = nullptr;  ///< row-major and contiguous, size_bytes() long; null: missing, or not planned yet

  /// The elements as T. Does not check that T is the element type.
  template <class T>
  T* as() const noexcept {
    return reinterpret_cast<T*>(data);
  }
  /// Size of the elements in bytes. Throws ShapeError if a size is unknown.
  std::size_t size_bytes() const { return bytes(dtype, shape.elements()); }
};

/// A constant tensor whose element type is known only at run time. Its memory is shared and never changed, so copies of
/// a graph share their weights, and weights can stay in a memory-mapped file.
class AnyTensor {
 public:
  AnyTensor() = default;

  /// Takes a tensor's memory without copying it.
  template <class T>
  AnyTensor(Tensor<T> t) : dtype_(dtype_of<T>), shape_(t.shape()) {
    auto owner = std::make_shared<Tensor<T>>(std::move(t));
    data_ = {owner, reinterpret_cast<const std::byte*>(owner->data())};
  }

  /// A tensor over existing memory, which `data` keeps alive (a mapped file, for example).
  AnyTensor(DType dtype, const Shape& shape, std::shared_ptr<const std::byte> data)
      : dtype_(dtype), shape_(shape), data_(std::move(data)) {}

  /// Allocates zeroed elements and lets `fill(std::byte*)` write them.
  template <class Fill>
  static AnyTensor make(DType dtype, const Shape& shape, Fill fill) {
    auto owner = std::make_shared<detail::AlignedBytes>(bytes(dtype, shape.elements()));
    if (owner->size()) std::memset(owner->data(), 0, owner->size());
    fill(owner->data());
    return {dtype, shape, std::shared_ptr<const std::byte>(owner, owner->data())};
  }

  /// The element type; none for an empty AnyTensor.
  DType dtype() const noexcept { return dtype_; }
  /// The shape; its sizes are known.
  const Shape& shape() const noexcept { return shape_; }
  /// Number of elements.
  std::int64_t size() const { return shape_.elements(); }
  /// Size of the elements in bytes; types below 8 bits are packed.
  std::size_t size_bytes() const { return dtype_ == DType::none ? 0 : bytes(dtype_, size()); }
  /// The elements, row-major; null for an empty AnyTensor.
  const std::byte* data() const noexcept { return data_.get(); }
  /// Whether there is a tensor. One without elements counts, a default-constructed AnyTensor does not.
  explicit operator bool() const noexcept { return dtype_ != DType::none; }

  /// The elements as T. Throws ShapeError if they have another type.
  template <class T>
  View<const T> view() const {
    detail::require<ShapeError>(dtype_ == dtype_of<T>, "a tensor of ", name(dtype_), " cannot be read as ",
                                name(dtype_of<T>));
    return {reinterpret_cast<const T*>(data_.get()), shape_};
  }
  /// The same elements with another shape. Throws ShapeError if the number of elements differs.
  AnyTensor reshaped(const Shape& shape) const {
    detail::require<ShapeError>(shape.elements() == size(), "a tensor of shape ", shape_, " cannot be reshaped to ",
                                shape);
    return {dtype_, shape, data_};
  }
  /// A reference that must only be read from. The pointer is not const because kernels use one type for inputs and
  /// outputs.
  TensorRef ref() const noexcept { return {dtype_, shape_, const_cast<std::byte*>(data_.get())}; }

 private:
  DType dtype_ = DType::none;
  Shape shape_;
  std::shared_ptr<const std::byte> data_;
};

OCTET_END
