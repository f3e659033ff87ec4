#pragma once
#include <functional>

#include "../core/element.hpp"
#include "../core/rounded.hpp"
#include "fold.hpp"
#include "implement.hpp"
#include "integer_mean.hpp"
#include "reduce_kind.hpp"

OCTET_BEGIN
namespace detail {

/// Which elements a reduction over any axes combines.
class ReduceStep : public Step {
 public:
  explicit ReduceStep(std::vector<std::int64_t> axes) : axes_(std::move(axes)) {}

  std::size_t plan(const PlanContext& c) final {
    const Shape& in = c.inputs[0].shape;
    std::array<bool, Shape::max_rank> reduced{};
    if (axes_.empty()) reduced.fill(true);
    for (std::int64_t a : axes_) reduced[static_cast<std::size_t>(normalize_axis(a, in.rank()))] = true;
    kept_ = gone_ = {};
    std::int64_t stride = 1;
    bool before = false;  // whether the previous dimension is reduced: equal neighbours are merged
    for (int d = in.rank() - 1; d >= 0; stride *= in[d--]) {
      if (in[d] == 1) continue;
      const bool gone = reduced[static_cast<std::size_t>(d)];
      (gone ? gone_ : kept_).add(in[d], stride, stride > 1 && gone == before);
      before = gone;
    }
    if (in.elements() == 0) {  // no elements to iterate over
      gone_ = {};
      gone_.size[0] = 0;
      gone_.rank = 1;
    }
    results_ = c.outputs[0].shape.elements();
    return 0;
  }

 protected:
  /// Calls f(index of the result, offset of its first element) for every result.
  template <class F>
  void each_result(ThreadPool& pool, F f) const noexcept {
    const std::int64_t tasks = std::min<std::int64_t>(results_, 4 * pool.size());
    pool.parallel(tasks, [&](std::int64_t t, int) {
      for (std::int64_t o = results_ * t / tasks; o < results_ * (t + 1) / tasks; ++o) f(o, first_of(o));
    });
  }
  /// The offset of the first element of a result.
  std::int64_t first_of(std::int64_t result) const noexcept { return kept_.offset(result, 0); }
  /// Calls f(offset of the first one, elements, distance) for rows of the elements of one result.
  template <class F>
  void each_row(std::int64_t first, F f) const noexcept {
    for (std::int64_t i = 0, rows = gone_.count(1); i < rows; ++i)
      f(first + gone_.offset(i, 1), gone_.size[0], gone_.stride[0]);
  }
  std::int64_t count() const noexcept { return gone_.count(0); }
  std::int64_t results() const noexcept { return results_; }
  /// Whether the elements of each result are one row, and the rows follow each other.
  bool by_rows() const noexcept { return gone_.rank == 1 && gone_.stride[0] == 1 && kept_.rank <= 1; }
  /// Whether the results are row_length() numbers or a multiple, each of those a row of numbers that are combined with
  /// those of the next rows, count() in all.
  bool by_columns() const noexcept { return gone_.rank == 1 && gone_.stride[0] > 1 && kept_.rank <= 2; }
  std::int64_t row_length() const noexcept { return gone_.stride[0]; }

 private:
  /// Dimensions, innermost first.
  struct Dims {
    std::array<std::int64_t, Shape::max_rank> size{1}, stride{};
    std::size_t rank = 0;
    void add(std::int64_t n, std::int64_t step, bool merge) noexcept {
      if (merge && rank > 0)
        size[rank - 1] *= n;
      else {
        size[rank] = n;
        stride[rank++] = step;
      }
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

  std::vector<std::int64_t> axes_;
  Dims kept_, gone_;
  std::int64_t results_ = 0;
};

/// Reduction of plain numbers. Floating-point numbers are added in double, integers modulo 2^64.
/// simd: for kernels of rows of floats and bytes; null: without them.
template <class T>
class GenericReduce : public ReduceStep {
 public:
  GenericReduce(ReduceKind kind, std::vector<std::int64_t> axes, const Kernels* simd = nullptr)
      : ReduceStep(std::move(axes)), kind_(kind), simd_(simd) {}

