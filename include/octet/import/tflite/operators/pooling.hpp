#pragma once
#include "../operator_import.hpp"

/// Pooling, reductions, and places of the largest elements.
OCTET_BEGIN
namespace detail::tflite {

template <class Pool>
void import_pool(OperatorImport& n) {
  Pool op;
  op.window = n.window(n.integer(4), n.integer(3), -1);
  n.add_clamped(std::move(op), {n.value(0)}, n.activation(5));
}

/// Input 1: the axes.
inline void import_reduce(OperatorImport& n, ReduceKind kind) {
  const std::vector<std::int64_t> axes = n.integers(1);
  const int x = n.value(0);
  if (axes.empty()) {
    n.add(Identity(), {x});
    return;
  }
  n.add(Reduce(kind, axes, n.flag(0)), {x});
}

/// The axis is input 1; the output's type is that of the tensor.
inline void import_arg_max(OperatorImport& n, bool smallest) {
  const std::vector<std::int64_t> axis = n.integers(1, 1);
  const DType to = n.output(0).dtype;
  n.require(to == DType::i32 || to == DType::i64, "gives int32 or int64, found ", name(to));
  ArgMax op(axis[0], false, to);
  op.smallest = smallest;
  n.add(std::move(op), {n.value(0)});
}

/// Along the last dimension. Input 1: k.
inline void import_top_k(OperatorImport& n) {
  TopK op(n.integers(1, 1)[0], -1, n.output(1).dtype);
  n.add(std::move(op), {n.value(0)}, 0, 2);
}

/// The options of MediaPipe's custom pools: six int32 (TfLitePoolParams) for padding (1: same, 2: valid), horizontal
/// and vertical stride, width and height of the window, activation.
struct CustomPool {
  Window window;
  std::int32_t activation = 0;

  explicit CustomPool(OperatorImport& n) {
    const std::vector<std::uint8_t> bytes = n.custom_options();
    n.require(bytes.size() >= 24, "expected options of at least 24 bytes, found ", bytes.size());
    const auto option = [&](std::int64_t i) {
      return load_as<std::int32_t>(reinterpret_cast<const std::byte*>(bytes.data()), i);
    };
    n.require(option(0) == 1 || option(0) == 2, "padding ", option(0), " is not supported");
    for (int i = 1; i < 5; ++i)
      n.require(option(i) > 0 && option(i) < (1 << 16), "a stride or size of the window is ", option(i),
                ", expected 1 to 65535");
    window = Window(option(4), option(3));
    window.padding = option(0) == 1 ? Window::Padding::same_upper : Window::Padding::valid;
    window.strides = {option(2), option(1)};
    activation = option(5);
  }
};

inline void import_max_pool_with_argmax(OperatorImport& n) {
  const CustomPool options(n);
  n.require(options.activation == 0, "the fused activation ", options.activation, " is not supported");
  ArgMaxPool op;
  op.window = options.window;
  n.add(std::move(op), {n.real_value(0)}, 0, 2);
}

inline void import_max_unpool(OperatorImport& n) {
  MaxUnpool op;
  op.window = CustomPool(n).window;
  n.add(std::move(op), {n.real_value(0), n.real_value(1)});
}

}  // namespace detail::tflite
OCTET_END
