#include <octet/operators/all.hpp>
#include "support/isas.hpp"
#include "support/layer.hpp"
#include "support/random.hpp"

using namespace testing;

namespace {

constexpr std::int64_t unknown = Shape::unknown;

/// Calls f(output index, the elements that are reduced to it).
template <class T, class F>
void each_group(const Tensor<T>& x, const std::vector<std::int64_t>& axes, F f) {
  Shape out = x.shape();
  for (int d = 0; d < out.rank(); ++d)
    for (std::int64_t a : axes)
      if (axes.empty() || a == d || a + out.rank() == d) out[d] = 1;
  if (axes.empty())
    for (int d = 0; d < out.rank(); ++d) out[d] = 1;
  std::vector<std::vector<T>> groups(static_cast<std::size_t>(out.elements()));
  each_index(x.shape(), [&](std::vector<std::int64_t> i) {
    const T v = x[flat(x.shape(), i)];
    for (std::size_t d = 0; d < i.size(); ++d) i[d] = out[static_cast<int>(d)] == 1 ? 0 : i[d];
    groups[static_cast<std::size_t>(flat(out, i))].push_back(v);
  });
  for (std::size_t g = 0; g < groups.size(); ++g) f(static_cast<std::int64_t>(g), groups[g]);
}

struct PoolCase {
  Shape in;
  Window window;
};

Window window(std::vector<std::int64_t> kernel, std::vector<std::int64_t> strides, std::vector<std::int64_t> before,
              std::vector<std::int64_t> after, std::vector<std::int64_t> dilations = {}, bool ceil_mode = false) {
  Window w;
  w.dilations = dilations.empty() ? std::vector<std::int64_t>(kernel.size(), 1) : std::move(dilations);
  w.kernel = std::move(kernel);
  w.strides = std::move(strides);
  w.ceil_mode = ceil_mode;
  w.pads_before = std::move(before);
  w.pads_after = std::move(after);
  return w;
}

/// The pooled elements of one output element: spatial indices in the input, and their number including padding.
struct Taps {
  std::vector<std::vector<std::int64_t>> inside;
  std::int64_t padded = 0;
};
Taps taps_of(const PoolCase& c, const std::vector<std::int64_t>& out) {
  Taps t;
  const Window& w = c.window;
  each_index(Shape(w.kernel.begin(), w.kernel.end()), [&](const auto& k) {
    std::vector<std::int64_t> at;
    bool inside = true, padded = true;
    for (std::size_t d = 0; d < k.size(); ++d) {
      const std::int64_t size = c.in[static_cast<int>(d) + 1];
      at.push_back(out[d + 1] * w.strides[d] - w.pads_before[d] + k[d] * w.dilations[d]);
      inside = inside && at[d] >= 0 && at[d] < size;
      padded = padded && at[d] < size + w.pads_after[d];
    }
    if (inside) t.inside.push_back(at);
    t.padded += padded;
  });
  return t;
}

std::vector<PoolCase> pool_cases() {
  return {{{2, 7, 9, 17}, window({3, 2}, {2, 1}, {0, 0}, {0, 0})},
          {{1, 7, 9, 33}, window({3, 3}, {2, 2}, {1, 1}, {1, 0})},
          {{1, 6, 6, 3}, window({3, 3}, {2, 2}, {0, 0}, {0, 0}, {}, true)},
          {{1, 5, 8, 16}, window({2, 3}, {3, 2}, {1, 2}, {0, 1}, {2, 2}, true)},
          {{2, 11, 15}, window({3}, {2}, {1}, {1})},
          {{1, 4, 5, 6, 5}, window({2, 3, 2}, {2, 1, 2}, {0, 1, 1}, {1, 1, 0})},
          {{1, 9, 9, 4}, window({9, 9}, {1, 1}, {0, 0}, {0, 0})},
          {{1, 2, 2, 5}, window({2, 2}, {1, 1}, {3, 0}, {2, 2})},  // windows that contain only padding
          {{1, 3, 3, 2}, window({2, 2}, {1, 1}, {2, 2}, {2, 2}, {3, 5})},
          {{1, 3, 5, 6}, window({3, 3}, {3, 4}, {2, 2}, {3, 7}, {}, true)},
          {{2, 11, 13, 24}, window({3, 3}, {2, 2}, {1, 1}, {1, 1})},
          {{1, 9, 8, 24}, window({5, 5}, {1, 1}, {2, 2}, {2, 2})},
          {{1, 14, 14, 7}, window({13, 13}, {1, 1}, {6, 6}, {6, 6})},
          {{1, 5, 40, 3}, window({2, 2}, {2, 2}, {0, 0}, {0, 0})},
          {{2, 4, 37, 16}, window({3, 3}, {1, 2}, {1, 1}, {1, 1})},
          {{1, 7, 21, 1}, window({3, 2}, {2, 3}, {1, 0}, {1, 1}, {1, 2})},
          {{1, 17, 35, 2}, window({17, 17}, {1, 2}, {0, 8}, {0, 8})},  // more pixels than 16 bits hold the sum of
          {{1, 6, 7, 70}, window({1, 3}, {1, 1}, {0, 1}, {0, 1})},
          {{1, 3, 4, 6, 3}, window({2, 3, 3}, {1, 2, 3}, {1, 1, 1}, {0, 1, 2})},
          {{1, 0, 2, 3}, window({2, 2}, {1, 1}, {1, 1}, {1, 1})},
          {{2, 3, 3, 0}, window({2, 2}, {1, 1}, {0, 0}, {0, 0})},
          {{0, 3, 3, 4}, window({2, 2}, {1, 1}, {0, 0}, {0, 0})}};
}

std::vector<std::int64_t> source(const std::vector<std::int64_t>& out, const std::vector<std::int64_t>& at) {
  std::vector<std::int64_t> s{out.front()};
  s.insert(s.end(), at.begin(), at.end());
  s.push_back(out.back());
  return s;
}

template <class T>
Tensor<T> random_of(const Shape& s, unsigned seed) {
  Tensor<T> t(s);
  if constexpr (std::is_same_v<T, float>)
    Random(seed).fill(t.data(), t.size());
  else
    Random(seed).fill(t.data(), t.size(), std::is_signed_v<T> ? -128 : 0, std::is_signed_v<T> ? 127 : 255);
  return t;
}

template <class T>
void check_max(const PoolCase& c, T of_nothing) {
  CAPTURE(detail::concat(c.in));
  const Tensor<T> x = random_of<T>(c.in, 1);
  MaxPool op;
  op.window = c.window;
  const AnyTensor y = run_layer(op, {x})[0];
  each_index(y.shape(), [&](const auto& o) {
    T best = of_nothing;
    bool first = true;
    for (const auto& at : taps_of(c, o).inside) {
      const T v = x[flat(c.in, source(o, at))];
      if (first || v > best) best = v;
      first = false;
    }
    CHECK(y.view<T>()[flat(y.shape(), o)] == best);
  });
}

}  // namespace

