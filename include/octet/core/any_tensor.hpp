#pragma once
#include <memory>
#include <utility>

#include "tensor.hpp"

OCTET_BEGIN

/// A non-owning tensor whose element type is known only at run time. Kernels take their operands in this form.
struct TensorRef {
  DType dtype = DType::none;
  Shape shape;
  std::byte* data = nullptr;

  template <class T>
  T* as() const noexcept {
    return reinterpret_cast<T*>(data);
  }
  std::size_t size_bytes() const { return bytes(dtype, shape.elements()); }
};

/// A constant tensor whose element type is known only at run time. Its memory is shared and never changed, so copies of
/// a graph share their weights, and weights can stay in a memory-mapped file.
class AnyTensor {
 public:
  AnyTensor() = default;

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

  DType dtype() const noexcept { return dtype_; }
  const Shape& shape() const noexcept { return shape_; }
  std::int64_t size() const { return shape_.elements(); }
  std::size_t size_bytes() const { return dtype_ == DType::none ? 0 : bytes(dtype_, size()); }
  const std::byte* data() const noexcept { return data_.get(); }
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
