#pragma once
#include <array>

#include "../core/affine.hpp"
#include "../kernels/bytes.hpp"
#include "activation_codes.hpp"
#include "concat.hpp"
#include "int16_sums.hpp"
#include "shape/indexed_copy.hpp"

OCTET_BEGIN
namespace detail {

/// Requantizes codes: bytes by arithmetic where that gives the codes of the table, which is slower.
class Requantization {
 public:
  Requantization() = default;
  Requantization(const ByteKernels& kernels, const QuantParams& x, const QuantParams& y) {
    std::array<std::uint8_t, 256> codes, found;
    for (std::size_t q = 0; q < 256; ++q) {
      codes[q] = static_cast<std::uint8_t>(q);
      const double r = code_of(real_value(static_cast<int>(q), x), y);
      table_.push_back(static_cast<std::uint8_t>(std::min(std::max(r, 0.0), 255.0)));
    }
    ratio_ = x.scale[0] / y.scale[0];
    zero_in_ = x.zero_point[0];
    zero_out_ = y.zero_point[0];
    if (!(ratio_ < 1e6f)) return;
    kernels.requantize({codes.data(), found.data(), 256, ratio_, zero_in_, zero_out_});
    arithmetic_ = std::equal(found.begin(), found.end(), table_.begin());
  }
  /// From one scale of int16 to another.
  Requantization(double scale_in, double scale_out) : scale_in_(scale_in), scale_out_(scale_out) {}
  bool needed() const noexcept { return is_wide() || !table_.empty(); }
  std::size_t bytes() const noexcept { return table_.size(); }

  /// Rows of n bytes. Short ones are requantized together, because kernels compute the rest of a row one by one.
  void run(const ByteKernels& kernels, const std::byte* from, std::byte* to, std::int64_t n, std::int64_t rows,
           std::ptrdiff_t out_stride) const noexcept {
    alignas(64) std::array<std::byte, 4096> line;
    const std::int64_t together = n > 512 ? 1 : static_cast<std::int64_t>(line.size()) / n;
    for (std::int64_t some; rows > 0; rows -= some, from += some * n, to += some * out_stride) {
      some = std::min(together, rows);
      if (together == 1) {
        run(kernels, from, to, n);
        continue;
      }
      run(kernels, from, line.data(), some * n);
      for (std::int64_t i = 0; i < some; ++i) copy_bytes(to + i * out_stride, line.data() + i * n, n);
    }
  }

 private:
  void run(const ByteKernels& kernels, const std::byte* from, std::byte* to, std::int64_t n) const noexcept {
    if (is_wide()) {
      ConvertCodes p;
      p.in = from;
      p.out = to;
      p.count = n / 2;
      p.scale_in = scale_in_;
      p.scale_out = scale_out_;
      return kernels.int16.rescale(p);
    }
    const auto* in = reinterpret_cast<const std::uint8_t*>(from);
    auto* out = reinterpret_cast<std::uint8_t*>(to);
    if (arithmetic_)
      kernels.requantize({in, out, n, ratio_, zero_in_, zero_out_});
    else
      kernels.lookup({table_.data(), in, out, n});
  }

  bool is_wide() const noexcept { return scale_in_ > 0; }

  std::vector<std::uint8_t> table_;          // of bytes; empty if nothing changes
  double scale_in_ = 0, scale_out_ = 0;      // of int16
  float ratio_ = 1;                          // of bytes, of the scales
  std::int32_t zero_in_ = 0, zero_out_ = 0;  // likewise
  bool arithmetic_ = false;
};

/// Rows of all inputs side by side; quantized inputs of another scale than the output's are requantized.
class ConcatStep : public Step {
 public:
  ConcatStep(const PrepareContext& c, std::int64_t axis)
      : bytes_(&byte_kernels(c.kernels().isa)), axis_(axis), element_(element_bytes(c, c.output())) {
    changes_.resize(static_cast<std::size_t>(c.inputs()));
    const Value& y = c.output();
    for (int i = 0; i < c.inputs(); ++i) {
      const Value& x = c.input(i);
      c.require(x.dtype == y.dtype && x.is_quantized() == y.is_quantized(), "expected '", x.name, "' and '", y.name,
                "' of the same type, found ", name(x.dtype), " and ", name(y.dtype));
      if (x.quant == y.quant) continue;
      if (int16_format.computes(x.dtype)) {
        changes_[static_cast<std::size_t>(i)] = Requantization(int16_scale(c, x), int16_scale(c, y));
        continue;
      }
      c.require(int8_format.computes(x.dtype) && !x.quant.per_channel() && !y.quant.per_channel(), "'", x.name,
                "' cannot be requantized to the scale of '", y.name, "'");
      c.validate(x);
      c.validate(y);
      changes_[static_cast<std::size_t>(i)] = Requantization(*bytes_, x.quant, y.quant);
    }
  }
  std::size_t packed_bytes() const noexcept override {
    std::size_t n = 0;
    for (const Requantization& r : changes_) n += r.bytes();
    return n;
  }