TEST_CASE("reduce: floats, over any axes") {
  const Tensor<float> x = random_tensor({3, 4, 1, 5}, 1, 0.5f, 1.5f);
  const std::vector<std::int64_t> all_axes[] = {{}, {0}, {1}, {-1}, {0, 3}, {1, 2}, {0, 1, 2, 3}, {3, 1}, {2}};
  for (int k = 0; k <= static_cast<int>(ReduceKind::last); ++k)
    for (const auto& axes : all_axes) {
      const auto kind = static_cast<ReduceKind>(k);
      CAPTURE(k);
      const Tensor<float> y = run_float(Reduce(kind, axes, true), {x});
      each_group(x, axes, [&](std::int64_t g, const std::vector<float>& v) {
        double sum = 0, prod = 1, squares = 0;
        for (float e : v) {
          sum += static_cast<double>(e);
          prod *= static_cast<double>(e);
          squares += std::pow(static_cast<double>(e), 2);
        }
        double e = sum;
        if (kind == ReduceKind::mean) e = sum / static_cast<double>(v.size());
        if (kind == ReduceKind::max) e = static_cast<double>(*std::max_element(v.begin(), v.end()));
        if (kind == ReduceKind::min) e = static_cast<double>(*std::min_element(v.begin(), v.end()));
        if (kind == ReduceKind::prod) e = prod;
        if (kind == ReduceKind::l2) e = std::sqrt(squares);
        CHECK(static_cast<double>(y[g]) == doctest::Approx(e).epsilon(1e-5));
      });
      CHECK(run_layer(Reduce(kind, axes, false), {x})[0].size() == y.size());
    }
}

