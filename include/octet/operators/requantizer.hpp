#pragma once
#include <algorithm>
#include <array>
#include <functional>

#include "../core/rounded.hpp"
#include "../kernels/bytes.hpp"
#include "../kernels/requantize.hpp"
#include "activation_codes.hpp"
#include "activation_range.hpp"
#include "fixed_factor.hpp"
#include "integer_weights.hpp"

OCTET_BEGIN
namespace detail {

/// Requantizes sums to outputs with the model's rounding.
class Requantizer {
 public:
  Requantizer() = default;
  /// residual: index of the input that is added to the output, if there is one; plain: see PrepareContext::rounding.
  Requantizer(const PrepareContext& c, const IntegerWeights& w, const ActivationRange& range, int residual, bool plain)
      : rounding_(c.rounding(plain)) {
    check_output(c, residual);
    const Value& y = c.output();
    init_ = pad_columns(w.bias.data(), w.out);
    scale_ = Tensor<float>(init_.shape());
    const bool shifted = w.float_bias.size() != 0;
    if (shifted) shift_ = w.float_bias;
    if (y.dtype == DType::f32) {
      if (!shifted) shift_ = Tensor<float>(init_.shape());
      for (std::int64_t o = 0; o < w.out; ++o) scale_[o] = c.multiplier(w.scale[static_cast<std::size_t>(o)]);
      epilogue_.store = Store::scaled_f32;
      epilogue_.low_f32 = static_cast<float>(range.low);
      epilogue_.high_f32 = static_cast<float>(range.high);
      return;
    }
    double largest = 0;  // of a requantized sum
    for (std::int64_t o = 0; o < w.out; ++o) {
      const double real = w.scale[static_cast<std::size_t>(o)] / static_cast<double>(y.quant.scale[0]);
      scale_[o] = c.multiplier(real);
      fixed_.emplace_back(real);
      largest = std::max(largest, w.largest_sum[static_cast<std::size_t>(o)] * real);
    }
    const IntegerRange q = quantized_range(range, y);
    epilogue_.zero_point = y.quant.zero_point[0];
    epilogue_.low = static_cast<std::int32_t>(q.low);
    epilogue_.high = static_cast<std::int32_t>(q.high);
    // The kernels' conversion to integers is exact below 2^31. Otherwise, and for other roundings, convert one by one.
    const bool by_kernel = rounding_ == Rounding::fp32 && largest < 2147483000.0;
    epilogue_.store = by_kernel ? Store::u8 : Store::custom;
    if (shifted) {
      c.require(by_kernel && !c.has(residual),
                "a float bias is not supported together with large scales, TFLite's roundings or an added tensor");
      epilogue_.store = Store::u8_shifted;
      for (float& b : shift_) b /= y.quant.scale[0];
    }
    double largest_residual = 0;
    if (c.has(residual)) {
      const Value& r = c.input(residual);
      const double real = static_cast<double>(r.quant.scale[0]) / static_cast<double>(y.quant.scale[0]);
      if (by_kernel) epilogue_.store = Store::u8_residual;
      epilogue_.residual_scale = c.multiplier(real);
      epilogue_.residual_zero = r.quant.zero_point[0];
      residual_fixed_ = FixedPointMultiplier(real);
      largest_residual = 255 * real;
    }
    epilogue_.custom = store_one_by_one;
    const auto last = scale_.begin() + w.out;
    if (epilogue_.store == Store::u8 && epilogue_.low == 0 && epilogue_.high == 255 &&
        std::adjacent_find(scale_.begin(), last, std::not_equal_to<>()) == last)
      bytes_ = &byte_kernels(c.kernels().isa);
    if (!by_kernel && largest + largest_residual < 2147483000.0) use_fixed_kernel(c);
  }

