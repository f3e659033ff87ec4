#include <doctest/doctest.h>

#include <octet/core/packed_codes.hpp>

using namespace octet;
using namespace octet::detail;

TEST_CASE("packed codes: as bytes, in the order of the elements") {
  for (const DType t : {DType::i4, DType::u4, DType::i2, DType::u2}) {
    CAPTURE(name(t));
    for (const std::int64_t n : {0, 1, 2, 7, 8}) {
      const AnyTensor packed = AnyTensor::make(t, {n}, [&](std::byte* to) {
        for (std::int64_t i = 0; i < n; ++i) store_element(t, to, i, static_cast<double>(i * 5 % 16 - 8));
      });
      const AnyTensor whole = whole_bytes(packed);
      REQUIRE(whole.shape() == Shape{n});
      CHECK(whole.dtype() == (is_signed(t) ? DType::i8 : DType::u8));
      for (std::int64_t i = 0; i < n; ++i)
        CHECK(load_element(whole.dtype(), whole.data(), i) == load_element(t, packed.data(), i));
    }
  }
  const AnyTensor floats(Tensor<float>({2}));
  CHECK(whole_bytes(floats).data() == floats.data());
}

TEST_CASE("packed codes: weights of at most 4 bits") {
  const Tensor<int8> codes({5}, {-8, 7, 0, -1, 3});
  CHECK(stored_weights(codes, 8).dtype() == DType::i8);
  CHECK(stored_weights(codes, 5).dtype() == DType::i8);
  for (const int bits : {2, 4}) {
    const AnyTensor packed = stored_weights(codes, bits);
    CHECK(packed.dtype() == DType::i4);
    CHECK(packed.size_bytes() == 3);
    const AnyTensor whole = whole_bytes(packed);
    CHECK(std::equal(codes.begin(), codes.end(), whole.view<int8>().begin()));
  }
}
