#pragma once
#include "schema.hpp"

/// Sparse constants of TFLite files (schema: SparsityParameters), as pruned models have them.
OCTET_BEGIN
namespace detail::tflite {

/// Numbers of a union: a table with a list of int32, uint16 or uint8.
class SparseNumbers {
 public:
  SparseNumbers(const FlatTable& metadata, int type_field) {
    const FlatTable t = metadata.table(type_field + 1);
    switch (metadata.scalar<std::uint8_t>(type_field)) {
      case 1: i32_ = t.list<std::int32_t>(0); break;
      case 2: u16_ = t.list<std::uint16_t>(0); break;
      case 3: u8_ = t.list<std::uint8_t>(0); break;
      default: fail<FormatError>("a sparse dimension without segments or indices is not supported");
    }
  }
  std::size_t size() const noexcept { return i32_.size() + u16_.size() + u8_.size(); }
  std::int64_t operator[](std::size_t i) const noexcept {
    return !i32_.empty() ? i32_[i] : !u16_.empty() ? std::int64_t{u16_[i]} : std::int64_t{u8_[i]};
  }

 private:
  FlatList<std::int32_t> i32_;
  FlatList<std::uint16_t> u16_;
  FlatList<std::uint8_t> u8_;
};

/// Writes the elements of a sparse tensor to their places in a dense one, which is zero elsewhere. Dimensions are
/// traversed in an order of their own; the last ones may divide others into blocks. (The size of a dimension with
/// indices is not stored.)
class SparseExpansion {
 public:
  SparseExpansion(const FlatTable& sparsity, const Shape& shape, std::int64_t element)
      : shape_(shape), element_(element) {
    const FlatList<std::int32_t> order = sparsity.list<std::int32_t>(0), blocks = sparsity.list<std::int32_t>(1);
    const FlatTables dims = sparsity.tables(2);
    const auto rank = static_cast<std::size_t>(shape.rank());
    require<FormatError>(order.size() == rank + blocks.size() && dims.size() == order.size() && blocks.size() <= rank,
                         "expected a traversal order of ", rank + blocks.size(), " dimensions, found ", order.size(),
                         " and metadata of ", dims.size());
    std::vector<bool> seen(order.size(), false);
    std::vector<std::int64_t> block_size(rank, 1);
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto d = static_cast<std::size_t>(order[i]);
      require<FormatError>(order[i] >= 0 && d < order.size() && !seen[d], "its traversal order is not a permutation");
      seen[d] = true;
      dims_.push_back({dims[i], d});
      if (d < rank) continue;
      const std::int64_t divided = blocks[d - rank];
      require<FormatError>(divided >= 0 && divided < shape.rank(), "block ", d - rank, " divides dimension ", divided);
      dims_.back().divides = static_cast<std::size_t>(divided);
      block_size[static_cast<std::size_t>(divided)] = dims_.back().size;
    }
    for (Dim& d : dims_) {
      const std::size_t target = d.index < rank ? d.index : d.divides;
      if (d.indices && d.size == 0)
        d.size = shape[static_cast<int>(target)] / std::max<std::int64_t>(block_size[target], 1);
      d.stride = shape.product(static_cast<int>(target) + 1, shape.rank()) * (d.index < rank ? block_size[target] : 1);
      const std::int64_t whole = d.index < rank ? d.size * block_size[target] : d.size;
      require<FormatError>(whole > 0 && (d.index < rank ? whole == shape[static_cast<int>(target)]
                                                        : whole <= shape[static_cast<int>(target)]),
                           "its sparse dimension ", d.index, " has the size ", d.size, ", which does not fit ", shape);
    }
  }

  /// Returns false if there are not exactly `count` elements.
  bool run(const std::byte* from, std::int64_t count, std::byte* to) {
    from_ = from;
    count_ = count;
    to_ = to;
    used_ = 0;
    return expand(0, 0, 0) && used_ == count;
  }

 private:
  struct Dim {
    std::size_t index, divides = 0;
    std::int64_t size, stride = 0;  // stride: in elements of the dense tensor
    std::optional<SparseNumbers> segments, indices;
    Dim(const FlatTable& t, std::size_t i) : index(i), size(t.scalar<std::int32_t>(1)) {
      if (t.scalar<std::int8_t>(0) == 0) return;
      segments.emplace(t, 2);
      indices.emplace(t, 4);
    }
  };

  /// `row`: the position among the elements of the dimensions before; `offset`: in the dense tensor.
  bool expand(std::size_t level, std::int64_t row, std::int64_t offset) {
    if (level == dims_.size()) {
      if (row < 0 || row >= count_ || offset >= shape_.elements()) return false;
      std::memcpy(to_ + offset * element_, from_ + row * element_, static_cast<std::size_t>(element_));
      ++used_;
      return true;
    }
    const Dim& d = dims_[level];
    if (!d.indices) {
      for (std::int64_t i = 0; i < d.size; ++i)
        if (!expand(level + 1, row * d.size + i, offset + i * d.stride)) return false;
      return true;
    }
    if (row < 0 || static_cast<std::size_t>(row) + 1 >= d.segments->size()) return false;
    const std::int64_t begin = (*d.segments)[static_cast<std::size_t>(row)],
                       end = (*d.segments)[static_cast<std::size_t>(row) + 1];
    if (begin < 0 || end < begin || static_cast<std::size_t>(end) > d.indices->size()) return false;
    std::int64_t last = -1;
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t at = (*d.indices)[static_cast<std::size_t>(i)];
      if (std::exchange(last, at) >= at || at >= d.size || !expand(level + 1, i, offset + at * d.stride)) return false;
    }
    return true;
  }

  Shape shape_;
  std::int64_t element_, count_ = 0, used_ = 0;
  std::vector<Dim> dims_;
  const std::byte* from_ = nullptr;
  std::byte* to_ = nullptr;
};

}  // namespace detail::tflite
OCTET_END
