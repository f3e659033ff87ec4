#pragma once
#include <functional>

#include "convolution/common.hpp"
#include "integer_weights.hpp"
#include "matmul_products.hpp"
#include "onnx_integer.hpp"
#include "rows.hpp"

/// ONNX's products of plain integers with zero points as tensors. Results are int32 sums.
OCTET_BEGIN
namespace detail {

/// Element i of an int8 or uint8 tensor; 0 if the tensor is missing.
inline std::int32_t byte_at(const TensorRef& t, std::int64_t i) noexcept {
  if (!t.data) return 0;
  return is_signed(t.dtype) ? std::int32_t{load_as<std::int8_t>(t.data, i)}
                            : std::int32_t{load_as<std::uint8_t>(t.data, i)};
}

inline TensorRef optional_input(const RunContext& c, std::size_t i) {
  return i < c.inputs.size() ? c.inputs[i] : TensorRef{};
}

/// Zero points of constant weights.
inline std::vector<std::int32_t> constant_zero_points(const PrepareContext& c, int input) {
  std::vector<std::int32_t> zeros;
  if (!c.has(input)) return {0};
  for (std::int64_t z : to_integers(c.constant(input))) zeros.push_back(static_cast<std::int32_t>(z));
  return zeros;
}

/// For constant weights: uses the integer kernels, with accumulators that start from -zero point * sum of weights.
class IntegerProduct : public Step {
 public:
  using Rule = std::function<ConvolutionShape(const Shape& in, const Shape& out)>;
  IntegerProduct(const PrepareContext& c, const CenteredWeights& w, Rule rule, const KernelWindow& window,
                 std::int64_t groups)
      : rule_(std::move(rule)),
        flipped_(is_signed(c.input(0).dtype)),
        kernels_(c.kernels(), w.of_convolution(window, groups, w.k / window.taps())),
        sums_(pad_columns<std::int32_t>(nullptr, w.out)) {
    for (std::int64_t o = 0; o < w.out; ++o) sums_[o] = static_cast<std::int32_t>(w.sum(o, c).value);
  }
  std::size_t packed_bytes() const noexcept override { return kernels_.packed_bytes() + sums_.size_bytes(); }

  std::size_t plan(const PlanContext& c) override {
    const ConvolutionShape s = rule_(c.inputs[0].shape, c.outputs[0].shape);
    size_ = c.inputs[0].shape.elements();
    out_stride_ = s.out_c * 4;
    init_at_ = flipped_ ? round_up(size_, 64) : 0;
    padding_at_ = init_at_ + round_up(static_cast<std::int64_t>(sums_.size_bytes()), 64);
    scratch_at_ = padding_at_ + round_up(kernels_.padding_bytes(s), 64);
    return static_cast<std::size_t>(scratch_at_) + kernels_.plan(s, c.threads);
  }

  void run(const RunContext& c) noexcept override {
    const std::int32_t zero = byte_at(optional_input(c, 2), 0) + (flipped_ ? 128 : 0);
    const std::byte* in = c.input(0);
    if (flipped_) {  // int8 + 128 is uint8
      for (std::int64_t i = 0; i < size_; ++i) c.scratch[i] = in[i] ^ std::byte{0x80};
      in = c.scratch;
    }
    auto* init = reinterpret_cast<std::int32_t*>(c.scratch + init_at_);
    for (std::int64_t o = 0; o < sums_.size(); ++o)  // modulo 2^32, like the accumulators
      init[o] = static_cast<std::int32_t>(0u - static_cast<std::uint32_t>(zero) * static_cast<std::uint32_t>(sums_[o]));
    std::memset(c.scratch + padding_at_, zero, static_cast<std::size_t>(scratch_at_ - padding_at_));
    Epilogue e;
    e.out = c.output();
    e.out_stride = out_stride_;
    kernels_.run(in, c.scratch + init_at_, c.scratch + padding_at_, e, 4, c.scratch + scratch_at_, *c.pool);
  }