TEST_CASE("reduce: floats of long rows and columns, NaN, the same bits on every instruction set") {
  for (const Shape& shape : {Shape{3, 70, 5}, Shape{70, 37}, Shape{2, 3, 1100}, Shape{2, 33, 1, 17}})
    for (std::int64_t axis = 0; axis < shape.rank(); ++axis)
      for (const ReduceKind kind : {ReduceKind::max, ReduceKind::min, ReduceKind::sum, ReduceKind::mean}) {
        CAPTURE(detail::concat(shape, axis));
        Tensor<float> x = random_tensor(shape, 1);
        x[shape.elements() / 2] = std::numeric_limits<float>::quiet_NaN();
        Tensor<float> first;
        for (const Isa isa : available_isas()) {
          const UseIsa use(isa);
          const Tensor<float> y = run_float(Reduce(kind, {axis}, true), {x});
          if (isa == Isa::scalar) first = y;
          CHECK(same_bytes(y, first));
          each_group(x, {axis}, [&](std::int64_t g, const std::vector<float>& v) {
            double e = kind == ReduceKind::max ? -1e9 : kind == ReduceKind::min ? 1e9 : 0;
            for (const float r : v) {
              const auto d = static_cast<double>(r);
              if (kind == ReduceKind::max)
                e = d > e || d != d ? d : e;
              else if (kind == ReduceKind::min)
                e = d < e || d != d ? d : e;
              else
                e += d;
            }
            if (kind == ReduceKind::mean) e /= static_cast<double>(v.size());
            const auto got = static_cast<double>(y[g]);
            CHECK((std::isnan(e) ? std::isnan(got) : std::abs(got - e) < 1e-5));
          });
        }
      }
}

TEST_CASE("reduce: integers are exact") {
  const auto one = [](ReduceKind kind, auto tensor) {
    using T = typename decltype(tensor)::value_type;
    return run_layer(Reduce(kind, {}, false), {tensor})[0].template view<T>()[0];
  };
  using I8 = Tensor<std::int8_t>;
  using I64 = Tensor<std::int64_t>;
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  CHECK(one(ReduceKind::sum, I64({3}, {big, 2, -1})) == big + 1);
  CHECK(one(ReduceKind::max, I64({3}, {big, big - 1, 5})) == big);
  CHECK(one(ReduceKind::min, I64({3}, {-big, 1 - big, 5})) == -big);
  CHECK(one(ReduceKind::prod, I64({2}, {big, -3})) == -3 * big);
  CHECK(one(ReduceKind::mean, I64({2}, {big, big})) == big);
  CHECK(one(ReduceKind::mean, I64({2}, {-3, -4})) == -3);  // toward zero
  CHECK(one(ReduceKind::mean, I8({3}, {127, 127, 126})) == 126);
  CHECK(one(ReduceKind::sum, I8({2}, {127, 1})) == -128);
  CHECK(one(ReduceKind::sum, I64({2}, {std::numeric_limits<std::int64_t>::max(), 1})) ==
        std::numeric_limits<std::int64_t>::min());
  CHECK(one(ReduceKind::max, Tensor<std::uint64_t>({2}, {std::uint64_t{1} << 63, 5})) == std::uint64_t{1} << 63);
  CHECK(one(ReduceKind::mean, Tensor<std::uint64_t>({2}, {std::uint64_t{1} << 62, std::uint64_t{1} << 62})) ==
        std::uint64_t{1} << 62);
  CHECK(one(ReduceKind::sum, Tensor<std::int32_t>({2}, {2000000000, 2000000000})) ==
        static_cast<std::int32_t>(4000000000u));
  CHECK(one(ReduceKind::l2, Tensor<std::int32_t>({2}, {3, -4})) == 5);
  CHECK(one(ReduceKind::max, Tensor<float>({3}, {1, std::nanf(""), 2})) !=
        one(ReduceKind::max, Tensor<float>({1}, {2})));
  // Empty tensors.
  const auto none = [](ReduceKind kind) {
    return floats(run_layer(Reduce(kind, {1}, false), {Tensor<float>({2, 0})})[0])[1];
  };
  CHECK(none(ReduceKind::sum) == 0);
  CHECK(none(ReduceKind::max) == -std::numeric_limits<float>::infinity());
  CHECK(none(ReduceKind::prod) == 1);
  CHECK(std::isnan(none(ReduceKind::mean)));
  CHECK(run_layer(Reduce(ReduceKind::mean, {1}, false), {I64({1, 0})})[0].view<std::int64_t>()[0] == 0);
  CHECK(run_layer(Reduce(ReduceKind::max, {1}, false), {I64({0, 4})})[0].shape() == Shape{0});
  CHECK_THROWS_AS(run_layer(Reduce(), {Tensor<bool>({2})}), Error);
}

