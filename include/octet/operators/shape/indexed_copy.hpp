#pragma once
#include <functional>

#include "../../core/element.hpp"
#include "../../graph/require_memory.hpp"
#include "../implement.hpp"

OCTET_BEGIN
namespace detail {

/// Size of an element in bytes, for operators that move elements. Throws Error for elements below 8 bits.
inline std::int64_t element_bytes(const PrepareContext& c, const Value& v) {
  c.require(bits(v.dtype) >= 8, "elements of ", name(v.dtype), " are smaller than a byte, which is not supported");
  return bits(v.dtype) / 8;
}

/// memcpy without a function call for the sizes of single elements and of a few vectors.
inline void copy_bytes(std::byte* to, const std::byte* from, std::int64_t n) noexcept {
  switch (n) {
    case 1: *to = *from; return;
    case 2: std::memcpy(to, from, 2); return;
    case 4: std::memcpy(to, from, 4); return;
    case 8: std::memcpy(to, from, 8); return;
    default: break;
  }
  if (n < 16 || n > 256) return void(std::memcpy(to, from, static_cast<std::size_t>(n)));
  for (std::int64_t i = 0; i + 16 < n; i += 16) std::memcpy(to + i, from + i, 16);
  std::memcpy(to + n - 16, from + n - 16, 16);  // may overlap the one before
}

/// Eight bytes as one number, which is stored faster than each of them. at(i): the address of byte i. (The first byte
/// in memory is the lowest.)
template <class At>
std::uint64_t eight_bytes(At at) noexcept {
  const auto byte = [&](int i) { return std::to_integer<std::uint64_t>(*at(i)) << 8 * i; };
  return byte(0) | byte(1) | byte(2) | byte(3) | byte(4) | byte(5) | byte(6) | byte(7);
}

/// A fill value.
struct Fill {
  std::array<std::byte, 8> element{};
  void operator()(std::byte* to, std::int64_t element_size, std::int64_t n) const noexcept {
    if (element_size == 1) {
      std::memset(to, std::to_integer<int>(element[0]), static_cast<std::size_t>(n));
      return;
    }
    for (std::int64_t i = 0; i < n; ++i) copy_bytes(to + i * element_size, element.data(), element_size);
  }
};

/// For each dimension of the output: the input index for each position; -1 for the fill value.
using Indices = std::vector<std::vector<std::int64_t>>;

/// Copies elements by tables of indices. Used for slices, padding, repetition and nearest-neighbor resizing.
class IndexedCopy {
 public:
  IndexedCopy() = default;
  /// If there are more tables than dimensions of the input, the input gets leading dimensions of size 1.
  IndexedCopy(Shape in, Indices indices, std::int64_t element) : element_(element), block_(element) {
    while (in.rank() < static_cast<int>(indices.size())) in.insert(0, 1);
    int last = in.rank() - 1;  // dimensions after it do not change and are copied as blocks
    for (; last >= 0 && identity(indices[static_cast<std::size_t>(last)], in[last]); --last) block_ *= in[last];
    whole_ = last < 0;
    if (whole_) {
      runs_.push_back({0, 0, 1});
      return;
    }
    add_runs(indices[static_cast<std::size_t>(last)]);
    std::int64_t stride = block_ * in[last];
    for (int d = last - 1; d >= 0; --d) {
      std::vector<std::int64_t> offsets = std::move(indices[static_cast<std::size_t>(d)]);
      for (std::int64_t& i : offsets) {
        holes_ = holes_ || i < 0;
        i = i < 0 ? i : i * stride;
      }
      rows_ *= static_cast<std::int64_t>(offsets.size());
      outer_.push_back(std::move(offsets));
      stride *= in[d];
    }
  }

  /// Whether the output equals the input.
  bool whole() const noexcept { return whole_; }

  void run(const std::byte* in, std::byte* out, const Fill& fill, ThreadPool& pool) const noexcept {
    if (row_ * block_ == 0) return;
    const std::int64_t tasks = std::min<std::int64_t>(rows_, 4 * pool.size());
    pool.parallel(tasks,
                  [&](std::int64_t t, int) { some_rows(in, out, rows_ * t / tasks, rows_ * (t + 1) / tasks, fill); });
  }

 private:
  struct Run {
    std::int64_t to, from, count;  // in blocks; from is -1 for the fill value
  };

  static bool identity(const std::vector<std::int64_t>& indices, std::int64_t size) {
    bool same = static_cast<std::int64_t>(indices.size()) == size;
    for (std::size_t i = 0; same && i < indices.size(); ++i) same = indices[i] == static_cast<std::int64_t>(i);
    return same;
  }

  void add_runs(const std::vector<std::int64_t>& indices) {
    row_ = static_cast<std::int64_t>(indices.size());
    for (std::int64_t i = 0; i < row_; ++i) {
      const std::int64_t from = indices[static_cast<std::size_t>(i)];
      if (!runs_.empty()) {
        Run& r = runs_.back();
        if (r.from < 0 ? from < 0 : from == r.from + r.count) {
          ++r.count;
          continue;
        }
      }
      runs_.push_back({i, from, 1});
    }
  }

