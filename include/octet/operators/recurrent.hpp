#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// How a recurrent layer computes its next state.
enum class RecurrentKind : std::uint8_t {
  rnn,               ///< tanh(x + h R + b)
  lstm,              ///< gates: input, output, forget, cell
  gru,               ///< gates: update, reset, hidden
  gru_linear_first,  ///< as gru, but the reset gate applies to the product of the hidden gate (linear_before_reset)
  last = gru_linear_first
};

/// The sequential part of a recurrent layer (RNN, LSTM, GRU of ONNX, with their default functions): states from inputs
/// that are multiplied by their weights already. With H units and G gates of a kind (1, 4, 3, 3): inputs [T, N, G H]
/// and, optionally, first states; outputs: all states [T, N, H], the last one [N, H] and, of an LSTM, its cells [N, H].
class Recurrent : public OperatorOf<Recurrent> {
 public:
  static constexpr const char* type_name = "Recurrent";  ///< see Operator::type
  /// The inputs, in order.
  enum Operand : int {
    sums,     ///< products of the inputs with their weights, and biases
    weights,  ///< R: [H, G H], of the last state
    bias,     ///< [G H], added to the products with R; optional
    hidden,   ///< first state [N, H]; missing: 0
    cells     ///< of an LSTM, likewise
  };
  RecurrentKind kind = RecurrentKind::lstm;  ///< see RecurrentKind
  bool reverse = false;                      ///< from the last element of the sequence to the first

  Recurrent() = default;
  /// Of that kind.
  explicit Recurrent(RecurrentKind k, bool from_the_end = false) : kind(k), reverse(from_the_end) {}

  void fields(FieldVisitor& v) override {
    v.field("kind", kind, RecurrentKind::last);
    v.field("reverse", reverse);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API std::string summary(const ShapeContext&) const override;
  OCTET_API std::int64_t macs(const ShapeContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "recurrent.inl"
#endif
