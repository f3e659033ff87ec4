#pragma once
#include "../core/element.hpp"
#include "../core/rounded.hpp"
#include "integer_mean.hpp"
#include "reduce_gradient.hpp"

OCTET_BEGIN

enum class ReduceKind : std::uint8_t {
  mean,
  sum,
  max,
  min,
  prod,
  l2,
  last = l2
};  // l2: the root of the sum of squares

namespace detail {

/// Mean over the spatial dimensions of [N, ..., C], float or uint8.
class SpatialMean : public Step {
 public:
  SpatialMean(const PrepareContext& c) : simd_(&c.kernels()) {
    if (c.input(0).dtype == DType::u8) integer_.emplace(c, IntegerMean::Kind::reduction);
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
        return simd_->sum_f32(w, 1.0f / static_cast<float>(pixels_),
                              reinterpret_cast<float*>(c.output()) + n * channels_);
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

/// Any axes of plain numbers: floating ones are added in double, integers modulo 2^64.
template <class T>
class GenericReduce : public Step {
 public:
  GenericReduce(ReduceKind kind, std::vector<std::int64_t> axes) : kind_(kind), axes_(std::move(axes)) {}

  std::size_t plan(const PlanContext& c) final {
    const Shape& in = c.inputs[0].shape;
    std::array<bool, Shape::max_rank> reduced{};
    if (axes_.empty()) reduced.fill(true);
    for (std::int64_t a : axes_) reduced[static_cast<std::size_t>(normalize_axis(a, in.rank()))] = true;
    kept_ = gone_ = {};
    std::int64_t stride = 1;
    bool before = false;  // class of the dimension before: those of one class merge
    for (int d = in.rank() - 1; d >= 0; stride *= in[d--]) {
      if (in[d] == 1) continue;
      const bool gone = reduced[static_cast<std::size_t>(d)];
      (gone ? gone_ : kept_).add(in[d], stride, stride > 1 && gone == before);
      before = gone;
    }
    if (in.elements() == 0) gone_ = {}, gone_.size[0] = 0, gone_.rank = 1;  // nothing to walk, whatever the sizes
    results_ = c.outputs[0].shape.elements();
    return 0;
  }

  void run(const RunContext& c) noexcept override {
    each_result(*c.pool, [&](std::int64_t o, std::int64_t first) { store_as(c.output(), o, one(c.input(0), first)); });
  }

 protected:
  /// Calls f(index of the result, place of its first element) for every result.
  template <class F>
  void each_result(ThreadPool& pool, F f) const noexcept {
    const std::int64_t tasks = std::min<std::int64_t>(results_, 4 * pool.size());
    pool.parallel(tasks, [&](std::int64_t t, int) {
      for (std::int64_t o = results_ * t / tasks; o < results_ * (t + 1) / tasks; ++o) f(o, kept_.offset(o, 0));
    });
  }
  /// Calls f(element) for those of one result.
  template <class F>
  void each(const std::byte* in, std::int64_t first, F f) const noexcept {
    for (std::int64_t i = 0, rows = gone_.count(1); i < rows; ++i) {
      const std::int64_t row = first + gone_.offset(i, 1);
      for (std::int64_t k = 0; k < gone_.size[0]; ++k) f(load_as<T>(in, row + k * gone_.stride[0]));
    }
  }
  std::int64_t count() const noexcept { return gone_.count(0); }

 private:
  /// Dimensions, innermost first.
  struct Dims {
    std::array<std::int64_t, Shape::max_rank> size{1}, stride{};
    std::size_t rank = 0;
    void add(std::int64_t n, std::int64_t step, bool merge) noexcept {
      if (merge && rank > 0)
        size[rank - 1] *= n;
      else
        size[rank] = n, stride[rank++] = step;
    }
    std::int64_t count(std::size_t from) const noexcept {
      std::int64_t n = 1;
      for (std::size_t d = from; d < rank; ++d) n *= size[d];
      return n;
    }
    std::int64_t offset(std::int64_t i, std::size_t from) const noexcept {
      std::int64_t at = 0;
      for (std::size_t d = from; d < rank; ++d) {
        at += i % size[d] * stride[d];
        i /= size[d];
      }
      return at;
    }
  };

  T one(const std::byte* in, std::int64_t first) const noexcept {
    using Limits = std::numeric_limits<T>;
    // Unsigned, so that integers wrap around.
    using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
    using Wide = std::conditional_t<std::is_signed_v<T> && std::is_integral_v<T>, std::int64_t, Sum>;
    T best = kind_ == ReduceKind::max ? (Limits::has_infinity ? -Limits::infinity() : Limits::lowest())
                                      : (Limits::has_infinity ? Limits::infinity() : Limits::max());
    Sum sum = kind_ == ReduceKind::prod ? 1 : 0;
    double squares = 0;
    switch (kind_) {
      case ReduceKind::max: each(in, first, [&](T x) { best = x > best || x != x ? x : best; }); return best;
      case ReduceKind::min: each(in, first, [&](T x) { best = x < best || x != x ? x : best; }); return best;
      case ReduceKind::prod: each(in, first, [&](T x) { sum *= static_cast<Sum>(x); }); return static_cast<T>(sum);
      case ReduceKind::l2:
        each(in, first, [&](T x) { squares += rounded(static_cast<double>(x) * static_cast<double>(x)); });
        if constexpr (std::is_integral_v<T>)
          return saturate_to<T>(std::sqrt(squares));
        else
          return static_cast<T>(std::sqrt(squares));
      case ReduceKind::sum:
      case ReduceKind::mean: break;
    }
    each(in, first, [&](T x) { sum += static_cast<Sum>(x); });
    if (kind_ == ReduceKind::sum) return static_cast<T>(sum);
    if (std::is_integral_v<T> && count() == 0) return 0;
    return static_cast<T>(static_cast<Wide>(sum) / static_cast<Wide>(count()));  // integers: towards zero
  }

  ReduceKind kind_;
  std::vector<std::int64_t> axes_;
  Dims kept_, gone_;
  std::int64_t results_ = 0;
};

/// Mean of uint8 over any axes, in the output's scale.
class GenericIntegerMean : public GenericReduce<std::uint8_t> {
 public:
  GenericIntegerMean(const PrepareContext& c, std::vector<std::int64_t> axes)
      : GenericReduce(ReduceKind::mean, std::move(axes)), mean_(c, IntegerMean::Kind::reduction) {}
  void run(const RunContext& c) noexcept override {
    each_result(*c.pool, [&](std::int64_t o, std::int64_t first) {
      std::int32_t sum = 0;
      each(c.input(0), first, [&](std::uint8_t x) { sum += x; });
      mean_.store(&sum, 1, count(), count(), reinterpret_cast<std::uint8_t*>(c.output()) + o);
    });
  }

 private:
  IntegerMean mean_;
};

}  // namespace detail

/// Mean, sum, ... over axes (all, if none are given).
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
    const bool bytes = x.dtype == DType::u8 && x.is_quantized();
    if (kind == ReduceKind::mean && spatial(x.shape.rank()) && (x.dtype == DType::f32 || bytes))
      return std::make_unique<detail::SpatialMean>(c);
    if (kind == ReduceKind::mean && bytes) return std::make_unique<detail::GenericIntegerMean>(c, axes);
    const bool picks = kind == ReduceKind::max || kind == ReduceKind::min;
    c.require(!x.is_quantized() || (picks && x.quant == c.output().quant), "no integer form for this kind");
    return detail::with_number(x.dtype, [&](auto number) -> std::unique_ptr<Step> {
      if constexpr (std::is_arithmetic_v<decltype(number)>)
        return std::make_unique<detail::GenericReduce<decltype(number)>>(kind, axes);
      c.fail("no form for ", name(x.dtype));
    });
  }
  std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override {
    const bool mean = kind == ReduceKind::mean;
    c.require(mean || kind == ReduceKind::sum, "has no gradient: only mean and sum have one");
    return std::make_unique<detail::ReduceGradient>(c, prepare(c), axes, mean);
  }
  IntegerForm integer_form() const override {
    IntegerForm f;
    if (kind == ReduceKind::mean) f.output = IntegerForm::Output::measured;
    if (kind == ReduceKind::max || kind == ReduceKind::min) f.output = IntegerForm::Output::as_input;
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