  /// Rows [first, last) of the output, as many at a time as differ only in the innermost of the outer dimensions.
  void some_rows(const std::byte* in, std::byte* out, std::int64_t first, std::int64_t last,
                 const Fill& fill) const noexcept {
    const std::int64_t none = 0;
    const auto size = [&](std::size_t d) { return static_cast<std::int64_t>(outer_[d].size()); };
    const std::int64_t *offsets = outer_.empty() ? &none : outer_[0].data(), n = outer_.empty() ? 1 : size(0);
    for (std::int64_t row = first, count; row < last; row += count) {
      count = std::min(n - row % n, last - row);
      const std::byte* from = in;
      std::int64_t rest = row / n;
      for (std::size_t d = 1; from && d < outer_.size(); rest /= size(d), ++d) {
        const std::int64_t offset = outer_[d][static_cast<std::size_t>(rest % size(d))];
        from = offset < 0 ? nullptr : from + offset;
      }
      std::byte* to = out + row * row_ * block_;
      if (from)
        copy_rows(from, to, offsets + row % n, count, fill);
      else
        fill(to, element_, count * row_ * block_ / element_);
    }
  }

  /// Rows at these offsets.
  void copy_rows(const std::byte* in, std::byte* out, const std::int64_t* offsets, std::int64_t count,
                 const Fill& fill) const noexcept {
    if (runs_.size() == 1 && runs_[0].from >= 0 && !holes_) {
      const std::byte* from = in + runs_[0].from * block_;
      switch (row_ * block_) {
        case 1: return copy_numbers<std::uint8_t>(from, out, offsets, count);
        case 2: return copy_numbers<std::uint16_t>(from, out, offsets, count);
        case 4: return copy_numbers<std::uint32_t>(from, out, offsets, count);
        case 8: return copy_numbers<std::uint64_t>(from, out, offsets, count);
        default: break;
      }
    }
    for (std::int64_t i = 0; i < count; ++i, out += row_ * block_)
      if (offsets[i] < 0)
        fill(out, element_, row_ * block_ / element_);
      else
        one_row(in + offsets[i], out, fill);
  }
  template <class T>
  static void copy_numbers(const std::byte* in, std::byte* out, const std::int64_t* offsets,
                           std::int64_t count) noexcept {
    for (std::int64_t i = 0; i < count; ++i) store_as(out, i, load_as<T>(in + offsets[i], 0));
  }

  void one_row(const std::byte* in, std::byte* out, const Fill& fill) const noexcept {
    for (const Run& r : runs_) {
      if (r.from < 0)
        fill(out + r.to * block_, element_, r.count * block_ / element_);
      else
        copy_bytes(out + r.to * block_, in + r.from * block_, r.count * block_);
    }
  }

  std::int64_t element_ = 1, block_ = 1, row_ = 1, rows_ = 1;  // a row is row_ blocks of the output
  bool whole_ = false, holes_ = false;                         // whether outer dimensions have places that are filled
  std::vector<Run> runs_;                                      // of a row
  std::vector<std::vector<std::int64_t>> outer_;               // byte offsets in the input, innermost dimension first
};

/// A step whose outputs are copies of parts of input 0. `indices(in, out, output)` is called when shapes are known.
class IndexedStep : public Step {
 public:
  using Rule = std::function<Indices(const Shape& in, const Shape& out, std::size_t output)>;
  IndexedStep(const PrepareContext& c, Rule rule, const Fill& fill = {})
      : name_(c.name()), element_(element_bytes(c, c.input(0))), rule_(std::move(rule)), fill_(fill) {}

  std::size_t plan(const PlanContext& c) override {
    copies_.clear();
    for (const TensorRef& out : c.outputs) {
      std::int64_t places = 0;
      for (std::int64_t d : out.shape) places += d;
      require_tables(name_, places, sizeof(std::int64_t));
    }
    for (std::size_t i = 0; i < c.outputs.size(); ++i)
      copies_.emplace_back(c.inputs[0].shape, rule_(c.inputs[0].shape, c.outputs[i].shape, i), element_);
    return 0;
  }
  bool is_view() const noexcept override { return copies_.size() == 1 && copies_[0].whole(); }
  void run(const RunContext& c) noexcept override {
    for (std::size_t i = 0; i < copies_.size(); ++i) copies_[i].run(c.input(0), c.output(i), fill_, *c.pool);
  }

 private:
  std::string name_;
  std::int64_t element_;
  Rule rule_;
  Fill fill_;
  std::vector<IndexedCopy> copies_;
};

/// The gradient of a step that copies each element at most once: gradients are copied back. `indices(in, out)`: the
/// indices of the step.
template <class Rule>
std::unique_ptr<GradientStep> indexed_gradient(const PrepareContext& c, std::unique_ptr<Step> forward, Rule indices) {
  auto back = make_step<IndexedStep>(c, [indices](const Shape& out, const Shape& in, std::size_t) {
    Indices places;
    const Indices from = indices(in, out);
    for (int d = 0; d < in.rank(); ++d) {
      const auto& list = from[static_cast<std::size_t>(d)];
      places.emplace_back(in[d], -1);
      for (std::size_t i = 0; i < list.size(); ++i)
        if (list[i] >= 0) places.back()[static_cast<std::size_t>(list[i])] = static_cast<std::int64_t>(i);
    }
    return places;
  });
  return make_step<MovedBack>(std::move(forward), std::move(back));
}

/// from, from + step, ...
inline std::vector<std::int64_t> every(std::int64_t from, std::int64_t step, std::int64_t count) {
  std::vector<std::int64_t> r;
  r.reserve(static_cast<std::size_t>(std::max<std::int64_t>(0, count)));
  for (std::int64_t i = 0; i < count; ++i) r.push_back(from + i * step);
  return r;
}

}  // namespace detail
OCTET_END
