#pragma once
#include "../../kernels/bytes.hpp"
#include "gather.hpp"
#include "indexed_copy.hpp"

OCTET_BEGIN
namespace detail {

class GatherStep : public Step {
 public:
  GatherStep(const PrepareContext& c, std::int64_t axis)
      : bytes_(&byte_kernels(c.kernels().isa)), axis_(axis), element_(element_bytes(c, c.input(0))) {}

  std::size_t plan(const PlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    const int axis = normalize_axis(axis_, in.rank());
    outer_ = in.product(0, axis);
    size_ = in[axis];
    block_ = in.product(axis + 1, in.rank()) * element_;
    count_ = c.inputs[octet::Gather::places].shape.elements();
    return static_cast<std::size_t>(count_) * sizeof(std::int64_t);
  }
  void run(const RunContext& c) noexcept override {
    const std::int64_t copies = outer_ * count_, tasks = std::min<std::int64_t>(copies, 4 * c.pool->size());
    if (block_ == 0 || size_ == 0) return;
    auto* offsets = reinterpret_cast<std::int64_t*>(c.scratch);  // in bytes
    for (std::int64_t k = 0; k < count_; ++k) offsets[k] = index(c.inputs[octet::Gather::places], k) * block_;
    if (count_ == 1 && (block_ == 1 || block_ == 4)) return one_place(c, offsets[0]);
    const bool shuffles = (block_ == 1 || block_ == 4) && alternates(offsets, count_);
    c.pool->parallel(tasks, [&](std::int64_t t, int) {
      for (std::int64_t i = copies * t / tasks, end = copies * (t + 1) / tasks; i < end;) {
        const std::int64_t first = i % count_, n = std::min(count_ - first, end - i);
        const std::byte* from = c.input(0) + i / count_ * size_ * block_;
        if (shuffles && n == count_)
          bytes_->merge_planes(from + offsets[0], offsets[1] - offsets[0], c.output() + i * block_, n / 2, 2, block_);
        else
          copy_blocks(c.output() + i * block_, from, offsets + first, n);
        i += n;
      }
    });
  }

 private:
  /// One element of each row.
  void one_place(const RunContext& c, std::int64_t offset) const noexcept {
    const std::int64_t stride = size_ * block_;
    parallel_parts(*c.pool, outer_, 16384, [&](std::int64_t first, std::int64_t n) {
      const std::byte* from = c.input(0) + first * stride + offset;
      std::byte* to = c.output() + first * block_;
      if (size_ == 2)
        bytes_->every_second(from, to, n, block_);
      else if (block_ == 1)
        copy_apart<std::uint8_t>(to, from, stride, n);
      else
        copy_apart<std::uint32_t>(to, from, stride, n);
    });
  }
  template <class T>
  static void copy_apart(std::byte* to, const std::byte* from, std::int64_t stride, std::int64_t n) noexcept {
    for (std::int64_t k = 0; k < n; ++k) store_as(to, k, load_as<T>(from + k * stride, 0));
  }
  void copy_blocks(std::byte* to, const std::byte* from, const std::int64_t* offsets, std::int64_t n) const noexcept {
    switch (block_) {
      case 1: return copy_elements<std::uint8_t>(to, from, offsets, n);
      case 4: return copy_elements<std::uint32_t>(to, from, offsets, n);
      default:
        for (std::int64_t k = 0; k < n; ++k) copy_bytes(to + k * block_, from + offsets[k], block_);
    }
  }
  /// Whether the places alternate between two rows, as in a channel shuffle of two groups.
  bool alternates(const std::int64_t* offsets, std::int64_t n) const noexcept {
    bool r = n >= 8 && n % 2 == 0;
    for (std::int64_t k = 2; r && k < n; ++k) r = offsets[k] == offsets[k - 2] + block_;
    return r;
  }
  template <class T>
  static void copy_elements(std::byte* to, const std::byte* from, const std::int64_t* offsets,
                            std::int64_t n) noexcept {
    std::int64_t k = 0;
    if constexpr (sizeof(T) == 1)
      for (; k + 8 <= n; k += 8) store_as(to + k, 0, eight_bytes([&](int i) { return from + offsets[k + i]; }));
    for (; k < n; ++k) store_as(to, k, load_as<T>(from + offsets[k], 0));
  }

  /// Clamps computed indices, for which no error can be reported at run time.
  std::int64_t index(const TensorRef& indices, std::int64_t i) const noexcept {
    const std::int64_t x =
        indices.dtype == DType::i64 ? load_as<std::int64_t>(indices.data, i) : load_as<std::int32_t>(indices.data, i);
    return std::clamp<std::int64_t>(x < 0 ? x + size_ : x, 0, size_ - 1);
  }

  const ByteKernels* bytes_;
  std::int64_t axis_, element_, outer_ = 1, size_ = 1, block_ = 1, count_ = 1;
};

}  // namespace detail

OCTET_API std::vector<Shape> Gather::shapes(const ShapeContext& c) const {
  const Shape &in = c.shape(0), &indices = c.shape(octet::Gather::places);
  c.require(c.dtype(octet::Gather::places) == DType::i32 || c.dtype(octet::Gather::places) == DType::i64,
            "expected indices of type int32 or int64, found ", name(c.dtype(octet::Gather::places)));
  const int a = normalize_axis(axis, in.rank());
  const std::int64_t size = in[a];
  if (size != Shape::unknown && c.value(octet::Gather::places).is_constant())
    for (std::int64_t i : detail::to_integers(c.value(octet::Gather::places).constant))
      c.require(i >= -size && i < size, "index ", i, " is out of range for dimension ", a, " of ", in);
  c.require(size != 0 || (indices.known() && indices.elements() == 0), "dimension ", a, " of ", in, " is empty");
  Shape out(in.begin(), in.begin() + a);
  for (std::int64_t d : indices) out.push_back(d);
  for (int d = a + 1; d < in.rank(); ++d) out.push_back(in[d]);
  return {out};
}

OCTET_API std::unique_ptr<Step> Gather::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::GatherStep>(c, axis);
}

OCTET_API IntegerForm Gather::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::as_input;
  f.int16 = true;
  return f;
}

OCTET_API std::vector<Shape> Expand::shapes(const ShapeContext& c) const {
  for (std::int64_t d : shape) c.require(d >= 0, "size ", d, " of the shape is negative");
  return {c.broadcast(c.shape(0), Shape(shape.begin(), shape.end()))};
}

OCTET_API std::unique_ptr<Step> Expand::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::IndexedStep>(c, [](const Shape& in, const Shape& out, std::size_t) {
    detail::Indices indices;
    for (int d = 0; d < out.rank(); ++d) {
      const int at = d - (out.rank() - in.rank());
      indices.push_back(detail::every(0, at >= 0 && in[at] == out[d] ? 1 : 0, out[d]));
    }
    return indices;
  });
}

OCTET_API IntegerForm Expand::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::as_input;
  f.int16 = true;
  return f;
}

OCTET_END
