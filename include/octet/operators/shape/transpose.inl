#pragma once
#include "../../kernels/bytes.hpp"
#include "indexed_copy.hpp"
#include "transpose.hpp"

OCTET_BEGIN
namespace detail {

/// Every Nth byte to each of N arrays, which are `step` bytes apart.
template <int N>
void split_bytes(const std::byte* in, std::byte* out, std::int64_t step, std::int64_t n) noexcept {
  for (int k = 0; k < N; ++k, ++in, out += step) {
    std::int64_t i = 0;
    for (; i + 8 <= n; i += 8) store_as(out + i, 0, eight_bytes([&](int b) { return in + i * N + b * N; }));
    for (; i < n; ++i) out[i] = in[i * N];
  }
}

/// Copies elements to another order of dimensions.
class TransposeStep : public Step {
 public:
  TransposeStep(const PrepareContext& c, std::vector<std::int64_t> perm)
      : bytes_(&byte_kernels(c.kernels().isa)), perm_(std::move(perm)), element_(element_bytes(c, c.input(0))) {}

  std::size_t plan(const PlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    empty_ = in.elements() == 0;
    rank_ = 0;
    for (std::int64_t d : perm_) {  // outermost first; dimensions that stay adjacent are merged
      const int at = static_cast<int>(d);
      if (in[at] == 1) continue;
      const Dim dim{in[at], empty_ ? 0 : in.product(at + 1, in.rank()), 0};
      if (rank_ > 0 && last().from == dim.from * dim.size)
        last() = {last().size * dim.size, dim.from, 0};
      else
        dims_[static_cast<std::size_t>(rank_++)] = dim;
    }
    if (is_view()) return 0;
    std::int64_t stride = 1;
    for (int d = rank_ - 1; d >= 0; --d) {
      Dim& dim = dims_[static_cast<std::size_t>(d)];
      dim.to = stride;
      stride *= dim.size;
    }
    const auto end = dims_.begin() + rank_;
    inner_ = *(end - 1);
    const auto dense = std::find_if(dims_.begin(), end, [](const Dim& d) { return d.from == 1; });
    source_ = *dense;
    outer_count_ = 1;
    outer_rank_ = 0;
    for (auto d = dims_.begin(); d != end - 1; ++d)
      if (d != dense) {
        outer_[static_cast<std::size_t>(outer_rank_++)] = *d;
        outer_count_ *= d->size;
      }
    return 0;
  }

  bool is_view() const noexcept override { return empty_ || rank_ == 0 || (rank_ == 1 && dims_[0].from == 1); }

  void run(const RunContext& c) noexcept override {
    if (inner_.from == 1) return copy_runs(c);
    if ((element_ == 1 || element_ == 4) && inner_.size <= 4 && source_.to == inner_.size)
      return few(c, source_.size, [&](const Place& p, std::int64_t from, std::int64_t n) {
        bytes_->merge_planes(c.input(0) + (p.from + from) * element_, inner_.from * element_,
                             c.output() + (p.to + from * inner_.size) * element_, n, inner_.size, element_);
      });
    if ((element_ == 1 || element_ == 4) && source_.size == 2 && inner_.from == 2)
      return few(c, inner_.size, [&](const Place& p, std::int64_t from, std::int64_t n) {
        for (std::int64_t k = 0; k < 2; ++k)
          bytes_->every_second(c.input(0) + (p.from + from * 2 + k) * element_,
                               c.output() + (p.to + from + k * source_.to) * element_, n, element_);
      });
    if (element_ == 1 && source_.size <= 4 && inner_.from == source_.size) {
      const auto split = source_.size == 3 ? split_bytes<3> : split_bytes<4>;
      return few(c, inner_.size, [&](const Place& p, std::int64_t from, std::int64_t n) {
        split(c.input(0) + p.from + from * source_.size, c.output() + p.to + from, source_.to, n);
      });
    }
    if (element_ == 1 || element_ == 4) return transpose_by_kernel(c);
    element_ == 2 ? transpose<std::uint16_t>(c) : transpose<std::uint64_t>(c);
  }

 private:
  struct Dim {
    std::int64_t size = 1, from = 0, to = 0;  // steps in elements
  };
  struct Place {
    std::int64_t from = 0, to = 0;
  };
  Dim& last() noexcept { return dims_[static_cast<std::size_t>(rank_ - 1)]; }

  Place outer_place(std::int64_t i) const noexcept {
    Place p;
    for (int d = outer_rank_ - 1; d >= 0; --d) {
      const Dim& dim = outer_[static_cast<std::size_t>(d)];
      p.from += i % dim.size * dim.from;
      p.to += i % dim.size * dim.to;
      i /= dim.size;
    }
    return p;
  }

  /// For a permutation that keeps the innermost dimension.
  void copy_runs(const RunContext& c) const noexcept {
    const std::int64_t tasks = std::min<std::int64_t>(outer_count_, 4 * c.pool->size());
    c.pool->parallel(tasks, [&](std::int64_t t, int) {
      for (std::int64_t i = outer_count_ * t / tasks; i < outer_count_ * (t + 1) / tasks; ++i) {
        const Place p = outer_place(i);
        copy_bytes(c.output() + p.to * element_, c.input(0) + p.from * element_, inner_.size * element_);
      }
    });
  }

