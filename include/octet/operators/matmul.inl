#pragma once
#include "../kernels/half.hpp"
#include "../kernels/pack.hpp"
#include "arithmetic/broadcast.hpp"
#include "implement.hpp"
#include "matmul.hpp"
#include "matmul_products.hpp"

OCTET_BEGIN
namespace detail {

/// Packs a constant right operand once, others in every run.
class FloatMatMul : public Step {
 public:
  explicit FloatMatMul(const PrepareContext& c) : simd_(&c.kernels()), panel_columns_(panel_columns<float>(*simd_)) {
    if (!c.input(MatMul::right).is_constant()) return;
    const Tensor<float> b = to_float(c.constant(MatMul::right).ref());
    const Shape& s = b.shape();
    set_right(s.rank() > 1 ? s[s.rank() - 2] : s.back(), s.rank() > 1 ? s.back() : 1, b.size());
    constant_ = AlignedBytes(static_cast<std::size_t>(matrices_ * matrix_bytes_));
    for (std::int64_t i = 0; i < matrices_ * panels_; ++i) pack(b.data(), i, constant_.data());
  }
  std::size_t packed_bytes() const noexcept override { return constant_.size(); }

  std::size_t plan(const PlanContext& c) override {
    products_ = MatMulProducts(c);
    set_right(products_.k, products_.n, c.inputs[MatMul::right].shape.elements());
    // With a single matrix on the right, all matrices on the left form one with more rows.
    const auto batches = static_cast<std::int64_t>(products_.each.size());
    if (matrices_ == 1 && c.inputs[0].shape.elements() == batches * products_.m * products_.k) {
      products_.m *= batches;
      products_.each.resize(1, {0, 0});
    }
    const std::int64_t m = products_.m;
    zeros_ = Tensor<float>({round_up(n_, column_padding)});
    const std::int64_t tile = simd_->rows_f32;
    constexpr std::int64_t block_bytes = 192 * 1024;  // rows that stay in the L2 cache for all panels
    const std::int64_t fitting = std::max<std::int64_t>(1, block_bytes / std::max<std::int64_t>(1, k_ * 4) / tile);
    const std::int64_t share = ((m + c.threads - 1) / c.threads + tile - 1) / tile;
    block_rows_ = tile * std::max<std::int64_t>(1, std::min(fitting, share));
    blocks_ = (m + block_rows_ - 1) / block_rows_;
    const bool few = static_cast<std::int64_t>(products_.each.size()) * blocks_ < c.threads;
    column_panels_ = few ? 1 : panels_;
    return constant_.size() ? 0 : static_cast<std::size_t>(matrices_ * matrix_bytes_);
  }

  void run(const RunContext& c) noexcept override {
    const std::int64_t m = products_.m;
    if (m == 0 || n_ == 0) return;
    std::byte* packed = constant_.size() ? constant_.data() : c.scratch;
    if (!constant_.size())
      c.pool->parallel(matrices_ * panels_, [&](std::int64_t i, int) {
        pack(reinterpret_cast<const float*>(c.input(MatMul::right)), i, packed);
      });
    const std::int64_t parts = (panels_ + column_panels_ - 1) / column_panels_;
    c.pool->parallel(static_cast<std::int64_t>(products_.each.size()) * blocks_ * parts, [&](std::int64_t task, int) {
      const std::int64_t product = task / parts / blocks_, row = task / parts % blocks_ * block_rows_;
      const std::int64_t column = task % parts * column_panels_ * panel_columns_;
      const MatMulProducts::Product& p = products_.each[static_cast<std::size_t>(product)];
      Gemm g;
      g.a = c.input(0) + (p.a * m + row) * k_ * 4;
      g.a_stride = k_ * 4;
      g.rows = std::min(block_rows_, m - row);
      g.steps = k_;
      g.b = packed + p.b * matrix_bytes_ + column * k_ * 4;
      g.columns = std::min(column_panels_ * panel_columns_, n_ - column);
      g.init = zeros_.bytes();
      g.epilogue.out = c.output() + ((product * m + row) * n_ + column) * 4;
      g.epilogue.out_stride = n_ * 4;
      simd_->gemm_f32(g);
    });
  }

 private:
  void set_right(std::int64_t k, std::int64_t n, std::int64_t elements) {
    k_ = k;
    n_ = n;
    matrices_ = k * n == 0 ? 0 : elements / (k * n);
    panels_ = (n + panel_columns_ - 1) / panel_columns_;
    matrix_bytes_ = packed_f32_bytes(*simd_, n, k);
  }
  void pack(const float* b, std::int64_t i, std::byte* packed) const noexcept {
    const std::int64_t matrix = i / panels_;
    pack_panel_f32(*simd_, b + matrix * k_ * n_, n_, k_, i % panels_ * panel_columns_, packed + matrix * matrix_bytes_);
  }

  const Kernels* simd_;
  std::int64_t panel_columns_;
  AlignedBytes constant_;  // the packed right operand, if it is constant
  Tensor<float> zeros_;
  MatMulProducts products_;
  std::int64_t k_ = 1, n_ = 1, matrices_ = 1, matrix_bytes_ = 0, panels_ = 1;
  std::int64_t block_rows_ = 1, blocks_ = 1, column_panels_ = 1;
};

}  // namespace detail

OCTET_API std::vector<Shape> MatMul::shapes(const ShapeContext& c) const {
  return {detail::MatMulShape(c.shape(0), c.shape(MatMul::right), c).out};
}

OCTET_API bool MatMul::by_image(const ShapeContext& c) const {
  const int rank = c.rank(0);
  if (c.value(0).is_constant()) return false;
  if (!c.constant_from(right)) return rank > 2 && c.rank(right) == rank;
  return rank > 1 && (c.rank(right) < 3 || c.constants_shared());
}

OCTET_API std::unique_ptr<Step> MatMul::prepare(const PrepareContext& c) const {
  check(c);
  return detail::make_step<detail::FloatMatMul>(c);
}

OCTET_API void MatMul::check(const PrepareContext& c) const {
  const Value &a = c.input(0), &b = c.input(MatMul::right);
  c.require(a.dtype == DType::f32 && (b.is_constant() ? is_floating(b.dtype) : b.dtype == DType::f32),
            "the product of ", name(a.dtype), " and ", name(b.dtype), " is not supported");
}

OCTET_API std::int64_t MatMul::macs(const ShapeContext& c) const {
  const detail::MatMulShape s(c.shape(0), c.shape(MatMul::right), c);
  return s.batch.elements() * s.m * s.k * s.n;
}

OCTET_END
