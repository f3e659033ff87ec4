#pragma once
#include "../graph/lost_numbers.hpp"
#include "elementwise_step.hpp"
#include "int16_sums.hpp"
#include "tflite_int16_functions.hpp"
#include "tflite_unary.hpp"

/// Functions of one number with 16-bit activations.
OCTET_BEGIN
namespace detail {

/// A function of one code at a time.
template <class F>
class Int16CodeFunction : public ElementwiseStep {
 public:
  explicit Int16CodeFunction(F f) : f_(std::move(f)) {}
  std::size_t packed_bytes() const noexcept override { return sizeof f_; }

 private:
  void compute(const RunContext& c, std::int64_t first, std::int64_t count) const noexcept override {
    const auto* in = reinterpret_cast<const std::int16_t*>(c.input(0)) + first;
    auto* out = reinterpret_cast<std::int16_t*>(c.output()) + first;
    for (std::int64_t i = 0; i < count; ++i) out[i] = f_(in[i]);
  }

  F f_;
};

/// Computes with real numbers, a block at a time: `apply(in, out, count)`.
template <class Apply>
class Int16RealFunction : public ElementwiseStep {
 public:
  Int16RealFunction(const PrepareContext& c, Apply apply)
      : kernels_(&byte_kernels(c.kernels().isa).int16),
        apply_(std::move(apply)),
        in_scale_(static_cast<float>(int16_scale(c, c.input(0)))),
        out_scale_(int16_scale(c, c.output())) {}

 private:
  void compute(const RunContext& c, std::int64_t first, std::int64_t count) const noexcept override {
    const auto* in = reinterpret_cast<const std::int16_t*>(c.input(0)) + first;
    auto* out = reinterpret_cast<std::int16_t*>(c.output()) + first;
    std::array<float, 256> real;
    for (std::int64_t i = 0; i < count; i += std::int64_t{256}) {
      const std::int64_t n = std::min<std::int64_t>(256, count - i);
      kernels_->dequantize({in + i, real.data(), n, in_scale_});
      apply_(real.data(), real.data(), n);
      if (!kernels_->quantize({real.data(), out + i, n, out_scale_})) report_lost_number(c);
    }
  }

  const Int16Kernels* kernels_;
  Apply apply_;
  float in_scale_;
  double out_scale_;
};

/// TFLite's form of a function, if it has one for 16-bit codes with these scales and the model uses TFLite's rounding;
/// else null.
inline std::unique_ptr<Step> make_tflite_int16_function(const PrepareContext& c, const UnaryFunction& f) {
  const auto x = static_cast<float>(int16_scale(c, c.input(0))), y = static_cast<float>(int16_scale(c, c.output()));
  if (c.own_rounding() == Rounding::fp32) return nullptr;
  const bool is_tanh = f.kind == UnaryKind::tanh;
  if (is_tanh || f.kind == UnaryKind::sigmoid) {
    if (y != 0x1p-15f) return nullptr;
    return make_step<Int16CodeFunction<FixedSigmoid>>(FixedSigmoid(x, is_tanh, c.as_litert()));
  }
  if (f.kind != UnaryKind::clip && f.kind != UnaryKind::leaky_relu) return nullptr;
  std::unique_ptr<Step> step;
  with_fixed_point(f, x, y, c.own_rounding() == Rounding::tflite_double, [&](auto code) {
    const auto clamped = [code](std::int16_t q) {
      return static_cast<std::int16_t>(std::clamp(static_cast<double>(code(q)), -32768.0, 32767.0));
    };
    step = make_step<Int16CodeFunction<decltype(clamped)>>(clamped);
  });
  return step;
}

}  // namespace detail
OCTET_END