 private:
  Rule rule_;
  bool flipped_;
  AnyConvolution<std::int8_t> kernels_;
  Tensor<std::int32_t> sums_;  // of each output channel's weights
  std::int64_t size_ = 0, init_at_ = 0, padding_at_ = 0, scratch_at_ = 0;
  std::ptrdiff_t out_stride_ = 0;
};

/// For computed weights: one product after the other.
class GenericConvInteger : public Step {
 public:
  GenericConvInteger(const Window& window, std::int64_t groups) : window_(window), groups_(groups) {}
  std::size_t plan(const PlanContext& c) override {
    shape_ = convolution_shape(window_, groups_, c.inputs[0].shape, c.outputs[0].shape);
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    c.pool->parallel(shape_.rows(), [&](std::int64_t pixel, int) {
      for (std::int64_t o = 0; o < shape_.out_c; ++o) store_as(c.output(), pixel * shape_.out_c + o, sum(c, pixel, o));
    });
  }

 private:
  std::int32_t sum(const RunContext& c, std::int64_t pixel, std::int64_t o) const noexcept {
    const ConvolutionShape& s = shape_;
    const TensorRef &x = c.inputs[0], &w = c.inputs[ConvInteger::weights],
                    zx = optional_input(c, ConvInteger::image_zero), zw = optional_input(c, ConvInteger::weights_zero);
    const std::int32_t x_zero = byte_at(zx, 0), w_zero = byte_at(zw, zw.data && zw.shape.elements() > 1 ? o : 0);
    const std::int64_t ox = pixel % s.out_w, oy = pixel / s.out_w % s.out_h, image = pixel / s.out_w / s.out_h;
    std::uint32_t r = 0;
    for (std::int64_t ky = 0; ky < s.kernel_h; ++ky)
      for (std::int64_t kx = 0; kx < s.kernel_w; ++kx) {
        const std::int64_t iy = oy * s.stride_h - s.pad_top + ky * s.dilation_h;
        const std::int64_t ix = ox * s.stride_w - s.pad_left + kx * s.dilation_w;
        if (iy < 0 || iy >= s.in_h || ix < 0 || ix >= s.in_w) continue;  // the padding has the zero point
        const std::int64_t from = ((image * s.in_h + iy) * s.in_w + ix) * s.in_c + o / s.group_out() * s.group_in();
        const std::int64_t tap = ((o * s.kernel_h + ky) * s.kernel_w + kx) * s.group_in();
        for (std::int64_t k = 0; k < s.group_in(); ++k)
          r += static_cast<std::uint32_t>((byte_at(x, from + k) - x_zero) * (byte_at(w, tap + k) - w_zero));
      }
    return static_cast<std::int32_t>(r);
  }
  Window window_;
  std::int64_t groups_;
  ConvolutionShape shape_;
};

class GenericMatMulInteger : public Step {
 public:
  std::size_t plan(const PlanContext& c) override {
    products_ = MatMulProducts(c);
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    const MatMulProducts& p = products_;
    const TensorRef &a = c.inputs[0], &b = c.inputs[MatMulInteger::right],
                    za = optional_input(c, MatMulInteger::left_zero), zb = optional_input(c, MatMulInteger::right_zero);
    // One zero point for all, or for each row of a (column of b).
    const bool by_row = za.data && za.shape.elements() > 1, by_column = zb.data && zb.shape.elements() > 1;
    c.pool->parallel(static_cast<std::int64_t>(p.each.size()) * p.m, [&](std::int64_t row, int) {
      const MatMulProducts::Product& product = p.each[static_cast<std::size_t>(row / p.m)];
      const std::int64_t first = product.a * p.m * p.k + row % p.m * p.k;
      const std::int32_t a_zero = byte_at(za, by_row ? row % p.m : 0);
      for (std::int64_t j = 0; j < p.n; ++j) {
        const std::int32_t b_zero = byte_at(zb, by_column ? j : 0);
        std::uint32_t sum = 0;
        for (std::int64_t i = 0; i < p.k; ++i)
          sum += static_cast<std::uint32_t>((byte_at(a, first + i) - a_zero) *
                                            (byte_at(b, product.b * p.k * p.n + i * p.n + j) - b_zero));
        store_as(c.output(), row * p.n + j, static_cast<std::int32_t>(sum));
      }
    });
  }

 private:
  MatMulProducts products_;
};

inline void check_bytes(const ShapeContext& c) {
  for (int i = 0; i < c.inputs(); ++i)
    if (c.has(i)) c.require(is_byte(c.dtype(i)), "expected int8 or uint8 as input ", i, ", found ", name(c.dtype(i)));
}

}  // namespace detail

