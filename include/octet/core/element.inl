#pragma once
#include "element.hpp"

OCTET_BEGIN
namespace detail {

OCTET_API double load_element(DType t, const std::byte* p, std::int64_t i) {
  switch (t) {
    case DType::f32: return load_as<float>(p, i);
    case DType::f64: return load_as<double>(p, i);
    case DType::f16: return static_cast<float>(load_as<fp16>(p, i));
    case DType::bf16: return static_cast<float>(load_as<bf16>(p, i));
    case DType::i8: return load_as<std::int8_t>(p, i);
    case DType::u8: return load_as<std::uint8_t>(p, i);
    case DType::i16: return load_as<std::int16_t>(p, i);
    case DType::u16: return load_as<std::uint16_t>(p, i);
    case DType::i32: return load_as<std::int32_t>(p, i);
    case DType::u32: return load_as<std::uint32_t>(p, i);
    case DType::i64: return static_cast<double>(load_as<std::int64_t>(p, i));
    case DType::u64: return static_cast<double>(load_as<std::uint64_t>(p, i));
    case DType::boolean: return load_as<std::uint8_t>(p, i) != 0;
    case DType::i4:
    case DType::i2: return static_cast<double>(sign_extend(load_bits(p, i, bits(t)), bits(t)));
    case DType::u4:
    case DType::u2: return load_bits(p, i, bits(t));
    case DType::f8e4m3fn: return SmallFloat<4, 3, Top::nan_only>::decode(load_as<std::uint8_t>(p, i));
    case DType::f8e5m2: return SmallFloat<5, 2>::decode(load_as<std::uint8_t>(p, i));
    case DType::f4e2m1: return SmallFloat<2, 1, Top::finite>::decode(load_bits(p, i, 4));
    case DType::none: break;
  }
  fail("cannot read a tensor without an element type");
}

OCTET_API void store_element(DType t, std::byte* p, std::int64_t i, double x) {
  const auto small = static_cast<float>(x);
  switch (t) {
    case DType::f32: return store_as(p, i, small);
    case DType::f64: return store_as(p, i, x);
    case DType::f16: return store_as(p, i, fp16(small));
    case DType::bf16: return store_as(p, i, bf16(small));
    case DType::i8: return store_as(p, i, saturate_to<std::int8_t>(x));
    case DType::u8: return store_as(p, i, saturate_to<std::uint8_t>(x));
    case DType::i16: return store_as(p, i, saturate_to<std::int16_t>(x));
    case DType::u16: return store_as(p, i, saturate_to<std::uint16_t>(x));
    case DType::i32: return store_as(p, i, saturate_to<std::int32_t>(x));
    case DType::u32: return store_as(p, i, saturate_to<std::uint32_t>(x));
    case DType::i64: return store_as(p, i, saturate_to<std::int64_t>(x));
    case DType::u64: return store_as(p, i, saturate_to<std::uint64_t>(x));
    case DType::boolean: return store_as(p, i, static_cast<std::uint8_t>(x != 0));
    case DType::i4:
    case DType::i2:
    case DType::u4:
    case DType::u2: {
      const IntegerRange r = integer_range(t);
      const double low = static_cast<double>(r.low), high = static_cast<double>(r.high);
      const auto q = static_cast<std::int64_t>(x == x ? std::min(std::max(x, low), high) : 0);
      return store_bits(p, i, bits(t), static_cast<std::uint32_t>(q));
    }
    case DType::f8e4m3fn:
      return store_as(p, i, static_cast<std::uint8_t>(SmallFloat<4, 3, Top::nan_only>::encode(small, true)));
    case DType::f8e5m2: return store_as(p, i, static_cast<std::uint8_t>(SmallFloat<5, 2>::encode(small, true)));
    case DType::f4e2m1: return store_bits(p, i, 4, SmallFloat<2, 1, Top::finite>::encode(small, true));
    case DType::none: break;
  }
  fail("cannot write a tensor without an element type");
}

}  // namespace detail
OCTET_END
