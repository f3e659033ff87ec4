#include <octet/core/element.hpp>

#include "support/layer.hpp"
#include "support/messages.hpp"

using namespace testing;

namespace {

using Index = std::vector<std::int64_t>;

Tensor<std::int64_t> random_places(const Shape& s, unsigned seed, int size) {
  return random_integers<std::int64_t>(s, seed, -size, size - 1);
}
std::int64_t from_front(std::int64_t place, std::int64_t size) { return place < 0 ? place + size : place; }

}  // namespace

TEST_CASE("gather elements: the examples of ONNX") {
  const Tensor<float> a({2, 2}, {1, 2, 3, 4}), b({3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const auto list = [](const Tensor<float>& t) { return std::vector<float>(t.begin(), t.end()); };
  CHECK(list(run_float(GatherElements(1), {a, Tensor<std::int64_t>({2, 2}, {0, 0, 1, 0})})) ==
        std::vector<float>{1, 1, 4, 3});
  CHECK(list(run_float(GatherElements(0), {b, fixed(Tensor<std::int32_t>({2, 3}, {-1, -2, 0, -2, 0, 0}))})) ==
        std::vector<float>{7, 5, 3, 4, 2, 3});
}

TEST_CASE("gather elements: against a loop, along each axis, computed and constant places") {
  const Shape shape{3, 4, 2, 5};
  const Tensor<float> x = random_tensor(shape, 1);
  for (int axis = -4; axis < 4; ++axis) {
    const int a = normalize_axis(axis, 4);
    Shape s{2, 3, 1, 4};
    s[a] = 7;
    const Tensor<std::int64_t> at = random_places(s, 2, static_cast<int>(shape[a]));
    for (const bool constant : {false, true}) {
      const Tensor<float> y = run_float(GatherElements(axis), {x, Operand(at, {}, constant)});
      REQUIRE(y.shape() == s);
      each_index(s, [&](const Index& i) {
        Index k = i;
        k[static_cast<std::size_t>(a)] = from_front(at[flat(s, i)], shape[a]);
        CHECK(y[flat(s, i)] == x[flat(shape, k)]);
      });
    }
  }
}

TEST_CASE("gather by several indices: the examples of ONNX") {
  const auto run = [](std::int64_t batch, const Tensor<std::int32_t>& x, const Tensor<std::int64_t>& at) {
    return run_layer(GatherND(batch), {x, at})[0];
  };
  const Tensor<std::int32_t> a({2, 2}, {0, 1, 2, 3}), b({2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7});
  const auto list = [](const AnyTensor& t) { return octet::detail::to_integers(t); };
  CHECK(list(run(0, a, Tensor<std::int64_t>({2, 2}, {0, 0, 1, 1}))) == Index{0, 3});
  CHECK(list(run(0, a, Tensor<std::int64_t>({2, 1}, {1, 0}))) == Index{2, 3, 0, 1});
  CHECK(list(run(0, b, Tensor<std::int64_t>({2, 2}, {0, 1, 1, 0}))) == Index{2, 3, 4, 5});
  CHECK(run(0, b, Tensor<std::int64_t>({2, 1, 2}, {0, 1, 1, 0})).shape() == Shape{2, 1, 2});
  CHECK(list(run(1, b, Tensor<std::int64_t>({2, 1}, {1, 0}))) == Index{2, 3, 4, 5});
}

TEST_CASE("gather by several indices: against a loop, with batch dimensions") {
  const Shape shape{2, 3, 4, 5};
  const Tensor<float> x = random_tensor(shape, 3);
  for (int b = 0; b < 4; ++b)
    for (int n = 1; n <= 4 - b; ++n) {
      Shape s(shape.begin(), shape.begin() + b);
      s.push_back(6);
      s.push_back(n);
      const Tensor<std::int64_t> at = random_places(s, 4, 2);
      const Tensor<float> y = run_float(GatherND(b), {x, Operand(at, {}, n % 2 == 0)});
      REQUIRE(y.shape().rank() == b + 1 + 4 - b - n);
      each_index(y.shape(), [&](const Index& i) {
        Index row(i.begin(), i.begin() + b + 1), k(i.begin(), i.begin() + b);
        row.push_back(0);
        for (int j = 0; j < n; ++j) {
          row.back() = j;
          k.push_back(from_front(at[flat(s, row)], shape[b + j]));
        }
        k.insert(k.end(), i.begin() + b + 1, i.end());
        CHECK(y[flat(y.shape(), i)] == x[flat(shape, k)]);
      });
    }
}

TEST_CASE("gather elements and by several indices: codes keep their scale, empty tensors, errors") {
  const QuantParams q{0.5f, 3};
  const Tensor<std::int8_t> codes({4}, {1, 2, 3, 4});
  const AnyTensor y = run_layer(GatherElements(0), {Operand(codes, q), Tensor<std::int64_t>({2}, {3, -3})}, {q})[0];
  CHECK(octet::detail::to_integers(y) == Index{4, 2});
  CHECK(run_layer(GatherElements(0), {Tensor<float>({0, 3}), Tensor<std::int64_t>({0, 2})})[0].shape() == Shape{0, 2});
  CHECK(run_layer(GatherND(), {Tensor<float>({4, 0}), Tensor<std::int64_t>({2, 1})})[0].shape() == Shape{2, 0});
  // Computed places out of range are clamped.
  const Tensor<std::int64_t> far({3}, {100, -100, 1});
  CHECK(octet::detail::to_integers(run_layer(GatherElements(0), {codes, far})[0]) == Index{4, 1, 2});

  const auto error = [](const auto& op, const Shape& x, const Operand& at) {
    return message([&] { run_layer(op, {Tensor<float>(x), at}); });
  };
  const auto at = [](const Shape& s, const std::vector<std::int64_t>& v) { return fixed(Tensor<std::int64_t>(s, v)); };
  CHECK(has(error(GatherElements(1), {2, 3}, at({1, 1}, {3})),
            {"layer 'tested' (GatherElements)", "place 3 is out of range for dimension 1 of [2, 3]"}));
  CHECK(has(error(GatherElements(1), {2, 3}, at({1}, {0})), {"as many dimensions as [2, 3], found [1]"}));
  CHECK(has(error(GatherElements(1), {2, 3}, at({3, 1}, {0, 0, 0})), {"[3, 1] are larger than [2, 3]"}));
  CHECK(has(error(GatherElements(0), {0}, Tensor<std::int64_t>({2})), {"dimension 0 of [0] is empty"}));
  CHECK(has(error(GatherElements(0), {2}, Tensor<float>({2})), {"expected places of type int32 or int64"}));
  CHECK(has(error(GatherND(), {2, 3}, at({1, 2}, {1, -4})),
            {"layer 'tested' (GatherND)", "place -4 is out of range for dimension 1"}));
  CHECK(has(error(GatherND(), {2, 3}, at({1, 3}, {0, 0, 0})), {"name 3 dimensions, expected 1 to 2"}));
  CHECK(has(error(GatherND(1), {2, 3}, at({3, 1}, {0, 0, 0})), {"expected the same batch dimensions"}));
  CHECK(has(error(GatherND(2), {2, 3}, at({2, 1}, {0, 0})), {"2 batch dimensions do not fit"}));
  CHECK(has(error(GatherND(), {0, 3}, Tensor<std::int64_t>({1, 1})), {"dimension 0 of [0, 3] is empty"}));
  CHECK(shape_of(GatherND(1), {{Shape::unknown, 4, 5}, {2, 7, 1}}, {DType::f32, DType::i64}) == Shape{2, 7, 5});
}