TEST_CASE("reduce: maximum over all pixels, floats and bytes") {
  const QuantParams q(0.1f, 3);
  for (std::int64_t channels : {1, 15, 16, 17, 33, 64})
    for (const Shape& in : {Shape{2, 3, 5, channels}, Shape{1, 7, channels}, Shape{1, 1, 1, channels}}) {
      std::vector<std::int64_t> axes;
      for (int d = 1; d + 1 < in.rank(); ++d) axes.push_back(d);
      const Tensor<float> x = random_tensor(in, 5, -9, -1);
      const Tensor<float> y = run_float(Reduce(ReduceKind::max, axes, true), {x});
      each_group(x, axes, [&](std::int64_t g, const std::vector<float>& v) {
        CHECK(y[g] == *std::max_element(v.begin(), v.end()));
      });
      Tensor<std::uint8_t> codes(in);
      Random(6).fill(codes.data(), codes.size(), 0, 255);
      const AnyTensor z = run_layer(Reduce(ReduceKind::max, axes, false), {Operand(codes, q)}, {q})[0];
      each_group(codes, axes, [&](std::int64_t g, const std::vector<std::uint8_t>& v) {
        CHECK(z.view<std::uint8_t>()[g] == *std::max_element(v.begin(), v.end()));
      });
    }
  Tensor<float> x({1, 2, 2, 3}, std::vector<float>(12, 1.0f));
  x[4] = std::nanf("");
  const Tensor<float> y = run_float(Reduce(ReduceKind::max, {1, 2}, false), {x});
  CHECK(y[0] == 1);
  CHECK(std::isnan(y[1]));
  const Tensor<float> none = run_float(Reduce(ReduceKind::max, {1, 2}, false), {Tensor<float>({1, 0, 2, 3})});
  CHECK(none[2] == -std::numeric_limits<float>::infinity());
}

TEST_CASE("reduce: maximum and minimum of quantized bytes") {
  const QuantParams q(0.1f, 3);
  const Tensor<std::uint8_t> x({2, 3}, {1, 9, 5, 200, 100, 0});
  CHECK(same_bytes(run_layer(Reduce(ReduceKind::max, {1}, false), {Operand(x, q)}, {q})[0],
                   Tensor<std::uint8_t>({2}, {9, 200})));
  CHECK(same_bytes(run_layer(Reduce(ReduceKind::min, {0}, false), {Operand(x, q)}, {q})[0],
                   Tensor<std::uint8_t>({3}, {1, 9, 0})));
  for (const Shape& shape : {Shape{1, 5}, Shape{18, 15}, Shape{35, 64}, Shape{3, 17, 33}, Shape{2, 3, 1100}}) {
    const Tensor<std::uint8_t> codes = random_of<std::uint8_t>(shape, 3);
    for (std::int64_t axis = 0; axis < shape.rank(); ++axis)
      for (const ReduceKind kind : {ReduceKind::max, ReduceKind::min}) {
        const AnyTensor y = run_layer(Reduce(kind, {axis}, true), {Operand(codes, q)}, {q})[0];
        each_group(codes, {axis}, [&](std::int64_t g, const std::vector<std::uint8_t>& v) {
          const auto [least, greatest] = std::minmax_element(v.begin(), v.end());
          CHECK(y.view<std::uint8_t>()[g] == (kind == ReduceKind::max ? *greatest : *least));
        });
      }
  }
}

