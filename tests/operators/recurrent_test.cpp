#include <octet/operators/all.hpp>

#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/onnx_builder.hpp"

using namespace testing;

namespace {

using Vector = std::vector<double>;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// The parameters of one direction of an ONNX layer with H units and I features, for sequences of T elements.
struct Layer {
  RecurrentKind kind;
  std::int64_t gates, units, features;
  const float *w, *r, *b;

  /// w x + wb, and r h + rb, of gate row i.
  double of_input(const Vector& x, std::int64_t i) const {
    double s = static_cast<double>(b[i]);
    for (std::int64_t k = 0; k < features; ++k)
      s += static_cast<double>(w[i * features + k]) * x[static_cast<std::size_t>(k)];
    return s;
  }
  double of_state(const Vector& h, std::int64_t i) const {
    double s = static_cast<double>(b[gates * units + i]);
    for (std::int64_t k = 0; k < units; ++k)
      s += static_cast<double>(r[i * units + k]) * h[static_cast<std::size_t>(k)];
    return s;
  }
  /// ONNX's equations.
  void step(const Vector& x, Vector& h, Vector& c) const {
    const Vector before = h;
    const auto sum = [&](std::int64_t gate, std::int64_t j) {
      return of_input(x, gate * units + j) + of_state(before, gate * units + j);
    };
    for (std::int64_t j = 0; j < units; ++j) {
      const auto k = static_cast<std::size_t>(j);
      if (kind == RecurrentKind::rnn) {
        h[k] = std::tanh(sum(0, j));
      } else if (kind == RecurrentKind::lstm) {
        c[k] = sigmoid(sum(2, j)) * c[k] + sigmoid(sum(0, j)) * std::tanh(sum(3, j));
        h[k] = sigmoid(sum(1, j)) * std::tanh(c[k]);
      } else {
        Vector reset = before;
        for (std::int64_t i = 0; i < units; ++i) reset[static_cast<std::size_t>(i)] *= sigmoid(sum(1, i));
        const std::int64_t row = 2 * units + j;
        const double fresh = kind == RecurrentKind::gru ? of_input(x, row) + of_state(reset, row)
                                                        : of_input(x, row) + sigmoid(sum(1, j)) * of_state(before, row);
        const double z = sigmoid(sum(0, j));
        h[k] = (1 - z) * std::tanh(fresh) + z * before[k];
      }
    }
  }
};

constexpr std::int64_t times = 4, batch = 2, features = 5, units = 3;

/// Checks an ONNX layer with random parameters against the equations, with the batch second and first.
void check(const char* type, RecurrentKind kind, const char* direction, bool states) {
  CAPTURE(type);
  CAPTURE(direction);
  const std::int64_t gates = kind == RecurrentKind::rnn ? 1 : kind == RecurrentKind::lstm ? 4 : 3;
  const std::int64_t directions = std::string(direction) == "bidirectional" ? 2 : 1, rows = gates * units;
  const Tensor<float> x = random_tensor({times, batch, features}, 1),
                      w = random_tensor({directions, rows, features}, 2),
                      r = random_tensor({directions, rows, units}, 3), b = random_tensor({directions, 2 * rows}, 4),
                      h0 = random_tensor({directions, batch, units}, 5),
                      c0 = random_tensor({directions, batch, units}, 6);
  Tensor<float> right({times, directions, batch, units}), last({directions, batch, units}), cells = last;
  for (std::int64_t d = 0; d < directions; ++d)
    for (std::int64_t n = 0; n < batch; ++n) {
      const Layer layer{kind,
                        gates,
                        units,
                        features,
                        w.data() + d * rows * features,
                        r.data() + d * rows * units,
                        b.data() + d * 2 * rows};
      Vector h(units, 0), c(units, 0);
      const std::int64_t at = (d * batch + n) * units;
      for (std::int64_t j = 0; j < units && states; ++j) {
        h[static_cast<std::size_t>(j)] = static_cast<double>(h0[at + j]);
        c[static_cast<std::size_t>(j)] = static_cast<double>(c0[at + j]);
      }
      for (std::int64_t i = 0; i < times; ++i) {
        const std::int64_t t = d == 1 || std::string(direction) == "reverse" ? times - 1 - i : i;
        const float* from = x.data() + (t * batch + n) * features;
        layer.step(Vector(from, from + features), h, c);
        for (std::int64_t j = 0; j < units; ++j)
          right[((t * directions + d) * batch + n) * units + j] = static_cast<float>(h[static_cast<std::size_t>(j)]);
      }
      for (std::int64_t j = 0; j < units; ++j) {
        last[at + j] = static_cast<float>(h[static_cast<std::size_t>(j)]);
        cells[at + j] = static_cast<float>(c[static_cast<std::size_t>(j)]);
      }
    }
  const bool lstm = kind == RecurrentKind::lstm;
  for (const int layout : {0, 1}) {
    OnnxBuilder m(14);
    m.input("x", {times, -1, features});
    m.initializer("w", w).initializer("r", r).initializer("b", b).initializer("h0", h0).initializer("c0", c0);
    std::vector<std::string> in{"x", "w", "r", "b", "", states ? "h0" : "", states && lstm ? "c0" : ""}, out{"y", "h"};
    std::vector<OnnxAttribute> a{{"direction", direction}, {"hidden_size", units}, {"layout", layout}};
    if (kind == RecurrentKind::gru_linear_first) a.emplace_back("linear_before_reset", 1);
    if (lstm) out.emplace_back("c");
    if (layout == 1) {  // [N, T, I] and [N, D, H]
      m.node("Transpose", {"x"}, {"xt"}, {{"perm", std::vector<std::int64_t>{1, 0, 2}}});
      in[0] = "xt";
      for (const char* s : {"h0", "c0"})
        m.node("Transpose", {s}, {std::string(s) + "t"}, {{"perm", std::vector<std::int64_t>{1, 0, 2}}});
      if (states) in[5] = "h0t";
      if (states && lstm) in[6] = "c0t";
    }
    m.node(type, in, out, a);
    if (layout == 1) {
      m.node("Transpose", {"y"}, {"yt"}, {{"perm", std::vector<std::int64_t>{1, 2, 0, 3}}});
      m.node("Transpose", {"h"}, {"ht"}, {{"perm", std::vector<std::int64_t>{1, 0, 2}}});
      if (lstm) m.node("Transpose", {"c"}, {"ct"}, {{"perm", std::vector<std::int64_t>{1, 0, 2}}});
    }
    const std::string t = layout == 1 ? "t" : "";
    m.output("y" + t).output("h" + t);
    if (lstm) m.output("c" + t);
    const std::vector<AnyTensor> y = run_plain(import_onnx(m), {AnyTensor(x)});
    CHECK(largest_difference(floats(y[0]), right) < 1e-5);
    CHECK(largest_difference(floats(y[1]), last) < 1e-5);
    if (lstm) CHECK(largest_difference(floats(y[2]), cells) < 1e-5);
  }
}

}  // namespace

