#include <doctest/doctest.h>

#include <octet/core/affine.hpp>
#include <octet/core/integer_format.hpp>

using namespace octet;
using namespace octet::detail;

TEST_CASE("number formats: types of activations and weights") {
  CHECK(is_activation(DType::i8));
  CHECK(is_activation(DType::u8));
  CHECK(is_computed(DType::u8));
  CHECK_FALSE(is_computed(DType::i8));
  CHECK(is_activation(DType::i16));
  CHECK(is_computed(DType::i16));
  CHECK_FALSE(is_weights(DType::i16));
  for (DType t : {DType::none, DType::f32, DType::i32, DType::u16, DType::boolean, DType::i2}) {
    CAPTURE(name(t));
    CHECK_FALSE(is_activation(t));
    CHECK_FALSE(is_computed(t));
    CHECK_FALSE(is_weights(t));
  }
  CHECK(is_weights(DType::i8));
  CHECK(is_weights(DType::u8));  // of imported models
  CHECK(is_weights(DType::i4));
  CHECK(is_weights(DType::u4));
  CHECK_FALSE(is_activation(DType::i4));
  CHECK(int8_format.has_dynamic_weights(DType::i4));
  CHECK_FALSE(int8_format.has_dynamic_weights(DType::u4));
  CHECK_FALSE(is_weights(DType::f8e5m2));
}

TEST_CASE("number formats: each is found by its own types, and codes of weights fit them") {
  for (const IntegerFormat& f : integer_formats) {
    CHECK(format_of_activations(f.activations) == &f);
    CHECK(format_of_activations(f.computed) == &f);
    CHECK(bits(f.computed) == bits(f.activations));
    CHECK(f.largest_weight() <= integer_range(f.weights).high);
    CHECK(integer_range(f.activations).low + code_shift(f.activations, f.computed) == integer_range(f.computed).low);
  }
  IntegerFormat four = int8_format;
  four.bits = 4;
  CHECK(int8_format.largest_weight() == 127);
  CHECK(four.largest_weight() == 7);
}

TEST_CASE("number formats: codes are shifted to the same place in another type's range") {
  CHECK(code_shift(DType::i8, DType::u8) == 128);
  CHECK(code_shift(DType::u8, DType::i8) == -128);
  CHECK(code_shift(DType::u8, DType::u8) == 0);
  CHECK(code_shift(DType::i16, DType::u16) == 32768);
}

TEST_CASE("number formats: all codes of a type divide a range evenly") {
  CHECK(params_dividing({0, 1}, DType::i8) == QuantParams(1.0f / 256, -128));  // softmax, sigmoid
  CHECK(params_dividing({-1, 1}, DType::i8) == QuantParams(1.0f / 128, 0));    // tanh
  CHECK(params_dividing({0, 1}, DType::u8) == QuantParams(1.0f / 256, 0));
  CHECK(params_dividing({-1, 1}, DType::i16) == QuantParams(1.0f / 32768, 0));
}

TEST_CASE("number formats: fake quantization rounds to codes of 8 and 4 bits") {
  CHECK(codes_of_bits(8) == DType::i8);
  CHECK(codes_of_bits(4) == DType::i4);
  for (int bits : {-1, 0, 1, 7, 16}) CHECK_FALSE(has_codes(bits));
}