  std::size_t plan(const PlanContext& c) override {
    const Shape& out = c.outputs[0].shape;
    const int axis = normalize_axis(axis_, out.rank());
    rows_ = out.product(0, axis);
    row_ = out.product(axis, out.rank()) * element_;
    parts_.clear();
    for (const TensorRef& in : c.inputs) parts_.push_back(in.shape.product(axis, out.rank()) * element_);
    return 0;
  }

  void run(const RunContext& c) noexcept override {
    const std::int64_t tasks = row_ == 0 ? 0 : std::min<std::int64_t>(rows_, 4 * c.pool->size());
    c.pool->parallel(tasks, [&](std::int64_t t, int) {
      const std::int64_t first = rows_ * t / tasks, rows = rows_ * (t + 1) / tasks - first;
      std::byte* to = c.output() + first * row_;
      for (std::size_t i = 0; i < parts_.size(); to += parts_[i++])
        if (parts_[i] != 0) copy_rows(i, to, c.input(i) + first * parts_[i], rows);
    });
  }

 private:
  void copy_rows(std::size_t i, std::byte* to, const std::byte* from, std::int64_t rows) const noexcept {
    if (changes_[i].needed()) return changes_[i].run(*bytes_, from, to, parts_[i], rows, row_);
    for (std::int64_t r = 0; r < rows; ++r) copy_bytes(to + r * row_, from + r * parts_[i], parts_[i]);
  }

  const ByteKernels* bytes_;
  std::int64_t axis_, element_, rows_ = 1, row_ = 0;
  std::vector<std::int64_t> parts_;      // bytes of a row that come from each input
  std::vector<Requantization> changes_;  // one for each input
};

class ConcatGradient : public SameForward {
 public:
  ConcatGradient(std::unique_ptr<Step> forward, std::int64_t axis) : SameForward(std::move(forward)), axis_(axis) {}
  bool reads_input(int) const noexcept override { return false; }
  bool reads_outputs() const noexcept override { return false; }
  void backward(const BackwardContext& c) noexcept override {
    c.pool->parallel(rows_, [&](std::int64_t r, int) {
      const float* from = c.output_gradient() + r * row_;
      for (std::size_t i = 0; i < parts_.size(); from += parts_[i++])
        if (float* to = c.input_gradient(i)) std::copy(from, from + parts_[i], to + r * parts_[i]);
    });
  }

 private:
  std::size_t plan_backward(const GradientPlanContext& c) override {
    const Shape& out = c.outputs[0].shape;
    const int axis = normalize_axis(axis_, out.rank());
    rows_ = out.product(0, axis);
    row_ = out.product(axis, out.rank());
    parts_.clear();
    for (const TensorRef& in : c.inputs) parts_.push_back(in.shape.product(axis, out.rank()));
    return 0;
  }
  std::int64_t axis_, rows_ = 1, row_ = 0;
  std::vector<std::int64_t> parts_;  // elements of a row that come from each input
};

}  // namespace detail

OCTET_API std::vector<Shape> Concat::shapes(const ShapeContext& c) const {
  Shape out = c.shape(0);
  const int a = normalize_axis(axis, out.rank());
  for (int i = 1; i < c.inputs(); ++i) {
    const Shape& s = c.shape(i);
    c.require(s.rank() == out.rank(), "input ", i, " of shape ", s, " cannot be concatenated with ", out);
    for (int d = 0; d < s.rank(); ++d) {
      const bool unknown = s[d] == Shape::unknown || out[d] == Shape::unknown;
      if (d == a) {
        out[d] = unknown ? Shape::unknown : out[d] + s[d];
      } else {
        c.require(unknown || s[d] == out[d], "input ", i, " of shape ", s, " cannot be concatenated with ", out,
                  " along axis ", a);
        out[d] = std::max(out[d], s[d]);
      }
    }
  }
  return {out};
}

OCTET_API std::unique_ptr<Step> Concat::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::ConcatStep>(c, axis);
}

OCTET_API std::unique_ptr<GradientStep> Concat::prepare_gradient(const PrepareContext& c) const {
  return detail::make_step<detail::ConcatGradient>(prepare(c), axis);
}

OCTET_API IntegerForm Concat::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::measured;
  f.int16 = true;
  return f;
}

OCTET_END
