#pragma once
#include <algorithm>

#include "../../operators/register_operator.hpp"
#include "operators/plain.hpp"

/// Import of custom operators, see register_operator.
OCTET_BEGIN
namespace detail::onnx {

/// Sets an operator's parameters from attributes with the same names.
class AttributeReader : public FieldVisitor {
 public:
  explicit AttributeReader(const NodeImport& n) : node_(n) {}
  using FieldVisitor::field;
  void field(const char* name, std::int64_t& v) override { v = node_.integer(seen(name), v); }
  void field(const char* name, double& v) override { v = node_.real(seen(name), v); }
  void field(const char* name, std::string& v) override { v = node_.text(seen(name), v); }
  void field(const char* name, std::vector<std::int64_t>& v) override { v = node_.integers(seen(name), v); }
  void field(const char* name, std::vector<double>& v) override {
    if (!node_.has_attribute(seen(name))) return;
    const std::vector<float> reals = node_.reals(name);
    v.assign(reals.begin(), reals.end());
  }
  bool has_seen(const std::string& name) const { return std::find(names_.begin(), names_.end(), name) != names_.end(); }

 private:
  const char* seen(const char* name) {
    names_.emplace_back(name);
    return name;
  }
  const NodeImport& node_;
  std::vector<std::string> names_;
};

inline Order own_order(OnnxLayout layout, const Operand& x, const Order& first) {
  if (layout == OnnxLayout::any && x.rank() == first.rank()) return first;
  if (layout == OnnxLayout::channels_last && x.rank() >= 3) return Order::channels_last(x.rank());
  return Order::identity(x.rank());
}

inline void import_own_operator(NodeImport& n, const OperatorType& type) {
  const std::shared_ptr<Operator> op = type.make();
  AttributeReader reader(n);
  op->fields(reader);
  for (const std::string& a : n.attributes())
    n.require(reader.has_seen(a), "has the attribute '", a, "', but operator '", type.name, "' has no such parameter");

  const OnnxLayout layout = type.files.onnx_layout;
  Order first;  // of the first input
  std::vector<int> in;
  for (int i = 0; i < n.inputs(); ++i) {
    if (!n.has(i)) {
      in.push_back(Node::none);
      continue;
    }
    const Operand x = plain(n, n.input(i));
    if (in.empty()) first = x.order;
    in.push_back(n.builder.value(x, own_order(layout, x, first)));
  }
  const int v = n.add(OperatorPtr(op), in, Keeps::none, 0, n.outputs());
  const Graph& g = n.builder.graph;
  const std::size_t written = g.nodes.back().outputs.size();
  n.require(written == static_cast<std::size_t>(n.outputs()), "expected ", written, " outputs, as operator '",
            type.name, "' has, found ", n.outputs());
  for (int i = 0; i < n.outputs(); ++i) {
    if (!n.wants(i)) continue;
    const int rank = g.value(v + i).shape.rank();
    Order order = Order::identity(rank);
    if (layout == OnnxLayout::any && rank == first.rank()) order = first;
    if (layout == OnnxLayout::channels_last && rank >= 3) order = Order::channels_last(rank);
    n.result(v + i, order, i);
  }
}

}  // namespace detail::onnx
OCTET_END