TEST_CASE("recurrent: LSTM, GRU and RNN of ONNX against their equations") {
  for (const char* direction : {"forward", "reverse", "bidirectional"})
    for (const bool states : {false, true}) {
      check("LSTM", RecurrentKind::lstm, direction, states);
      check("GRU", RecurrentKind::gru, direction, states);
      check("GRU", RecurrentKind::gru_linear_first, direction, states);
      check("RNN", RecurrentKind::rnn, direction, states);
    }
}

TEST_CASE("recurrent: the same bits in every way, sequences without elements") {
  for (const RecurrentKind kind :
       {RecurrentKind::rnn, RecurrentKind::lstm, RecurrentKind::gru, RecurrentKind::gru_linear_first})
    for (const bool reverse : {false, true}) {
      const std::int64_t rows = 7 * (kind == RecurrentKind::rnn ? 1 : kind == RecurrentKind::lstm ? 4 : 3);
      const Operand sums(random_tensor({5, 3, rows}, 1)), weights(random_tensor({7, rows}, 2)),
          state(random_tensor({3, 7}, 3));
      const std::vector<AnyTensor> y = run_layer(Recurrent(kind, reverse), {sums, weights});
      CHECK(y[0].shape() == Shape{5, 3, 7});
      CHECK(y[1].shape() == Shape{3, 7});
      run_layer(Recurrent(kind, reverse), {sums, weights, Operand(random_tensor({rows}, 4)), state});
      const std::vector<AnyTensor> none =
          run_layer(Recurrent(kind, reverse), {Operand(Tensor<float>({0, 3, rows})), weights, Operand(), state});
      CHECK(same_bytes(none[1], state.tensor));
    }
}

TEST_CASE("recurrent: errors") {
  const auto error = [](const Shape& sums, const Shape& weights, const Shape& state) {
    return message([&] {
      run_layer(Recurrent(), {Tensor<float>(sums), Tensor<float>(weights), Operand(), Tensor<float>(state)});
    });
  };
  CHECK(error({2, 1, 8}, {2, 8}, {1, 2}) == "");
  CHECK(has(error({2, 1, 8}, {2, 6}, {1, 2}), {"layer 'tested' (Recurrent)", "[H, 4 H], found [2, 6]"}));
  CHECK(contains(error({2, 1, 7}, {2, 8}, {1, 2}), "expected inputs [T, N, 8], found [2, 1, 7]"));
  CHECK(contains(error({2, 8}, {2, 8}, {1, 2}), "expected inputs [T, N, gates]"));
  CHECK(contains(error({2, 1, 8}, {2, 8}, {2, 2}), "expected a first state [1, 2], found [2, 2]"));
  const auto import_error = [](const std::vector<OnnxAttribute>& a, const std::string& lengths, std::int64_t rows = 8) {
    OnnxBuilder b(14);
    b.input("x", {2, 1, 3}).initializer("w", Tensor<float>({1, rows, 3})).initializer("r", Tensor<float>({1, rows, 2}));
    b.initializer("n", Tensor<std::int32_t>({1}, {1})).initializer("all", Tensor<std::int32_t>({1}, {2}));
    return message([&] { import_onnx(b.node("LSTM", {"x", "w", "r", "", lengths}, {"y"}, a).output("y")); });
  };
  CHECK(import_error({}, "") == "");
  CHECK(import_error({}, "all") == "");
  CHECK(contains(import_error({}, "n"), "sequence_lens 1 are not supported, expected 2"));
  CHECK(contains(import_error({}, "", 6), "expected weights [1, 4 H, features]"));
  CHECK(contains(import_error({{"direction", "sideways"}}, ""), "direction 'sideways' is not supported"));
  CHECK(contains(import_error({{"direction", "bidirectional"}}, ""), "expected weights [2, 4 H, features]"));
  CHECK(contains(import_error({{"clip", 1.0f}}, ""), "clip and input_forget are not supported"));
  OnnxBuilder b(14);
  b.input("x", {2, 1, 3}).input("w", {1, 8, 3}).initializer("r", Tensor<float>({1, 8, 2}));
  b.node("LSTM", {"x", "w", "r"}, {"y"}).output("y");
  CHECK(contains(message([&] { import_onnx(b); }), "input 1 ('w') has to be constant"));
}
