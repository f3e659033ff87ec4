#pragma once
#include "../../../operators/convert.hpp"
#include "../../../operators/dropout.hpp"
#include "../../../operators/fully_connected.hpp"
#include "../../../operators/shape/sizes_of.hpp"
#include "../../../operators/shape/transpose.hpp"
#include "../../../operators/shape/views.hpp"
#include "../../../operators/unary.hpp"
#include "../node_export.hpp"

/// Operators that change only the shape or the order of dimensions.
OCTET_BEGIN
namespace detail::onnx {

/// Whether the value is read only as rows of fully connected layers, directly or after elementwise operators.
inline bool only_feeds_layers(const Graph& g, int v) {
  if (g.is_output(v)) return false;
  bool any = false;
  for (const Node& n : g.nodes)
    for (std::size_t i = 0; i < n.inputs.size(); ++i) {
      if (n.inputs[i] != v) continue;
      any = true;
      if (as<FullyConnected>(*n.op) && i == LayerInputs::image) continue;
      const bool elementwise = as<Unary>(*n.op) || as<Convert>(*n.op) || as<Identity>(*n.op) || as<Dropout>(*n.op);
      if (!elementwise || !only_feeds_layers(g, n.outputs[0])) return false;
    }
  return any;
}

/// Whether the elements are in the file as octet stores them: only dimensions of size 1 are elsewhere.
inline bool same_elements(const Shape& stored, const Order& o) {
  int last = -1;
  for (int i = 0; i < o.rank(); ++i) {
    const int d = o.find(i);
    if (stored[d] == 1) continue;
    if (d < last) return false;
    last = d;
  }
  return true;
}

/// The order in which the file's tensor can be reshaped: its own where that moves nothing, or where only the columns of
/// a matrix move that layers with reordered weights read; else octet's, after a Transpose.
inline Order reshape_order(NodeExport& n) {
  const Shape &in = n.input(0).shape, &out = n.output().shape;
  const Order o = n.order();
  if (n.input(0).is_constant() || o.is_identity()) return Order::identity(in.rank());
  if (same_elements(in, o)) return o;
  Shape rest = in;
  rest.erase(0);
  const bool rows = out.rank() == 2 && o[0] == 0 && rest.known() && out[1] == rest.elements();
  if (!rows || !only_feeds_layers(n.graph(), n.out_id())) return Order::identity(in.rank());
  n.tensors().set_columns(n.out_id(), in, o);
  return o;
}

/// Reshape to the sizes of the result. Of several that are unknown, those are copied which the layer copies and which
/// the file's tensor has at the same place.
inline void export_reshape(NodeExport& n) {
  const auto& r = static_cast<const Reshape&>(n.op());
  const Shape& out = n.output().shape;
  const Order o = reshape_order(n);
  std::vector<std::int64_t> sizes(out.begin(), out.end());
  for (std::int64_t s : sizes) n.require(s != 0, "has a result of shape ", out, ", which is empty");
  if (std::count(sizes.begin(), sizes.end(), Shape::unknown) > 1)
    for (int i = 0; i < out.rank(); ++i)
      if (out[i] == Shape::unknown && r.target[at(i)] == 0 && (o.rank() == 0 || o[i] == i)) sizes[at(i)] = 0;
  n.require(std::count(sizes.begin(), sizes.end(), Shape::unknown) <= 1, "has a result of shape ", out,
            ", of which ONNX's Reshape can compute one size only: set the others in the model's inputs");
  n.node("Reshape", {n.real(0, o), n.integers("sizes", sizes)}, Order::identity(out.rank()));
}

inline void export_flatten(NodeExport& n) {
  const auto& f = static_cast<const Flatten&>(n.op());
  const int axis = f.axis == n.rank() ? n.rank() : normalize_axis(f.axis, n.rank());
  const Order own = n.order();
  const bool rows = axis == 1 && (own.rank() == 0 || own[0] == 0);
  const Order o = rows ? reshape_order(n) : Order::identity(n.rank());
  n.node("Flatten", {n.real(0, o)}, Order::identity(2), Attributes().integer("axis", axis));
}

inline void export_squeeze(NodeExport& n) {
  const auto& s = static_cast<const Squeeze&>(n.op());
  const Shape& in = n.input(0).shape;
  std::vector<int> stored;
  for (std::int64_t a : s.axes) stored.push_back(normalize_axis(a, in.rank()));
  for (int d = 0; s.axes.empty() && d < in.rank(); ++d)
    if (in[d] == 1) stored.push_back(d);
  std::sort(stored.begin(), stored.end());
  Order o = n.order(), after = o;
  std::vector<std::int64_t> axes;
  for (auto d = stored.rbegin(); d != stored.rend(); ++d) {
    axes.push_back(o[*d]);
    after = after.without(after[*d]);
  }
  std::sort(axes.begin(), axes.end());
  n.node("Squeeze", {n.real(0, o), n.integers("axes", axes)}, after);
}

inline void export_unsqueeze(NodeExport& n) {
  const auto& u = static_cast<const Unsqueeze&>(n.op());
  const int rank = n.output().shape.rank();
  std::vector<std::int64_t> axes;
  for (std::int64_t a : u.axes) axes.push_back(normalize_axis(a, rank));
  std::sort(axes.begin(), axes.end());
  n.node("Unsqueeze", {n.real(0, Order::identity(n.rank())), n.integers("axes", axes)}, Order::identity(rank));
}

/// Nothing is moved: the result is the same tensor of the file, in another order.
inline void export_transpose(NodeExport& n) {
  const auto& t = static_cast<const Transpose&>(n.op());
  const Order o = n.order();
  Order after;
  for (int i = 0; i < n.rank(); ++i)
    after.push_back(o[t.perm.empty() ? n.rank() - 1 - i : static_cast<int>(t.perm[static_cast<std::size_t>(i)])]);
  n.same(n.tensors().tensor(n.id(0), o), after);
}

inline void export_sizes_of(NodeExport& n) {
  const Order o = n.order();
  std::vector<std::int64_t> axes;
  for (std::int64_t a : static_cast<const SizesOf&>(n.op()).axes) axes.push_back(o[normalize_axis(a, o.rank())]);
  const std::string all = n.step("sizes", "Shape", {n.real(0, o)});
  n.node("Gather", {all, n.integers("axes", axes)}, Order::identity(1), Attributes().integer("axis", 0));
}

}  // namespace detail::onnx
OCTET_END
