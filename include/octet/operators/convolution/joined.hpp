#pragma once
#include "../../graph/graph.hpp"
#include "../declare.hpp"

OCTET_BEGIN
namespace detail {

/// Base class of operators that consist of several operators and run as one step.
template <class Op>
class JoinedOperators : public OperatorOf<Op> {
 public:
  enum Operand : int { image, residual };  // the residual is optional
  /// The operators as a graph. Each node except the first reads the one before it.
  Graph body;

  std::vector<Shape> shapes(const ShapeContext& c) const override {
    return {body.infer_open_shapes(given(c))[static_cast<std::size_t>(body.outputs[0])]};
  }
  bool by_image(const ShapeContext&) const override { return true; }
  DType dtype(const ShapeContext&, int) const override { return body.value(body.outputs[0]).dtype; }
  std::int64_t macs(const ShapeContext& c) const override {
    const std::vector<Shape> known = body.infer_shapes(given(c));
    std::int64_t n = 0;
    for (const Node& node : body.nodes) n += node.op->macs(body.shape_context(node, &known));
    return n;
  }

 private:
  std::vector<Shape> given(const ShapeContext& c) const {
    std::vector<Shape> shapes;
    for (std::size_t i = 0; i < body.inputs.size(); ++i) shapes.push_back(c.shape(static_cast<int>(i)));
    return shapes;
  }
};

}  // namespace detail
OCTET_END
