#pragma once
#include "node_order.hpp"
#include "registry.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Adds the tensors that are used as images, directly or after operators that keep the order of dimensions. `order`: of
/// the graph's nodes; `file`: for messages.
inline void find_images(const GraphProto& graph, const std::vector<std::size_t>& order, const std::string& file,
                        std::unordered_set<std::string_view>& images) {
  for (auto i = order.rbegin(); i != order.rend(); ++i) {
    const NodeProto& n = graph.nodes[*i];
    for (const Branch& b : n.branches) {
      for (std::size_t k = 0; k < std::min(n.outputs.size(), b.graph.outputs.size()); ++k)
        if (images.count(n.outputs[k])) images.insert(b.graph.outputs[k].name);
      find_images(b.graph, node_order(b.graph, file), file, images);
    }
    if (!n.branches.empty()) continue;
    if (wants_images(n.domain, n.op_type) && !n.inputs.empty()) images.insert(n.inputs[0]);
    const bool any =
        std::any_of(n.outputs.begin(), n.outputs.end(), [&](std::string_view o) { return images.count(o); });
    if (any && passes_order_on(n.domain, n.op_type)) images.insert(n.inputs.begin(), n.inputs.end());
  }
}

}  // namespace detail::onnx
OCTET_END
