#pragma once
#include "../../../operators/batch_normalization.hpp"
#include "../../../operators/local_response_normalization.hpp"
#include "weights.hpp"

OCTET_BEGIN
namespace detail::onnx {

inline void export_batch_normalization(NodeExport& n) {
  const auto& b = static_cast<const BatchNormalization&>(n.op());
  const Order o = n.rank() >= 3 ? n.images() : Order::identity(n.rank());
  std::vector<std::string> in{n.real(0, o)};
  for (int i = 1; i <= 4; ++i) {
    n.require(n.has(i) && n.input(i).is_constant(), "has no constant input ", i, ", expected one");
    in.push_back(real_weights(n, i, n.constant_input(i), 0));
  }
  n.node("BatchNormalization", in, o, Attributes().real("epsilon", b.epsilon), b.activation);
}

inline void export_local_response_normalization(NodeExport& n) {
  const auto& l = static_cast<const LocalResponseNormalization&>(n.op());
  Attributes a;
  a.integer("size", l.size).real("alpha", l.alpha).real("beta", l.beta).real("bias", l.bias);
  n.node("LRN", {n.real(0, n.images())}, n.images(), a);
}

}  // namespace detail::onnx
OCTET_END
