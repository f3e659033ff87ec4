#pragma once
#include "../core/any_tensor.hpp"

OCTET_BEGIN

/// An input of a run, which is read where it is: made from a View, a Tensor, an AnyTensor or a TensorRef, which must
/// exist until the run ends.
class InputView {
 public:
  /// The elements of a view.
  template <class T>
  InputView(View<T> v)
      : ref_{dtype_of<std::remove_const_t<T>>, v.shape(),
             reinterpret_cast<std::byte*>(const_cast<std::remove_const_t<T>*>(v.data()))} {}
  /// The elements of a tensor.
  template <class T>
  InputView(const Tensor<T>& t) : ref_{dtype_of<T>, t.shape(), const_cast<std::byte*>(t.bytes())} {}
  /// The elements of a tensor.
  InputView(const AnyTensor& t) : ref_(t.ref()) {}
  /// The memory that it refers to.
  InputView(const TensorRef& t) : ref_(t) {}

  /// Type, shape and memory.
  const TensorRef& ref() const noexcept { return ref_; }

 private:
  TensorRef ref_;
};

namespace detail {
template <class... T>
constexpr bool are_inputs = (std::is_convertible_v<const T&, InputView> && ...);
}  // namespace detail

OCTET_END
