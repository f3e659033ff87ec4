#include <octet/kernels/dispatch.hpp>
#include <octet/operators/all.hpp>
#include "support/layer.hpp"

using namespace testing;

namespace {

constexpr std::int64_t unknown = Shape::unknown;

/// A tensor whose element at an index is the input's element at source(index), or `otherwise` if that is empty.
template <class T, class F>
Tensor<T> picked(const Tensor<T>& in, const Shape& out, T otherwise, F source) {
  Tensor<T> r(out);
  each_index(out, [&](const std::vector<std::int64_t>& i) {
    const std::vector<std::int64_t> s = source(i);
    r[flat(out, i)] = s.empty() && in.shape().rank() > 0 ? otherwise : in[flat(in.shape(), s)];
  });
  return r;
}

template <class T, class Op>
void check_same(const Op& op, const std::vector<Operand>& in, const Tensor<T>& expected) {
  CHECK(same_bytes(run_layer(op, in)[0], AnyTensor(expected)));
}

template <class T>
void check_transpose(const Shape& in, const std::vector<std::int64_t>& perm) {
  const Tensor<T> x = counting<T>(in);
  Shape out;
  for (std::int64_t d : perm) out.push_back(in[static_cast<int>(d)]);
  check_same(Transpose(perm), {x}, picked<T>(x, out, T{}, [&](const auto& i) {
               std::vector<std::int64_t> s(i.size());
               for (std::size_t d = 0; d < perm.size(); ++d) s[static_cast<std::size_t>(perm[d])] = i[d];
               return s;
             }));
}

}  // namespace

TEST_CASE("transpose: every order of up to four dimensions, every element size") {
  std::vector<std::int64_t> perm{0, 1, 2, 3};
  do {
    check_transpose<float>({2, 3, 5, 4}, perm);
    check_transpose<std::uint8_t>({2, 3, 1, 4}, perm);
  } while (std::next_permutation(perm.begin(), perm.end()));
  check_transpose<std::int16_t>({7, 3, 2}, {2, 0, 1});
  check_transpose<std::int64_t>({7, 3, 2}, {1, 2, 0});
  check_transpose<double>({4, 5}, {1, 0});
}

TEST_CASE("transpose: NCHW to NHWC and back, around the tile sizes") {
  for (std::int64_t c : {1, 2, 3, 4, 5, 31, 32, 33, 65})
    for (std::int64_t w : {1, 15, 33, 70}) {
      check_transpose<float>({2, c, 3, w}, {0, 2, 3, 1});
      check_transpose<float>({2, 3, w, c}, {0, 3, 1, 2});
      check_transpose<std::uint8_t>({2, c, 3, w}, {0, 2, 3, 1});
      check_transpose<std::uint8_t>({2, 3, w, c}, {0, 3, 1, 2});
      check_transpose<std::int16_t>({2, c, 3, w}, {0, 2, 3, 1});
    }
  check_transpose<float>({1, 3, 23, 47}, {0, 2, 3, 1});
  check_transpose<std::uint8_t>({1, 33, 600}, {0, 2, 1});
  check_transpose<std::uint8_t>({600, 3}, {1, 0});
}

