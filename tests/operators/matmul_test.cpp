#include <octet/core/element.hpp>
#include <octet/operators/all.hpp>
#include "support/layer.hpp"
#include "support/random.hpp"

using namespace testing;

namespace {

constexpr std::int64_t unknown = Shape::unknown;

/// Calls f(output element, [elements of a], [elements of b]) for a product as NumPy defines it.
template <class F>
void each_product(Shape a, Shape b, F f) {
  if (a.rank() == 1) a.insert(0, 1);
  if (b.rank() == 1) b.insert(1, 1);
  const std::int64_t m = a[a.rank() - 2], k = a.back(), n = b.back();
  const Shape a_batch(a.begin(), a.end() - 2), b_batch(b.begin(), b.end() - 2), batch = broadcast(a_batch, b_batch);
  std::int64_t out = 0;
  each_index(batch, [&](const std::vector<std::int64_t>& i) {
    const auto matrix = [&](const Shape& own) {
      std::vector<std::int64_t> at(i.end() - own.rank(), i.end());
      for (std::size_t d = 0; d < at.size(); ++d) at[d] = own[static_cast<int>(d)] == 1 ? 0 : at[d];
      return flat(own, at);
    };
    for (std::int64_t y = 0; y < m; ++y)
      for (std::int64_t x = 0; x < n; ++x, ++out) {
        std::vector<std::int64_t> left, right;
        for (std::int64_t j = 0; j < k; ++j) {
          left.push_back((matrix(a_batch) * m + y) * k + j);
          right.push_back((matrix(b_batch) * k + j) * n + x);
        }
        f(out, left, right);
      }
  });
}

const std::pair<Shape, Shape> product_shapes[] = {{{3, 4}, {4, 5}},
                                                  {{1, 64}, {64, 33}},
                                                  {{17, 15}, {15, 16}},
                                                  {{40, 7}, {7, 130}},
                                                  {{2, 3, 4}, {4, 5}},
                                                  {{2, 3, 4}, {2, 4, 5}},
                                                  {{2, 1, 3, 4}, {5, 4, 2}},
                                                  {{3, 4}, {2, 4, 5}},
                                                  {{1, 3, 4}, {6, 1, 4, 5}},
                                                  {{4}, {4}},
                                                  {{4}, {4, 5}},
                                                  {{3, 4}, {4}},
                                                  {{2, 3, 4}, {4}},
                                                  {{4}, {2, 4, 5}},
                                                  {{0, 4}, {4, 5}},
                                                  {{3, 0}, {0, 5}},
                                                  {{3, 4}, {4, 0}},
                                                  {{0, 3, 4}, {4, 5}},
                                                  {{2, 3, 0}, {2, 0, 5}},
                                                  {{1}, {1}}};

Window window(std::int64_t kh, std::int64_t kw, std::int64_t stride, std::int64_t pad, std::int64_t dilation) {
  Window w(kh, kw, stride, pad);
  w.dilations = {dilation, dilation};
  return w;
}

struct IntegerConvolutionCase {
  Shape in, weights;
  Window window;
  std::int64_t groups;
};

/// x and w of any byte type.
void check_conv_integer(const IntegerConvolutionCase& c, const AnyTensor& x, const AnyTensor& w,
                        const AnyTensor& x_zero, const AnyTensor& w_zero, bool constant) {
  ConvInteger op;
  op.window = c.window;
  op.groups = c.groups;
  const AnyTensor y = run_layer(op, {x, Operand(w, {}, constant), x_zero, Operand(w_zero, {}, constant)})[0];
  const auto at = [](const AnyTensor& t, std::int64_t i) {
    return t ? static_cast<std::int64_t>(detail::load_element(t.dtype(), t.data(), i)) : 0;
  };
  const std::int64_t group_in = c.weights.back(), group_out = c.weights[0] / c.groups;
  bool same = y.dtype() == DType::i32;
  each_index(y.shape(), [&](const auto& o) {
    std::int64_t sum = 0;
    for (std::int64_t ky = 0; ky < c.weights[1]; ++ky)
      for (std::int64_t kx = 0; kx < c.weights[2]; ++kx)
        for (std::int64_t k = 0; k < group_in; ++k) {
          const std::int64_t iy = o[1] * c.window.strides[0] - c.window.pads_before[0] + ky * c.window.dilations[0];
          const std::int64_t ix = o[2] * c.window.strides[1] - c.window.pads_before[1] + kx * c.window.dilations[1];
          if (iy < 0 || ix < 0 || iy >= c.in[1] || ix >= c.in[2]) continue;
          sum += (at(x, flat(c.in, {o[0], iy, ix, o[3] / group_out * group_in + k})) - at(x_zero, 0)) *
                 (at(w, flat(c.weights, {o[3], ky, kx, k})) - at(w_zero, w_zero && w_zero.size() > 1 ? o[3] : 0));
        }
    same = same && at(y, flat(y.shape(), o)) == sum;
  });
  CHECK(same);
}

template <class T>
AnyTensor random_bytes(const Shape& s, unsigned seed) {
  Tensor<T> t(s);
  Random(seed).fill(t.data(), t.size(), std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
  return t;
}

}  // namespace

TEST_CASE("matmul: batches, broadcasting, vectors; the right operand computed or constant") {
  for (const auto& pair : product_shapes) {
    const Shape &sa = pair.first, &sb = pair.second;
    CAPTURE(detail::concat(sa, sb));
    const Tensor<float> a = random_tensor(sa, 1), b = random_tensor(sb, 2);
    const Tensor<float> y = run_float(MatMul(), {a, b});
    CHECK(same_bytes(run_layer(MatMul(), {a, fixed(b)})[0], y));
    each_product(sa, sb, [&](std::int64_t o, const auto& left, const auto& right) {
      double sum = 0;
      for (std::size_t i = 0; i < left.size(); ++i)
        sum += static_cast<double>(a[left[i]]) * static_cast<double>(b[right[i]]);
      CHECK(std::abs(static_cast<double>(y[o]) - sum) < 1e-5);
    });
  }
  // Half-precision weights.
  Tensor<fp16> half({4, 2});
  for (std::int64_t i = 0; i < 8; ++i) half[i] = fp16(static_cast<float>(i));
  CHECK(same_bytes(run_layer(MatMul(), {Tensor<float>({1, 4}, {1, 2, 3, 4}), fixed(half)})[0],
                   Tensor<float>({1, 2}, {40, 50})));
}

TEST_CASE("matmul: shapes, unknown sizes and errors") {
  CHECK(shape_of(MatMul(), {{unknown, 3, 4}, {4, 5}}) == Shape{unknown, 3, 5});
  CHECK(shape_of(MatMul(), {{unknown, unknown}, {unknown, 5}}) == Shape{unknown, 5});
  CHECK(shape_of(MatMul(), {{2, 1, 3, 4}, {5, 4, 2}}) == Shape{2, 5, 3, 2});
  CHECK(shape_of(MatMul(), {{4}, {4}}) == Shape{});
  CHECK_THROWS_AS(shape_of(MatMul(), {{3, 4}, {5, 4}}), ShapeError);
  CHECK_THROWS_AS(shape_of(MatMul(), {{}, {4}}), ShapeError);
  CHECK_THROWS_AS(shape_of(MatMul(), {{2, 3, 4}, {3, 4, 5}}), ShapeError);
  CHECK_THROWS_AS(run_layer(MatMul(), {Tensor<double>({1, 1}), Tensor<double>({1, 1})}), Error);
}

TEST_CASE("matmul: of integers, exact, for every combination of types, zero points and constants") {
  int count = 0;
  for (const auto& pair : product_shapes) {
    const Shape &sa = pair.first, &sb = pair.second;
    CAPTURE(detail::concat(sa, sb));
    const std::int64_t m = sa.rank() > 1 ? sa[sa.rank() - 2] : 1, n = sb.rank() > 1 ? sb.back() : 1;
    for (int types : {count % 4, (count + 3) % 4}) {
      ++count;
      const AnyTensor a = types & 1 ? random_bytes<std::int8_t>(sa, 1) : random_bytes<std::uint8_t>(sa, 1);
      const AnyTensor b = types & 2 ? random_bytes<std::int8_t>(sb, 2) : random_bytes<std::uint8_t>(sb, 2);
      const AnyTensor az = types & 1 ? random_bytes<std::int8_t>({}, 3) : random_bytes<std::uint8_t>({}, 3);
      const AnyTensor rows = types & 1 ? random_bytes<std::int8_t>({m}, 4) : random_bytes<std::uint8_t>({m}, 4);
      const AnyTensor bz = types & 2 ? random_bytes<std::int8_t>({n}, 5) : random_bytes<std::uint8_t>({n}, 5);
      for (const AnyTensor& a_zero : {AnyTensor(), az, rows})
        for (const AnyTensor& b_zero : {AnyTensor(), bz})
          for (bool constant : {false, true}) {
            const AnyTensor y =
                run_layer(MatMulInteger(), {a, Operand(b, {}, constant), a_zero, Operand(b_zero, {}, constant)})[0];
            const auto at = [](const AnyTensor& t, std::int64_t i) {
              return t ? static_cast<std::int64_t>(detail::load_element(t.dtype(), t.data(), t.size() > 1 ? i : 0)) : 0;
            };
            bool same = y.dtype() == DType::i32;
            each_product(sa, sb, [&](std::int64_t o, const auto& left, const auto& right) {
              std::int64_t sum = 0;
              for (std::size_t i = 0; i < left.size(); ++i)
                sum += (at(a, left[i]) - at(a_zero, o / n % m)) * (at(b, right[i]) - at(b_zero, o % n));
              same = same && at(y, o) == sum;
            });
            CHECK(same);
          }
    }
  }
}

TEST_CASE("matmul: of integers, shapes and errors") {
  using D = DType;
  CHECK(shape_of(MatMulInteger(), {{unknown, 3, 4}, {4, 5}}, {D::u8, D::i8}) == Shape{unknown, 3, 5});
  CHECK(shape_of(MatMulInteger(), {{unknown, 4}, {4, 5}, {7}, {5}}, {D::u8, D::i8, D::u8, D::i8}) == Shape{unknown, 5});
  CHECK_THROWS_AS(shape_of(MatMulInteger(), {{3, 4}, {4, 5}}), ShapeError);
  CHECK_THROWS_AS(shape_of(MatMulInteger(), {{3, 4}, {4, 5}, {2}}, {D::u8, D::i8, D::u8}), ShapeError);
  CHECK_THROWS_AS(shape_of(MatMulInteger(), {{3, 4}, {4, 5}, {}, {1, 5}}, {D::u8, D::i8, D::u8, D::i8}), ShapeError);
  CHECK_THROWS_WITH_AS(
      run_layer(MatMulInteger(), {Tensor<std::uint8_t>({1, 70000}),
                                  fixed(Tensor<std::int8_t>({70000, 1}, std::vector<std::int8_t>(70000, 127)))}),
      "layer 'tested' (MatMulInteger): the sum of 70000 products of output channel 0 may overflow 32 bits", Error);
}

TEST_CASE("convolution of plain integers: exact, for every combination of types, zero points and constants") {
  const IntegerConvolutionCase cases[] = {
      {{2, 5, 6, 3}, {4, 3, 3, 3}, window(3, 3, 1, 1, 1), 1}, {{1, 7, 5, 16}, {33, 1, 1, 16}, window(1, 1, 1, 0, 1), 1},
      {{1, 7, 6, 6}, {4, 2, 3, 3}, window(2, 3, 2, 1, 2), 2}, {{1, 6, 6, 5}, {5, 3, 3, 1}, window(3, 3, 1, 1, 1), 5},
      {{0, 6, 6, 5}, {5, 3, 3, 5}, window(3, 3, 1, 1, 1), 1}, {{1, 3, 3, 0}, {2, 2, 2, 0}, window(2, 2, 1, 0, 1), 1}};
  for (const IntegerConvolutionCase& c : cases) {
    CAPTURE(detail::concat(c.in));
    for (int types = 0; types < 4; ++types) {
      const AnyTensor x = types & 1 ? random_bytes<std::int8_t>(c.in, 1) : random_bytes<std::uint8_t>(c.in, 1);
      const AnyTensor w =
          types & 2 ? random_bytes<std::int8_t>(c.weights, 2) : random_bytes<std::uint8_t>(c.weights, 2);
      const AnyTensor xz = types & 1 ? random_bytes<std::int8_t>({}, 3) : random_bytes<std::uint8_t>({1}, 3);
      const AnyTensor wz = types & 2 ? random_bytes<std::int8_t>({c.weights[0]}, 4) : random_bytes<std::uint8_t>({}, 4);
      for (const AnyTensor& x_zero : {AnyTensor(), xz})
        for (const AnyTensor& w_zero : {AnyTensor(), wz})
          for (bool constant : {false, true}) check_conv_integer(c, x, w, x_zero, w_zero, constant);
    }
  }
}

TEST_CASE("convolution of plain integers: shapes and errors") {
  using D = DType;
  ConvInteger op;
  op.window = window(3, 3, 2, 1, 1);
  CHECK(shape_of(op, {{unknown, 7, unknown, 3}, {4, 3, 3, 3}}, {D::u8, D::u8}) == Shape{unknown, 4, unknown, 4});
  CHECK_THROWS_AS(shape_of(op, {{1, 7, 7, 3}, {4, 3, 3, 3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(op, {{1, 7, 7, 2}, {4, 3, 3, 3}}, {D::u8, D::u8}), ShapeError);
  CHECK_THROWS_AS(shape_of(op, {{1, 7, 7, 3}, {4, 3, 3, 3}, {3}}, {D::u8, D::u8, D::u8}), ShapeError);
  CHECK_THROWS_AS(shape_of(op, {{1, 7, 7, 3}, {4, 3, 3, 3}, {}, {3}}, {D::u8, D::u8, D::u8, D::u8}), ShapeError);
}
