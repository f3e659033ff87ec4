#include <doctest/doctest.h>

#include <fstream>
#include <octet/core/affine.hpp>
#include <octet/kernels/requantize.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/range.hpp>
#include <octet/runtime/executor.hpp>

#include "support/layer.hpp"
#include "support/tflite_builder.hpp"

// Numbers that do not fit into an integer, caused by scales or attributes of a model. Results must be defined, which
// the sanitizer float-cast-overflow checks.

using namespace octet;
using namespace testing;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity(),
                not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr std::int32_t largest = std::numeric_limits<std::int32_t>::max();

/// x op y of two uint8 with the scales given, zero points 0.
std::vector<int> binary(BinaryKind kind, float sa, float sb, float sy, Rounding rounding) {
  const Tensor<std::uint8_t> a({4}, {0, 1, 255, 255}), b({4}, {0, 255, 1, 255});
  const AnyTensor y = run_layer(Binary(kind), {Operand(a, {sa, 0}), Operand(b, {sb, 0})}, {{sy, 0}}, rounding)[0];
  const View<const std::uint8_t> bytes = y.view<std::uint8_t>();
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("out of range: fixed-point rounding and multipliers") {
  using namespace octet::detail;
  CHECK(round_clamped(not_a_number, -512, 512) == -512);
  CHECK(round_clamped(infinity, -512, 512) == 512);
  CHECK(round_clamped(-infinity, -512, 512) == -512);
  CHECK(round_clamped(2.5f, -512, 512) == 2);
  for (const double x : {static_cast<double>(infinity), 1e300, 0x1p30}) {
    CHECK(FixedPointMultiplier(x).mantissa == largest);
    CHECK(FixedPointMultiplier(x).shift == 30);
  }
  for (const double x : {static_cast<double>(not_a_number), -1.0, 0.0, 1e-300}) {
    CHECK(FixedPointMultiplier(x).mantissa == 0);
    CHECK(FixedPointMultiplier(x).shift == 0);
  }
  CHECK(multiply_double_rounding(1, FixedPointMultiplier(0x1p29)) == 1 << 29);
  CHECK(multiply_single_rounding(-255, FixedPointMultiplier(1e300)) == -largest - 1);
}

TEST_CASE("out of range: sums and products of bytes with extreme scales") {
  const float tiny = std::numeric_limits<float>::min(), huge = 0x1p127f;
  for (BinaryKind kind : {BinaryKind::add, BinaryKind::mul})
    for (float zero : {tiny, 1e-3f}) {
      CHECK_THROWS_AS(binary(kind, huge, huge, zero, Rounding::fp32), Error);  // the layer is refused
      CHECK(binary(kind, tiny, tiny, huge, Rounding::fp32) == std::vector<int>{0, 0, 0, 0});
      CHECK(binary(kind, tiny, tiny, huge, Rounding::tflite_double) == std::vector<int>{0, 0, 0, 0});
    }
  CHECK_THROWS_AS(binary(BinaryKind::mul, huge, huge, tiny, Rounding::tflite_single), Error);
}

TEST_CASE("out of range: powers of integers saturate, and are 0 where undefined") {
  const auto power = [](auto a, auto b) {
    using T = decltype(a);
    return run_layer(Binary(BinaryKind::pow), {Operand(Tensor<T>({1}, {a})), Operand(Tensor<T>({1}, {b}))})[0]
        .template view<T>()[0];
  };
  CHECK(power(std::uint8_t{3}, std::uint8_t{4}) == 81);
  CHECK(power(std::uint8_t{200}, std::uint8_t{200}) == 255);
  CHECK(power(std::int8_t{-5}, std::int8_t{3}) == -125);
  CHECK(power(std::int8_t{-5}, std::int8_t{127}) == -128);
  CHECK(power(std::int32_t{10}, std::int32_t{100}) == largest);
  CHECK(power(std::int32_t{0}, std::int32_t{-1}) == largest);
  CHECK(power(std::int32_t{2}, std::int32_t{-1}) == 0);
  CHECK(power(std::int64_t{-10}, std::int64_t{99}) == std::numeric_limits<std::int64_t>::min());
  CHECK(power(2.0, 0.5) == std::sqrt(2.0));
}

TEST_CASE("out of range: softmax of bytes with a beta that is not finite or negative") {
  const Tensor<std::uint8_t> x({1, 3}, {0, 1, 255});
  for (const double beta : {static_cast<double>(not_a_number), static_cast<double>(infinity), -1e300, -1.0, 1e300}) {
    Softmax op;
    op.beta = beta;
    const AnyTensor y = run_layer(op, {Operand(x, {0.1f, 0})}, {{1.0f / 256, 0}})[0];
    if (beta == 1e300) CHECK(int{y.view<std::uint8_t>()[2]} == 255);
    if (!(beta == beta)) CHECK(int{y.view<std::uint8_t>()[0]} == 0);
  }
}

TEST_CASE("out of range: slopes, scales and ranges that integers cannot represent") {
  const QuantParams q(1.0f, -1);
  const AnyTensor y = run_layer(
      PRelu(), {Operand(Tensor<std::uint8_t>({1}, {9}), {0.1f, 10}), fixed(Tensor<std::int32_t>({1}, {largest}), q)},
      {{0.1f, 10}})[0];
  CHECK(int{y.view<std::uint8_t>()[0]} == 0);

  Resize none;
  none.mode = ResizeMode::linear;
  none.antialias = true;
  none.scales = {1, 1e-300, 1, 1};
  CHECK(run_layer(none, {Operand(Tensor<float>({1, 4, 2, 1}))})[0].shape() == Shape{1, 0, 2, 1});

  CHECK(octet::detail::scale_and_zero({-infinity, 1}, DType::i8, false).zero_point == 0);
  CHECK(octet::detail::scale_and_zero({not_a_number, not_a_number}, DType::i8, false).zero_point == 0);
  Histogram h;
  const float one = 1;
  h.add(&one, 1);
  octet::detail::mse_range(h, {not_a_number, not_a_number}, 256, false);
}

TEST_CASE("out of range: TFLite files with extreme scales") {
  using namespace testing::tflite;
  for (const char* name : {"MUL", "ADD", "SUB"})
    for (Rounding r : {Rounding::fp32, Rounding::tflite_double, Rounding::tflite_single}) {
      ModelBuilder b;
      const int x = b.tensor("x", {1, 2}, DType::i8, {0x1p127f, -1});
      const int y = b.tensor("y", {1, 2}, DType::i8, {0x1p-126f, 127});
      b.op(name, {x, x}, {y}, {byte(0, relu)});
      LoadOptions o;
      o.rounding = r;
      try {
        Executor(parse(b.finish({x}, {y}), o)).run({AnyTensor(Tensor<int8>({1, 2}, {127, -1}))});
      } catch (const Error&) {  // such scales may be refused
      }
    }
}

TEST_CASE("out of range: published cases") {
#ifdef OCTET_SHARED_DIR
  for (const char* name : {"tflite_integer_binary_overflow", "tflite_pow_u8"}) {
    const std::string path = std::string(OCTET_SHARED_DIR) + "/cases/hostile/" + name + ".tflite";
    if (!std::ifstream(path)) {
      MESSAGE("skipped: '", path, "' is not there");
      continue;
    }
    for (Rounding r : {Rounding::fp32, Rounding::tflite_double, Rounding::tflite_single}) try {
        LoadOptions o;
        o.rounding = r;
        const Model m = load_tflite(path, o);
        std::vector<AnyTensor> in;
        for (int v : m.inputs) {
          Shape s = m.value(v).shape;
          for (int d = 0; d < s.rank(); ++d) s[d] = std::max<std::int64_t>(s[d], 1);
          in.push_back(AnyTensor::make(m.value(v).dtype, s, [&](std::byte* p) {
            for (std::size_t i = 0; i < bytes(m.value(v).dtype, s.elements()); ++i)
              p[i] = static_cast<std::byte>(i * 37);
          }));
        }
        Executor(m).run(in);
      } catch (const Error& e) {
        MESSAGE(std::string(e.what()));
      }
  }
#endif
}
