#include <doctest/doctest.h>

#include <octet/kernels/elements.hpp>
#include <octet/kernels/tables/region.hpp>
#include <string>

#include "support/isas.hpp"

// Compares the operations of each instruction set, including dot products, with those of isa/scalar.hpp: NaN, zeros of
// both signs, ties, saturation and values out of range.

using namespace octet;

namespace {

struct Operands {
  float a[16], b[16], c[16];  // c: finite
  std::int32_t x[16], y[16], small[16];
};
struct Results {
  const char* names[64];
  std::uint32_t words[64][16];
  int count = 0;
  float least = 0, greatest = 0;
  bool fits = true;  // what an instruction set checks by itself
};

namespace operations {
using detail::Limit;
using detail::rounded;
using octet::bf16;
using octet::fp16;

// The order of the includes matters.
// clang-format off
namespace scalar {
#include <octet/kernels/isa/scalar.hpp>
#include "support/operations.inl"
}  // namespace scalar
#if OCTET_X86
#include <octet/kernels/tables/x86_begin.hpp>
namespace avx2 {
OCTET_TARGET_BEGIN("avx2,fma,f16c")
#include <octet/kernels/isa/avx2.hpp>
#include "support/operations.inl"
OCTET_TARGET_END
}  // namespace avx2
namespace avxvnni {
OCTET_TARGET_BEGIN("avx2,fma,f16c")
#include <octet/kernels/isa/avxvnni.hpp>
#include "support/operations.inl"
OCTET_TARGET_END
}  // namespace avxvnni
namespace avx512bw {
OCTET_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512cd,avx512dq,avx512bw,avx512vl")
#include <octet/kernels/isa/avx512bw.hpp>
#include "support/operations.inl"
OCTET_TARGET_END
}  // namespace avx512bw
namespace avx512vnni {
OCTET_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512cd,avx512dq,avx512bw,avx512vl,avx512vnni")
#include <octet/kernels/isa/avx512vnni.hpp>
#include "support/operations.inl"
OCTET_TARGET_END
}  // namespace avx512vnni
#include <octet/kernels/tables/x86_end.hpp>
#elif OCTET_ARM
namespace neon {
#include <octet/kernels/isa/neon.hpp>
#include "support/operations.inl"
}  // namespace neon
namespace neon_dotprod {
OCTET_TARGET_BEGIN(OCTET_TARGET_DOTPROD)
#include <octet/kernels/isa/neon_dotprod.hpp>
#include "support/operations.inl"
OCTET_TARGET_END
}  // namespace neon_dotprod
namespace neon_i8mm {
OCTET_TARGET_BEGIN(OCTET_TARGET_I8MM)
#include <octet/kernels/isa/neon_i8mm.hpp>
#include "support/operations.inl"
OCTET_TARGET_END
}  // namespace neon_i8mm
#endif
// clang-format on

void all(Isa isa, Results& r, const Operands& in) {
  switch (isa) {
#if OCTET_X86
    case Isa::avx2: return avx2::all_operations(r, in);
    case Isa::avxvnni: return avxvnni::all_operations(r, in);
    case Isa::avx512bw: return avx512bw::all_operations(r, in);
    case Isa::avx512vnni: return avx512vnni::all_operations(r, in);
#elif OCTET_ARM
    case Isa::neon: return neon::all_operations(r, in);
    case Isa::neon_dotprod: return neon_dotprod::all_operations(r, in);
    case Isa::neon_i8mm: return neon_i8mm::all_operations(r, in);
#endif
    default: return scalar::all_operations(r, in);
  }
}

}  // namespace operations

bool is_nan(std::uint32_t bits) { return (bits & 0x7FFFFFFF) > 0x7F800000; }

const float floats[] = {
    0.0f,           -0.0f,          NAN,         INFINITY, -INFINITY,     1e-40f,      -1e-40f,  0.5f,
    1.5f,           -2.5f,          3.4e38f,     -3.4e38f, 2147483520.0f, 65519.0f,    65520.0f, 2147483648.0f,
    -2147483648.0f, -2147483904.0f, 16777217.0f, 3e-8f,    5.96e-8f,      1.00390625f, 7.3f};
const std::int32_t integers[] = {0,        1,         -1,         127,        -128,        255,
                                 256,      32767,     -32768,     65535,      2147483647,  -2147483647 - 1,
                                 16777217, -33554435, 0x7F80FF81, 0x01020304, -2139062144, 0x00FF7F80,
                                 252,      -3,        197};

}  // namespace

TEST_CASE("operations: each instruction set gives the results of the scalar one") {
  constexpr int some_floats = std::size(floats), some_integers = std::size(integers);
  for (int first = 0; first < some_floats; ++first)
    for (int second = 0; second < some_floats; ++second) {
      Operands in{};
      for (int i = 0; i < 16; ++i) {
        in.a[i] = floats[(first + i) % some_floats];
        in.b[i] = floats[(second + 3 * i) % some_floats];
        in.c[i] = static_cast<float>((first * 7 + second * 5 + i * 11) % 23 - 9) * 0.37f;
        in.x[i] = integers[(first + i) % some_integers];
        in.y[i] = integers[(second + 2 * i) % some_integers];
        if (in.x[i] == -2147483647 - 1) in.x[i] = 77;  // dot_i16 does not support a pair of (-2^15)^2
        in.small[i] = (first * 13 + second * 29 + i * 17) % 301 - 20;
      }
      Results expected;
      operations::all(Isa::scalar, expected, in);
      REQUIRE(expected.fits);
      for (Isa isa : testing::available_isas()) {
        if (isa == Isa::avx512bf16) continue;  // the operations of avx512vnni
        Results found;
        operations::all(isa, found, in);
        INFO(std::string(name(isa)), ", operands ", first, " and ", second);
        REQUIRE(found.count == expected.count);
        CHECK(found.fits);
        CHECK(found.least == expected.least);
        CHECK(found.greatest == expected.greatest);
        for (int k = 0; k < found.count; ++k) {
          bool same = true;
          for (int i = 0; i < 16; ++i) {
            const std::uint32_t f = found.words[k][i], e = expected.words[k][i];
            same = same && (f == e || (is_nan(f) && is_nan(e)));
          }
          INFO(std::string(found.names[k]));
          CHECK(same);
        }
      }
    }
}
