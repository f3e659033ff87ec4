#pragma once
#include <functional>

#include "../../graph/require_memory.hpp"
#include "../../kernels/bytes.hpp"
#include "../activation_codes.hpp"
#include "../implement.hpp"
#include "bilinear_rows.hpp"

OCTET_BEGIN
namespace detail {

/// Linear and cubic resizing of float and uint8 tensors, one dimension after the other. Bytes are interpolated as
/// integers and rounded (half to even) at the end. Bilinear resizing of bytes: BilinearRows.
class InterpolateStep : public Step {
 public:
  using Rule = std::function<std::vector<ResizeAxis>(const Shape& in)>;
  /// outside: the element outside the region of interest (an integer if the tensor is uint8).
  InterpolateStep(const PrepareContext& c, Rule rule, const ResizeFilter& filter, CoordinateMode mode, float outside)
      : name_(c.name()),
        kernels_(&byte_kernels(c.kernels().isa)),
        bytes_(int8_format.computes(c.input(0).dtype)),
        rule_(std::move(rule)),
        filter_(filter),
        mode_(mode),
        outside_(outside) {
    c.require(bytes_ || c.input(0).dtype == DType::f32, "expected float32 or uint8, found ", name(c.input(0).dtype));
    const QuantParams &x = c.input(0).quant, &y = c.output().quant;
    if (!bytes_ || x == y) return;
    rescales_ = true;
    factor_ = static_cast<double>(x.scale[0]) / static_cast<double>(y.scale[0]);
    offset_ = y.zero_point[0] - rounded(x.zero_point[0] * factor_);
  }

