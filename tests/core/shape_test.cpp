#include <doctest/doctest.h>

#include <octet/core/shape.hpp>
#include <sstream>
#include <vector>

using namespace octet;

namespace {
std::string text(const Shape& s) {
  std::ostringstream o;
  o << s;
  return o.str();
}
}  // namespace

TEST_CASE("shape: construction, comparison, printing") {
  const Shape scalar, a{2, 3, 4}, same{2, 3, 4};
  CHECK(scalar.rank() == 0);
  CHECK(scalar.empty());
  CHECK(scalar.elements() == 1);
  CHECK(a.rank() == 3);
  CHECK(a[1] == 3);
  CHECK(a.back() == 4);
  CHECK(a.elements() == 24);
  CHECK(a.product(1, 3) == 12);
  CHECK(a.product(1, 1) == 1);
  CHECK(a == same);
  CHECK(a != Shape{2, 3});
  CHECK(a != Shape{2, 3, 5});
  CHECK(text(scalar) == "[]");
  CHECK(text({Shape::unknown, 224, 3}) == "[?, 224, 3]");
  const std::vector<int> sizes{7, 8};
  CHECK(Shape(sizes.begin(), sizes.end()) == Shape{7, 8});
}

TEST_CASE("shape: insert and erase") {
  Shape s{2, 3};
  s.insert(0, 1);
  CHECK(s == Shape{1, 2, 3});
  s.insert(3, 9);
  CHECK(s == Shape{1, 2, 3, 9});
  s.insert(2, 7);
  CHECK(s == Shape{1, 2, 7, 3, 9});
  s.erase(2);
  s.erase(0);
  s.erase(2);
  CHECK(s == Shape{2, 3});
}

TEST_CASE("shape: ranks and sizes beyond the limits are refused") {
  CHECK(Shape{1, 1, 1, 1, 1, 1, 1, 1}.rank() == 8);
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
  Shape full{1, 1, 1, 1, 1, 1, 1, 1};
  CHECK_THROWS_AS(full.insert(0, 1), ShapeError);
  const std::int64_t limit = std::int64_t{1} << 40;
  CHECK(Shape{limit}.elements() == limit);
  CHECK(Shape{0, limit, limit}.elements() == 0);
  CHECK_THROWS_WITH_AS((Shape{limit, 2}.elements()), doctest::Contains("too many elements"), ShapeError);
  const std::int64_t huge = std::int64_t{1} << 62;
  CHECK_THROWS_AS((Shape{huge, huge}.elements()), ShapeError);
  CHECK_THROWS_AS((Shape{3, Shape::unknown}.elements()), ShapeError);
  CHECK_THROWS_AS((Shape{-7}.elements()), ShapeError);
  CHECK_FALSE(Shape{3, Shape::unknown}.known());
  CHECK(Shape{3, 0}.known());
}

TEST_CASE("shape: sizes that are known have a product of at most 2^40") {
  constexpr std::int64_t u = Shape::unknown, large = std::int64_t{1} << 40;
  for (const Shape& s : {Shape{}, Shape{u, u}, Shape{large}, Shape{u, large, 1}, Shape{large, large, 0}, Shape{0, u}})
    CHECK(s.countable());
  for (const Shape& s : {Shape{large + 1}, Shape{large, 2}, Shape{u, large, u, 2}, Shape{large, large, large, large}})
    CHECK(!s.countable());
}

TEST_CASE("shape: axes count from either end") {
  CHECK(normalize_axis(0, 4) == 0);
  CHECK(normalize_axis(3, 4) == 3);
  CHECK(normalize_axis(-1, 4) == 3);
  CHECK(normalize_axis(-4, 4) == 0);
  CHECK_THROWS_WITH_AS(normalize_axis(4, 4), "axis 4 is out of range for a tensor of rank 4", ShapeError);
  CHECK_THROWS_AS(normalize_axis(-5, 4), ShapeError);
  CHECK_THROWS_AS(normalize_axis(0, 0), ShapeError);
  CHECK_THROWS_AS(normalize_axis(std::int64_t{1} << 40, 4), ShapeError);
}

TEST_CASE("shape: broadcasting as in NumPy") {
  const std::int64_t u = Shape::unknown;
  struct Case {
    Shape a, b, result;
  };
  for (const Case& c : {Case{{2, 3}, {2, 3}, {2, 3}}, Case{{2, 3}, {3}, {2, 3}}, Case{{2, 3}, {}, {2, 3}},
                        Case{{2, 1}, {1, 5}, {2, 5}}, Case{{4, 1, 6}, {5, 1}, {4, 5, 6}}, Case{{0, 3}, {1, 3}, {0, 3}},
                        Case{{u, 3}, {1, 3}, {u, 3}}, Case{{u, 3}, {7, 3}, {7, 3}}, Case{{u}, {u}, {u}}}) {
    CHECK(broadcast(c.a, c.b) == c.result);
    CHECK(broadcast(c.b, c.a) == c.result);
  }
  CHECK_THROWS_WITH_AS(broadcast({2, 3}, {2, 4}), "shapes [2, 3] and [2, 4] cannot be broadcast", ShapeError);
  CHECK_THROWS_AS(broadcast({2, 3, 4}, {2, 4}), ShapeError);
  CHECK(!can_broadcast({2, 3, 4}, {2, 4}));
  CHECK(can_broadcast({2, Shape::unknown, 4}, {3, 1}));
}