OCTET_API std::vector<Shape> ConvInteger::shapes(const ShapeContext& c) const {
  detail::check_bytes(c);
  if (c.has(ConvInteger::image_zero))
    c.require(c.shape(ConvInteger::image_zero) == Shape{} || c.shape(ConvInteger::image_zero) == Shape{1},
              "expected one zero point for the image, found shape ", c.shape(ConvInteger::image_zero));
  if (c.has(ConvInteger::weights_zero)) {
    const Shape& z = c.shape(ConvInteger::weights_zero);
    c.require(z == Shape{} || z == Shape{1} || z == Shape{c.shape(ConvInteger::weights)[0]}, "zero points of shape ", z,
              " do not match weights of shape ", c.shape(ConvInteger::weights));
  }
  return {detail::convolution_output(c, window, groups)};
}

OCTET_API std::unique_ptr<Step> ConvInteger::prepare(const PrepareContext& c) const {
  if (!c.input(ConvInteger::weights).is_constant() ||
      (c.has(ConvInteger::weights_zero) && !c.input(ConvInteger::weights_zero).is_constant()))
    return detail::make_step<detail::GenericConvInteger>(window, groups);
  const detail::CenteredWeights w(c.constant(ConvInteger::weights),
                                  detail::constant_zero_points(c, ConvInteger::weights_zero));
  return detail::make_step<detail::IntegerProduct>(
      c, w,
      [self = *this](const Shape& in, const Shape& out) {
        return detail::convolution_shape(self.window, self.groups, in, out);
      },
      detail::kernel_window(window), groups);
}

OCTET_API std::int64_t ConvInteger::macs(const ShapeContext& c) const {
  const Shape& w = c.shape(ConvInteger::weights);
  return shapes(c)[0].elements() * w.product(1, w.rank());
}

OCTET_API std::vector<Shape> MatMulInteger::shapes(const ShapeContext& c) const {
  detail::check_bytes(c);
  const detail::MatMulShape s(c.shape(0), c.shape(MatMulInteger::right), c);
  for (int i = 2; i < 4; ++i) {
    if (!c.has(i)) continue;
    const Shape& z = c.shape(i);
    const std::int64_t each = i == 2 ? s.m : s.n;
    c.require(z.rank() == 0 || (z.rank() == 1 && (z[0] == 1 || z[0] == each || each == Shape::unknown)),
              "zero points of shape ", z, " do not match ", c.shape(i - 2));
  }
  return {s.out};
}

OCTET_API std::unique_ptr<Step> MatMulInteger::prepare(const PrepareContext& c) const {
  const bool plain = c.input(0).shape.rank() >= 1 && c.input(MatMulInteger::right).is_constant() &&
                     c.constant(MatMulInteger::right).shape().rank() == 2 &&
                     (!c.has(MatMulInteger::left_zero) || c.input(MatMulInteger::left_zero).shape.rank() == 0 ||
                      c.input(MatMulInteger::left_zero).shape == Shape{1}) &&
                     (!c.has(MatMulInteger::right_zero) || c.input(MatMulInteger::right_zero).is_constant());
  if (!plain) return detail::make_step<detail::GenericMatMulInteger>();
  const AnyTensor& b = c.constant(MatMulInteger::right);
  const std::int64_t k = b.shape()[0], n = b.shape()[1];
  const AnyTensor columns = AnyTensor::make(b.dtype(), {n, k}, [&](std::byte* to) {
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = 0; i < k; ++i) *to++ = b.data()[i * n + j];
  });
  const detail::CenteredWeights w(columns, detail::constant_zero_points(c, MatMulInteger::right_zero));
  return detail::make_step<detail::IntegerProduct>(
      c, w, [](const Shape& in, const Shape& out) { return detail::rows_shape(in, out); }, detail::KernelWindow{}, 1);
}

OCTET_API std::int64_t MatMulInteger::macs(const ShapeContext& c) const {
  const detail::MatMulShape s(c.shape(0), c.shape(MatMulInteger::right), c);
  return s.batch.elements() * s.m * s.k * s.n;
}

OCTET_END
