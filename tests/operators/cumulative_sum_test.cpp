#include <octet/core/element.hpp>

#include "support/layer.hpp"
#include "support/messages.hpp"

using namespace testing;

TEST_CASE("cumulative sums along each axis, in both directions, with and without the element itself") {
  for (const Shape& shape : {Shape{5}, Shape{3, 4}, Shape{2, 3, 4}, Shape{2, 1, 3, 5}, Shape{2, 0, 3}}) {
    const Tensor<float> x = random_tensor(shape, 1);
    for (int axis = -shape.rank(); axis < shape.rank(); ++axis)
      for (const bool exclusive : {false, true})
        for (const bool reverse : {false, true}) {
          const Tensor<float> y = run_float(CumulativeSum(axis, exclusive, reverse), {x});
          REQUIRE(y.shape() == shape);
          const auto a = static_cast<std::size_t>(normalize_axis(axis, shape.rank()));
          each_index(shape, [&](const std::vector<std::int64_t>& i) {
            double sum = 0;
            std::vector<std::int64_t> k = i;
            for (k[a] = 0; k[a] < shape[static_cast<int>(a)]; ++k[a]) {
              const bool counts = reverse ? k[a] > i[a] : k[a] < i[a];
              if (counts || (k[a] == i[a] && !exclusive)) sum += static_cast<double>(x[flat(shape, k)]);
            }
            CHECK(y[flat(shape, i)] == doctest::Approx(sum).epsilon(1e-5));
          });
        }
  }
}

TEST_CASE("cumulative sums of integers wrap around; other types are refused") {
  const Tensor<std::int64_t> x({3}, {9223372036854775807, 2, -5});
  CHECK(octet::detail::to_integers(run_layer(CumulativeSum(0), {x})[0]) ==
        std::vector<std::int64_t>{9223372036854775807, -9223372036854775807, 9223372036854775804});
  const Tensor<std::int32_t> y({4}, {1, 2, 3, 4});
  CHECK(octet::detail::to_integers(run_layer(CumulativeSum(0, true, true), {y})[0]) ==
        std::vector<std::int64_t>{9, 7, 4, 0});
  CHECK(run_layer(CumulativeSum(-1), {Tensor<double>({2}, {0.25, 0.5})})[0].view<double>()[1] == 0.75);
  CHECK(has(message([] { run_layer(CumulativeSum(0), {Tensor<std::uint8_t>({2})}); }),
            {"layer 'tested' (CumulativeSum)", "type uint8 is not supported"}));
  CHECK(has(message([] { shape_of(CumulativeSum(2), {{3, 4}}); }), {"layer 'tested'", "axis 2 is out of range"}));
  CHECK(has(message([] { shape_of(CumulativeSum(0), {{}}); }), {"layer 'tested'", "axis 0 is out of range"}));
  CHECK(shape_of(CumulativeSum(1), {{Shape::unknown, 4}}) == Shape{Shape::unknown, 4});
}
