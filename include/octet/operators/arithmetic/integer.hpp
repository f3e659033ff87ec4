#pragma once
#include "../../kernels/bytes.hpp"
#include "../../kernels/requantize.hpp"
#include "../activation_codes.hpp"
#include "../activation_range.hpp"
#include "broadcast.hpp"
#include "function.hpp"

OCTET_BEGIN
namespace detail {

/// Sum, difference or product of two quantized tensors (uint8) with different scales, requantized to the output's
/// scale.
class IntegerBinary : public Step {
 public:
  IntegerBinary(const PrepareContext& c, BinaryKind kind, const ActivationRange& range)
      : kind_(kind), bytes_(&byte_kernels(c.kernels().isa)), rounding_(c.rounding()) {
    const QuantParams &a = params_of(int8_format, c, c.input(0)), &b = params_of(int8_format, c, c.input(1)),
                      &y = params_of(int8_format, c, c.output());
    const double sa = static_cast<double>(a.scale[0]), sb = static_cast<double>(b.scale[0]),
                 sy = static_cast<double>(y.scale[0]);
    params_.zero_a = a.zero_point[0];
    params_.zero_b = b.zero_point[0];
    params_.zero_point = y.zero_point[0];
    const IntegerRange q = quantized_range(range, c.output());
    params_.low = static_cast<std::int32_t>(q.low);
    params_.high = static_cast<std::int32_t>(q.high);
    const double sign = kind == BinaryKind::sub ? -1 : 1;  // of the second operand
    if (kind == BinaryKind::mul)
      product_scale_ = c.multiplier(sa * sb / sy);
    else {
      params_.scale_a = c.multiplier(sa / sy);
      params_.scale_b = static_cast<float>(sign) * c.multiplier(sb / sy);
    }
    // The kernels' conversion to integers is exact below 2^31. Otherwise, and for other roundings, results come from
    // tables, or are computed one by one.
    const double largest = kind == BinaryKind::mul ? 255.0 * 255.0 * sa * sb / sy : 255 * (sa + sb) / sy;
    by_kernel_ = rounding_ == Rounding::fp32 && largest < 2147483000.0;
    product_ = FixedPointMultiplier(static_cast<double>(tflite_ratio(a.scale[0], b.scale[0], y.scale[0])));
    // TFLite first converts both to a common scale with 20 additional bits.
    const double common = 2 * std::max(sa, sb);
    input_a_ = FixedPointMultiplier(sa / common);
    input_b_ = FixedPointMultiplier(sb / common);
    sum_ = FixedPointMultiplier(common / (static_cast<double>(1 << 20) * sy));
  }

  std::size_t plan(const PlanContext& c) override {
    runs_ = BroadcastRuns({&c.inputs[0].shape, &c.inputs[1].shape}, c.outputs[0].shape);
    for (int k = 0; k < 2; ++k) overwrite_[k] = c.inputs[static_cast<std::size_t>(k)].shape == c.outputs[0].shape;
    // A table of all pairs of codes pays where it is small compared with the tensors.
    const bool pairs = !by_kernel_ && runs_.moves(0) && runs_.moves(1) && c.outputs[0].shape.elements() >= 1 << 15;
    if (!pairs) pairs_.clear();
    if (pairs && pairs_.empty())
      for (int i = 0; i < 1 << 16; ++i) pairs_.push_back(code(i >> 8, i & 255));
    return 0;
  }
  std::size_t packed_bytes() const noexcept override { return pairs_.size(); }
  bool can_overwrite(int input) const noexcept override { return input < 2 && overwrite_[input]; }

  void run(const RunContext& c) noexcept override {
    const auto* a = reinterpret_cast<const std::uint8_t*>(c.input(0));
    const auto* b = reinterpret_cast<const std::uint8_t*>(c.input(1));
    auto* out = reinterpret_cast<std::uint8_t*>(c.output());
    for (const std::size_t same : {std::size_t{0}, std::size_t{1}})
      if (by_kernel_ && runs_.repeats(same) && 2 * runs_.length() <= block) return run_repeated(c, a, b, same);
    runs_.parallel(*c.pool, [&](std::int64_t i, std::int64_t j, std::int64_t o, std::int64_t n) {
      one_run(a + i, b + j, out + o, n);
    });
  }

 private:
  static constexpr std::int64_t block = 8192;

