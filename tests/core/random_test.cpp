#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>
#include <octet/core/random.hpp>

using octet::detail::SplitMix;

TEST_CASE("random: the sequence is that of SplitMix64") {
  SplitMix random(1234567);  // the numbers that its authors' code gives
  for (const std::uint64_t expected :
       {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u, 16408922859458223821u})
    CHECK(random() == expected);
}

TEST_CASE("random: reals and integers in a range") {
  SplitMix random(1), same(1);
  double least = 1, most = -1;
  for (int i = 0; i < 1000; ++i) {
    const double x = random(-2, 3);
    CHECK((x >= -2 && x < 3));
    CHECK(x == same(-2, 3));
    least = std::min(least, x);
    most = std::max(most, x);
  }
  CHECK((least < -1.9 && most > 2.9));
  bool seen[5] = {};
  for (int i = 0; i < 100; ++i) {
    const std::int64_t n = random.below(5);
    REQUIRE((n >= 0 && n < 5));
    seen[n] = true;
  }
  for (bool s : seen) CHECK(s);
}

TEST_CASE("random: derived seeds differ") {
  CHECK(SplitMix::seed_of(1, 0) != SplitMix::seed_of(1, 1));
  CHECK(SplitMix::seed_of(1, 0) != SplitMix::seed_of(2, 0));
  SplitMix random(5);  // seed i is number i of the sequence
  for (std::int64_t i = 0; i < 4; ++i) CHECK(SplitMix::seed_of(5, i) == random());
}
