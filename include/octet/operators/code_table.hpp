#pragma once
#include <array>

#include "../core/affine.hpp"
#include "../core/element.hpp"
#include "../kernels/bytes.hpp"
#include "elementwise_step.hpp"
#include "implement.hpp"
#include "table_line.hpp"

OCTET_BEGIN
namespace detail {

/// A function of one uint8 as a table of 256 values.
class TableStep : public ElementwiseStep {
 public:
  template <class F>
  TableStep(const Kernels& k, F f) : bytes_(&byte_kernels(k.isa)) {
    for (int q = 0; q < 256; ++q) table_[static_cast<std::size_t>(q)] = f(q);
    line_ = TableLine(*bytes_, table_);
  }
  std::size_t packed_bytes() const noexcept override { return table_.size(); }

 protected:
  void compute(const RunContext& c, std::int64_t first, std::int64_t count) const noexcept override {
    const auto* in = reinterpret_cast<const std::uint8_t*>(c.input(0)) + first;
    auto* out = reinterpret_cast<std::uint8_t*>(c.output()) + first;
    if (line_.exact()) return line_.run_kernel(*bytes_, in, out, count);
    LookupU8 p;
    p.table = table_.data();
    p.in = in;
    p.out = out;
    p.count = count;
    bytes_->lookup(p);
  }

 private:
  const ByteKernels* bytes_;
  std::array<std::uint8_t, 256> table_;
  TableLine line_;  // with the codes of the table, if there is one
};

/// Makes a table of codes from one quantized 8-bit value to another. `code` maps an input code minus its zero point to
/// an output code minus its zero point, as a double or an integer. Results are clamped; NaN becomes the lowest code.
template <class F>
std::unique_ptr<Step> make_code_table(const PrepareContext& c, const Value& x, const Value& y, F code) {
  const IntegerRange limits = integer_range(y.dtype);
  return make_step<TableStep>(c.kernels(), [&](int byte) {
    const int q = is_signed(x.dtype) && byte > 127 ? byte - 256 : byte;
    double r = static_cast<double>(code(q - x.quant.zero_point[0])) + y.quant.zero_point[0];
    r = std::min(std::max(static_cast<double>(limits.low), r),
                 static_cast<double>(limits.high));  // the order matters for NaN
    return static_cast<std::uint8_t>(static_cast<std::int64_t>(r) & 0xff);
  });
}

/// Throws Error unless input and output are quantized to 8 bits.
inline void require_bytes(const PrepareContext& c) {
  const Value &x = c.input(0), &y = c.output();
  c.require(is_byte(x.dtype) && is_byte(y.dtype), "expected int8 or uint8 input and output, found ", name(x.dtype),
            " and ", name(y.dtype));
  c.one_scale(x);
  c.one_scale(y);
}

/// A table for a function `f` of real numbers between two quantized 8-bit values.
template <class F>
std::unique_ptr<Step> make_table(const PrepareContext& c, F f) {
  require_bytes(c);
  const Value &x = c.input(0), &y = c.output();
  const double sx = static_cast<double>(x.quant.scale[0]), sy = static_cast<double>(y.quant.scale[0]);
  return make_code_table(
      c, x, y, [&](int q) { return std::nearbyint(static_cast<double>(f(static_cast<float>(sx * q))) / sy); });
}

}  // namespace detail
OCTET_END
