#pragma once
#include "all.hpp"

OCTET_BEGIN
namespace detail {

template <class... Ops>
struct OperatorList {
  /// A new operator of that type with default parameters; null if the type is unknown.
  static std::shared_ptr<Operator> make(const std::string& type) {
    std::shared_ptr<Operator> made;
    (void)((type == Ops::type_name && (made.reset(static_cast<Operator*>(new Ops)), true)) || ...);
    return made;
  }
  /// The names of all types.
  static std::vector<const char*> types() { return {Ops::type_name...}; }
  /// A mutable copy; null if the type is not in the list.
  static std::shared_ptr<Operator> copy(const Operator& op) {
    std::shared_ptr<Operator> made;
    (void)(copy_as<Ops>(op, made) || ...);
    return made;
  }

 private:
  template <class Op>
  static bool copy_as(const Operator& op, std::shared_ptr<Operator>& made) {
    const Op* same = as<Op>(op);
    if (same) made.reset(static_cast<Operator*>(new Op(*same)));
    return same != nullptr;
  }
};

}  // namespace detail

/// All operators that files can contain.
using AllOperators =
    detail::OperatorList<AveragePool, BatchNormalization, Binary, Concat, ConvInteger, Convert, Convolution,
                         DequantizeLinear, Dropout, DynamicQuantizeLinear, Expand, FakeQuantize, FakeQuantizeSums,
                         FakeQuantizeWeights, Flatten, FullyConnected, Gather, Identity, LocalResponseNormalization,
                         MatMul, MatMulInteger, MaxPool, Pad, PRelu, QuantizeLinear, Reduce, Reshape, Resize, Slice,
                         Softmax, Split, Squeeze, Transpose, TransposedConvolution, Unary, Unsqueeze, Where>;

OCTET_END