TEST_CASE("reduce: mean of floats and bytes, over all pixels and other axes") {
  const QuantParams qx(0.1f, 3), qy(0.07f, 11);
  struct Case {
    Shape shape;
    std::vector<std::int64_t> axes;
  };
  for (const auto& [s, axes] :
       {Case{{2, 5, 7, 33}, {1, 2}}, Case{{1, 4, 16}, {1}}, Case{{3, 2, 2, 2, 5}, {1, 3, 2}},
        Case{{1, 7, 7, 0}, {1, 2}}, Case{{0, 7, 7, 4}, {1, 2}}, Case{{1, 0, 3, 2}, {1, 2}}, Case{{3, 4, 5, 6}, {0, 2}},
        Case{{4, 8}, {-2}}, Case{{9, 65}, {1}}, Case{{2, 700}, {1}}, Case{{4, 8}, {}}, Case{{2, 0}, {1}}}) {
    const Tensor<float> x = random_tensor(s, 1);
    const Tensor<float> y = run_float(Reduce(ReduceKind::mean, axes, false), {x});
    if (x.size() > 0)
      each_group(x, axes, [&](std::int64_t g, const std::vector<float>& v) {
        double sum = 0;
        for (float e : v) sum += static_cast<double>(e);
        CHECK(static_cast<double>(y[g]) == doctest::Approx(sum / static_cast<double>(v.size())).epsilon(1e-4));
      });
    const Tensor<std::uint8_t> bytes = random_of<std::uint8_t>(s, 2);
    for (Rounding rounding : {Rounding::fp32, Rounding::tflite_double, Rounding::tflite_single})
      for (const QuantParams& q : {qx, qy}) {
        const AnyTensor z = run_layer(Reduce(ReduceKind::mean, axes, true), {Operand(bytes, qx)}, {q}, rounding)[0];
        if (bytes.size() > 0)
          each_group(bytes, axes, [&](std::int64_t g, const std::vector<std::uint8_t>& v) {
            double sum = 0;
            for (int e : v) sum += e;
            const double mean = sum / static_cast<double>(v.size());
            std::int64_t expect = quantized((mean - 3) * static_cast<double>(qx.scale[0]), q);
            const bool as_tflite = rounding != Rounding::fp32;
            if (as_tflite) {  // scale / count as one multiplier, truncated
              const auto n = static_cast<long double>(v.size());
              int shift = 0, extra = static_cast<int>(std::log2(v.size()));
              const double ratio = static_cast<double>(qx.scale[0]) / static_cast<double>(q.scale[0]);
              const auto m = static_cast<long double>(std::round(std::frexp(ratio, &shift) * 2147483648.0));
              const auto centered = static_cast<std::int64_t>(sum) - 3 * static_cast<std::int64_t>(v.size());
              expect = fixed_point(centered, std::floor(std::ldexp(m, extra) / n), shift - extra, rounding);
              expect = std::clamp<std::int64_t>(expect + q.zero_point[0], 0, 255);
            }
            const bool tie = near_tie((mean - 3) * static_cast<double>(qx.scale[0]), static_cast<double>(q.scale[0]));
            CHECK(std::abs(z.view<std::uint8_t>()[g] - expect) <= (tie && !as_tflite ? 1 : 0));
          });
      }
  }
}

