#include <octet/core/element.hpp>

#include "support/layer.hpp"
#include "support/messages.hpp"

using namespace testing;

namespace {

using Index = std::vector<std::int64_t>;

constexpr ScatterKind kinds[] = {ScatterKind::replace, ScatterKind::add, ScatterKind::mul, ScatterKind::min,
                                 ScatterKind::max};

float combined(ScatterKind kind, float a, float b) {
  switch (kind) {
    case ScatterKind::replace: return b;
    case ScatterKind::add: return a + b;
    case ScatterKind::mul: return a * b;
    case ScatterKind::min: return std::min(a, b);
    case ScatterKind::max: return std::max(a, b);
  }
  return 0;
}

Tensor<float> run(const ScatterElements& op, const Tensor<float>& x, const Operand& at, const Tensor<float>& updates) {
  return run_float(op, {x, at, updates});
}

}  // namespace

TEST_CASE("scatter elements: the examples of ONNX") {
  const auto list = [](const Tensor<float>& t) { return std::vector<float>(t.begin(), t.end()); };
  const Tensor<float> x({1, 5}, {1, 2, 3, 4, 5}), updates({1, 2}, {1.5f, 2.5f});
  const Tensor<std::int64_t> at({1, 2}, {1, 3}), same({1, 2}, {1, -4});
  CHECK(list(run(ScatterElements(1), x, at, updates)) == std::vector<float>{1, 1.5f, 3, 2.5f, 5});
  CHECK(list(run(ScatterElements(1, ScatterKind::add), x, same, updates)) == std::vector<float>{1, 6, 3, 4, 5});
  CHECK(list(run(ScatterElements(1, ScatterKind::max), x, same, updates)) == std::vector<float>{1, 2.5f, 3, 4, 5});
}

TEST_CASE("scatter elements and slices: against a loop") {
  const Shape shape{3, 4, 5};
  const Tensor<float> x = random_tensor(shape, 1);
  for (const ScatterKind kind : kinds) {
    CAPTURE(static_cast<int>(kind));
    for (int axis = -3; axis < 3; ++axis) {
      const int a = normalize_axis(axis, 3);
      Shape s{2, 3, 4};
      s[a] = 6;  // several for one place
      const auto n = static_cast<int>(shape[a]);
      const Tensor<std::int64_t> at = random_integers<std::int64_t>(s, 2, -n, n - 1);
      const Tensor<float> updates = random_tensor(s, 3);
      Tensor<float> right = x;
      each_index(s, [&](const Index& i) {
        Index k = i;
        std::int64_t& place = k[static_cast<std::size_t>(a)];
        place = at[flat(s, i)] < 0 ? at[flat(s, i)] + n : at[flat(s, i)];
        float& to = right[flat(shape, k)];
        to = combined(kind, to, updates[flat(s, i)]);
      });
      for (const bool constant : {false, true})
        CHECK(largest_difference(run(ScatterElements(axis, kind), x, Operand(at, {}, constant), updates), right) == 0);
    }
    for (int n = 1; n <= 3; ++n) {
      const Tensor<std::int32_t> at = random_integers<std::int32_t>({2, 4, n}, 4, -3, 2);
      Shape s{2, 4};
      for (int d = n; d < 3; ++d) s.push_back(shape[d]);
      const Tensor<float> updates = random_tensor(s, 5);
      Tensor<float> right = x;
      each_index(s, [&](const Index& i) {
        Index k;
        for (int j = 0; j < n; ++j) {
          const std::int64_t place = at[(i[0] * 4 + i[1]) * n + j];
          k.push_back(place < 0 ? place + shape[j] : place);
        }
        k.insert(k.end(), i.begin() + 2, i.end());
        float& to = right[flat(shape, k)];
        to = combined(kind, to, updates[flat(s, i)]);
      });
      CHECK(largest_difference(run_float(ScatterND(kind), {x, at, updates}), right) == 0);
    }
  }
}

