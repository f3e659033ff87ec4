#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <octet/operators/table_line.hpp>

#include "support/byte_kernels.hpp"

using namespace octet;
using namespace octet::detail;
using namespace testing;

namespace {

std::array<std::uint8_t, 256> table_of(const std::function<double(int)>& f) {
  std::array<std::uint8_t, 256> t;
  for (int q = 0; q < 256; ++q)
    t[static_cast<std::size_t>(q)] = static_cast<std::uint8_t>(std::clamp(std::nearbyint(f(q)), 0.0, 255.0));
  return t;
}

/// Whether the table is a line, after a comparison of all codes.
bool is_line(Isa isa, const std::array<std::uint8_t, 256>& table) {
  const ByteKernels& k = byte_kernels(isa);
  const TableLine line(k, table);
  if (!line.exact()) return false;
  std::array<std::uint8_t, 256> in, out;
  for (std::size_t q = 0; q < 256; ++q) in[q] = static_cast<std::uint8_t>(q);
  line.run_kernel(k, in.data(), out.data(), 256);
  CHECK(out == table);
  return true;
}

}  // namespace

TEST_CASE("tables: lines between two limits are found, also falling ones") {
  Random random(15);
  for (Isa isa : available_isas()) {
    int found = 0;
    constexpr int rounds = 200;
    for (int round = 0; round < rounds; ++round) {
      const double slope = static_cast<double>(random.real(0.05f, 3)) * (random.chance(30) ? -1 : 1);
      const double low = static_cast<double>(random.between(0, 155)), high = low + 100;
      const double offset = low + static_cast<double>(random.real(20, 80)) - slope * 128;
      found += is_line(isa, table_of([&](int q) { return std::clamp(slope * q + offset, low, high); }));
    }
    CHECK(found >= (byte_kernels(isa).lines_before_lookup ? rounds * 95 / 100 : 0));
    CHECK(is_line(isa, table_of([](int q) { return q; })) == byte_kernels(isa).lines_before_lookup);
  }
}

TEST_CASE("tables: others are not lines") {
  for (Isa isa : available_isas()) {
    CHECK(!is_line(isa, table_of([](int q) { return std::abs(q - 100); })));
    CHECK(!is_line(isa, table_of([](int q) { return 256 / (1 + std::exp((128 - q) / 20.0)); })));
    CHECK(!is_line(isa, table_of([](int q) { return q == 77 ? 78 : q; })));
    CHECK(!is_line(isa, table_of([](int) { return 9; })));
    CHECK(!is_line(isa, table_of([](int q) { return q % 2 * 255; })));
  }
}