TEST_CASE("reduce: shapes and errors") {
  CHECK(shape_of(Reduce(ReduceKind::sum, {1, -1}, true), {{unknown, 3, 4}}) == Shape{unknown, 1, 1});
  CHECK(shape_of(Reduce(ReduceKind::sum, {1, -1}, false), {{unknown, 3, 4}}) == Shape{unknown});
  CHECK(shape_of(Reduce(ReduceKind::sum, {}, false), {{2, 3}}) == Shape{});
  CHECK_THROWS_AS(shape_of(Reduce(ReduceKind::sum, {2}, true), {{2, 3}}), ShapeError);
}

TEST_CASE("max pool: float, bytes and other types, empty tensors") {
  for (const PoolCase& c : pool_cases()) {
    check_max<float>(c, std::numeric_limits<float>::lowest());
    check_max<std::uint8_t>(c, 0);
    check_max<std::int8_t>(c, 0);
    check_max<std::int32_t>(c, 0);
  }
}

TEST_CASE("max pool: NaN and infinity, beside padding too") {
  Tensor<float> x({1, 3, 4, 2});
  std::fill(x.begin(), x.end(), -std::numeric_limits<float>::infinity());
  x[2] = std::numeric_limits<float>::quiet_NaN();  // row 0, column 1, channel 0
  x[15] = -1e38f;                                  // row 1, column 3, channel 1
  for (std::int64_t stride : {1, 2}) {
    MaxPool op;
    op.window = window({3, 3}, {stride, stride}, {1, 1}, {1, 1});
    const AnyTensor y = run_layer(op, {x})[0];
    each_index(y.shape(), [&](const auto& o) {
      const float found = y.view<float>()[flat(y.shape(), o)];
      const std::int64_t row = o[1] * stride, column = o[2] * stride;
      if (o[3] == 0 && row <= 1 && column <= 2)
        CHECK(std::isnan(found));
      else if (o[3] == 1 && row <= 2 && column >= 2)
        CHECK(found == -1e38f);
      else
        CHECK(found == -std::numeric_limits<float>::infinity());
    });
  }
}

TEST_CASE("max pool: positions of the maxima") {
  for (const PoolCase& c : pool_cases()) {
    if (c.in.elements() == 0) continue;
    for (bool columns_first : {false, true}) {
      if (columns_first && c.in.rank() != 4) continue;
      const Tensor<float> x = random_tensor(c.in, 3);
      MaxPool op;
      op.window = c.window;
      op.indices = true;
      op.columns_first = columns_first;
      const std::vector<AnyTensor> y = run_layer(op, {x});
      each_index(y[0].shape(), [&](const auto& o) {
        const Taps t = taps_of(c, o);
        std::int64_t expect = 0;
        float best = std::numeric_limits<float>::lowest();
        for (const auto& at : t.inside) {
          const float v = x[flat(c.in, source(o, at))];
          if (v <= best) continue;
          best = v;
          expect = o.front() * c.in.back() + o.back();
          for (std::size_t d = 0; d < at.size(); ++d) {
            const std::size_t e = columns_first ? at.size() - 1 - d : d;
            expect = expect * c.in[static_cast<int>(e) + 1] + at[e];
          }
        }
        const std::int64_t i = flat(y[0].shape(), o);
        CHECK(y[0].view<float>()[i] == best);
        CHECK(y[1].view<std::int64_t>()[i] == expect);
      });
    }
  }
}

