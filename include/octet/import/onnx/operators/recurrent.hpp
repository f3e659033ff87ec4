#pragma once
#include "linear.hpp"

/// RNN, LSTM and GRU: a layer for the products with the inputs, and a recurrent one, for each direction.
OCTET_BEGIN
namespace detail::onnx {

struct RecurrentImport {
  NodeImport& n;
  RecurrentKind kind;
  std::int64_t gates, directions, units = 0, features = 0;
  bool batch_first;

  RecurrentImport(NodeImport& node, RecurrentKind k)
      : n(node),
        kind(k),
        gates(k == RecurrentKind::rnn    ? 1
              : k == RecurrentKind::lstm ? 4
                                         : 3) {
    const std::string direction = n.text("direction", "forward");
    n.require(direction == "forward" || direction == "reverse" || direction == "bidirectional", "direction '",
              direction, "' is not supported");
    directions = direction == "bidirectional" ? 2 : 1;
    reverse = direction == "reverse";
    batch_first = n.flag("layout");
    n.require(!n.has_attribute("clip") && !n.flag("input_forget"), "clip and input_forget are not supported");
    require_default_functions();
    n.require(!n.has(7), "peepholes are not supported");
    const Shape x = n.input(0).shape(), w = n.input(1).shape(), r = n.input(2).shape();
    n.require(x.rank() == 3, "expected an input of 3 dimensions, found ", x);
    require_whole_sequences(x[batch_first ? 1 : 0]);
    n.require(w.rank() == 3 && r.rank() == 3 && w[0] == directions && r[0] == directions && r[2] > 0 && w[2] > 0 &&
                  r[1] == gates * r[2] && w[1] == r[1],
              "expected weights [", directions, ", ", gates, " H, features] and [", directions, ", ", gates,
              " H, H], found ", w, " and ", r);
    units = r[2];
    const std::int64_t hidden = n.integer("hidden_size", units);
    n.require(hidden == units, "hidden_size is ", hidden, ", but the weights have ", units, " units");
    features = w[2];
    n.require(!n.has(3) || n.input(3).shape() == Shape{directions, 2 * gates * units}, "expected biases [", directions,
              ", ", 2 * gates * units, "], found ", n.has(3) ? n.input(3).shape() : Shape{});
  }

  void run() {
    std::vector<int> all, last, cells;
    for (std::int64_t d = 0; d < directions; ++d) {
      const int v = direction(d);
      all.push_back(n.step("states", Unsqueeze({1}), {v}));
      last.push_back(n.step("last", Unsqueeze({0}), {v + 1}));
      if (kind == RecurrentKind::lstm) cells.push_back(n.step("cells", Unsqueeze({0}), {v + 2}));
    }
    const Order states = batch_first ? Order{1, 2, 0, 3} : Order::identity(4);
    const Order state = batch_first ? Order{1, 0, 2} : Order::identity(3);
    if (n.wants(0)) n.result(n.add(Concat(1), all, Keeps::none, 0), states, 0);
    if (n.wants(1)) n.result(n.add(Concat(0), last, Keeps::none, 1), state, 1);
    if (n.wants(2)) n.result(n.add(Concat(0), cells, Keeps::none, 2), state, 2);
  }

 private:
  bool reverse = false;

  void require_whole_sequences(std::int64_t times) {
    if (!n.has(4)) return;
    for (std::int64_t length : n.constant_integers(4))
      n.require(length == times, "sequence_lens ", length, " are not supported, expected ", times,
                ", the size of the input");
  }

  void require_default_functions() {
    std::vector<std::string> given = n.texts("activations");
    for (std::string& f : given)
      for (char& c : f) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::vector<std::string> one{"sigmoid", "tanh", "tanh"};
    if (kind == RecurrentKind::rnn) one = {"tanh"};
    if (gates == 3) one.pop_back();
    std::vector<std::string> wanted;
    for (std::int64_t d = 0; d < directions; ++d) wanted.insert(wanted.end(), one.begin(), one.end());
    n.require(given.empty() || given == wanted, "activations other than the default ones are not supported");
  }

  /// Part [from, from + count) of the constant input i, as a matrix or vector; `transposed` exchanges its dimensions.
  int part(const char* what, int i, std::int64_t from, const Shape& shape, bool transposed = false) {
    const std::vector<float> all = n.constant_reals(i);
    n.builder.spend(static_cast<std::size_t>(shape.elements()) * sizeof(float));
    Tensor<float> t(transposed ? Shape{shape[1], shape[0]} : shape);
    for (std::int64_t k = 0; k < t.size(); ++k) {
      const std::int64_t at = transposed ? k % shape[0] * shape[1] + k / shape[0] : k;
      t[k] = all[static_cast<std::size_t>(from + at)];
    }
    return n.builder.add_constant(n.builder.derived(n.name() + "/" + what), std::move(t));
  }

  int first_state(const char* what, int i, std::int64_t d) {
    if (!n.has(i)) return Node::none;
    const Operand& s = n.input(i);
    n.require(s.rank() == 3, "expected a first state of 3 dimensions, found ", s.shape());
    int v = n.builder.value(s, batch_first ? Order{1, 0, 2} : Order::identity(3));
    if (directions > 1) v = n.step(what, Slice({d}, {d + 1}, {0}), {v});
    return n.step(what, Squeeze({0}), {v});
  }

  /// The first of the outputs of Recurrent.
  int direction(std::int64_t d) {
    const std::int64_t rows = gates * units;
    const int x = n.builder.value(n.input(0), batch_first ? Order{1, 0, 2} : Order::identity(3));
    std::vector<int> layer{x, part("input weights", 1, d * rows * features, {rows, features})};
    if (n.has(3)) layer.push_back(part("input bias", 3, d * 2 * rows, {rows}));
    std::vector<int> in{n.step("products", FullyConnected(), layer),
                        part("state weights", 2, d * rows * units, {rows, units}, true)};
    in.push_back(n.has(3) ? part("state bias", 3, (2 * d + 1) * rows, {rows}) : Node::none);
    in.push_back(first_state("hidden", 5, d));
    in.push_back(kind == RecurrentKind::lstm ? first_state("cell", 6, d) : Node::none);
    std::vector<std::string> names;
    for (const char* what : {"/sequence", "/hidden", "/cell"}) names.push_back(n.builder.derived(n.name() + what));
    names.resize(kind == RecurrentKind::lstm ? 3 : 2);
    return n.builder.add(n.builder.derived(n.name() + "/recurrent"), make_operator(Recurrent(kind, reverse || d == 1)),
                         in, std::move(names), Keeps::none);
  }
};

inline void import_recurrent(NodeImport& n, RecurrentKind kind) { RecurrentImport(n, kind).run(); }

inline void import_gru(NodeImport& n) {
  import_recurrent(n, n.flag("linear_before_reset") ? RecurrentKind::gru_linear_first : RecurrentKind::gru);
}

}  // namespace detail::onnx
OCTET_END
