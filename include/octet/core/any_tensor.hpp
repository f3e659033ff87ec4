#pragma once
#include <memory>
#include <utility>

#include "tensor.hpp"

OCTET_BEGIN

/// A tensor whose element type is known at run time, over memory somebody else owns: what kernels are given.
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

/// A constant tensor of any type: shared and never changed, so that copies of a graph, or a memory-mapped file,
/// hold the weights once.
class AnyTensor {
 public:
  AnyTensor() = default;

  template <class T>
  AnyTensor(Tensor<T> t) : dtype_(dtype_of<T>), shape_(t.shape()) {
    auto owner = std::make_shared<Tensor<T>>(std::move(t));
    data_ = {owner, reinterpret_cast<const std::byte*>(owner->data())};
  }

  /// Bytes kept alive by `owner`, for example a mapped file.
  AnyTensor(DType dtype, const Shape& shape, std::shared_ptr<const std::byte> data)
      : dtype_(dtype), shape_(shape), data_(std::move(data)) {}

  /// New zeroed elements, handed to `fill(std::byte*)` before they become constant.
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

  /// The elements as T; throws where they are something else.
  template <class T>
  View<const T> view() const {
    detail::require<ShapeError>(dtype_ == dtype_of<T>, "a tensor of ", name(dtype_), " was read as ",
                                name(dtype_of<T>));
    return {reinterpret_cast<const T*>(data_.get()), shape_};
  }
  /// The same elements under another shape with as many of them.
  AnyTensor reshaped(const Shape& shape) const {
    detail::require<ShapeError>(shape.elements() == size(), "a tensor of shape ", shape_, " cannot become ", shape);
    return {dtype_, shape, data_};
  }
  /// For reading only; the pointer loses its const because kernels take inputs and outputs alike.
  TensorRef ref() const noexcept { return {dtype_, shape_, const_cast<std::byte*>(data_.get())}; }

 private:
  DType dtype_ = DType::none;
  Shape shape_;
  std::shared_ptr<const std::byte> data_;
};

OCTET_END
