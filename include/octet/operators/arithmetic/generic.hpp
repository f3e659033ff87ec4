#pragma once
#include "../../core/element.hpp"
#include "../activation_range.hpp"
#include "broadcast.hpp"
#include "kind.hpp"

OCTET_BEGIN
namespace detail {

/// Arithmetic on plain numbers of type T.
template <class T>
class GenericBinary : public Step {
 public:
  GenericBinary(const PrepareContext& c, BinaryKind kind, const ActivationRange& range)
      : kind_(kind), simd_(&c.kernels()), low_(static_cast<float>(range.low)), high_(static_cast<float>(range.high)) {}

  std::size_t plan(const PlanContext& c) override {
    runs_ = BroadcastRuns(c.inputs[0].shape, c.inputs[1].shape, c.outputs[0].shape);
    overwrite_[0] = c.inputs[0].shape == c.outputs[0].shape && !is_comparison(kind_);
    overwrite_[1] = c.inputs[1].shape == c.outputs[0].shape && !is_comparison(kind_);
    return 0;
  }
  bool can_overwrite(int input) const noexcept override { return input < 2 && overwrite_[input]; }

  void run(const RunContext& c) noexcept override {
    const auto* a = reinterpret_cast<const T*>(c.input(0));
    const auto* b = reinterpret_cast<const T*>(c.input(1));
    if (runs_.same_shape()) return run_same_shape(a, b, c);
    const std::int64_t tasks = std::min<std::int64_t>(runs_.count(), c.pool->size());
    c.pool->parallel(tasks, [&](std::int64_t t, int) {
      runs_.each(runs_.count() * t / tasks, runs_.count() * (t + 1) / tasks,
                 [&](std::int64_t i, std::int64_t j, std::int64_t o) { one_run(a + i, b + j, c.output(), o); });
    });
  }

 private:
  void run_same_shape(const T* a, const T* b, const RunContext& c) const noexcept {
    constexpr std::int64_t part = 16384;
    const std::int64_t n = runs_.length(), tasks = (n + part - 1) / part;
    c.pool->parallel(tasks, [&](std::int64_t t, int) {
      const std::int64_t from = t * part, count = std::min(part, n - from);
      if constexpr (std::is_same_v<T, float>) {
        auto* out = reinterpret_cast<float*>(c.output()) + from;
        if (kind_ == BinaryKind::add) return simd_->add_f32(a + from, b + from, out, count, low_, high_);
        if (kind_ == BinaryKind::mul) return simd_->mul_f32(a + from, b + from, out, count, low_, high_);
      }
      apply(a + from, 1, b + from, 1, c.output(), from, count);
    });
  }

  void one_run(const T* a, const T* b, std::byte* out, std::int64_t at) const noexcept {
    if constexpr (std::is_same_v<T, float>) {
      auto* to = reinterpret_cast<float*>(out) + at;
      if (runs_.moves(0) && runs_.moves(1)) {
        if (kind_ == BinaryKind::add) return simd_->add_f32(a, b, to, runs_.length(), low_, high_);
        if (kind_ == BinaryKind::mul) return simd_->mul_f32(a, b, to, runs_.length(), low_, high_);
      }
    }
    apply(a, runs_.moves(0), b, runs_.moves(1), out, at, runs_.length());
  }

  void apply(const T* a, std::int64_t step_a, const T* b, std::int64_t step_b, std::byte* out, std::int64_t at,
             std::int64_t n) const noexcept {
    with_binary<T>(kind_, [&](auto f) {
      using R = decltype(f(T{}, T{}));
      auto* to = reinterpret_cast<std::conditional_t<std::is_same_v<R, bool>, std::uint8_t, T>*>(out) + at;
      for (std::int64_t i = 0; i < n; ++i) {
        const auto r = f(a[i * step_a], b[i * step_b]);
        if constexpr (std::is_same_v<R, float>)
          to[i] = r < low_ ? low_ : r > high_ ? high_ : r;
        else
          to[i] = static_cast<std::remove_reference_t<decltype(*to)>>(r);
      }
    });
  }

  BinaryKind kind_;
  const Kernels* simd_;
  float low_, high_;
  BroadcastRuns runs_;
  bool overwrite_[2] = {false, false};
};

inline std::unique_ptr<Step> make_generic_binary(const PrepareContext& c, BinaryKind kind, const ActivationRange& range) {
  switch (c.input(0).dtype) {
    case DType::f32: return std::make_unique<GenericBinary<float>>(c, kind, range);
    case DType::f64: return std::make_unique<GenericBinary<double>>(c, kind, range);
    case DType::i8: return std::make_unique<GenericBinary<std::int8_t>>(c, kind, range);
    case DType::u8: return std::make_unique<GenericBinary<std::uint8_t>>(c, kind, range);
    case DType::i16: return std::make_unique<GenericBinary<std::int16_t>>(c, kind, range);
    case DType::u16: return std::make_unique<GenericBinary<std::uint16_t>>(c, kind, range);
    case DType::i32: return std::make_unique<GenericBinary<std::int32_t>>(c, kind, range);
    case DType::u32: return std::make_unique<GenericBinary<std::uint32_t>>(c, kind, range);
    case DType::i64: return std::make_unique<GenericBinary<std::int64_t>>(c, kind, range);
    case DType::u64: return std::make_unique<GenericBinary<std::uint64_t>>(c, kind, range);
    default: c.fail("no form for ", name(c.input(0).dtype));
  }
}

}  // namespace detail
OCTET_END
