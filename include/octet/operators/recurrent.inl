#pragma once
#include "../core/rounded.hpp"
#include "float_array_function.hpp"
#include "recurrent.hpp"

OCTET_BEGIN
namespace detail {

inline std::int64_t gates(RecurrentKind kind) noexcept {
  return kind == RecurrentKind::rnn ? 1 : kind == RecurrentKind::lstm ? 4 : 3;
}

/// Each sequence of the batch is a task of its own.
class RecurrentStep : public Step {
 public:
  RecurrentStep(const PrepareContext& c, const Recurrent& op)
      : op_(op), sigmoid_(c, {UnaryKind::sigmoid}), tanh_(c, {UnaryKind::tanh}) {}

  std::size_t plan(const PlanContext& c) override {
    const Shape& in = c.inputs[Recurrent::sums].shape;
    times_ = in[0];
    batch_ = in[1];
    units_ = c.inputs[Recurrent::weights].shape[0];
    gates_ = gates(op_.kind) * units_;
    return static_cast<std::size_t>(batch_ * row_floats()) * sizeof(float);
  }

  void run(const RunContext& c) noexcept override {
    c.pool->parallel(batch_, [&](std::int64_t n, int) { one_sequence(c, n); });
  }

 private:
  /// The floats of one sequence: gates, two states, and a vector in between.
  std::int64_t row_floats() const noexcept { return gates_ + 3 * units_; }
  static const float* floats(const RunContext& c, int input) noexcept {
    return reinterpret_cast<const float*>(c.input(static_cast<std::size_t>(input)));
  }

  void one_sequence(const RunContext& c, std::int64_t n) const noexcept {
    float* const g = reinterpret_cast<float*>(c.scratch) + n * row_floats();
    float *const h = g + gates_, *const cells = h + units_, *const between = cells + units_;
    start(floats(c, Recurrent::hidden), n, h);
    start(floats(c, Recurrent::cells), n, cells);
    for (std::int64_t i = 0; i < times_; ++i) {
      const std::int64_t at = (op_.reverse ? times_ - 1 - i : i) * batch_ + n;
      const float* x = floats(c, Recurrent::sums) + at * gates_;
      std::copy_n(x, gates_, g);
      switch (op_.kind) {
        case RecurrentKind::rnn: rnn(c, g, h); break;
        case RecurrentKind::lstm: lstm(c, g, h, cells); break;
        default: gru(c, g, h, between);
      }
      store(c, 0, h, at);
    }
    store(c, 1, h, n);
    if (op_.kind == RecurrentKind::lstm) store(c, 2, cells, n);
  }

  /// Row r of output i, if that is read.
  void store(const RunContext& c, std::size_t i, const float* state, std::int64_t r) const noexcept {
    if (c.output(i)) std::copy_n(state, units_, reinterpret_cast<float*>(c.output(i)) + r * units_);
  }

  void start(const float* given, std::int64_t n, float* state) const noexcept {
    if (given)
      std::copy_n(given + n * units_, units_, state);
    else
      std::fill_n(state, units_, 0.0f);
  }

  /// to[j] += bias[j] + sum over k of h[k] R[k][j], for gates [from, from + count).
  void add_state(const RunContext& c, const float* h, std::int64_t from, std::int64_t count, float* to) const noexcept {
    if (const float* b = floats(c, Recurrent::bias))
      for (std::int64_t j = 0; j < count; ++j) to[j] += b[from + j];
    const float* r = floats(c, Recurrent::weights) + from;
    for (std::int64_t k = 0; k < units_; ++k) add_products(h[k], r + k * gates_, to, count);
  }

  void rnn(const RunContext& c, float* g, float* h) const noexcept {
    add_state(c, h, 0, gates_, g);
    tanh_(g, h, units_);
  }

  void lstm(const RunContext& c, float* g, float* h, float* cells) const noexcept {
    add_state(c, h, 0, gates_, g);
    const float *input = g, *output = g + units_, *forget = g + 2 * units_, *fresh = g + 3 * units_;
    sigmoid_(g, g, 3 * units_);
    tanh_(fresh, g + 3 * units_, units_);
    for (std::int64_t j = 0; j < units_; ++j) cells[j] = rounded(forget[j] * cells[j]) + rounded(input[j] * fresh[j]);
    tanh_(cells, h, units_);
    for (std::int64_t j = 0; j < units_; ++j) h[j] *= output[j];
  }

  void gru(const RunContext& c, float* g, float* h, float* between) const noexcept {
    float *const update = g, *const reset = g + units_, *const fresh = g + 2 * units_;
    add_state(c, h, 0, 2 * units_, g);
    sigmoid_(g, g, 2 * units_);
    if (op_.kind == RecurrentKind::gru_linear_first) {
      std::fill_n(between, units_, 0.0f);
      add_state(c, h, 2 * units_, units_, between);
      for (std::int64_t j = 0; j < units_; ++j) fresh[j] += rounded(reset[j] * between[j]);
    } else {
      for (std::int64_t j = 0; j < units_; ++j) between[j] = reset[j] * h[j];
      add_state(c, between, 2 * units_, units_, fresh);
    }
    tanh_(fresh, fresh, units_);
    for (std::int64_t j = 0; j < units_; ++j) h[j] = rounded((1 - update[j]) * fresh[j]) + rounded(update[j] * h[j]);
  }

  Recurrent op_;
  FloatArrayFunction sigmoid_, tanh_;
  std::int64_t times_ = 0, batch_ = 0, units_ = 0, gates_ = 0;
};

}  // namespace detail

OCTET_API std::vector<Shape> Recurrent::shapes(const ShapeContext& c) const {
  const Shape &in = c.shape(sums), &r = c.shape(weights);
  c.require(in.rank() == 3, "expected inputs [T, N, gates], found ", in);
  c.require(r.rank() == 2 && r.known() && r[0] > 0 && r[1] == detail::gates(kind) * r[0],
            "expected weights of the state [H, ", detail::gates(kind), " H], found ", r);
  c.require(in[2] == Shape::unknown || in[2] == r[1], "expected inputs [T, N, ", r[1], "], found ", in);
  if (c.has(bias))
    c.require(c.shape(bias) == Shape{r[1]}, "expected a bias of shape [", r[1], "], found ", c.shape(bias));
  Shape state{in[1], r[0]};
  for (int i : {int{hidden}, int{cells}}) {
    if (!c.has(i)) continue;
    const Shape& s = c.shape(i);
    c.require(s.rank() == 2 && (s[0] == in[1] || s[0] == Shape::unknown || in[1] == Shape::unknown) && s[1] == r[0],
              "expected a first state ", state, ", found ", s);
    if (state[0] == Shape::unknown) state[0] = s[0];
  }
  std::vector<Shape> out{Shape{in[0], state[0], r[0]}, state};
  if (kind == RecurrentKind::lstm) out.push_back(state);
  return out;
}

OCTET_API std::unique_ptr<Step> Recurrent::prepare(const PrepareContext& c) const {
  for (int i = 0; i < c.inputs(); ++i)
    if (c.has(i)) c.require(c.input(i).dtype == DType::f32, "expected float32, found ", name(c.input(i).dtype));
  return detail::make_step<detail::RecurrentStep>(c, *this);
}

OCTET_API std::string Recurrent::summary(const ShapeContext&) const {
  return kind == RecurrentKind::rnn ? "RNN" : kind == RecurrentKind::lstm ? "LSTM" : "GRU";
}

OCTET_API std::int64_t Recurrent::macs(const ShapeContext& c) const {
  return c.shape(sums).product(0, 2) * c.shape(weights).elements();
}

OCTET_END
