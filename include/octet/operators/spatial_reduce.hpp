#pragma once
#include <optional>

#include "implement.hpp"
#include "integer_mean.hpp"

OCTET_BEGIN
namespace detail {

/// A reduction over the spatial dimensions of [N, ..., C], float or uint8: one pixel from a list of pixels.
class SpatialReduce : public Step {
 public:
  explicit SpatialReduce(const PrepareContext& c)
      : simd_(&c.kernels()), element_(c.input(0).dtype == DType::f32 ? 4 : 1) {}

  std::size_t plan(const PlanContext& c) final {
    const Shape& in = c.inputs[0].shape;
    batch_ = in[0];
    channels_ = in.back();
    pixels_ = in.product(1, in.rank() - 1);
    list_ = static_cast<std::int64_t>(sizeof(void*)) * pixels_;
    worker_ = round_up(list_ + channels_ * 4, 64);
    return static_cast<std::size_t>(worker_ * c.threads);
  }
  void run(const RunContext& c) noexcept final {
    c.pool->parallel(batch_, [&](std::int64_t n, int worker) {
      std::byte* mine = c.scratch + worker * worker_;
      auto** list = reinterpret_cast<const std::byte**>(mine);
      for (std::int64_t i = 0; i < pixels_; ++i) list[i] = c.input(0) + (n * pixels_ + i) * channels_ * element_;
      PoolWindow w;
      w.pixels = list;
      w.count = pixels_;
      w.channels = channels_;
      reduce(w, c.output() + n * channels_ * element_, mine + list_);
    });
  }

 protected:
  const Kernels& simd() const noexcept { return *simd_; }
  bool is_float() const noexcept { return element_ == 4; }

 private:
  /// `scratch` has 4 bytes for each channel.
  virtual void reduce(const PoolWindow& w, std::byte* out, std::byte* scratch) const noexcept = 0;

  const Kernels* simd_;
  std::int64_t element_, batch_ = 1, channels_ = 1, pixels_ = 1, list_ = 0, worker_ = 0;
};

class SpatialMean : public SpatialReduce {
 public:
  SpatialMean(const PrepareContext& c, bool keep_dims, bool int8_codes) : SpatialReduce(c) {
    using Kind = IntegerMean::Kind;
    const bool images = c.input(0).shape.rank() == 4;
    Kind kind = Kind::reduction;
    if (c.as_xnnpack() && images) kind = int8_codes ? Kind::int8_xnnpack : Kind::xnnpack;
    // LiteRT has a kernel for images whose dimensions are kept.
    if (c.as_litert() && keep_dims && images) kind = int8_codes ? Kind::int8_pixels : Kind::pixels;
    if (!is_float()) integer_.emplace(c, kind);
  }

 private:
  void reduce(const PoolWindow& w, std::byte* out, std::byte* scratch) const noexcept override {
    if (is_float()) return simd().sum_f32(w, 1.0f / static_cast<float>(w.count), reinterpret_cast<float*>(out));
    auto* codes = reinterpret_cast<std::uint8_t*>(out);
    if (integer_->store(w, w.count, codes)) return;
    auto* sums = reinterpret_cast<std::int32_t*>(scratch);
    simd().sum_u8(w, sums);
    integer_->store(sums, w.channels, w.count, w.count, codes);
  }

  std::optional<IntegerMean> integer_;
};

class SpatialMax : public SpatialReduce {
 public:
  using SpatialReduce::SpatialReduce;

 private:
  void reduce(const PoolWindow& w, std::byte* out, std::byte*) const noexcept override {
    auto* floats = reinterpret_cast<float*>(out);
    auto* codes = reinterpret_cast<std::uint8_t*>(out);
    if (w.count > 0) return is_float() ? simd().max_f32(w, floats) : simd().max_u8(w, codes);
    if (is_float())
      std::fill_n(floats, w.channels, -std::numeric_limits<float>::infinity());
    else
      std::fill_n(codes, w.channels, std::uint8_t{0});
  }
};

}  // namespace detail
OCTET_END
