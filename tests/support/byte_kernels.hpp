#pragma once
#include <octet/kernels/bytes.hpp>

#include "support/buffer.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"

namespace testing {
using namespace octet;
using namespace octet::detail;

inline constexpr std::int64_t byte_counts[] = {0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300};

// Calls run(kernels, out) on every instruction set and compares with expected(i).
template <class Run, class Expected>
int wrong_bytes(std::int64_t n, Run run, Expected expected) {
  int wrong = 0;
  for (Isa isa : available_isas()) {
    Guarded<std::uint8_t> out(n, 1);
    run(byte_kernels(isa), out.data());
    wrong += !out.intact();
    for (std::int64_t i = 0; i < n; ++i) wrong += out[i] != expected(i);
  }
  return wrong;
}

inline Exact<std::uint8_t> random_bytes(Random& random, std::int64_t n, std::size_t shift) {
  Exact<std::uint8_t> x(n, shift);
  random.fill(x.data(), n, 0, 255);
  if (n > 1) {
    x.set(0, 0);
    x.set(n - 1, 255);
  }
  return x;
}

/// The order of LinesU8, in whole blocks.
inline std::vector<float> in_packed_order(const ByteKernels& k, const std::vector<float>& all) {
  const std::size_t block = static_cast<std::size_t>(k.lanes) * 4;
  std::vector<float> to((all.size() + block - 1) / block * block);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t at = i % block;
    to[i - at + at % 16 / 4 * (block / 4) + at / 16 * 4 + at % 4] = all[i];
  }
  return to;
}

inline std::int32_t byte(Random& random) { return static_cast<std::int32_t>(random.between(0, 255)); }

}  // namespace testing
