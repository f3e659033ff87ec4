#pragma once
#include "../../core/with_place.hpp"
#include "../../files/map_file.hpp"
#include "../../graph/graph.hpp"
#include "schema.hpp"
#include "sparse.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// Throws if a tensor has too many elements, not counting unknown sizes, so that arithmetic on sizes cannot overflow.
inline void require_countable(const Shape& s) {
  Shape known;
  for (std::int64_t d : s) known.push_back(std::max<std::int64_t>(d, 1));
  known.elements();
}

/// Reads the tensors of a model from the file.
class TensorReader {
 public:
  TensorReader(const SharedBytes& file, const FlatTables& tensors, const FlatTables& buffers)
      : file_(file), tensors_(tensors), buffers_(buffers), budget_(16 * file.size + (std::size_t{1} << 20)) {}

  std::size_t size() const noexcept { return tensors_.size(); }
  std::int64_t checked(std::int64_t index) const {
    require<FormatError>(index >= 0 && static_cast<std::size_t>(index) < size(), "tensor ", index, " is outside the ",
                         size(), " tensors of the model");
    return index;
  }

  std::string name(std::int64_t i) {
    const std::string_view given = tensors_[static_cast<std::size_t>(checked(i))].text(tensor_field::name);
    spend(given.size());
    return given.empty() ? "tensor" + std::to_string(i) : std::string(given);
  }

  /// Tensor i. It is constant if the file has its elements.
  Value read(std::int64_t i) {
    const FlatTable t = tensors_[static_cast<std::size_t>(checked(i))];
    Value v;
    v.name = name(i);
    located(v.name, [&] {
      v.dtype = element_type(t.scalar<std::int8_t>(tensor_field::type));
      require<FormatError>(!t.scalar<std::uint8_t>(tensor_field::is_variable), "is a variable, which is not supported");
      read_shape(t, v);
      if (!is_floating(v.dtype)) read_quantization(t.table(tensor_field::quantization), v);
      read_constant(t, v);
    });
    return v;
  }

  /// Subtracts n bytes for copies from the budget, so that a small file cannot use unlimited memory.
  void spend(std::size_t n) {
    require<FormatError>(n <= budget_, "needs more memory for copies than is allowed for a file of this size");
    budget_ -= n;
  }

 private:
  template <class F>
  void located(const std::string& tensor, F f) const {
    with_place([&](const std::string& text) { return "tensor '" + tensor + "': " + text; }, f);
  }

  void read_shape(const FlatTable& t, Value& v) const {
    const FlatList<std::int32_t> sizes = t.list<std::int32_t>(tensor_field::shape);
    const FlatList<std::int32_t> signature = t.list<std::int32_t>(tensor_field::shape_signature);
    for (std::size_t d = 0; d < sizes.size(); ++d) {
      const bool unknown = signature.size() == sizes.size() && signature[d] == -1;
      require<FormatError>(sizes[d] >= 0 || unknown, "dimension ", d, " has the size ", sizes[d]);
      v.shape.push_back(unknown ? Shape::unknown : sizes[d]);
    }
    require_countable(v.shape);
  }

  void read_quantization(const FlatTable& q, Value& v) {
    const FlatList<float> scales = q.list<float>(quantization_field::scale);
    const FlatList<std::int64_t> zeros = q.list<std::int64_t>(quantization_field::zero_point);
    if (scales.empty()) return;
    require<FormatError>(q.scalar<std::uint8_t>(quantization_field::details_type) == 0,
                         "has custom quantization, which is not supported");
    require<FormatError>(zeros.size() <= 1 || zeros.size() == scales.size(), "expected ", scales.size(),
                         " zero points, as many as scales, found ", zeros.size());
    spend(scales.size() * 8);
    const IntegerRange range = integer_range(is_byte(v.dtype) ? v.dtype : DType::i32);
    for (std::size_t c = 0; c < scales.size(); ++c) {
      const std::int64_t z = zeros.empty() ? 0 : zeros[zeros.size() == 1 ? 0 : c];
      require<FormatError>(z >= range.low && z <= range.high, "zero point ", z, " is out of range for ",
                           octet::name(v.dtype));
      v.quant.scale.push_back(scales[c]);
      v.quant.zero_point.push_back(static_cast<std::int32_t>(z));
    }
    if (scales.size() > 1)
      v.quant.axis = normalize_axis(q.scalar<std::int32_t>(quantization_field::quantized_dimension), v.shape.rank());
  }

  void read_constant(const FlatTable& t, Value& v) {
    const std::uint32_t index = t.scalar<std::uint32_t>(tensor_field::buffer);
    require<FormatError>(index < buffers_.size() || index == 0, "refers to buffer ", index, " of ", buffers_.size());
    const FlatTable buffer = index == 0 ? FlatTable() : buffers_[index];  // the first one is always empty
    const FlatList<std::uint8_t> data = buffer.list<std::uint8_t>(buffer_field::data);
    const std::byte* bytes = data.data();
    std::size_t size = data.size();
    // In files larger than 2 GB, buffers are after the tables.
    const auto offset = buffer.scalar<std::uint64_t>(buffer_field::offset);
    if (size == 0 && offset > 1) {
      const auto outside = buffer.scalar<std::uint64_t>(buffer_field::size);
      require<FormatError>(offset <= file_.size && outside <= file_.size - offset,
                           "its elements are beyond the end of the file");
      bytes = file_.data.get() + offset;
      size = static_cast<std::size_t>(outside);
    }
    if (size == 0 && !(v.shape.known() && v.shape.elements() == 0)) return;
    require<FormatError>(v.shape.known(), "is constant, expected a known shape, found ", v.shape);
    if (const FlatTable sparsity = t.table(tensor_field::sparsity)) return read_sparse(sparsity, v, bytes, size);
    const std::size_t needed = octet::bytes(v.dtype, v.shape.elements());
    require<FormatError>(size == needed, octet::name(v.dtype), " of shape ", v.shape, ": expected ", needed,
                         " bytes, found ", size);
    const auto alignment = static_cast<std::uintptr_t>(std::max(1, bits(v.dtype) / 8));
    if (reinterpret_cast<std::uintptr_t>(bytes) % alignment == 0) {
      v.constant = AnyTensor(v.dtype, v.shape, std::shared_ptr<const std::byte>(file_.data, bytes));
    } else {
      spend(size);
      v.constant = AnyTensor::make(v.dtype, v.shape, [&](std::byte* to) { std::memcpy(to, bytes, size); });
    }
  }

  void read_sparse(const FlatTable& sparsity, Value& v, const std::byte* bytes, std::size_t size) {
    const int element = bits(v.dtype) / 8;
    require<FormatError>(element > 0 && size % static_cast<std::size_t>(element) == 0, "is sparse, and has ", size,
                         " bytes of ", octet::name(v.dtype), ", which is not supported");
    spend(octet::bytes(v.dtype, v.shape.elements()));
    SparseExpansion expansion(sparsity, v.shape, element);
    bool whole = false;
    v.constant = AnyTensor::make(v.dtype, v.shape, [&](std::byte* to) {
      std::memset(to, 0, octet::bytes(v.dtype, v.shape.elements()));
      whole = expansion.run(bytes, static_cast<std::int64_t>(size) / element, to);
    });
    require<FormatError>(whole, "is sparse, and its segments or indices do not fit its elements");
  }

  SharedBytes file_;
  FlatTables tensors_, buffers_;
  std::size_t budget_;
};

}  // namespace detail::tflite
OCTET_END
