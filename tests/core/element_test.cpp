#include <doctest/doctest.h>

#include <limits>
#include <octet/core/element.hpp>

#include "support/buffer.hpp"
#include "support/random.hpp"

using namespace octet;
using detail::load_element;
using detail::saturate_to;
using detail::store_element;

TEST_CASE("elements: every type loads what was stored") {
  testing::Random random(3);
  for (int t = 1; t <= static_cast<int>(last_dtype); ++t) {
    const auto dtype = static_cast<DType>(t);
    CAPTURE(name(dtype));
    const int low = dtype == DType::boolean ? 0
                    : !is_signed(dtype)     ? 0
                    : is_floating(dtype)    ? -4
                    : bits(dtype) == 2      ? -2
                                            : -8;
    const int high = dtype == DType::boolean ? 1
                     : is_floating(dtype)    ? 4
                     : bits(dtype) == 2      ? (is_signed(dtype) ? 1 : 3)
                                             : 7;
    for (const std::int64_t n : {1, 2, 3, 7, 8, 9}) {
      testing::Exact<std::uint8_t> memory(static_cast<std::int64_t>(bytes(dtype, n)), 1);
      std::memset(memory.bytes(), 0x5A, bytes(dtype, n));
      std::vector<double> values;
      for (std::int64_t i = 0; i < n; ++i) values.push_back(static_cast<double>(random.between(low, high)));
      // In any order: packed neighbours must not disturb each other.
      for (std::int64_t i = n; i-- > 0;) store_element(dtype, memory.bytes(), i, values[static_cast<std::size_t>(i)]);
      for (std::int64_t i = 0; i < n; ++i)
        CHECK(load_element(dtype, memory.bytes(), i) == values[static_cast<std::size_t>(i)]);
    }
  }
}

TEST_CASE("elements: packed types start in the low bits") {
  std::byte b[2] = {};
  store_element(DType::u4, b, 0, 5);
  store_element(DType::u4, b, 1, 12);
  CHECK(b[0] == std::byte{0xC5});
  store_element(DType::i4, b, 2, -1);
  CHECK(b[1] == std::byte{0x0F});
  store_element(DType::i2, b, 3, -2);
  CHECK((std::to_integer<int>(b[0]) >> 6) == 2);
  CHECK(load_element(DType::i2, b, 3) == -2);
  CHECK(load_element(DType::u2, b, 3) == 2);
  CHECK(bytes(DType::i4, 3) == 2);
  CHECK(bytes(DType::u2, 5) == 2);
}

TEST_CASE("elements: integers truncate toward zero and saturate, NaN becomes 0") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const auto through = [](DType t, double x) {
    std::byte b[8] = {};
    store_element(t, b, 0, x);
    return load_element(t, b, 0);
  };
  CHECK(through(DType::i8, 3.99) == 3);
  CHECK(through(DType::i8, -3.99) == -3);
  for (DType t : {DType::i8, DType::u8, DType::i16, DType::u16, DType::i32, DType::u32, DType::i4, DType::u4, DType::i2,
                  DType::u2}) {
    CAPTURE(name(t));
    const IntegerRange r = integer_range(t);
    CHECK(through(t, 1e30) == static_cast<double>(r.high));
    CHECK(through(t, inf) == static_cast<double>(r.high));
    CHECK(through(t, -1e30) == static_cast<double>(r.low));
    CHECK(through(t, -inf) == static_cast<double>(r.low));
    CHECK(through(t, static_cast<double>(r.high) + 1) == static_cast<double>(r.high));
    CHECK(through(t, nan) == 0);
  }
  CHECK(saturate_to<std::int64_t>(1e19) == std::numeric_limits<std::int64_t>::max());
  CHECK(saturate_to<std::int64_t>(-1e19) == std::numeric_limits<std::int64_t>::min());
  CHECK(saturate_to<std::int64_t>(9223372036854775808.0) == std::numeric_limits<std::int64_t>::max());
  CHECK(saturate_to<std::int64_t>(9223372036854774784.0) == 9223372036854774784);
  CHECK(saturate_to<std::uint64_t>(1e20) == std::numeric_limits<std::uint64_t>::max());
  CHECK(saturate_to<std::uint64_t>(-1) == 0);
  CHECK(through(DType::boolean, 0.5) == 1);
  CHECK(through(DType::f16, 1e9) == inf);
  CHECK(through(DType::f8e4m3fn, 1e9) == 448);
  CHECK_THROWS_AS(through(DType::none, 1), Error);
}

TEST_CASE("elements: whole tensors as integers") {
  Tensor<std::int64_t> big({2}, {std::int64_t{9007199254740993}, -1});  // not a double
  CHECK(detail::to_integers(AnyTensor(std::move(big))) == std::vector<std::int64_t>{9007199254740993, -1});
  CHECK(detail::to_integers(AnyTensor(Tensor<std::int32_t>({2}, {7, -7}))) == std::vector<std::int64_t>{7, -7});
}
