#pragma once
#include <cstddef>
#include <cstdint>

#include "../core/cpu.hpp"

/// Elementwise kernels. They are separate from the kernels of layers, so that a program that quantizes tensors but runs
/// no network does not compile those.
OCTET_BEGIN
namespace detail {

/// What is applied when sums are packed into bytes, which saturates them to [0, 255].
enum class Limit : std::uint8_t {
  none,  // nothing: zero point 0, limits 0 and 255
  clamp  // zero point and limits
};

/// q = clamp(round_half_even(x / scale) + zero_point, low, high), stored xor `flip` (0x80 gives int8). The codes of
/// elements that are not finite are undefined; if `asked` is set, the kernel returns whether all elements were finite.
struct QuantizeF32 {
  const float* in = nullptr;
  std::uint8_t* out = nullptr;
  std::int64_t count = 0;
  float scale = 1;
  float inverse = 0;    // not 0: numbers are multiplied by it, not divided by the scale
  bool tflite = false;  // with inverse: zero_point - 128 is added to the product, and halves are rounded away from zero
  std::int32_t zero_point = 0, low = 0, high = 255;  // of the uint8 code before the xor
  std::uint8_t flip = 0;
  bool asked = false;
};

/// The elementwise kernels of one instruction set. All instruction sets give the same bits.
struct ElementKernels {
  Isa isa = Isa::scalar;
  bool (*quantize_f32)(const QuantizeF32&) noexcept = nullptr;  // returns whether all elements were finite, if asked
  void (*quantize_row)(const float*, std::int64_t n, std::uint8_t*, float* scale, float* shift) noexcept = nullptr;
  void (*dequantize_u8)(const std::uint8_t*, float*, std::int64_t n, float scale, std::int32_t zero) noexcept = nullptr;
  void (*minmax_f32)(const float*, std::int64_t n, float* low_high) noexcept = nullptr;
  void (*fp16_to_f32)(const std::byte*, float*, std::int64_t n) noexcept = nullptr;
  void (*bf16_to_f32)(const std::byte*, float*, std::int64_t n) noexcept = nullptr;
  void (*f32_to_fp16)(const float*, std::byte*, std::int64_t n) noexcept = nullptr;
  void (*f32_to_bf16)(const float*, std::byte*, std::int64_t n) noexcept = nullptr;
};

/// The kernels for an instruction set that the CPU supports.
const ElementKernels& element_kernels(Isa isa = active_isa()) noexcept;

}  // namespace detail
OCTET_END

#if !defined(OCTET_COMPILED)
#  include "elements.inl"
#endif