  /// Throws Error unless types and scales of the output and the residual are supported.
  static void check_output(const PrepareContext& c, int residual) {
    const Value& y = c.output();
    c.require(y.dtype == DType::f32 || int8_format.computes(y.dtype), "expected output '", y.name, "' of type ",
              name(int8_format.computed), " or float32, found ", name(y.dtype));
    if (int8_format.computes(y.dtype)) c.one_scale(y);
    if (!c.has(residual)) return;
    const Value& r = c.input(residual);
    c.require(r.dtype == y.dtype, "expected '", r.name, "' of type ", name(y.dtype), " like the output, found ",
              name(r.dtype));
    if (int8_format.computes(r.dtype))
      c.multiplier(static_cast<double>(c.one_scale(r).scale[0]) / static_cast<double>(y.quant.scale[0]));
  }

  std::size_t packed_bytes() const noexcept {
    return init_.size_bytes() + scale_.size_bytes() + shift_.size_bytes() + 3 * factors_[0].size_bytes();
  }
  const std::byte* init() const noexcept { return init_.bytes(); }
  /// The order of the weights' channels that the kernels require.
  ColumnOrder order() const noexcept {
    return stores_bytes(epilogue_.store) ? ColumnOrder::interleaved : ColumnOrder::natural;
  }
  std::int64_t out_element() const noexcept { return epilogue_.store == Store::scaled_f32 ? 4 : 1; }
  void plan(std::int64_t out_channels) noexcept {
    epilogue_.out_stride = epilogue_.residual_stride = out_channels * out_element();
  }

  /// Whether the kernels store the outputs, so that kernel_epilogue is sufficient.
  bool by_kernel() const noexcept { return epilogue_.store != Store::custom; }
  Epilogue kernel_epilogue(std::byte* out, const std::byte* residual) const noexcept {
    Epilogue e = epilogue_;
    e.out = out;
    e.residual = residual;
    e.scale = scale_.data();
    e.shift = shift_.data();
    e.sums = scale_.data();
    return e;
  }
  /// The epilogue for one run. Valid until the next run, as long as this object is not moved.
  Epilogue epilogue(std::byte* out, const std::byte* residual) noexcept {
    Epilogue e = kernel_epilogue(out, residual);
    e.context = this;
    out_ = reinterpret_cast<std::uint8_t*>(out);
    residual_ = reinterpret_cast<const std::uint8_t*>(residual);
    return e;
  }

  /// Stores the codes of rows of sums, one after another, without a residual. Only for outputs of bytes, and without a
  /// float bias.
  void store(const std::int32_t* sums, std::int64_t rows, std::int64_t columns, std::uint8_t* out) const noexcept {
    const std::int32_t zero = epilogue_.zero_point;
    if (bytes_) return bytes_->mean({sums, nullptr, 0, out, rows * columns, 0, scale_[0], zero});
    const auto low = static_cast<float>(epilogue_.low - zero), high = static_cast<float>(epilogue_.high - zero);
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c, ++sums) {
        if (epilogue_.store == Store::u8)
          *out++ = static_cast<std::uint8_t>(round_clamped(static_cast<float>(*sums) * scale_[c], low, high) + zero);
        else
          *out++ = static_cast<std::uint8_t>(
              std::clamp<std::int64_t>(rounded(*sums, 0, c) + zero, epilogue_.low, epilogue_.high));
      }
  }

 private:
  /// Chooses the kernel of fixed point if it has the rounding.
  void use_fixed_kernel(const PrepareContext& c) {
    const bool once = rounding_ == Rounding::tflite_single;
    if (!once && rounding_ != Rounding::tflite_double) return;
    const auto fits = [&](FixedPointMultiplier m) { return fixed_kernels_have(m, once); };
    if (!fits(residual_fixed_) || !std::all_of(fixed_.begin(), fixed_.end(), fits)) return;
    const auto columns = static_cast<std::int64_t>(fixed_.size());
    for (Tensor<std::int32_t>& t : factors_) t = pad_columns<std::int32_t>(nullptr, columns);
    if (once) std::fill(factors_[2].begin(), factors_[2].end(), 31);
    for (std::int64_t o = 0; o < columns; ++o) {
      const FixedFactor f = fixed_factor(fixed_[static_cast<std::size_t>(o)], once);
      factors_[0][o] = f.mantissa;
      factors_[1][o] = f.left;
      factors_[2][o] = f.right;
    }
    kernel_ = byte_kernels(c.kernels().isa).store_fixed;
    fixed_store_.once = once;
    fixed_store_.residual_factor = fixed_factor(residual_fixed_, once);
    fixed_store_.residual_zero = epilogue_.residual_zero;
    fixed_store_.zero_point = epilogue_.zero_point;
    fixed_store_.low = epilogue_.low;
    fixed_store_.high = epilogue_.high;
    epilogue_.custom = store_by_kernel;
  }