  std::size_t plan(const PlanContext& c) override {
    Shape shape = c.inputs[0].shape;
    const std::vector<ResizeAxis> axes = rule_(shape);
    for (const ResizeAxis& a : axes)  // at least two neighbors of each
      if (!a.kept) require_tables(name_, a.out, 2 * (sizeof(std::int64_t) + sizeof(float)));
    std::vector<std::size_t> order;
    for (std::size_t d = 0; d < axes.size(); ++d)
      if (!axes[d].kept) order.push_back(d);
    const auto growth = [&](std::size_t d) {
      return static_cast<double>(axes[d].out) / static_cast<double>(axes[d].in);
    };
    by_rows_ = bytes_ && !rescales_ && order.size() == 2 && filter_.mode == ResizeMode::linear && !filter_.antialias;
    if (!by_rows_)
      std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return growth(a) < growth(b); });
    passes_.clear();
    largest_ = 0;
    for (std::size_t d : order) {
      const int axis = static_cast<int>(d);
      ResizePass p;
      p.outer = shape.product(0, axis);
      p.inner = shape.product(axis + 1, shape.rank());
      p.in = axes[d].in;
      p.out = axes[d].out;
      p.taps = filter_.taps(axes[d], mode_, bytes_ ? 1.0 / 32768 : 0);
      shape[axis] = p.out;
      if (passes_.size() + 1 < order.size()) largest_ = std::max(largest_, (shape.elements() + 15) / 16 * 16);
      passes_.push_back(std::move(p));
    }
    if (rescales_ && passes_.empty() && shape.rank() > 0) {  // codes change even where the size does not
      ResizePass p;
      p.in = p.out = shape[0];
      p.inner = shape.product(1, shape.rank());
      p.taps.count = 1;
      for (std::int64_t i = 0; i < p.out; ++i) p.taps.index.push_back(i);
      p.taps.weight.assign(static_cast<std::size_t>(p.out), 1.0f);
      order.push_back(0);
      passes_.push_back(std::move(p));
    }
    by_rows_ = by_rows_ && passes_[0].inner == passes_[1].in * passes_[1].inner;
    if (by_rows_) {
      rows_ = {*kernels_, passes_[0], passes_[1], outside_code()};
      return rows_.scratch_bytes(c.threads);
    }
    return static_cast<std::size_t>(largest_ * std::min<std::int64_t>(2, static_cast<std::int64_t>(order.size()) - 1)) *
           4;
  }

  bool is_view() const noexcept override { return passes_.empty(); }

  void run(const RunContext& c) noexcept override {
    if (by_rows_)
      return rows_.run(reinterpret_cast<const std::uint8_t*>(c.input(0)), reinterpret_cast<std::uint8_t*>(c.output()),
                       c.scratch, *c.pool);
    float* buffers[2] = {reinterpret_cast<float*>(c.scratch), reinterpret_cast<float*>(c.scratch) + largest_};
    const std::size_t last = passes_.size() - 1;
    for (std::size_t p = 0; p <= last; ++p) {
      const float* from = buffers[(p + 1) % 2];
      float* to = buffers[p % 2];
      if (!bytes_) {
        run<float>(passes_[p], p == 0 ? reinterpret_cast<const float*>(c.input(0)) : from,
                   p == last ? reinterpret_cast<float*>(c.output()) : to, *c.pool);
        continue;
      }
      const auto* in = reinterpret_cast<const std::uint8_t*>(c.input(0));
      auto* out = reinterpret_cast<std::uint8_t*>(c.output());
      // Weights are multiples of 2^-15, so sums of products with bytes are exact in float, and those with such floats
      // in double. The result is thus the same with and without fused multiply-adds.
      if (p == 0 && p == last)
        run<float>(passes_[p], in, out, *c.pool);
      else if (p == 0)
        run<float>(passes_[p], in, to, *c.pool);
      else if (p == last)
        run<double>(passes_[p], from, out, *c.pool);
      else
        run<double>(passes_[p], from, to, *c.pool);
    }
  }

 private:
  /// The last dimension of floats, between two elements of which each result is: the sums of one_row, of a line at
  /// once.
  void run_lines(const ResizePass& p, const float* in, float* out, ThreadPool& pool) const noexcept {
    const std::int64_t lines = std::max<std::int64_t>(1, 8192 / p.out);
    parallel_parts(pool, p.outer, lines, [&](std::int64_t first, std::int64_t count) {
      for (std::int64_t line = first; line < first + count; ++line) {
        const float* from = in + line * p.in;
        float* to = out + line * p.out;
        const std::int64_t* index = p.taps.index.data();
        const float* weight = p.taps.weight.data();
        for (std::int64_t x = 0; x < p.out; ++x, index += 2, weight += 2)
          to[x] = index[0] < 0 ? outside_ : rounded(weight[0] * from[index[0]]) + rounded(weight[1] * from[index[1]]);
      }
    });
  }

  template <class Sum, class In, class Out>
  void run(const ResizePass& p, const In* in, Out* out, ThreadPool& pool) const noexcept {
    if constexpr (std::is_same_v<In, float> && std::is_same_v<Out, float> && std::is_same_v<Sum, float>)
      if (p.inner == 1 && p.taps.count == 2) return run_lines(p, in, out, pool);
    const std::int64_t rows = p.outer * p.out, tasks = std::min<std::int64_t>(rows, 4 * pool.size());
    pool.parallel(tasks, [&](std::int64_t t, int) {
      for (std::int64_t r = rows * t / tasks; r < rows * (t + 1) / tasks; ++r)
        one_row<Sum>(p, r % p.out, in + r / p.out * p.in * p.inner, out + r * p.inner);
    });
  }

  /// Whether products and their sums are exact (see run).
  template <class Sum, class In>
  static constexpr bool exact = !(std::is_same_v<Sum, float> && std::is_same_v<In, float>);

  /// `place`: the output element; `in`: the first input element along the dimension.
  template <class Sum, class In, class Out>
  void one_row(const ResizePass& p, std::int64_t place, const In* in, Out* out) const noexcept {
    const std::int64_t *index = p.taps.index.data() + place * p.taps.count, inner = p.inner;
    const float* weight = p.taps.weight.data() + place * p.taps.count;
    if (index[0] < 0) {
      for (std::int64_t i = 0; i < inner; ++i) store(out[i], static_cast<Sum>(outside_));
      return;
    }
    if (p.taps.count == 2) {
      const In *a = in + index[0] * inner, *b = in + index[1] * inner;
      const auto wa = static_cast<Sum>(weight[0]), wb = static_cast<Sum>(weight[1]);
      if constexpr (std::is_same_v<In, std::uint8_t> && std::is_same_v<Out, std::uint8_t>)
        if (!rescales_) {
          BlendRows r;
          r.a = a;
          r.b = b;
          r.out = out;
          r.count = inner;
          r.weight_a = weight[0];
          r.weight_b = weight[1];
          return kernels_->blend(r);
        }
      if constexpr (!exact<Sum, In>) {
        for (std::int64_t i = 0; i < inner; ++i) out[i] = wa * a[i];
        add_products(wb, b, out, inner);
        return;
      }
      for (std::int64_t i = 0; i < inner; ++i) store(out[i], wa * static_cast<Sum>(a[i]) + wb * static_cast<Sum>(b[i]));
      return;
    }
    constexpr std::int64_t block = 64;
    Sum sum[block];
    for (std::int64_t first = 0; first < inner; first += block) {
      const std::int64_t n = std::min(block, inner - first);
      std::fill(sum, sum + n, Sum{0});
      for (std::int64_t k = 0; k < p.taps.count; ++k) {
        const In* from = in + index[k] * inner + first;
        const auto w = static_cast<Sum>(weight[k]);
        if constexpr (exact<Sum, In>)
          for (std::int64_t i = 0; i < n; ++i) sum[i] += w * static_cast<Sum>(from[i]);
        else
          add_products(w, from, sum, n);
      }
      for (std::int64_t i = 0; i < n; ++i) store(out[first + i], sum[i]);
    }
  }

  std::uint8_t outside_code() const noexcept {
    std::uint8_t code = 0;
    store(code, outside_);
    return code;
  }

  void store(float& to, float x) const noexcept { to = x; }
  void store(float& to, double x) const noexcept { to = static_cast<float>(x); }
  template <class Sum>
  void store(std::uint8_t& to, Sum x) const noexcept {
    if (rescales_)
      store_code(to, std::fma(static_cast<double>(x), factor_, offset_));
    else
      store_code(to, x);
  }
  template <class Sum>
  static void store_code(std::uint8_t& to, Sum x) noexcept {
    const Sum y = std::min(std::max(x, Sum{0}), Sum{255}) + Sum(0.5);
    const auto r = static_cast<int>(y);
    to = static_cast<std::uint8_t>(static_cast<Sum>(r) == y ? r & ~1 : r);  // ties to even
  }

  std::string name_;
  const ByteKernels* kernels_;
  bool bytes_, by_rows_ = false;    // by_rows: both dimensions by rows_
  bool rescales_ = false;           // the output has a scale of its own:
  double factor_ = 1, offset_ = 0;  // code * factor + offset
  Rule rule_;
  ResizeFilter filter_;
  CoordinateMode mode_;
  float outside_;
  std::vector<ResizePass> passes_;
  BilinearRows rows_;
  std::int64_t largest_ = 0;  // floats between passes
};

}  // namespace detail
OCTET_END
