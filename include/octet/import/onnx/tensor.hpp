#pragma once
#include "../../core/element.hpp"
#include "external_data.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// The element type for a TensorProto.DataType.
inline DType element_type(std::int64_t data_type) {
  switch (data_type) {
    case 1: return DType::f32;
    case 2: return DType::u8;
    case 3: return DType::i8;
    case 4: return DType::u16;
    case 5: return DType::i16;
    case 6: return DType::i32;
    case 7: return DType::i64;
    case 9: return DType::boolean;
    case 10: return DType::f16;
    case 11: return DType::f64;
    case 12: return DType::u32;
    case 13: return DType::u64;
    case 16: return DType::bf16;
    case 17: return DType::f8e4m3fn;
    case 19: return DType::f8e5m2;
    case 21: return DType::u4;
    case 22: return DType::i4;
    case 23: return DType::f4e2m1;
    case 25: return DType::u2;
    case 26: return DType::i2;
    default: fail<FormatError>("element type ", data_type, data_type == 8 ? " (string)" : "", " is not supported");
  }
}

/// Appends the lowest `count` bytes of x.
inline void append_bytes(std::string& to, std::uint64_t x, int count) {
  for (int i = 0; i < count; ++i) to.push_back(static_cast<char>(x >> (8 * i) & 0xff));
}

/// The bytes of a tensor whose elements are in a typed field (float_data, int32_data, ...).
inline std::string typed_data(std::string_view message, DType dtype) {
  std::string data;
  const int width = std::max(1, bits(dtype) / 8);  // below 8 bits, each number is a byte of packed elements
  const int from = dtype == DType::f32                          ? 4
                   : dtype == DType::i64                        ? 7
                   : dtype == DType::f64                        ? 10
                   : dtype == DType::u64 || dtype == DType::u32 ? 11
                                                                : 5;
  each_field(message, [&](Field& f) {
    if (f.number() != from) return;
    if (from == 4) return f.each<float>([&](float x) { append_bytes(data, bits_of(x), 4); });
    if (from == 10)
      return f.each<double>([&](double x) {
        std::uint64_t b;
        std::memcpy(&b, &x, 8);
        append_bytes(data, b, 8);
      });
    f.each<std::uint64_t>([&](std::uint64_t x) { append_bytes(data, x, width); });
  });
  return data;
}

inline AnyTensor read_tensor(const TensorProto& t, const ExternalData& files) {
  const DType dtype = element_type(t.data_type);
  for (std::int64_t d : t.dims) require<FormatError>(d >= 0, "the shape has a size of ", d);
  const Shape shape(t.dims.begin(), t.dims.end());
  const std::size_t size = bytes(dtype, shape.elements());
  std::string_view raw;
  bool has_raw = false, external = false;
  std::map<std::string_view, std::string_view> entries;
  each_field(t.message, [&](Field& f) {
    if (f.number() == 9) {
      raw = f.bytes();
      has_raw = true;
    }
    if (f.number() == 13) entries.insert(parse_pair<std::string_view>(f.bytes()));
    if (f.number() == 14) external = f.integer() == 1;
  });
  std::string copy;
  if (external) {
    std::shared_ptr<const std::byte> data = files.read(entries, size);
    const auto alignment = static_cast<std::uintptr_t>(std::max(1, bits(dtype) / 8));
    if (size && reinterpret_cast<std::uintptr_t>(data.get()) % alignment == 0) return {dtype, shape, std::move(data)};
    return AnyTensor::make(dtype, shape, [&](std::byte* to) {
      if (size) std::memcpy(to, data.get(), size);
    });
  }
  if (!has_raw) raw = copy = typed_data(t.message, dtype);
  // Checked before allocating memory.
  require<FormatError>(raw.size() == size, name(dtype), " of shape ", shape, ": expected ", size, " bytes, found ",
                       raw.size());
  return AnyTensor::make(dtype, shape, [&](std::byte* to) {
    if (size) std::memcpy(to, raw.data(), size);
  });
}

}  // namespace detail::onnx
OCTET_END