  void run(const RunContext& c) noexcept override {
    if constexpr (is_float || std::is_same_v<T, std::uint8_t>) {
      const auto* in = reinterpret_cast<const T*>(c.input(0));
      auto* out = reinterpret_cast<T*>(c.output());
      const bool picks = kind_ == ReduceKind::max || kind_ == ReduceKind::min;
      const bool adds = is_float && (kind_ == ReduceKind::sum || kind_ == ReduceKind::mean);
      if (simd_ && by_rows() && (picks || adds)) return reduce_rows(in, out, *c.pool);
      if (simd_ && by_columns() && picks) return extremum_of_columns(in, out, *c.pool);
    }
    each_result(*c.pool, [&](std::int64_t o, std::int64_t first) { store_as(c.output(), o, one(c.input(0), first)); });
  }

 private:
  static constexpr bool is_float = std::is_same_v<T, float>;

  void reduce_rows(const T* in, T* out, ThreadPool& pool) const noexcept {
    constexpr std::int64_t block = 64, elements = 16384;
    const std::int64_t each = std::clamp<std::int64_t>(elements / count(), 1, block);
    const bool least = kind_ == ReduceKind::min;
    parallel_parts(pool, results(), each, [&](std::int64_t from, std::int64_t n) {
      const T* rows = in + from * count();
      if constexpr (is_float) {
        if (least || kind_ == ReduceKind::max) return simd_->extremum_rows_f32(rows, n, count(), out + from, least);
        std::array<double, block> sums;
        simd_->sum_rows_f32(rows, n, count(), sums.data());
        for (std::int64_t i = 0; i < n; ++i) {
          const double sum = sums[static_cast<std::size_t>(i)];
          out[from + i] = static_cast<float>(kind_ == ReduceKind::sum ? sum : sum / static_cast<double>(count()));
        }
      } else {
        byte_kernels(simd_->isa).extremum_rows(rows, n, count(), out + from, least);
      }
    });
  }

  void extremum_of_columns(const T* in, T* out, ThreadPool& pool) const noexcept {
    constexpr std::int64_t block = 1024, rows = 32;  // results; rows that are combined with these at once
    const std::int64_t length = row_length(), blocks = (length + block - 1) / block;
    const bool least = kind_ == ReduceKind::min;
    pool.parallel(results() / length * blocks, [&](std::int64_t task, int) {
      const std::int64_t from = task % blocks * block, n = std::min(block, length - from);
      const T* first = in + task / blocks * count() * length + from;
      T* to = out + task / blocks * length + from;
      if constexpr (is_float) {
        std::array<const std::byte*, rows + 1> list;
        PoolWindow w;
        w.pixels = list.data();
        w.channels = n;
        for (std::int64_t k = 0; k < count();) {
          w.count = 0;
          if (k > 0) list[static_cast<std::size_t>(w.count++)] = reinterpret_cast<const std::byte*>(to);
          for (const std::int64_t end = std::min(count(), k + rows); k < end; ++k)
            list[static_cast<std::size_t>(w.count++)] = reinterpret_cast<const std::byte*>(first + k * length);
          least ? simd_->min_f32(w, to) : simd_->max_f32(w, to);
        }
      } else {
        const ByteKernels& bytes = byte_kernels(simd_->isa);
        std::copy_n(first, n, to);
        for (std::int64_t k = 1; k < count(); ++k) bytes.extremum(to, first + k * length, to, n, least);
      }
    });
  }

  using Limits = std::numeric_limits<T>;
  // Unsigned, so that integers wrap around.
  using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;

