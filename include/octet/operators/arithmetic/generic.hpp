#pragma once
#include "../../core/element.hpp"
#include "../../kernels/bytes.hpp"
#include "../activation_range.hpp"
#include "broadcast.hpp"
#include "float_arithmetic.hpp"
#include "function.hpp"

OCTET_BEGIN
namespace detail {

/// Arithmetic on plain numbers of type T.
template <class T>
class GenericBinary : public Step {
 public:
  GenericBinary(const PrepareContext& c, BinaryKind kind, const ActivationRange& range)
      : kind_(kind), simd_(&c.kernels()), low_(limit(range.low)), high_(limit(range.high)) {
    if constexpr (std::is_same_v<T, std::uint8_t>)
      if (low_ == 0 && high_ == 255 && (kind == BinaryKind::min || kind == BinaryKind::max))
        bytes_ = &byte_kernels(simd_->isa);
  }

  std::size_t plan(const PlanContext& c) override {
    runs_ = BroadcastRuns({&c.inputs[0].shape, &c.inputs[1].shape}, c.outputs[0].shape);
    overwrite_[0] = c.inputs[0].shape == c.outputs[0].shape && !is_comparison(kind_);
    overwrite_[1] = c.inputs[1].shape == c.outputs[0].shape && !is_comparison(kind_);
    return 0;
  }
  bool can_overwrite(int input) const noexcept override { return input < 2 && overwrite_[input]; }

  void run(const RunContext& c) noexcept override {
    const auto* a = reinterpret_cast<const T*>(c.input(0));
    const auto* b = reinterpret_cast<const T*>(c.input(1));
    if constexpr (std::is_same_v<T, float>)
      if (const FloatKernel f = float_kernel())
        return by_kernel(f, a, b, reinterpret_cast<float*>(c.output()), *c.pool);
    runs_.parallel(*c.pool, [&](std::int64_t i, std::int64_t j, std::int64_t o, std::int64_t n) {
      one_run(a + i, b + j, c.output(), o, n);
    });
  }

 private:
  using FloatKernel = void (*)(const ArithmeticF32&) noexcept;

  /// The kernel for floats; null if this kind has none.
  FloatKernel float_kernel() const noexcept {
    switch (kind_) {
      case BinaryKind::add: return simd_->add_f32;
      case BinaryKind::sub: return simd_->sub_f32;
      case BinaryKind::mul: return simd_->mul_f32;
      case BinaryKind::div: return simd_->div_f32;
      default: return nullptr;
    }
  }
  void by_kernel(FloatKernel kernel, const float* a, const float* b, float* out, ThreadPool& pool) const noexcept {
    runs_.parallel_rows(pool, [&](const BroadcastRuns::Each& from, std::int64_t at, std::int64_t n, std::int64_t rows) {
      ArithmeticF32 g;
      g.a = a + from[0];
      g.b = b + from[1];
      g.out = out + at;
      g.n = n;
      g.rows = rows;
      g.a_moves = runs_.moves(0);
      g.b_moves = runs_.moves(1);
      g.a_row = runs_.row_step(0);
      g.b_row = runs_.row_step(1);
      g.out_row = runs_.length();
      g.low = static_cast<float>(low_);
      g.high = static_cast<float>(high_);
      if (runs_.repeats(1) && n == runs_.length() && n < 64 && rows > 16) return by_long_rows(kernel, g);
      kernel(g);
    });
  }

  /// As kernel(g), where b is one short row: several rows of a at a time, with as many copies of b.
  static void by_long_rows(FloatKernel kernel, ArithmeticF32 g) noexcept {
    std::array<float, 256> copies;
    const std::int64_t together = static_cast<std::int64_t>(copies.size()) / g.n, rest = g.rows % together;
    for (std::int64_t i = 0; i < together; ++i) std::copy_n(g.b, g.n, copies.data() + i * g.n);
    g.b = copies.data();
    g.n *= together;
    g.rows /= together;
    g.a_row = g.out_row = g.n;
    kernel(g);
    g.a += g.rows * g.n;
    g.out += g.rows * g.n;
    g.n = g.n / together * rest;
    g.rows = 1;
    kernel(g);
  }

  static T limit(double x) noexcept {
    if constexpr (std::is_integral_v<T>)
      return saturate_to<T>(x);
    else
      return static_cast<T>(x);
  }

  void one_run(const T* a, const T* b, std::byte* out, std::int64_t at, std::int64_t n) const noexcept {
    if constexpr (std::is_same_v<T, float>) {
      auto* to = reinterpret_cast<float*>(out) + at;
      if (float_arithmetic(kind_, {a, runs_.moves(0)}, {b, runs_.moves(1)}, to, n, low_, high_)) return;
    }
    if constexpr (std::is_same_v<T, std::uint8_t>)
      if (bytes_) return extremum(a, b, reinterpret_cast<std::uint8_t*>(out) + at, n);
    apply(a, runs_.moves(0), b, runs_.moves(1), out, at, n);
  }

  /// The greatest or the least of two bytes. Single elements are repeated.
  void extremum(const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* out, std::int64_t n) const noexcept {
    const bool least = kind_ == BinaryKind::min, moves_a = runs_.moves(0), moves_b = runs_.moves(1);
    if (moves_a && moves_b) return bytes_->extremum(a, b, out, n, least);
    constexpr std::int64_t block = 1024;
    std::array<std::uint8_t, block> same;
    std::memset(same.data(), moves_a ? *b : *a, static_cast<std::size_t>(std::min(block, n)));
    for (std::int64_t i = 0; i < n; i += block)
      bytes_->extremum(moves_a ? a + i : same.data(), moves_b ? b + i : same.data(), out + i, std::min(block, n - i),
                       least);
  }

  void apply(const T* a, std::int64_t step_a, const T* b, std::int64_t step_b, std::byte* out, std::int64_t at,
             std::int64_t n) const noexcept {
    with_binary<T>(kind_, [&](auto f) {
      using R = decltype(f(T{}, T{}));
      auto* to = reinterpret_cast<std::conditional_t<std::is_same_v<R, bool>, std::uint8_t, T>*>(out) + at;
      for (std::int64_t i = 0; i < n; ++i) {
        const auto r = f(a[i * step_a], b[i * step_b]);
        if constexpr (std::is_same_v<R, bool>)
          to[i] = r;
        else
          to[i] = r < low_ ? low_ : r > high_ ? high_ : r;
      }
    });
  }

  BinaryKind kind_;
  const Kernels* simd_;
  const ByteKernels* bytes_ = nullptr;  // for the greatest or the least of two bytes, without limits
  T low_, high_;
  BroadcastRuns runs_;
  bool overwrite_[2] = {false, false};
};

/// Booleans count as the numbers 0 and 1.
inline std::unique_ptr<Step> make_generic_binary(const PrepareContext& c, BinaryKind kind,
                                                 const ActivationRange& range) {
  const DType type = c.input(0).dtype;
  return with_number(type == DType::boolean ? dtype_of<std::uint8_t> : type, [&](auto number) -> std::unique_ptr<Step> {
    if constexpr (std::is_arithmetic_v<decltype(number)>)
      return make_step<GenericBinary<decltype(number)>>(c, kind, range);
    c.fail("type ", name(c.input(0).dtype), " is not supported");
  });
}

}  // namespace detail
OCTET_END
