#include <doctest/doctest.h>

#include <octet/kernels/dispatch.hpp>
#include <octet/kernels/half.hpp>
#include <octet/quantization/quantize.hpp>

#include "support/buffer.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"

using namespace octet;
using namespace octet::detail;
using namespace testing;

namespace {

/// Floats with every sign and exponent: each upper half with lower halves around the ties of both formats, and random
/// ones.
Exact<float> floats_of_all_kinds(std::int64_t extra) {
  const std::uint32_t lower[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, 0x0fff, 0x1000, 0x1001, 0x2fff, 0x3000, 0x3001};
  Exact<float> x((std::int64_t{1} << 16) * 14 + extra, 4);
  Random random(40);
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const auto upper = static_cast<std::uint32_t>(i / 14) << 16;
    const auto k = static_cast<std::size_t>(i % 14);
    const std::uint32_t b = upper | (k < 12 ? lower[k] : static_cast<std::uint32_t>(random.between(0, 0xffff)));
    std::memcpy(x.bytes() + 4 * i, &b, 4);  // (a signalling NaN may not survive as a float)
  }
  return x;
}

template <class Half>
int wrong_from_float(const Exact<float>& x, void (*run)(const float*, std::byte*, std::int64_t) noexcept) {
  Guarded<std::uint16_t> out(x.size(), 2);
  run(x.data(), out.bytes(), x.size());
  int wrong = !out.intact();
  for (std::int64_t i = 0; i < x.size(); ++i) wrong += out[i] != Half(x[i]).bits;
  return wrong;
}

template <class Half>
int wrong_to_float(std::int64_t n, void (*run)(const std::byte*, float*, std::int64_t) noexcept) {
  Exact<std::uint16_t> in(n, 2);
  for (std::int64_t i = 0; i < n; ++i) in.set(i, static_cast<std::uint16_t>(i * 48271));
  Guarded<float> out(n, 4);
  run(in.bytes(), out.data(), n);
  int wrong = !out.intact();
  for (std::int64_t i = 0; i < n; ++i) {
    Half h;
    h.bits = in[i];
    wrong += bits_of(out[i]) != bits_of(static_cast<float>(h));
  }
  return wrong;
}

}  // namespace

TEST_CASE("half precision: conversions give the bits of the definition, including NaN") {
  const Exact<float> x = floats_of_all_kinds(3);
  for (Isa isa : available_isas()) {
    CAPTURE(name(isa));
    const Kernels& k = kernels(isa);
    CHECK(wrong_from_float<fp16>(x, k.f32_to_fp16) == 0);
    CHECK(wrong_from_float<bf16>(x, k.f32_to_bf16) == 0);
    CHECK(wrong_to_float<fp16>(65536, k.fp16_to_f32) == 0);
    CHECK(wrong_to_float<bf16>(65536, k.bf16_to_f32) == 0);
  }
}

TEST_CASE("half precision: every size") {
  Random random(41);
  for (std::int64_t n = 0; n < 70; ++n) {
    Exact<float> x(n, 4);
    random.fill(x.data(), n, -2, 2);
    for (Isa isa : available_isas()) {
      CAPTURE(n);
      CAPTURE(name(isa));
      const Kernels& k = kernels(isa);
      CHECK(wrong_from_float<fp16>(x, k.f32_to_fp16) == 0);
      CHECK(wrong_from_float<bf16>(x, k.f32_to_bf16) == 0);
      CHECK(wrong_to_float<fp16>(n, k.fp16_to_f32) == 0);
      CHECK(wrong_to_float<bf16>(n, k.bf16_to_f32) == 0);
    }
  }
}

TEST_CASE("half precision: tensors to half precision and back") {
  Random random(42);
  Tensor<float> x = Tensor<float>::uninitialized({3, 50001});  // several parts, the last one odd
  random.fill(x.data(), x.size(), -1000, 1000);
  const Tensor<fp16> h = quantize<fp16>(View<const float>(x));
  const Tensor<bf16> b = quantize<bf16>(View<const float>(x));
  const Tensor<float> from_h = dequantize(h), from_b = dequantize(b), same = to_float(AnyTensor(x).ref());
  CHECK(from_h.shape() == x.shape());
  int wrong = 0;
  for (std::int64_t i = 0; i < x.size(); ++i) {
    wrong += h[i] != fp16(x[i]) || b[i] != bf16(x[i]) || same[i] != x[i];
    wrong += from_h[i] != static_cast<float>(fp16(x[i])) || from_b[i] != static_cast<float>(bf16(x[i]));
  }
  CHECK(wrong == 0);
  CHECK(to_float(AnyTensor(Tensor<int8>({2}, {7, -7})).ref())[1] == -7);
  CHECK(quantize<fp16>(View<const float>(x.data(), Shape{0})).size() == 0);
}
