#pragma once
#include "../core/element.hpp"
#include "../kernels/bytes.hpp"
#include "../kernels/half.hpp"
#include "../kernels/requantize.hpp"
#include "activation_codes.hpp"
#include "arithmetic/broadcast.hpp"
#include "float_batches.hpp"
#include "prelu.hpp"
#include "prelu_formula.hpp"
#include "prelu_gradient.hpp"

OCTET_BEGIN
namespace detail {

class FloatPRelu : public Step {
 public:
  explicit FloatPRelu(const PrepareContext& c) : slope_(to_float(c.constant(PRelu::slopes).ref())) {}
  std::size_t packed_bytes() const noexcept override { return slope_.size_bytes(); }
  std::size_t plan(const PlanContext& c) override {
    runs_ = {{&c.inputs[0].shape, &slope_.shape()}, c.outputs[0].shape};
    return 0;
  }
  bool can_overwrite(int input) const noexcept override { return input == 0; }
  void run(const RunContext& c) noexcept override {
    runs_.parallel(*c.pool, [&](std::int64_t, std::int64_t s, std::int64_t o, std::int64_t n) {
      const auto f = [](const FloatBatch& x, const FloatBatch& m) {
        return xsimd::select(x < FloatBatch(0.0f), x * m, x);
      };
      apply_to_batches(f, reinterpret_cast<float*>(c.output()) + o, n,
                       FloatOperand{reinterpret_cast<const float*>(c.input(0)) + o},
                       FloatOperand{slope_.data() + s, runs_.moves(1)});
    });
  }

 private:
  Tensor<float> slope_;
  BroadcastRuns runs_;
};

/// PRelu of uint8, with float or quantized slopes.
class IntegerPRelu : public Step {
 public:
  explicit IntegerPRelu(const PrepareContext& c)
      : bytes_(&byte_kernels(c.kernels().isa)), shape_(c.constant(PRelu::slopes).shape()), f_(c) {
    // The kernel's conversion to integers is exact below 2^31.
    float largest = f_.positive;
    for (float f : f_.negative) largest = std::max(largest, std::abs(f));
    by_kernel_ = f_.rounding == Rounding::fp32 && 255 * largest < 2147483000.0f;
  }
  std::size_t packed_bytes() const noexcept override { return 4 * (f_.negative.size() + f_.integers.size()); }
  std::size_t plan(const PlanContext& c) override {
    runs_ = {{&c.inputs[0].shape, &shape_}, c.outputs[0].shape};
    return 0;
  }
  bool can_overwrite(int input) const noexcept override { return input == 0; }
  void run(const RunContext& c) noexcept override {
    const std::int64_t step = runs_.moves(1);
    if (by_kernel_ && runs_.repeats(1) && 2 * runs_.length() <= block) return run_repeated(c);
    runs_.parallel(*c.pool, [&](std::int64_t, std::int64_t s, std::int64_t o, std::int64_t n) {
      const auto* in = reinterpret_cast<const std::uint8_t*>(c.input(0)) + o;
      auto* out = reinterpret_cast<std::uint8_t*>(c.output()) + o;
      if (step && by_kernel_)
        return bytes_->prelu({in, out, n, f_.negative.data() + s, f_.positive, f_.zero_in, f_.zero_out});
      if (step || n < 256) {
        for (std::int64_t i = 0; i < n; ++i) out[i] = code(in[i], s + i * step);
        return;
      }
      std::array<std::uint8_t, 256> table;
      for (int q = 0; q < 256; ++q) table[static_cast<std::size_t>(q)] = code(q, s);
      LookupU8 p;
      p.table = table.data();
      p.in = in;
      p.out = out;
      p.count = n;
      bytes_->lookup(p);
    });
  }

 private:
  static constexpr std::int64_t block = 1024;

  /// One slope per channel, of which there may be few: several pixels at a time.
  void run_repeated(const RunContext& c) const noexcept {
    const std::int64_t n = runs_.length(), group = block / n * n;
    parallel_parts(*c.pool, runs_.count(), block / n * 8, [&](std::int64_t first, std::int64_t rows) {
      std::array<float, block> slopes;
      for (std::int64_t i = 0; i < group; i += n) std::copy_n(f_.negative.data(), n, slopes.data() + i);
      for (std::int64_t i = first * n, end = i + rows * n; i < end; i += group)
        bytes_->prelu({reinterpret_cast<const std::uint8_t*>(c.input(0)) + i,
                       reinterpret_cast<std::uint8_t*>(c.output()) + i, std::min(group, end - i), slopes.data(),
                       f_.positive, f_.zero_in, f_.zero_out});
    });
  }

  std::uint8_t code(int in, std::int64_t slope) const noexcept {
    const std::int64_t q = std::int64_t{scaled(in - f_.zero_in, static_cast<std::size_t>(slope))} + f_.zero_out;
    return static_cast<std::uint8_t>(std::clamp<std::int64_t>(q, 0, 255));
  }
  std::int32_t scaled(std::int32_t x, std::size_t slope) const noexcept {
    if (f_.rounding == Rounding::fp32)
      return round_clamped(static_cast<float>(x) * (x < 0 ? f_.negative[slope] : f_.positive), -512, 512);
    const std::int32_t v = x < 0 ? x * f_.integers[slope] : x;
    const FixedPointMultiplier m = x < 0 ? f_.fixed_negative : f_.fixed_positive;
    return f_.rounding == Rounding::tflite_double ? multiply_double_rounding(v, m) : multiply_single_rounding(v, m);
  }

  const ByteKernels* bytes_;
  Shape shape_;
  bool by_kernel_ = false;
  PReluFormula f_;
  BroadcastRuns runs_;
};

}  // namespace detail

OCTET_API std::vector<Shape> PRelu::shapes(const ShapeContext& c) const {
  const Shape &x = c.shape(0), &slope = c.shape(PRelu::slopes);
  bool fits = slope.rank() <= x.rank();
  for (int d = 0; fits && d < slope.rank(); ++d) {
    const std::int64_t size = x[d + x.rank() - slope.rank()];
    fits = slope[d] == 1 || size == slope[d] || size == Shape::unknown;
  }
  c.require(fits, "slopes of shape ", slope, " cannot be broadcast to ", x);
  return {x};
}

OCTET_API std::unique_ptr<Step> PRelu::prepare(const PrepareContext& c) const {
  if (c.input(0).dtype == DType::f32 && is_floating(c.input(PRelu::slopes).dtype))
    return detail::make_step<detail::FloatPRelu>(c);
  if (detail::int8_format.computes(c.input(0).dtype)) return detail::make_step<detail::IntegerPRelu>(c);
  c.fail(name(c.input(0).dtype), " with slopes of ", name(c.input(PRelu::slopes).dtype), " is not supported");
}

OCTET_API std::unique_ptr<GradientStep> PRelu::prepare_gradient(const PrepareContext& c) const {
  return detail::make_step<detail::PReluGradient>(c);
}

OCTET_API IntegerForm PRelu::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::measured;
  f.weights = 1;
  return f;
}

OCTET_END