TEST_CASE("transpose: empty tensors, scalars, high ranks; views if only dimensions of size 1 move") {
  check_transpose<float>({0, 3, 2}, {2, 1, 0});
  check_transpose<float>({}, {});
  check_transpose<float>({2, 1, 3, 2, 1, 2, 2, 3}, {7, 0, 6, 1, 5, 2, 4, 3});
  CHECK(shape_of(Transpose(), {{2, unknown, 4}}) == Shape{4, unknown, 2});
  CHECK(shape_of(Transpose({1, 0}), {{2, unknown}}) == Shape{unknown, 2});
  CHECK_THROWS_AS(shape_of(Transpose({0, 1}), {{2, 3, 4}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Transpose({0, 0}), {{2, 3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Transpose({0, -1}), {{2, 3}}), ShapeError);
  CHECK_THROWS_WITH_AS(shape_of(Transpose({0, 2}), {{2, 3}}),
                       "layer 'tested' (Transpose): perm is not a permutation of the 2 dimensions of [2, 3]",
                       ShapeError);

  Graph g;
  const int x = g.add_input("x", {1, 5, 1, 7});
  g.outputs = {g.add("t", Transpose({1, 0, 3, 2}), {x})};
  Executor e(g);
  e.plan({{1, 5, 1, 7}});
  const auto step = g.nodes[0].op->prepare(PrepareContext(g, g.nodes[0], detail::kernels()));
  const std::vector<TensorRef> in{{DType::f32, {1, 5, 1, 7}, nullptr}}, out{{DType::f32, {5, 1, 7, 1}, nullptr}};
  step->plan({in, out, 1});
  CHECK(step->is_view());
}

TEST_CASE("slice: as in ONNX, with clamping, negative indices and steps") {
  const Shape in{5, 4, 6};
  const Tensor<float> x = counting<float>(in);
  struct Case {
    std::int64_t start, end, step;
    std::vector<std::int64_t> picks;  // from a dimension of size 5
  };
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max(),
                         least = std::numeric_limits<std::int64_t>::min();
  const Case cases[] = {{0, 5, 1, {0, 1, 2, 3, 4}},
                        {1, 3, 1, {1, 2}},
                        {-2, 100, 1, {3, 4}},
                        {-100, -3, 1, {0, 1}},
                        {3, 1, 1, {}},
                        {0, most, 2, {0, 2, 4}},
                        {1, most, 3, {1, 4}},
                        {most, least, -1, {4, 3, 2, 1, 0}},
                        {-1, least, -2, {4, 2, 0}},
                        {3, 0, -1, {3, 2, 1}},
                        {3, -1, -1, {}},
                        {1, 3, -1, {}},
                        {0, least, -1, {0}},
                        {0, most, most, {0}},
                        {4, least, least, {4}},
                        {least, most, 4, {0, 4}},
                        {10, 20, 1, {}},
                        {10, 2, -1, {4, 3}}};
  for (const Case& c : cases) {
    CAPTURE(c.start);
    CAPTURE(c.end);
    CAPTURE(c.step);
    const auto n = static_cast<std::int64_t>(c.picks.size());
    const Slice op({c.start}, {c.end}, {0}, {c.step});
    CHECK(shape_of(op, {in}) == Shape{n, 4, 6});
    check_same(op, {x}, picked<float>(x, {n, 4, 6}, 0, [&](auto i) {
                 i[0] = c.picks[static_cast<std::size_t>(i[0])];
                 return i;
               }));
  }
  check_same(Slice({-2, 1}, {least, 3}, {-1, 1}, {-3, 1}), {x}, picked<float>(x, {5, 2, 2}, 0, [](auto i) {
               i[2] = 4 - 3 * i[2];
               i[1] += 1;
               return i;
             }));
  check_same(Slice({1, 2}, {4, 3}), {x}, picked<float>(x, {3, 1, 6}, 0, [](auto i) {
               i[0] += 1;
               i[1] += 2;
               return i;
             }));
  const Tensor<std::uint8_t> bytes = counting<std::uint8_t>({2, 3, 33});
  check_same(Slice({1}, {32}, {2}, {2}), {bytes}, picked<std::uint8_t>(bytes, {2, 3, 16}, 0, [](auto i) {
               i[2] = 1 + 2 * i[2];
               return i;
             }));
}

TEST_CASE("slice: unknown sizes, empty tensors and errors") {
  CHECK(shape_of(Slice({1}, {3}, {1}), {{unknown, 5, unknown}}) == Shape{unknown, 2, unknown});
  CHECK(shape_of(Slice({1}, {3}, {0}), {{unknown, 5}}) == Shape{unknown, 5});
  CHECK(shape_of(Slice({0}, {3}), {{0, 5}}) == Shape{0, 5});
  check_same(Slice({-1}, {-5}, {0}, {-1}), {Tensor<float>({0, 2})}, Tensor<float>({0, 2}));
  CHECK_THROWS_AS(shape_of(Slice({0}, {1, 2}), {{3, 5}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Slice({0}, {1}, {2}), {{3, 5}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Slice({0}, {1}, {0}, {0}), {{3, 5}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Slice({0, 0}, {1, 1}, {0, -2}), {{3, 5}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Slice({0, 0, 0}, {1, 1, 1}), {{3, 5}}), ShapeError);
}

TEST_CASE("split: given sizes and equal parts") {
  const Tensor<float> x = counting<float>({3, 7, 2});
  const auto check = [&](const Split& op, const std::vector<std::int64_t>& sizes) {
    const std::vector<AnyTensor> parts = run_layer(op, {x});
    REQUIRE(parts.size() == sizes.size());
    std::int64_t from = 0;
    for (std::size_t p = 0; p < sizes.size(); ++p) {
      CHECK(same_bytes(parts[p], picked<float>(x, {3, sizes[p], 2}, 0, [&](auto i) {
                         i[1] += from;
                         return i;
                       })));
      from += sizes[p];
    }
  };
  Split op;
  op.axis = 1;
  op.sizes = {2, 0, 5};
  check(op, op.sizes);
  op.axis = -2;
  op.sizes = {7};
  check(op, op.sizes);
  op.sizes = {};
  op.parts = 3;
  check(op, {3, 3, 1});
  op.parts = 7;
  check(op, {1, 1, 1, 1, 1, 1, 1});
  op.parts = 5;
  check(op, {2, 2, 2, 1, 0});
  CHECK(shapes_of(op, {{3, unknown, 2}}) == std::vector<Shape>(5, Shape{3, unknown, 2}));
  op.parts = 0;
  CHECK_THROWS_AS(shapes_of(op, {{3, 7, 2}}), ShapeError);
  op.sizes = {3, 3};
  CHECK_THROWS_AS(shapes_of(op, {{3, 7, 2}}), ShapeError);
  op.sizes = {3, 5};
  CHECK_THROWS_AS(shapes_of(op, {{3, 7, 2}}), ShapeError);
  op.sizes = {8, -1};
  CHECK_THROWS_AS(shapes_of(op, {{3, 7, 2}}), ShapeError);
}

TEST_CASE("pad: every mode, cropping, float and bytes") {
  const Shape in{3, 4, 2};
  const Tensor<float> x = counting<float>(in);
  const std::vector<std::int64_t> before{1, -1, 2}, after{5, 2, -1};
  const Shape out{9, 5, 3};
  // Results of numpy.pad along a dimension, for positions from -1 (-2) on.
  const auto expect = [&](PadMode mode, const std::vector<std::vector<std::int64_t>>& places) {
    CAPTURE(static_cast<int>(mode));
    check_same(Pad(mode, before, after, 7.5), {x}, picked<float>(x, out, 7.5f, [&](auto i) {
                 for (std::size_t d = 0; d < 3; ++d) {
                   i[d] = places[d][static_cast<std::size_t>(i[d])];
                   if (i[d] < 0) return std::vector<std::int64_t>{};
                 }
                 return i;
               }));
  };
  expect(PadMode::constant, {{-1, 0, 1, 2, -1, -1, -1, -1, -1}, {1, 2, 3, -1, -1}, {-1, -1, 0}});
  expect(PadMode::edge, {{0, 0, 1, 2, 2, 2, 2, 2, 2}, {1, 2, 3, 3, 3}, {0, 0, 0}});
  expect(PadMode::wrap, {{2, 0, 1, 2, 0, 1, 2, 0, 1}, {1, 2, 3, 0, 1}, {0, 1, 0}});
  expect(PadMode::reflect, {{1, 0, 1, 2, 1, 0, 1, 2, 1}, {1, 2, 3, 2, 1}, {0, 1, 0}});

  const Tensor<std::int8_t> one({1, 1}, {5});
  check_same(Pad(PadMode::reflect, {2, 0}, {1, 1}), {one}, Tensor<std::int8_t>({4, 2}, std::vector<std::int8_t>(8, 5)));
}

TEST_CASE("pad: the constant of a quantized tensor is quantized") {
  const QuantParams q(0.5f, 10);
  const Tensor<std::uint8_t> x({2, 2}, {1, 2, 3, 4});
  for (const auto& [value, element] : {std::pair{0.0, 10}, {1.25, 12}, {-3.0, 4}, {-100.0, 0}, {1e9, 255}}) {
    const AnyTensor y = run_layer(Pad(PadMode::constant, {0, 1}, {0, 0}, value), {Operand(x, q)}, {q})[0];
    const auto e = static_cast<std::uint8_t>(element);
    CHECK(same_bytes(y, Tensor<std::uint8_t>({2, 3}, {e, 1, 2, e, 3, 4})));
  }
  // The constant of plain integers is not quantized.
  check_same(Pad(PadMode::constant, {1}, {0}, 300), {Tensor<std::uint8_t>({1}, {9})},
             Tensor<std::uint8_t>({2}, {255, 9}));
  check_same(Pad(PadMode::constant, {1}, {0}, -3), {Tensor<std::int64_t>({1}, {9})},
             Tensor<std::int64_t>({2}, {-3, 9}));
}

TEST_CASE("pad: unknown sizes, empty tensors and errors") {
  CHECK(shape_of(Pad(PadMode::edge, {1, 0}, {0, -2}), {{unknown, 5}}) == Shape{unknown, 3});
  check_same(Pad(PadMode::constant, {0, 1}, {0, 1}, 3), {Tensor<float>({2, 0})}, Tensor<float>({2, 2}, {3, 3, 3, 3}));
  check_same(Pad(PadMode::constant, {0, -1}, {0, -1}), {Tensor<float>({2, 2})}, Tensor<float>({2, 0}));
  check_same(Pad(PadMode::reflect, {0, 0}, {1, 0}), {Tensor<float>({2, 0})}, Tensor<float>({3, 0}));
  CHECK_THROWS_AS(shape_of(Pad(PadMode::edge, {0, 1}, {0, 0}), {{2, 0}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Pad(PadMode::constant, {0}, {0}), {{2, 2}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Pad(PadMode::constant, {-2, 0}, {-1, 0}), {{2, 2}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Pad(PadMode::constant, {std::int64_t{1} << 62, 0}, {std::int64_t{1} << 62, 0}), {{2, 2}}),
                  ShapeError);
}

TEST_CASE("gather: indices of any shape, along any axis") {
  const Tensor<float> x = counting<float>({3, 4, 5});
  const Tensor<std::int64_t> index({2, 3}, {0, -1, 3, -4, 1, 1});
  const auto check = [&](std::int64_t axis, bool constant) {
    const auto a = static_cast<std::size_t>(axis < 0 ? axis + 3 : axis);
    const std::int64_t size = x.shape()[static_cast<int>(a)];
    Tensor<std::int32_t> fitting(index.shape());
    for (std::int64_t i = 0; i < index.size(); ++i)
      fitting[i] = static_cast<std::int32_t>(std::clamp<std::int64_t>(index[i], -size, size - 1));
    Shape out = x.shape();
    out.erase(static_cast<int>(a));
    out.insert(static_cast<int>(a), 3);
    out.insert(static_cast<int>(a), 2);
    check_same(Gather(axis), {x, Operand(fitting, {}, constant)}, picked<float>(x, out, 0, [&](auto i) {
                 const std::int64_t k = fitting[i[a] * 3 + i[a + 1]];
                 i[a] = k < 0 ? k + size : k;
                 i.erase(i.begin() + static_cast<std::ptrdiff_t>(a) + 1);
                 return i;
               }));
  };
  for (std::int64_t axis : {0, 1, 2, -1, -3})
    for (bool constant : {false, true}) check(axis, constant);
}

TEST_CASE("gather: channel shuffles of two groups, and one of them") {
  for (const std::int64_t half : {4, 16, 17, 40, 75}) {
    const Tensor<float> x = counting<float>({3, 2, 2 * half});
    const Tensor<std::uint8_t> bytes = counting<std::uint8_t>(x.shape());
    Tensor<std::int64_t> shuffled({2 * half});
    for (std::int64_t i = 0; i < shuffled.size(); ++i) shuffled[i] = i / 2 + i % 2 * half;
    const auto shuffle = [&](auto i) {
      i[2] = shuffled[i[2]];
      return i;
    };
    check_same(Gather(2), {x, shuffled}, picked<float>(x, x.shape(), 0, shuffle));
    check_same(Gather(2), {bytes, shuffled}, picked<std::uint8_t>(bytes, x.shape(), 0, shuffle));
  }
}

TEST_CASE("gather: a scalar drops the axis; computed indices are clamped, constant ones refused") {
  const Tensor<std::uint8_t> x = counting<std::uint8_t>({3, 4});
  check_same(Gather(1), {x, Tensor<std::int64_t>({}, {2})}, Tensor<std::uint8_t>({3}, {2, 6, 10}));
  check_same(Gather(1), {counting<float>({3, 2}), Tensor<std::int64_t>({}, {-1})}, Tensor<float>({3}, {1, 3, 5}));
  check_same(Gather(1), {counting<std::int64_t>({3, 2}), Tensor<std::int64_t>({1}, {0})},
             Tensor<std::int64_t>({3, 1}, {0, 2, 4}));
  const Tensor<float> long_rows = counting<float>({40000, 2});  // divided among threads
  Tensor<float> second({40000});
  for (std::int64_t i = 0; i < second.size(); ++i) second[i] = long_rows[2 * i + 1];
  check_same(Gather(1), {long_rows, Tensor<std::int64_t>({}, {1})}, second);
  check_same(Gather(0), {x, Tensor<std::int64_t>({2}, {100, -100})},
             Tensor<std::uint8_t>({2, 4}, {8, 9, 10, 11, 0, 1, 2, 3}));
  check_same(Gather(0), {x, Tensor<std::int64_t>(Shape{0})}, Tensor<std::uint8_t>({0, 4}));
  CHECK_THROWS_AS(run_layer(Gather(0), {x, fixed(Tensor<std::int64_t>({2}, {0, 3}))}), ShapeError);
  CHECK_THROWS_AS(run_layer(Gather(0), {x, fixed(Tensor<std::int64_t>({2}, {0, -4}))}), ShapeError);
  CHECK(shape_of(Gather(1), {{2, unknown, 3}, {unknown, 4}}, {DType::f32, DType::i64}) == Shape{2, unknown, 4, 3});
  CHECK_THROWS_AS(shape_of(Gather(0), {{2}, {1}}, {DType::f32, DType::f32}), ShapeError);
  CHECK_THROWS_AS(shape_of(Gather(0), {{0, 2}, {1}}, {DType::f32, DType::i64}), ShapeError);
  CHECK_THROWS_AS(shape_of(Gather(2), {{2, 2}, {1}}, {DType::f32, DType::i64}), ShapeError);
}

TEST_CASE("expand: broadcasting as in NumPy") {
  const Tensor<float> x = counting<float>({3, 1, 2});
  check_same(Expand({2, 3, 4, 1}), {x}, picked<float>(x, {2, 3, 4, 2}, 0, [](const auto& i) {
               return std::vector<std::int64_t>{i[1], 0, i[3]};
             }));
  check_same(Expand(), {x}, x);
  check_same(Expand({1}), {x}, x);
  check_same(Expand({2, 2}), {Tensor<std::int16_t>({}, {7})}, Tensor<std::int16_t>({2, 2}, {7, 7, 7, 7}));
  check_same(Expand({0, 1}), {Tensor<float>({1, 3})}, Tensor<float>({0, 3}));
  CHECK(shape_of(Expand({4, 1}), {{unknown, 1, unknown}}) == Shape{unknown, 4, unknown});
  CHECK_THROWS_AS(shape_of(Expand({4}), {{3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Expand({-1}), {{3}}), ShapeError);
}

TEST_CASE("concat: any axis, any number of inputs") {
  for (int axis = 0; axis < 3; ++axis) {
    Shape shapes[3] = {{2, 3, 4}, {2, 3, 4}, {2, 3, 4}};
    shapes[0][axis] = 5;
    shapes[1][axis] = 0;
    shapes[2][axis] = 1;
    std::vector<Operand> in;
    std::vector<Tensor<float>> parts;
    for (unsigned i = 0; i < 3; ++i) {
      parts.push_back(random_tensor(shapes[i], i));
      in.emplace_back(parts.back());
    }
    Shape out{2, 3, 4};
    out[axis] = 6;
    Tensor<float> expected(out);
    each_index(out, [&](auto i) {
      const auto at = i;
      const auto a = static_cast<std::size_t>(axis);
      const std::size_t part = i[a] < 5 ? 0 : 2;
      if (part) i[a] -= 5;
      expected[flat(out, at)] = parts[part][flat(shapes[part], i)];
    });
    check_same(Concat(axis), in, expected);
    check_same(Concat(axis - 3), in, expected);
  }
  const Tensor<std::int64_t> one({2}, {1, 2});
  check_same(Concat(0), {one}, one);
}

TEST_CASE("concat: quantized inputs are requantized to the output's scale") {
  const QuantParams qa(0.1f, 3), qb(0.37f, 200), qy(0.2f, 77);
  const Tensor<std::uint8_t> a = counting<std::uint8_t>({256, 1}), b = counting<std::uint8_t>({256, 1});
  const AnyTensor y = run_layer(Concat(1), {Operand(a, qa), Operand(b, qb), Operand(a, qy)}, {qy})[0];
  const View<const std::uint8_t> found = y.view<std::uint8_t>();
  for (int q = 0; q < 256; ++q) {
    CHECK(found(q, 0) == quantized(real(q, qa), qy));
    CHECK(found(q, 1) == quantized(real(q, qb), qy));
    CHECK(found(q, 2) == q);
  }
}

TEST_CASE("concat: every code is requantized as one by one, ties included, on every instruction set") {
  Random random(3);
  const Tensor<std::uint8_t> codes = counting<std::uint8_t>({4, 64});
  for (int round = 0; round < 60; ++round) {
    const float scale = round % 3 == 0 ? 0.5f : random.real(0.01f, 2.5f);
    const auto zero = [&] { return static_cast<std::int32_t>(random.between(0, 255)); };
    const QuantParams qx(scale, zero()), qy(1, zero());
    for (Isa isa : available_isas()) {
      const UseIsa use(isa);
      const AnyTensor y = run_layer(Concat(1), {Operand(codes, qx), Operand(codes, qy)}, {qy})[0];
      const View<const std::uint8_t> found = y.view<std::uint8_t>();
      int wrong = 0;
      for (int q = 0; q < 256; ++q)
        wrong += found(q / 64, q % 64) != quantized(real(q, qx), qy) || found(q / 64, 64 + q % 64) != q;
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("concat: unknown sizes and errors") {
  CHECK(shape_of(Concat(1), {{2, 3}, {unknown, 4}}) == Shape{2, 7});
  CHECK(shape_of(Concat(1), {{unknown, 3}, {2, unknown}, {unknown, 1}}) == Shape{2, unknown});
  CHECK_THROWS_AS(shape_of(Concat(1), {{2, 3}, {3, 3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Concat(1), {{2, 3}, {2, 3, 1}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Concat(2), {{2, 3}, {2, 3}}), ShapeError);
  CHECK_THROWS_AS(run_layer(Concat(0), {Tensor<float>({1}), Tensor<std::int32_t>({1})}), Error);
}

TEST_CASE("where: broadcasts three tensors") {
  Tensor<bool> condition({3, 1, 5});
  for (std::int64_t i = 0; i < condition.size(); ++i) condition[i] = i % 3 != 0;
  const Tensor<float> a = random_tensor({4, 1}, 1), b = random_tensor({2, 3, 4, 5}, 2);
  Tensor<float> expected(b.shape());
  each_index(b.shape(), [&](const auto& i) {
    expected(i[0], i[1], i[2], i[3]) = condition(i[1], 0, i[3]) ? a(i[2], 0) : b(i[0], i[1], i[2], i[3]);
  });
  check_same(Where(), {condition, a, b}, expected);
  // A scalar condition, and runs longer than the part of one thread.
  const Tensor<std::uint8_t> long_a = counting<std::uint8_t>({40001}), five({}, {5});
  Tensor<bool> no(Shape{});
  check_same(Where(), {no, five, long_a}, long_a);
  check_same(Where(), {no, long_a, five}, Tensor<std::uint8_t>({40001}, std::vector<std::uint8_t>(40001, 5)));
  check_same(Where(), {Tensor<bool>(Shape{0}), a, Tensor<float>(Shape{})}, Tensor<float>({4, 0}));
  CHECK(shape_of(Where(), {{unknown, 1}, {3}, {}}, {DType::boolean}) == Shape{unknown, 3});
  CHECK_THROWS_AS(shape_of(Where(), {{2}, {2}, {2}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Where(), {{2}, {2}, {2}}, {DType::boolean, DType::f32, DType::i8}), ShapeError);
  CHECK_THROWS_AS(shape_of(Where(), {{2}, {3}, {2}}, {DType::boolean}), ShapeError);
}

TEST_CASE("elements smaller than a byte are refused") {
  const AnyTensor x = AnyTensor::make(DType::i4, {4}, [](std::byte*) {});
  CHECK_THROWS_WITH_AS(run_layer(Slice({0}, {2}), {x}),
                       "layer 'tested' (Slice): elements of int4 are smaller than a byte, which is not supported",
                       Error);
}

TEST_CASE("views: the same elements with another shape") {
  const Tensor<float> x = counting<float>({2, 1, 3, 4});
  const auto check = [&](const auto& op, const Shape& shape) { check_same(op, {x}, Tensor<float>(x).reshaped(shape)); };
  check(Identity(), {2, 1, 3, 4});
  check(Reshape({4, 6}), {4, 6});
  check(Reshape({0, -1}), {2, 12});
  check(Reshape({-1}), {24});
  check(Reshape({2, 3, 1, 0}), {2, 3, 1, 4});
  check(Flatten(), {2, 12});
  check(Flatten(0), {1, 24});
  check(Flatten(4), {24, 1});
  check(Flatten(-1), {6, 4});
  check(Squeeze(), {2, 3, 4});
  check(Squeeze({-3}), {2, 3, 4});
  check(Unsqueeze({0, -1}), {1, 2, 1, 3, 4, 1});
}

TEST_CASE("views: unknown sizes and errors") {
  CHECK(shape_of(Reshape({0, -1}), {{unknown, 3, 4}}) == Shape{unknown, 12});
  CHECK(shape_of(Reshape({-1, 12}), {{unknown, 3, 4}}) == Shape{unknown, 12});
  CHECK(shape_of(Flatten(), {{unknown, 3, 4}}) == Shape{unknown, 12});
  CHECK(shape_of(Flatten(), {{2, unknown, 4}}) == Shape{2, unknown});
  CHECK(shape_of(Squeeze({0}), {{unknown, 3}}) == Shape{3});
  CHECK(shape_of(Reshape({0, 4}), {{0, 4}}) == Shape{0, 4});
  Reshape zero({3, 0});
  zero.allow_zero = true;
  CHECK(shape_of(zero, {{0, 7}}) == Shape{3, 0});
  CHECK_THROWS_AS(shape_of(Reshape({5}), {{2, 3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Reshape({-1, -1}), {{2, 3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Reshape({-2, 3}), {{2, 3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Reshape({2, 3, 0}), {{2, 3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Reshape({4, -1}), {{2, 3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Reshape({std::int64_t{1} << 40, std::int64_t{1} << 40}), {{2, 3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Squeeze({1}), {{2, 3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Unsqueeze({0, 0}), {{2, 3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Unsqueeze({0, 1, 2, 3, 4, 5, 6}), {{2, 3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Flatten(3), {{2, 3}}), ShapeError);
}
