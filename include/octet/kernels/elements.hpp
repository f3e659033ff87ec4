#pragma once
#include <cstddef>
#include <cstdint>

#include "../core/cpu.hpp"

/// Kernels that take element by element. They are apart from those of layers, so that a program that quantizes tensors
/// and runs no network need not compile the others.
OCTET_BEGIN
namespace detail {

/// What is left to do when sums are packed into bytes, which saturates them to [0, 255].
enum class Limit : std::uint8_t {
  none,  // zero point 0 and all of uint8
  clamp
};

/// q = clamp(round_half_even(x / scale) + zero_point, low, high), stored xor `flip` (0x80 gives int8). Elements that
/// are not finite give undefined bytes; the kernel tells whether there are any where `asked` is set.
struct QuantizeF32 {
  const float* in = nullptr;
  std::uint8_t* out = nullptr;
  std::int64_t count = 0;
  float scale = 1;
  std::int32_t zero_point = 0, low = 0, high = 255;  // of the uint8 before the flip
  std::uint8_t flip = 0;
  bool asked = false;
};

/// Of one instruction set. All of them give the same bits.
struct ElementKernels {
  Isa isa = Isa::scalar;
  bool (*quantize_f32)(const QuantizeF32&) noexcept = nullptr;  // whether all elements were finite
  void (*quantize_row)(const float*, std::int64_t n, std::uint8_t*, float* scale, float* shift) noexcept = nullptr;
  void (*dequantize_u8)(const std::uint8_t*, float*, std::int64_t n, float scale, std::int32_t zero) noexcept = nullptr;
  void (*minmax_f32)(const float*, std::int64_t n, float* low_high) noexcept = nullptr;
  void (*fp16_to_f32)(const std::byte*, float*, std::int64_t n) noexcept = nullptr;
  void (*bf16_to_f32)(const std::byte*, float*, std::int64_t n) noexcept = nullptr;
  void (*f32_to_fp16)(const float*, std::byte*, std::int64_t n) noexcept = nullptr;
  void (*f32_to_bf16)(const float*, std::byte*, std::int64_t n) noexcept = nullptr;
};

/// The kernels for an instruction set this CPU has.
const ElementKernels& element_kernels(Isa isa = active_isa()) noexcept;

}  // namespace detail
OCTET_END

#if !defined(OCTET_COMPILED)
#  include "elements.inl"
#endif