TEST_CASE("scatter: integers wrap around, a NaN stays, data that is also the updates, empty tensors") {
  const Tensor<std::int64_t> twice({2}, {0, 0});
  const Tensor<std::int8_t> bytes({2}, {100, 1}), more({2}, {100, 3});
  const auto of_bytes = [&](ScatterKind k) {
    return octet::detail::to_integers(run_layer(ScatterElements(0, k), {bytes, twice, more})[0]);
  };
  CHECK(of_bytes(ScatterKind::add) == Index{-53, 1});  // 203 - 256
  CHECK(of_bytes(ScatterKind::replace) == Index{3, 1});
  CHECK(of_bytes(ScatterKind::min) == Index{3, 1});
  const float nan = std::nanf("");
  for (const ScatterKind k : kinds)
    CHECK(std::isnan(
        run(ScatterElements(0, k), Tensor<float>({1}, {1}), Tensor<std::int64_t>({1}), Tensor<float>({1}, {nan}))[0]));
  Graph g;
  const int x = g.add_input("x", {3}), at = g.add_constant("at", Tensor<std::int64_t>({3}, {2, 0, 1}));
  g.outputs = {g.add("y", ScatterElements(0), {g.add("n", Unary(UnaryKind::negate), {x}), at, x})};
  const int v = g.nodes[0].outputs[0];
  g.outputs.push_back(g.add("z", ScatterElements(0, ScatterKind::add), {v, at, v}));
  const std::vector<AnyTensor> out = run_plain(g, {AnyTensor(Tensor<float>({3}, {1, 2, 3}))});
  CHECK(floats(out[0])[0] == 2);
  CHECK(floats(out[1])[0] == -3);
  CHECK(run(ScatterElements(0), Tensor<float>({0}), Tensor<std::int64_t>({0}), Tensor<float>({0})).size() == 0);
  CHECK(run(ScatterElements(0), Tensor<float>({2}, {1, 2}), Tensor<std::int64_t>({0}), Tensor<float>({0}))[1] == 2);
  CHECK(run_float(ScatterND(), {Tensor<float>({2}, {1, 2}), Tensor<std::int64_t>({0, 1}), Tensor<float>({0})})[1] == 2);
}

TEST_CASE("scatter: errors") {
  const auto error = [](const auto& op, const Shape& x, const Operand& at, const Shape& updates) {
    return message([&] { run_layer(op, {Tensor<float>(x), at, Tensor<float>(updates)}); });
  };
  const auto at = [](const Shape& s, const std::vector<std::int64_t>& v) { return fixed(Tensor<std::int64_t>(s, v)); };
  CHECK(has(error(ScatterElements(1), {2, 3}, at({1, 1}, {-4}), {1, 1}),
            {"layer 'tested' (ScatterElements)", "place -4 is out of range for dimension 1 of [2, 3]"}));
  CHECK(has(error(ScatterElements(1), {2, 3}, at({1, 1}, {0}), {1, 2}), {"expected updates of the shape [1, 1]"}));
  CHECK(has(error(ScatterElements(1), {2, 3}, at({3, 1}, {0, 0, 0}), {3, 1}), {"[3, 1] are larger than [2, 3]"}));
  CHECK(has(error(ScatterND(), {2, 3}, at({1, 1}, {2}), {1, 3}), {"layer 'tested' (ScatterND)", "place 2"}));
  CHECK(has(error(ScatterND(), {2, 3}, at({1, 1}, {1}), {1, 2}), {"updates of shape [1, 2] do not fit [2, 3]"}));
  CHECK(has(message([] {
              run_layer(ScatterND(), {Tensor<float>({2}), Tensor<std::int64_t>({1, 1}), Tensor<std::int32_t>({1})});
            }),
            {"layer 'tested'", "expected updates of the type and scale of data"}));
  CHECK(has(
      message([] {
        run_layer(ScatterND(ScatterKind::add), {Tensor<bool>({2}), Tensor<std::int64_t>({1, 1}), Tensor<bool>({1})});
      }),
      {"layer 'tested'", "is not supported"}));
}