TEST_CASE("average pool: with and without padding, float and bytes, empty tensors") {
  const QuantParams qx(0.1f, 40), qy(0.13f, 12);
  for (const PoolCase& c : pool_cases())
    for (bool include : {false, true}) {
      CAPTURE(detail::concat(c.in));
      AveragePool op;
      op.window = c.window;
      op.include_padding = include;
      const Tensor<float> x = random_tensor(c.in, 1);
      const Tensor<std::uint8_t> bytes = random_of<std::uint8_t>(c.in, 2);
      const Tensor<float> y = run_float(op, {x});
      const AnyTensor same = run_layer(op, {Operand(bytes, qx)}, {qx})[0],
                      other = run_layer(op, {Operand(bytes, qx)}, {qy})[0];
      const AnyTensor tflite = run_layer(op, {Operand(bytes, qx)}, {qx}, Rounding::tflite_double)[0];
      op.int8_ties = true;
      const AnyTensor ties = run_layer(op, {Operand(bytes, qx)}, {qx}, Rounding::tflite_single)[0];
      each_index(y.shape(), [&](const auto& o) {
        const Taps t = taps_of(c, o);
        const auto n = static_cast<double>(
            std::max<std::int64_t>(1, include ? t.padded : static_cast<std::int64_t>(t.inside.size())));
        double sum = 0, real_sum = 0, byte_sum = 0;
        for (const auto& at : t.inside) {
          const std::int64_t i = flat(c.in, source(o, at));
          sum += static_cast<double>(x[i]);
          real_sum += real(bytes[i], qx);
          byte_sum += bytes[i];
        }
        const std::int64_t i = flat(y.shape(), o);
        CHECK(static_cast<double>(y[i]) == doctest::Approx(sum / n).epsilon(1e-4));
        for (const auto& [found, q] : {std::pair{&same, &qx}, std::pair{&other, &qy}}) {
          const bool tie = near_tie(real_sum / n, static_cast<double>(q->scale[0]));
          CHECK(std::abs(found->template view<std::uint8_t>()[i] - quantized(real_sum / n, *q)) <= (tie ? 1 : 0));
        }
        if (include || t.inside.empty()) return;  // TFLite excludes the padding
        CHECK(tflite.view<std::uint8_t>()[i] == static_cast<int>(std::round(byte_sum / n)));
        CHECK(ties.view<std::uint8_t>()[i] == static_cast<int>(std::round(byte_sum / n - 128)) + 128);
      });
    }
}

TEST_CASE("pools: shapes, SAME and ceil mode, unknown sizes and errors") {
  MaxPool op;
  op.window = window({3, 3}, {2, 2}, {}, {});
  op.window.padding = Window::Padding::same_upper;
  CHECK(shape_of(op, {{1, 7, 8, 3}}) == Shape{1, 4, 4, 3});
  CHECK(shape_of(op, {{unknown, unknown, 8, 3}}) == Shape{unknown, unknown, 4, 3});
  const Tensor<float> x = counting<float>({1, 1, 4, 1});
  op.window = window({1, 3}, {1, 2}, {}, {});
  op.window.padding = Window::Padding::same_upper;
  CHECK(same_bytes(run_layer(op, {x})[0], Tensor<float>({1, 1, 2, 1}, {2, 3})));
  op.window.padding = Window::Padding::same_lower;
  CHECK(same_bytes(run_layer(op, {x})[0], Tensor<float>({1, 1, 2, 1}, {1, 3})));
  op.window.padding = Window::Padding::valid;
  CHECK(same_bytes(run_layer(op, {x})[0], Tensor<float>({1, 1, 1, 1}, {2})));
  op.window = window({2, 2}, {2, 2}, {0, 0}, {0, 0});
  CHECK(shape_of(op, {{1, 5, 5, 3}}) == Shape{1, 2, 2, 3});
  op.window.ceil_mode = true;
  CHECK(shape_of(op, {{1, 5, 5, 3}}) == Shape{1, 3, 3, 3});
  CHECK_THROWS_AS(shape_of(op, {{1, 5, 5}}), ShapeError);
  CHECK_THROWS_AS(shape_of(op, {{1, 1, 5, 3}}), ShapeError);
  op.window.strides = {0, 1};
  CHECK_THROWS_AS(shape_of(op, {{1, 5, 5, 3}}), ShapeError);
  op.window.strides = {1};
  CHECK_THROWS_AS(shape_of(op, {{1, 5, 5, 3}}), ShapeError);
  op.window.strides = {1, 1};
  op.window.pads_after = {-1, 0};
  CHECK_THROWS_AS(shape_of(op, {{1, 5, 5, 3}}), ShapeError);
  AveragePool average;
  average.window = window({2, 2}, {2, 2}, {0, 0}, {0, 0});
  CHECK_THROWS_AS(run_layer(average, {Tensor<std::int32_t>({1, 2, 2, 1})}), Error);
}
