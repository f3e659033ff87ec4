#pragma once
#include <memory>
#include <numeric>
#include <tuple>

#include "../fixed_factor.hpp"
#include "../xnnpack_formulas.hpp"
#include "broadcast.hpp"
#include "code_lines.hpp"
#include "function.hpp"
#include "integer_formula.hpp"

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
    if (kind == BinaryKind::mul)
      product_ = ProductFormula(c, range);
    else
      sum_ = SumFormula(c, kind, range);
    if (c.as_xnnpack()) use_xnnpack(c, a, b, y);
    // For other roundings, and numbers that are not the kernels', results come from tables, or are computed one by one.
    by_kernel_ = rounding_ == Rounding::fp32 && !xnnpack_sum_ &&
                 (kind == BinaryKind::mul ? product_.for_kernel : sum_.for_kernel);
    zero_a_ = a.zero_point[0];
    zero_b_ = b.zero_point[0];
    zero_point_ = y.zero_point[0];
    fixed_product_ = FixedPointMultiplier(static_cast<double>(tflite_ratio(a.scale[0], b.scale[0], y.scale[0])));
    // TFLite first converts both to a common scale with 20 additional bits.
    const double sa = static_cast<double>(a.scale[0]), sb = static_cast<double>(b.scale[0]),
                 sy = static_cast<double>(y.scale[0]), common = 2 * std::max(sa, sb);
    input_a_ = FixedPointMultiplier(sa / common);
    input_b_ = FixedPointMultiplier(sb / common);
    fixed_sum_ = FixedPointMultiplier(common / (static_cast<double>(1 << 20) * sy));
    by_fixed_kernel_ = use_fixed_kernel();
  }

  std::size_t plan(const PlanContext& c) override {
    runs_ = BroadcastRuns({&c.inputs[0].shape, &c.inputs[1].shape}, c.outputs[0].shape);
    for (int k = 0; k < 2; ++k) overwrite_[k] = c.inputs[static_cast<std::size_t>(k)].shape == c.outputs[0].shape;
    // A table of all pairs of codes pays where it is small compared with the tensors.
    const bool pairs = !by_kernel_ && !by_fixed_kernel_ && runs_.moves(0) && runs_.moves(1) &&
                       c.outputs[0].shape.elements() >= 1 << 15;
    if (!pairs) pairs_.clear();
    if (pairs && pairs_.empty())
      for (int i = 0; i < 1 << 16; ++i) pairs_.push_back(code(i >> 8, i & 255));
    return plan_lines(c.outputs[0].shape.elements());
  }
  std::size_t packed_bytes() const noexcept override { return pairs_.size() + (lines_ ? sizeof *lines_ : 0); }
  bool can_overwrite(int input) const noexcept override { return input < 2 && overwrite_[input]; }

  void run(const RunContext& c) noexcept override {
    const auto* a = reinterpret_cast<const std::uint8_t*>(c.input(0));
    const auto* b = reinterpret_cast<const std::uint8_t*>(c.input(1));
    auto* out = reinterpret_cast<std::uint8_t*>(c.output());
    if (pattern_ && run_lines(c)) return;
    for (const std::size_t same : {std::size_t{0}, std::size_t{1}})
      if (by_kernel_ && runs_.repeats(same) && 2 * runs_.length() <= block) return run_repeated(c, a, b, same);
    if (by_one_each()) return run_by_one_each(c);
    runs_.parallel(*c.pool, [&](std::int64_t i, std::int64_t j, std::int64_t o, std::int64_t n) {
      one_run(a + i, b + j, out + o, n);
    });
  }

 private:
  static constexpr std::int64_t block = 8192;

  /// XNNPACK's sum; numbers that it does not take are LiteRT's.
  void use_xnnpack(const PrepareContext& c, const QuantParams& a, const QuantParams& b, const QuantParams& y) {
    bool takes = tflite_ratio(a.scale[0], b.scale[0], y.scale[0]) < 256;
    if (kind_ != BinaryKind::mul) {
      xnnpack_sum_ = XnnpackSum::make(a.scale[0] / y.scale[0], b.scale[0] / y.scale[0], a.zero_point[0],
                                      b.zero_point[0], kind_ == BinaryKind::sub);
      takes = xnnpack_sum_.has_value();
    }
    if (!takes) rounding_ = c.own_rounding();
  }

  /// Sets the arguments of the kernel of fixed point. False if it does not have the rounding.
  bool use_fixed_kernel() {
    const bool product = kind_ == BinaryKind::mul, once = rounding_ == Rounding::tflite_single;
    fixed_.zero_point = zero_point_;
    fixed_.low = product ? product_.arguments.low : sum_.arguments.low;
    fixed_.high = product ? product_.arguments.high : sum_.arguments.high;
    if (xnnpack_sum_) {
      fixed_.factor_a = xnnpack_sum_->factor_a;
      fixed_.factor_b = xnnpack_sum_->factor_b;
      fixed_.bias = xnnpack_sum_->bias;
      fixed_.shift = xnnpack_sum_->shift;
      return true;
    }
    if (!once && rounding_ != Rounding::tflite_double) return false;
    fixed_.form = product ? BinaryFixed::Form::product : BinaryFixed::Form::sum;
    fixed_.once = once;
    fixed_.difference = kind_ == BinaryKind::sub;
    fixed_.zero_a = zero_a_;
    fixed_.zero_b = zero_b_;
    fixed_.product = fixed_factor(product ? fixed_product_ : fixed_sum_, once);
    fixed_.product_a = fixed_factor(input_a_, once);
    fixed_.product_b = fixed_factor(input_b_, once);
    return fixed_kernels_have(product ? fixed_product_ : fixed_sum_, once);
  }

  /// Whether input k is repeated, as an element or a run.
  bool is_repeated(std::size_t k) const noexcept {
    return runs_.repeats(k) || (runs_.count() == 1 && !runs_.moves(k) && runs_.moves(1 - k));
  }
  std::int64_t repeated_length() const noexcept { return runs_.moves(given_) ? runs_.length() : 1; }

  /// Lines for a tensor that is repeated often enough. Returns the size of the scratch memory.
  std::size_t plan_lines(std::int64_t elements) {
    pattern_ = 0;
    if (!by_kernel_ || (!is_repeated(0) && !is_repeated(1))) return 0;
    const std::size_t given = is_repeated(0) ? 0 : 1;
    if (lines_ && given != given_) lines_.reset();
    given_ = given;
    const std::int64_t n = repeated_length(), unit = 4 * bytes_->lanes;
    if (elements < 4096 || elements < 16 * n) return 0;
    if (!lines_) make_lines();
    // Whole runs that fill whole blocks, unless these are too many: then there is a call for each run.
    pattern_ = n / std::gcd(n, unit) * unit;
    if (pattern_ > 4096) pattern_ = (n + unit - 1) / unit * unit;
    return static_cast<std::size_t>(pattern_) * (2 * sizeof(float) + 1);
  }
  void make_lines() {
    const auto [zero, low, high] =
        kind_ == BinaryKind::mul
            ? std::tuple(product_.arguments.zero_point, product_.arguments.low, product_.arguments.high)
            : std::tuple(sum_.arguments.zero_point, sum_.arguments.low, sum_.arguments.high);
    line_.zero_point = zero;
    line_.low = low;
    line_.high = high;
    lines_ = std::make_unique<CodeLines>(
        *bytes_, line_,
        [&](int q) { return kind_ == BinaryKind::mul ? product_.line(given_, q) : sum_.line(given_, q); },
        [&](const std::uint8_t* other, const std::uint8_t* given, std::uint8_t* out) {
          two_arrays(given_ == 0 ? given : other, given_ == 0 ? other : given, out, 256);
        });
  }
  /// False if a code has no line.
  bool run_lines(const RunContext& c) const noexcept {
    const std::int64_t n = repeated_length(), rows = runs_.count() * runs_.length() / n;
    auto* factors = reinterpret_cast<float*>(c.scratch);
    float* offsets = factors + pattern_;
    auto* codes = reinterpret_cast<std::uint8_t*>(offsets + pattern_);
    const auto* given = reinterpret_cast<const std::uint8_t*>(c.input(given_));
    for (std::int64_t i = 0; i < pattern_; i += n)
      std::memcpy(codes + i, given, static_cast<std::size_t>(std::min(n, pattern_ - i)));
    if (!lines_->fill(codes, pattern_, bytes_->lanes, factors, offsets)) return false;
    const auto* in = reinterpret_cast<const std::uint8_t*>(c.input(1 - given_));
    auto* out = reinterpret_cast<std::uint8_t*>(c.output());
    const std::int64_t run = pattern_ % n == 0 ? std::max<std::int64_t>(1, 16384 / n) * n : n;
    parallel_parts(*c.pool, rows * n, std::max<std::int64_t>(1, 16384 / n) * n,
                   [&](std::int64_t first, std::int64_t elements) {
                     LinesU8 p = line_;
                     p.factors = factors;
                     p.offsets = offsets;
                     p.period = pattern_;
                     for (std::int64_t i = first; i < first + elements; i += run) {
                       p.in = in + i;
                       p.out = out + i;
                       p.count = std::min(run, first + elements - i);
                       bytes_->lines(p);
                     }
                   });
    return true;
  }

  /// For an operand with one element per channel, of which there may be few: several pixels at a time.
  void run_repeated(const RunContext& c, const std::uint8_t* a, const std::uint8_t* b,
                    std::size_t same) const noexcept {
    const std::int64_t n = runs_.length(), group = block / n * n;
    parallel_parts(*c.pool, runs_.count(), block / n * 2, [&](std::int64_t first, std::int64_t rows) {
      std::array<std::uint8_t, block> copies;
      std::memcpy(copies.data(), same == 0 ? a : b, static_cast<std::size_t>(n));
      for (std::int64_t i = n; i < group; i *= 2)
        std::memcpy(copies.data() + i, copies.data(), static_cast<std::size_t>(std::min(i, group - i)));
      for (std::int64_t i = first * n, end = i + rows * n; i < end; i += group)
        two_arrays(same == 0 ? copies.data() : a + i, same == 1 ? copies.data() : b + i,
                   reinterpret_cast<std::uint8_t*>(c.output()) + i, std::min(group, end - i));
    });
  }

  /// Whether each of several short runs combines elements of one tensor with one element of the other.
  bool by_one_each() const noexcept {
    const std::size_t one = runs_.moves(0) ? 1 : 0;
    return (by_kernel_ || by_fixed_kernel_) && runs_.count() > 1 && 2 * runs_.length() <= block && !runs_.moves(one) &&
           runs_.moves(1 - one) && runs_.row_step(1 - one) == runs_.length();
  }
  /// Repeats these elements, for several runs at a time.
  void run_by_one_each(const RunContext& c) const noexcept {
    const std::size_t one = runs_.moves(0) ? 1 : 0;
    const auto* given = reinterpret_cast<const std::uint8_t*>(c.input(one));
    const auto* other = reinterpret_cast<const std::uint8_t*>(c.input(1 - one));
    auto* out = reinterpret_cast<std::uint8_t*>(c.output());
    const std::int64_t group = block / runs_.length();
    runs_.parallel_rows(
        *c.pool, [&](const BroadcastRuns::Each& offset, std::int64_t at, std::int64_t n, std::int64_t rows) {
          std::array<std::uint8_t, block + 8> copies;  // 8 bytes at a time, beyond the last one, too
          for (std::int64_t r = 0; r < rows; r += group) {
            const std::int64_t some = std::min(group, rows - r);
            for (std::int64_t i = 0; i < some; ++i) {
              const std::uint64_t eight =
                  given[offset[one] + (r + i) * runs_.row_step(one)] * std::uint64_t{0x0101010101010101};
              for (std::int64_t k = 0; k < n; k += 8) std::memcpy(copies.data() + i * n + k, &eight, 8);
            }
            const std::uint8_t* from = other + offset[1 - one] + r * n;
            two_arrays(one == 0 ? copies.data() : from, one == 0 ? from : copies.data(), out + at + r * n, some * n);
          }
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
    if (by_fixed_kernel_) {
      BinaryFixed p = fixed_;
      p.a = a;
      p.b = b;
      p.out = out;
      p.count = n;
      return bytes_->binary_fixed(p);
    }
    if (!by_kernel_) {
      for (std::int64_t i = 0; i < n; ++i)
        out[i] = pairs_.empty() ? code(a[i], b[i]) : pairs_[std::size_t{a[i]} << 8 | b[i]];
      return;
    }
    if (kind_ == BinaryKind::mul) {
      MulU8 p = product_.arguments;
      p.a = a;
      p.b = b;
      p.out = out;
      p.count = n;
      return bytes_->mul(p);
    }
    AddU8 p = sum_.arguments;
    p.a = sum_.swapped ? b : a;
    p.b = sum_.swapped ? a : b;
    p.out = out;
    p.count = n;
    bytes_->add(p);
  }

  std::uint8_t code(int a, int b) const noexcept {
    const bool product = kind_ == BinaryKind::mul;
    if (xnnpack_sum_)
      return static_cast<std::uint8_t>(
          std::clamp((*xnnpack_sum_)(a, b) + zero_point_, sum_.arguments.low, sum_.arguments.high));
    if (rounding_ == Rounding::fp32) return product ? product_(a, b) : sum_(a, b);
    const std::int32_t x = a - zero_a_, y = b - zero_b_;
    const std::int64_t q = std::int64_t{product ? scaled(x * y, fixed_product_) : fixed_sum(x, y)} + zero_point_;
    const auto [low, high] = product ? std::pair(product_.arguments.low, product_.arguments.high)
                                     : std::pair(sum_.arguments.low, sum_.arguments.high);
    return static_cast<std::uint8_t>(std::clamp<std::int64_t>(q, low, high));
  }

  std::int32_t scaled(std::int32_t v, FixedPointMultiplier m) const noexcept {
    return rounding_ == Rounding::tflite_double ? multiply_double_rounding(v, m) : multiply_single_rounding(v, m);
  }

  std::int32_t fixed_sum(std::int32_t x, std::int32_t y) const noexcept {
    const std::int32_t sx = scaled(x * (1 << 20), input_a_), sy = scaled(y * (1 << 20), input_b_);
    return scaled(kind_ == BinaryKind::sub ? sx - sy : sx + sy, fixed_sum_);
  }

  BinaryKind kind_;
  const ByteKernels* bytes_;
  Rounding rounding_;
  SumFormula sum_;
  ProductFormula product_;
  std::optional<XnnpackSum> xnnpack_sum_;
  bool by_kernel_ = false, by_fixed_kernel_ = false;
  BinaryFixed fixed_;
  std::int32_t zero_a_ = 0, zero_b_ = 0, zero_point_ = 0;
  FixedPointMultiplier fixed_product_, input_a_, input_b_, fixed_sum_;
  std::vector<std::uint8_t> pairs_;  // results for all pairs of codes, a first; may be empty
  BroadcastRuns runs_;
  std::unique_ptr<CodeLines> lines_;  // for each code of input given_; may be null
  LinesU8 line_;                      // its zero point and limits
  std::size_t given_ = 0;
  std::int64_t pattern_ = 0;  // elements of a run's lines, or of several; 0: without lines
  bool overwrite_[2] = {false, false};
};

}  // namespace detail
OCTET_END
