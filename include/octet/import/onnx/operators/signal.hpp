#pragma once
#include "convolution.hpp"

/// Short-time Fourier transforms, and windows for them.
OCTET_BEGIN
namespace detail::onnx {

/// Weights [2 bins, length, 1] of the convolution that transforms frames: channel 2k is the real part of frequency k,
/// channel 2k + 1 the imaginary part.
inline Tensor<float> fourier_weights(NodeImport& n, std::int64_t bins, const std::vector<float>& window) {
  const auto length = static_cast<std::int64_t>(window.size());
  n.require(length <= std::int64_t{1} << 20, "frames of ", length, " numbers are not supported");
  n.builder.spend_on_transform(static_cast<std::size_t>(2 * bins * length) * sizeof(float));
  constexpr double turn = 6.283185307179586;
  Tensor<float> w({2 * bins, length, 1});
  for (std::int64_t k = 0; k < bins; ++k)
    for (std::int64_t i = 0; i < length; ++i) {
      const double angle = turn * static_cast<double>(k * i % length) / static_cast<double>(length);
      const auto factor = static_cast<double>(window[at(i)]);
      w[2 * k * length + i] = static_cast<float>(factor * std::cos(angle));
      w[(2 * k + 1) * length + i] = static_cast<float>(-factor * std::sin(angle));
    }
  return w;
}

/// Inputs: signals [N, length] or [N, length, 1], the step between frames, a window and the length of a frame, of which
/// one may be missing. Result: [N, frames, frequencies, 2].
inline void import_stft(NodeImport& n) {
  const Operand& x = n.input(0);
  const Shape s = x.shape();
  n.require(s.rank() == 2 || (s.rank() == 3 && s[2] == 1),
            "expected real signals [N, length] or [N, length, 1], found ", s);
  n.require(x.dtype() == DType::f32, "expected signals of float32, found ", name(x.dtype()));
  n.require(n.has(2) || n.has(3), "has neither a window nor the length of a frame");
  const std::vector<std::int64_t> step = n.constant_integers(1);
  n.require(step.size() == 1 && step[0] >= 1, "expected one step of at least 1");
  std::vector<float> window;
  if (n.has(2)) window = n.constant_reals(2);
  if (n.has(3)) {
    const std::vector<std::int64_t> length = n.constant_integers(3);
    n.require(length.size() == 1 && length[0] >= 1 && length[0] <= std::int64_t{1} << 20,
              "expected one length of frames of 1 to 2^20");
    if (!n.has(2)) window.assign(at(length[0]), 1.0f);
    n.require(at(length[0]) == window.size(), "expected a window of ", length[0], " numbers, found ", window.size());
  }
  const auto length = static_cast<std::int64_t>(window.size());
  const std::int64_t bins = n.flag("onesided", true) ? length / 2 + 1 : length;
  int v = n.builder.value(x, Order::identity(s.rank()));
  if (s.rank() == 2) v = n.step("signals", Unsqueeze({2}), {v}, Keeps::all);
  Convolution op;
  op.window.kernel = {length};
  op.window.strides = step;
  op.window.dilations = {1};
  op.window.pads_before = op.window.pads_after = {0};
  const int w = n.builder.add_constant(n.builder.derived(n.name() + "/frequencies"), fourier_weights(n, bins, window));
  v = n.step("frames", std::move(op), {v, w}, Keeps::batch);
  n.result(n.add(Reshape({0, 0, bins, 2}), {v}, Keeps::batch), Order::identity(4));
}

/// A window of a given number of elements: a0 - a1 cos(t) + a2 cos(2 t).
inline void import_window_function(NodeImport& n, double a0, double a1, double a2) {
  const std::vector<std::int64_t> size = n.constant_integers(0);
  n.require(size.size() == 1 && size[0] >= 1 && size[0] <= std::int64_t{1} << 30, "expected one size of at least 1");
  const DType type = element_type(n.integer("output_datatype", 1));
  const auto count = static_cast<double>(n.flag("periodic", true) ? size[0] : size[0] - 1);
  n.builder.spend(bytes(type, size[0]));
  n.result(constant_operand(n.output_name(), AnyTensor::make(type, Shape{size[0]}, [&](std::byte* to) {
                              for (std::int64_t i = 0; i < size[0]; ++i) {
                                const double t = 6.283185307179586 * static_cast<double>(i) / std::max(count, 1.0);
                                store_element(type, to, i, a0 - a1 * std::cos(t) + a2 * std::cos(2 * t));
                              }
                            })));
}

}  // namespace detail::onnx
OCTET_END