  static void store_by_kernel(const Epilogue& kernels, const std::byte* acc, std::ptrdiff_t acc_stride,
                              std::int64_t row, int rows, std::int64_t column, int columns) {
    const auto& self = *static_cast<const Requantizer*>(kernels.context);
    const std::int64_t at = row * self.epilogue_.out_stride + column;
    StoreFixed s = self.fixed_store_;
    s.sums = acc;
    s.sums_stride = acc_stride;
    s.rows = rows;
    s.columns = columns;
    s.factors = {self.factors_[0].data() + column, self.factors_[1].data() + column, self.factors_[2].data() + column};
    s.out = self.out_ + at;
    s.out_stride = self.epilogue_.out_stride;
    if (self.residual_) s.residual = self.residual_ + at;
    self.kernel_(s);
  }
  static void store_one_by_one(const Epilogue& kernels, const std::byte* acc, std::ptrdiff_t acc_stride,
                               std::int64_t row, int rows, std::int64_t column, int columns) {
    const auto& self = *static_cast<const Requantizer*>(kernels.context);
    const Epilogue& e = self.epilogue_;
    for (int m = 0; m < rows; ++m, acc += acc_stride)
      for (int c = 0; c < columns; ++c) {
        std::int32_t a;
        std::memcpy(&a, acc + 4 * c, 4);
        const std::int64_t at = (row + m) * e.out_stride + column + c;
        const std::int32_t r = self.residual_ ? self.residual_[at] - e.residual_zero : 0;
        const std::int64_t q = self.rounded(a, r, column + c) + e.zero_point;
        self.out_[at] = static_cast<std::uint8_t>(std::clamp<std::int64_t>(q, e.low, e.high));
      }
  }

  std::int64_t rounded(std::int32_t acc, std::int32_t residual, std::int64_t channel) const noexcept {
    const FixedPointMultiplier m = fixed_[static_cast<std::size_t>(channel)];
    switch (rounding_) {
      case Rounding::tflite_double:
        return std::int64_t{multiply_double_rounding(acc, m)} + multiply_double_rounding(residual, residual_fixed_);
      case Rounding::tflite_single:
        return std::int64_t{multiply_single_rounding(acc, m)} + multiply_single_rounding(residual, residual_fixed_);
      case Rounding::litert:         // one of the others, by layer
      case Rounding::xnnpack:        // fp32, see PrepareContext::rounding
      case Rounding::fp32_centered:  // fp32, see PrepareContext::rounding
      case Rounding::fp32: break;
    }
    const float sum = static_cast<float>(acc) * scale_[channel];
    return round_clamped(std::fma(static_cast<float>(residual), epilogue_.residual_scale, sum), -512, 512);
  }

  Rounding rounding_ = Rounding::fp32;
  Tensor<std::int32_t> init_;
  Tensor<float> scale_, shift_;
  std::vector<FixedPointMultiplier> fixed_;
  FixedPointMultiplier residual_fixed_;
  std::array<Tensor<std::int32_t>, 3> factors_;  // of fixed_, as FixedFactors
  StoreFixed fixed_store_;
  void (*kernel_)(const StoreFixed&) noexcept = nullptr;
  const ByteKernels* bytes_ = nullptr;  // if all sums have one scale, and the codes no limits
  Epilogue epilogue_;
  std::uint8_t* out_ = nullptr;  // of the current run
  const std::uint8_t* residual_ = nullptr;
};

}  // namespace detail
OCTET_END
