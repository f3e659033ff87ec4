#include <doctest/doctest.h>

#include <octet/core/aligned_bytes.hpp>
#include <octet/core/index.hpp>

#include "support/messages.hpp"

using namespace octet::detail;

TEST_CASE("aligned bytes: addresses are multiples of 64, those of large blocks of 2 MiB") {
  for (std::size_t n : {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{1000}, AlignedBytes::huge_page}) {
    const AlignedBytes b(n);
    CHECK(b.size() == n);
    CHECK(reinterpret_cast<std::uintptr_t>(b.data()) % AlignedBytes::alignment == 0);
  }
  const AlignedBytes large(2 * AlignedBytes::huge_page);
  CHECK(reinterpret_cast<std::uintptr_t>(large.data()) % AlignedBytes::huge_page == 0);
  const AlignedBytes empty(0);
  CHECK((empty.data() == nullptr && empty.size() == 0));
}

TEST_CASE("aligned bytes: copies are deep, moved ones are empty") {
  AlignedBytes a(70);
  std::memset(a.data(), 5, a.size());
  AlignedBytes b = a;
  CHECK(b.data() != a.data());
  std::memset(a.data(), 6, a.size());
  CHECK(b.data()[69] == std::byte{5});
  const std::byte* const memory = a.data();
  b = std::move(a);
  CHECK((b.data() == memory && b.size() == 70));
  CHECK((a.data() == nullptr && a.size() == 0));  // NOLINT: the state after a move is what is tested
  b = AlignedBytes();
  CHECK((b.data() == nullptr && b.size() == 0));
}

TEST_CASE("aligned bytes: sizes that cannot be allocated are refused") {
  CHECK(testing::message([] { AlignedBytes(AlignedBytes::most + 1); }) ==
        "cannot allocate 1099511627777 bytes for tensors");
  CHECK(AlignedBytes::available(0));
  CHECK(AlignedBytes::available(1 << 20));
  CHECK(!AlignedBytes::available(AlignedBytes::most + 1));
}

TEST_CASE("round_up: to the next multiple") {
  CHECK((round_up(0, 64) == 0 && round_up(1, 64) == 64 && round_up(64, 64) == 64 && round_up(65, 64) == 128));
}
