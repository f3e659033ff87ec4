#pragma once
#include "../core/element.hpp"
#include "../core/rounded.hpp"
#include "generic_reduce.hpp"
#include "integer_mean.hpp"
#include "reduce.hpp"
#include "reduce_gradient.hpp"

OCTET_BEGIN
namespace detail {

/// Mean over the spatial dimensions of [N, ..., C], float or uint8.
class SpatialMean : public Step {
 public:
  SpatialMean(const PrepareContext& c, bool keep_dims, bool int8_codes) : simd_(&c.kernels()) {
    using Kind = IntegerMean::Kind;
    const bool images = c.input(0).shape.rank() == 4;
    Kind kind = Kind::reduction;
    if (c.as_xnnpack() && images) kind = int8_codes ? Kind::int8_xnnpack : Kind::xnnpack;
    // LiteRT has a kernel for images whose dimensions are kept.
    if (c.as_litert() && keep_dims && images) kind = int8_codes ? Kind::int8_pixels : Kind::pixels;
    if (int8_format.computes(c.input(0).dtype)) integer_.emplace(c, kind);
  }
  std::size_t plan(const PlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    batch_ = in[0];
    channels_ = in.back();
    pixels_ = in.product(1, in.rank() - 1);
    list_ = static_cast<std::int64_t>(sizeof(void*)) * pixels_;
    worker_ = round_up(list_ + channels_ * 4, 64);
    return static_cast<std::size_t>(worker_ * c.threads);
  }
  void run(const RunContext& c) noexcept override {
    const std::int64_t element = integer_ ? 1 : 4;
    c.pool->parallel(batch_, [&](std::int64_t n, int worker) {
      std::byte* mine = c.scratch + worker * worker_;
      auto** list = reinterpret_cast<const std::byte**>(mine);
      for (std::int64_t i = 0; i < pixels_; ++i) list[i] = c.input(0) + (n * pixels_ + i) * channels_ * element;
      PoolWindow w;
      w.pixels = list;
      w.count = pixels_;
      w.channels = channels_;
      if (!integer_)
        return simd_->sum_f32(w, 1.0f / static_cast<float>(pixels_),
                              reinterpret_cast<float*>(c.output()) + n * channels_);
      if (integer_->store(w, pixels_, reinterpret_cast<std::uint8_t*>(c.output()) + n * channels_)) return;
      auto* sums = reinterpret_cast<std::int32_t*>(mine + list_);
      simd_->sum_u8(w, sums);
      integer_->store(sums, channels_, pixels_, pixels_, reinterpret_cast<std::uint8_t*>(c.output()) + n * channels_);
    });
  }

 private:
  const Kernels* simd_;
  std::optional<IntegerMean> integer_;
  std::int64_t batch_ = 1, channels_ = 1, pixels_ = 1, list_ = 0, worker_ = 0;
};

}  // namespace detail

OCTET_API bool Reduce::spatial(int rank) const {
  std::array<bool, Shape::max_rank> reduced{};
  for (std::int64_t a : axes) reduced[static_cast<std::size_t>(normalize_axis(a, rank))] = true;
  bool r = rank >= 3 && static_cast<int>(axes.size()) == rank - 2;
  for (int d = 1; d + 1 < rank; ++d) r = r && reduced[static_cast<std::size_t>(d)];
  return r;
}

OCTET_API std::vector<Shape> Reduce::shapes(const ShapeContext& c) const {
  const Shape& in = c.shape(0);
  std::array<bool, Shape::max_rank> reduced{};
  for (std::int64_t a : axes) reduced[static_cast<std::size_t>(normalize_axis(a, in.rank()))] = true;
  Shape out;
  for (int d = 0; d < in.rank(); ++d) {
    const bool gone = axes.empty() || reduced[static_cast<std::size_t>(d)];
    if (!gone || keep_dims) out.push_back(gone ? 1 : in[d]);
  }
  return {out};
}

OCTET_API std::unique_ptr<Step> Reduce::prepare(const PrepareContext& c) const {
  const Value& x = c.input(0);
  const bool bytes = detail::int8_format.computes(x.dtype) && x.is_quantized();
  if (kind == ReduceKind::mean && spatial(x.shape.rank()) && (x.dtype == DType::f32 || bytes))
    return detail::make_step<detail::SpatialMean>(c, keep_dims, int8_codes);
  if (kind == ReduceKind::mean && bytes) return detail::make_step<detail::GenericIntegerMean>(c, axes);
  const bool picks = kind == ReduceKind::max || kind == ReduceKind::min;
  c.require(!x.is_quantized() || (picks && x.quant == c.output().quant),
            "this kind is not supported for quantized tensors");
  return detail::with_number(x.dtype, [&](auto number) -> std::unique_ptr<Step> {
    if constexpr (std::is_arithmetic_v<decltype(number)>)
      return detail::make_step<detail::GenericReduce<decltype(number)>>(kind, axes);
    c.fail("type ", name(x.dtype), " is not supported");
  });
}

OCTET_API std::unique_ptr<GradientStep> Reduce::prepare_gradient(const PrepareContext& c) const {
  const bool mean = kind == ReduceKind::mean;
  c.require(mean || kind == ReduceKind::sum, "has no gradient: only mean and sum have one");
  return detail::make_step<detail::ReduceGradient>(c, prepare(c), axes, mean);
}

OCTET_API std::string Reduce::summary(const ShapeContext&) const {
  constexpr const char* names[] = {"Mean", "Sum", "Max", "Min", "Product", "L2 norm"};
  static_assert(std::size(names) == static_cast<std::size_t>(ReduceKind::last) + 1);
  return names[static_cast<std::size_t>(kind)];
}

OCTET_API Traits Reduce::traits() const {
  Traits t;
  if (kind != ReduceKind::mean && kind != ReduceKind::sum && kind != ReduceKind::max) return t;
  // If dimensions are removed, the last one is known to stay where the axes are 1, 2, ...
  bool stays = !axes.empty();
  for (std::size_t i = 0; !keep_dims && i < axes.size(); ++i)
    stays = stays && axes[i] == static_cast<std::int64_t>(i) + 1;
  if (stays) t.factors = Traits::Factors::passed;
  return t;
}

OCTET_API OperatorPtr Reduce::for_shifted_codes() const {
  auto op = std::make_shared<Reduce>(*this);
  op->int8_codes = true;
  return op;
}

OCTET_API IntegerForm Reduce::integer_form() const {
  IntegerForm f;
  if (kind == ReduceKind::mean) f.output = IntegerForm::Output::measured;
  if (kind == ReduceKind::max || kind == ReduceKind::min) f.output = IntegerForm::Output::as_input;
  return f;
}

OCTET_END
