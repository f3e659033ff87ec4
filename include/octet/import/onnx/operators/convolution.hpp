#pragma once
#include "plain.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// A window with the given kernel size and the node's strides, dilations and padding.
inline Window import_window(const NodeImport& n, std::vector<std::int64_t> kernel) {
  const std::size_t rank = kernel.size();
  const auto one_each = [&](const char* key, std::size_t count, std::int64_t missing) {
    std::vector<std::int64_t> v = n.integers(key);
    if (v.empty()) v.assign(count, missing);
    n.require(v.size() == count, key, " has ", v.size(), " entries, expected ", count);
    return v;
  };
  Window w;
  w.kernel = std::move(kernel);
  w.strides = one_each("strides", rank, 1);
  w.dilations = one_each("dilations", rank, 1);
  const std::vector<std::int64_t> pads = one_each("pads", 2 * rank, 0);
  const auto middle = pads.begin() + static_cast<std::ptrdiff_t>(rank);
  w.pads_before.assign(pads.begin(), middle);
  w.pads_after.assign(middle, pads.end());
  const std::string mode = n.text("auto_pad", "NOTSET");
  if (mode == "SAME_UPPER")
    w.padding = Window::Padding::same_upper;
  else if (mode == "SAME_LOWER")
    w.padding = Window::Padding::same_lower;
  else if (mode == "VALID")
    w.padding = Window::Padding::valid;
  else
    n.require(mode == "NOTSET" || mode.empty(), "auto_pad '", mode, "' is not supported");
  w.ceil_mode = n.flag("ceil_mode");
  return w;
}

/// x as a value stored as [N, spatial ..., C].
inline int image_value(NodeImport& n, const Operand& x) {
  n.require(x.rank() >= 3, "expected an input [N, C, spatial ...], found ", x.shape());
  return n.builder.value(x, Order::channels_last(x.rank()));
}

/// Input i, which has to be the same in every run.
inline const Operand& fixed_input(const NodeImport& n, int i) {
  const Operand& w = n.input(i);
  n.require(n.builder.is_fixed(w), "input ", i, " ('", w.name(), "') has to be constant");
  return w;
}

/// The kernel size, from weights [., ., spatial ...].
inline std::vector<std::int64_t> kernel_of(const NodeImport& n, const Operand& x, const Operand& w) {
  const Shape shape = w.shape();
  n.require(x.rank() == w.rank() && w.rank() >= 3 && shape.known(), "expected weights for an input of shape ",
            x.shape(), ", found shape ", shape);
  const std::vector<std::int64_t> kernel(shape.begin() + 2, shape.end());
  n.require(n.integers("kernel_shape", kernel) == kernel, "kernel_shape does not match weights of shape ", shape);
  return kernel;
}

/// Adds the convolution: the result of the node, or, if `what` is given, an intermediate operator of that name.
inline int add_convolution(NodeImport& n, const char* what) {
  const Operand &x = n.input(0), &w = fixed_input(n, 1);
  Convolution op;
  op.window = import_window(n, kernel_of(n, x, w));
  op.groups = n.integer("group", 1);
  // The same permutation converts weights [O, I, H, W] to [O, H, W, I].
  std::vector<int> in{image_value(n, x), n.builder.value(w, Order::channels_last(x.rank()))};
  if (n.has(2)) in.push_back(n.builder.value(fixed_input(n, 2)));
  return what ? n.step(what, std::move(op), in, Keeps::batch) : n.add(std::move(op), in, Keeps::batch);
}

inline void import_convolution(NodeImport& n) {
  n.result(add_convolution(n, nullptr), Order::channels_last(n.input(0).rank()));
}

/// Adds a convolution of integers minus zero points: x_zero of the image, w_zero of the weights. Scales that the
/// operands have do not matter.
inline int add_convolution_of_integers(NodeImport& n, const char* what, const Operand& image, const Operand& weights,
                                       int x_zero, int w_zero) {
  const Operand x = plain(n, image), w = plain(n, weights);
  ConvInteger op;
  op.window = import_window(n, kernel_of(n, x, w));
  op.groups = n.integer("group", 1);
  const auto zero = [&](int i) { return i >= 0 && n.has(i) ? n.builder.value(n.input(i)) : Node::none; };
  const std::vector<int> in{image_value(n, x), n.builder.value(w, Order::channels_last(x.rank())), zero(x_zero),
                            zero(w_zero)};
  return what ? n.step(what, std::move(op), in, Keeps::batch) : n.add(std::move(op), in, Keeps::batch);
}

inline void import_conv_integer(NodeImport& n) {
  const Operand& x = n.input(0);
  n.result(add_convolution_of_integers(n, nullptr, x, n.input(1), 2, 3), Order::channels_last(x.rank()));
}

}  // namespace detail::onnx
OCTET_END