  /// Combines the elements of one result; f(T) is combined with the rest.
  template <class R, class F, class Combine>
  R combined(const std::byte* in, std::int64_t first, R start, F f, Combine combine) const noexcept {
    R result = start;
    each_row(first, [&](std::int64_t at, std::int64_t n, std::int64_t step) {
      const auto take = [&](R& r, std::int64_t k) { r = combine(r, f(load_as<T>(in, at + k * step))); };
      if constexpr (std::is_same_v<T, float>)
        result = combine(result, fold(n, start, take, combine));
      else  // rare: short code
        for (std::int64_t k = 0; k < n; ++k) take(result, k);
    });
    return result;
  }
  T one(const std::byte* in, std::int64_t first) const noexcept {
    using Wide = std::conditional_t<std::is_signed_v<T> && std::is_integral_v<T>, std::int64_t, Sum>;
    constexpr T lowest = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    constexpr T highest = Limits::has_infinity ? Limits::infinity() : Limits::max();
    const auto same = [](T x) { return x; };
    const auto number = [](T x) { return static_cast<Sum>(x); };
    switch (kind_) {
      case ReduceKind::max:
        return combined(in, first, lowest, same, [](T best, T x) { return x > best || x != x ? x : best; });
      case ReduceKind::min:
        return combined(in, first, highest, same, [](T best, T x) { return x < best || x != x ? x : best; });
      case ReduceKind::prod: return static_cast<T>(combined(in, first, Sum{1}, number, std::multiplies<>()));
      case ReduceKind::l2: {
        const auto square = [](T x) { return rounded(static_cast<double>(x) * static_cast<double>(x)); };
        const double root = std::sqrt(combined(in, first, 0.0, square, std::plus<>()));
        if constexpr (std::is_integral_v<T>)
          return saturate_to<T>(root);
        else
          return static_cast<T>(root);
      }
      case ReduceKind::sum:
      case ReduceKind::mean: break;
    }
    const Sum sum = combined(in, first, Sum{0}, number, std::plus<>());
    if (kind_ == ReduceKind::sum) return static_cast<T>(sum);
    if (std::is_integral_v<T> && count() == 0) return 0;
    return static_cast<T>(static_cast<Wide>(sum) / static_cast<Wide>(count()));  // integers: toward zero
  }

  ReduceKind kind_;
  const Kernels* simd_;
};

/// Mean of uint8 over any axes, requantized to the output's scale.
class GenericIntegerMean : public ReduceStep {
 public:
  GenericIntegerMean(const PrepareContext& c, std::vector<std::int64_t> axes)
      : ReduceStep(std::move(axes)), bytes_(&byte_kernels(c.kernels().isa)), mean_(c, IntegerMean::Kind::reduction) {}
  void run(const RunContext& c) noexcept override {
    constexpr std::int64_t block = 256;
    parallel_parts(*c.pool, results(), block, [&](std::int64_t from, std::int64_t n) {
      std::array<std::int32_t, block> sums;
      const auto* in = reinterpret_cast<const std::uint8_t*>(c.input(0));
      if (by_rows())
        bytes_->sum_rows(in + from * count(), n, count(), sums.data());
      else
        for (std::int64_t o = 0; o < n; ++o) sums[static_cast<std::size_t>(o)] = sum_of(in, first_of(from + o));
      mean_.store(sums.data(), n, count(), count(), reinterpret_cast<std::uint8_t*>(c.output()) + from);
    });
  }

 private:
  std::int32_t sum_of(const std::uint8_t* in, std::int64_t first) const noexcept {
    std::int32_t sum = 0;
    each_row(first, [&](std::int64_t at, std::int64_t n, std::int64_t step) {
      std::int32_t part = 0;
      if (step == 1)
        bytes_->sum_rows(in + at, 1, n, &part);
      else
        for (std::int64_t i = 0; i < n; ++i) part += in[at + i * step];
      sum += part;
    });
    return sum;
  }
  const ByteKernels* bytes_;
  IntegerMean mean_;
};

}  // namespace detail
OCTET_END
