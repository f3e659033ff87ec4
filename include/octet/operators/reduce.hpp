#pragma once
#include "../core/element.hpp"
#include "integer_mean.hpp"

OCTET_BEGIN

enum class ReduceKind : std::uint8_t { mean, sum, max, min, last = min };

namespace detail {

/// Mean over the spatial dimensions of [N, ..., C], float or uint8.
class SpatialMean : public Step {
 public:
  SpatialMean(const PrepareContext& c) : simd_(&c.kernels()) {
    if (c.input(0).dtype == DType::u8) integer_.emplace(c, false);
  }
  std::size_t plan(const PlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    batch_ = in[0], channels_ = in.back(), pixels_ = in.product(1, in.rank() - 1);
    list_ = static_cast<std::int64_t>(sizeof(void*)) * pixels_;
    worker_ = (list_ + channels_ * 4 + 63) / 64 * 64;
    return static_cast<std::size_t>(worker_ * c.threads);
  }
  void run(const RunContext& c) noexcept override {
    const std::int64_t element = integer_ ? 1 : 4;
    c.pool->parallel(batch_, [&](std::int64_t n, int worker) {
      std::byte* mine = c.scratch + worker * worker_;
      auto** list = reinterpret_cast<const std::byte**>(mine);
      for (std::int64_t i = 0; i < pixels_; ++i) list[i] = c.input(0) + (n * pixels_ + i) * channels_ * element;
      PoolWindow w;
      w.pixels = list, w.count = pixels_, w.channels = channels_;
      if (!integer_)
        return simd_->sum_f32(w, 1.0f / static_cast<float>(pixels_), reinterpret_cast<float*>(c.output()) + n * channels_);
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

/// Any type, any axes, one element at a time in double.
class GenericReduce : public Step {
 public:
  GenericReduce(ReduceKind kind, std::vector<std::int64_t> axes) : kind_(kind), axes_(std::move(axes)) {}
  void run(const RunContext& c) noexcept override {
    const TensorRef &in = c.inputs[0], &out = c.outputs[0];
    std::array<bool, Shape::max_rank> reduced{};
    for (std::int64_t a : axes_) reduced[static_cast<std::size_t>(a < 0 ? a + in.shape.rank() : a)] = true;
    const bool all = axes_.empty();
    std::array<std::int64_t, Shape::max_rank> kept{}, gone{};  // sizes
    std::array<std::int64_t, Shape::max_rank> kept_stride{}, gone_stride{};
    int k = 0, g = 0;
    std::int64_t stride = 1, count = 1;
    for (int d = in.shape.rank() - 1; d >= 0; --d) {
      if (all || reduced[static_cast<std::size_t>(d)])
        gone[static_cast<std::size_t>(g)] = in.shape[d], gone_stride[static_cast<std::size_t>(g++)] = stride, count *= in.shape[d];
      else
        kept[static_cast<std::size_t>(k)] = in.shape[d], kept_stride[static_cast<std::size_t>(k++)] = stride;
      stride *= in.shape[d];
    }
    const auto offset = [](std::int64_t i, const auto& sizes, const auto& strides, int n) {
      std::int64_t at = 0;
      for (int d = 0; d < n; ++d) {
        const auto e = static_cast<std::size_t>(d);
        at += i % sizes[e] * strides[e];
        i /= sizes[e];
      }
      return at;
    };
    for (std::int64_t o = 0, n = out.shape.elements(); o < n; ++o) {
      const std::int64_t base = offset(o, kept, kept_stride, k);
      double r = kind_ == ReduceKind::max ? -std::numeric_limits<double>::infinity()
                 : kind_ == ReduceKind::min ? std::numeric_limits<double>::infinity() : 0;
      for (std::int64_t i = 0; i < count; ++i) {
        const double x = load_element(in.dtype, in.data, base + offset(i, gone, gone_stride, g));
        if (kind_ == ReduceKind::max) r = x > r || x != x ? x : r;
        else if (kind_ == ReduceKind::min) r = x < r || x != x ? x : r;
        else r += x;
      }
      store_element(out.dtype, out.data, o, kind_ == ReduceKind::mean ? r / static_cast<double>(count) : r);
    }
  }

 private:
  ReduceKind kind_;
  std::vector<std::int64_t> axes_;
};

}  // namespace detail

/// Mean, sum, maximum or minimum over axes (all, if none are given).
class Reduce : public detail::OperatorOf<Reduce> {
 public:
  static constexpr const char* type_name = "Reduce";
  ReduceKind kind = ReduceKind::mean;
  std::vector<std::int64_t> axes;
  bool keep_dims = true;

  Reduce() = default;
  Reduce(ReduceKind k, std::vector<std::int64_t> over, bool keep) : kind(k), axes(std::move(over)), keep_dims(keep) {}

  void fields(FieldVisitor& v) override {
    v.field("kind", kind, ReduceKind::last);
    v.field("axes", axes);
    v.field("keep_dims", keep_dims);
  }
  std::vector<Shape> shapes(const ShapeContext& c) const override {
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
  std::unique_ptr<Step> prepare(const PrepareContext& c) const override {
    const Value& x = c.input(0);
    if (kind == ReduceKind::mean && spatial(x.shape.rank()) &&
        (x.dtype == DType::f32 || (x.dtype == DType::u8 && x.is_quantized())))
      return std::make_unique<detail::SpatialMean>(c);
    c.require(!x.is_quantized(), "no integer form for this kind and these axes");
    return std::make_unique<detail::GenericReduce>(kind, axes);
  }
  IntegerForm integer_form() const override {
    IntegerForm f;
    if (kind == ReduceKind::mean && spatial(4)) f.output = IntegerForm::Output::measured;
    return f;
  }

 private:
  /// Whether the axes are all but the first and the last of `rank` dimensions.
  bool spatial(int rank) const {
    std::array<bool, Shape::max_rank> reduced{};
    for (std::int64_t a : axes) reduced[static_cast<std::size_t>(normalize_axis(a, rank))] = true;
    bool r = rank >= 3 && static_cast<int>(axes.size()) == rank - 2;
    for (int d = 1; d + 1 < rank; ++d) r = r && reduced[static_cast<std::size_t>(d)];
    return r;
  }
};

OCTET_END