  /// Calls f(plane, first element, number of elements) for parts of all planes, of `size` elements in the longer of
  /// their two dimensions.
  template <class F>
  void few(const RunContext& c, std::int64_t size, F f) const noexcept {
    constexpr std::int64_t part = 4096;
    const std::int64_t parts = (size + part - 1) / part, group = std::max<std::int64_t>(1, part / size);
    c.pool->parallel((outer_count_ + group - 1) / group * parts, [&](std::int64_t task, int) {
      const std::int64_t first = task / parts * group, from = task % parts * part;
      for (std::int64_t plane = first; plane < std::min(outer_count_, first + group); ++plane)
        f(outer_place(plane), from, std::min(part, size - from));
    });
  }

  /// Transposes planes of the innermost dimensions of input and output, in tiles of full cache lines.
  void transpose_by_kernel(const RunContext& c) const noexcept {
    constexpr std::int64_t width = 64, height = 128;
    const std::int64_t across = (source_.size + width - 1) / width, down = (inner_.size + height - 1) / height;
    c.pool->parallel(outer_count_ * across * down, [&](std::int64_t task, int) {
      const Place plane = outer_place(task / down / across);
      const std::int64_t column = task / down % across * width, row = task % down * height;
      bytes_->transpose({c.input(0) + (plane.from + column + row * inner_.from) * element_,
                         c.output() + (plane.to + row + column * source_.to) * element_, inner_.from * element_,
                         source_.to * element_, std::min(height, inner_.size - row),
                         std::min(width, source_.size - column), element_});
    });
  }

  /// The same for other elements, in square tiles that stay in the cache.
  template <class T>
  void transpose(const RunContext& c) const noexcept {
    constexpr std::int64_t tile = 32, strip = 512, size = sizeof(T);
    const std::int64_t tiles = (source_.size + tile - 1) / tile, strips = (inner_.size + strip - 1) / strip;
    c.pool->parallel(outer_count_ * tiles * strips, [&](std::int64_t task, int) {
      const Place plane = outer_place(task / strips / tiles);
      const std::int64_t first = task / strips % tiles * tile, end = std::min(source_.size, first + tile);
      const std::int64_t until = std::min(inner_.size, (task % strips + 1) * strip);
      const std::int64_t from_step = inner_.from, to_step = source_.to;
      for (std::int64_t column = task % strips * strip; column < until; column += tile) {
        const std::int64_t n = std::min(until - column, tile);
        for (std::int64_t s = first; s < end; ++s) {
          const std::byte* from = c.input(0) + (plane.from + s + column * from_step) * size;
          std::byte* to = c.output() + (plane.to + s * to_step + column) * size;
          for (std::int64_t i = 0; i < n; ++i) store_as(to, i, load_as<T>(from, i * from_step));
        }
      }
    });
  }

  const ByteKernels* bytes_;
  std::vector<std::int64_t> perm_;
  std::int64_t element_;
  bool empty_ = false;
  std::array<Dim, Shape::max_rank> dims_{},
      outer_{};  // merged dimensions of the output; those other than the two of a plane
  int rank_ = 0, outer_rank_ = 0;
  std::int64_t outer_count_ = 1;
  Dim inner_, source_;  // innermost in the output, and in the input
};

}  // namespace detail

OCTET_API std::vector<std::int64_t> Transpose::order(int rank) const {
  return perm.empty() ? detail::every(rank - 1, -1, rank) : perm;
}

OCTET_API bool Transpose::by_image(const ShapeContext& c) const { return c.rank(0) > 0 && order(c.rank(0))[0] == 0; }

OCTET_API std::vector<Shape> Transpose::shapes(const ShapeContext& c) const {
  const Shape& in = c.shape(0);
  std::array<bool, Shape::max_rank> used{};
  bool fits = perm.empty() || static_cast<int>(perm.size()) == in.rank();
  for (std::int64_t d : perm) {
    fits = fits && d >= 0 && d < in.rank() && !used[static_cast<std::size_t>(d)];
    if (fits) used[static_cast<std::size_t>(d)] = true;
  }
  c.require(fits, "perm is not a permutation of the ", in.rank(), " dimensions of ", in);
  Shape out;
  for (std::int64_t d : order(in.rank())) out.push_back(in[static_cast<int>(d)]);
  return {out};
}

OCTET_API std::unique_ptr<Step> Transpose::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::TransposeStep>(c, order(c.input(0).shape.rank()));
}

OCTET_API std::unique_ptr<GradientStep> Transpose::prepare_gradient(const PrepareContext& c) const {
  const std::vector<std::int64_t> forth = order(c.input(0).shape.rank());
  std::vector<std::int64_t> back(forth.size());
  for (std::size_t i = 0; i < forth.size(); ++i)
    back[static_cast<std::size_t>(forth[i])] = static_cast<std::int64_t>(i);
  return detail::make_step<detail::MovedBack>(prepare(c), detail::make_step<detail::TransposeStep>(c, back));
}

OCTET_API IntegerForm Transpose::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::as_input;
  f.int16 = true;
  return f;
}

OCTET_END