  /// For an operand with one element per channel, of which there may be few: several pixels at a time.
  void run_repeated(const RunContext& c, const std::uint8_t* a, const std::uint8_t* b,
                    std::size_t same) const noexcept {
    const std::int64_t n = runs_.length(), group = block / n * n;
    parallel_parts(*c.pool, runs_.count(), block / n * 2, [&](std::int64_t first, std::int64_t rows) {
      std::array<std::uint8_t, block> copies;
      for (std::int64_t i = 0; i < group; i += n)
        std::memcpy(copies.data() + i, same == 0 ? a : b, static_cast<std::size_t>(n));
      for (std::int64_t i = first * n, end = i + rows * n; i < end; i += group)
        two_arrays(same == 0 ? copies.data() : a + i, same == 1 ? copies.data() : b + i,
                   reinterpret_cast<std::uint8_t*>(c.output()) + i, std::min(group, end - i));
    });
  }

  void one_run(const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* out, std::int64_t n) const noexcept {
    const bool moves_a = runs_.moves(0), moves_b = runs_.moves(1);
    if (moves_a && moves_b) return two_arrays(a, b, out, n);
    if (by_kernel_) {  // a broadcast element is repeated
      std::array<std::uint8_t, block> same;
      std::memset(same.data(), moves_a ? *b : *a, static_cast<std::size_t>(std::min(block, n)));
      for (std::int64_t i = 0; i < n; i += block)
        two_arrays(moves_a ? a + i : same.data(), moves_b ? b + i : same.data(), out + i, std::min(block, n - i));
      return;
    }
    if (n < 256) {
      for (std::int64_t i = 0; i < n; ++i) out[i] = code(a[moves_a ? i : 0], b[moves_b ? i : 0]);
      return;
    }
    std::array<std::uint8_t, 256> table;
    for (int q = 0; q < 256; ++q) table[static_cast<std::size_t>(q)] = moves_a ? code(q, *b) : code(*a, q);
    LookupU8 p;
    p.table = table.data();
    p.in = moves_a ? a : b;
    p.out = out;
    p.count = n;
    bytes_->lookup(p);
  }

  void two_arrays(const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* out, std::int64_t n) const noexcept {
    if (!by_kernel_) {
      for (std::int64_t i = 0; i < n; ++i)
        out[i] = pairs_.empty() ? code(a[i], b[i]) : pairs_[std::size_t{a[i]} << 8 | b[i]];
      return;
    }
    if (kind_ == BinaryKind::mul)
      return bytes_->mul({a, b, out, n, product_scale_, params_.zero_a, params_.zero_b, params_.zero_point, params_.low,
                          params_.high});
    AddU8 p = params_;
    p.a = a;
    p.b = b;
    p.out = out;
    p.count = n;
    bytes_->add(p);
  }

  std::uint8_t code(int a, int b) const noexcept {
    const std::int32_t x = a - params_.zero_a, y = b - params_.zero_b;
    const std::int64_t q = std::int64_t{kind_ == BinaryKind::mul ? product(x, y) : sum(x, y)} + params_.zero_point;
    return static_cast<std::uint8_t>(std::clamp<std::int64_t>(q, params_.low, params_.high));
  }

  std::int32_t product(std::int32_t x, std::int32_t y) const noexcept {
    switch (rounding_) {
      case Rounding::tflite_double: return multiply_double_rounding(x * y, product_);
      case Rounding::tflite_single: return multiply_single_rounding(x * y, product_);
      case Rounding::litert:  // tflite_double, see PrepareContext::rounding
      case Rounding::fp32: break;
    }
    return round_clamped(static_cast<float>(x * y) * product_scale_, -512, 512);
  }

  std::int32_t sum(std::int32_t x, std::int32_t y) const noexcept {
    if (rounding_ == Rounding::fp32)
      return round_clamped(std::fma(static_cast<float>(y), params_.scale_b, static_cast<float>(x) * params_.scale_a),
                           -512, 512);
    const bool twice = rounding_ == Rounding::tflite_double;
    const auto scale = [twice](std::int32_t v, FixedPointMultiplier m) {
      return twice ? multiply_double_rounding(v, m) : multiply_single_rounding(v, m);
    };
    const std::int32_t sx = scale(x * (1 << 20), input_a_), sy = scale(y * (1 << 20), input_b_);
    return scale(kind_ == BinaryKind::sub ? sx - sy : sx + sy, sum_);
  }

  BinaryKind kind_;
  const ByteKernels* bytes_;
  Rounding rounding_;
  AddU8 params_;
  float product_scale_ = 1;
  bool by_kernel_ = false;
  FixedPointMultiplier product_, input_a_, input_b_, sum_;
  std::vector<std::uint8_t> pairs_;  // results for all pairs of codes, a first; may be empty
  BroadcastRuns runs_;
  bool overwrite_[2] = {false, false};
};

}  // namespace detail
OCTET_END
