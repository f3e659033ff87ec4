#pragma once
#include <functional>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "../../core/error.hpp"
#include "proto.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// The nodes of a graph (indices), so that each comes after those whose results it uses, which files do not always do;
/// otherwise in the order of the file. Nodes of a cycle come last; importing them fails because of what they read.
inline std::vector<std::size_t> node_order(const GraphProto& graph, const std::string& file) {
  const std::vector<NodeProto>& nodes = graph.nodes;
  std::unordered_map<std::string_view, std::size_t> writers;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (std::string_view o : nodes[i].outputs)
      require<FormatError>(o.empty() || writers.emplace(o, i).second, "'", file, "': tensor '", std::string(o),
                           "' is written twice");
  std::vector<std::size_t> missing(nodes.size(), 0);  // inputs that are not written yet
  std::vector<std::vector<std::size_t>> readers(nodes.size());
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    each_read(nodes[i], [&](std::string_view in) {
      const auto writer = writers.find(in);
      if (writer == writers.end()) return;
      readers[writer->second].push_back(i);
      ++missing[i];
    });
    if (missing[i] == 0) ready.push(i);
  }
  std::vector<std::size_t> order;
  while (!ready.empty()) {
    const std::size_t i = ready.top();
    ready.pop();
    order.push_back(i);
    for (std::size_t reader : readers[i])
      if (--missing[reader] == 0) ready.push(reader);
  }
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (missing[i] != 0) order.push_back(i);
  return order;
}

/// What the outputs of a graph depend on. The rest of the graph is not imported.
struct Needed {
  std::unordered_set<std::string_view> tensors;
  std::vector<bool> nodes;
};

/// order: of node_order.
inline Needed needed_by_outputs(const GraphProto& graph, const std::vector<std::size_t>& order) {
  Needed needed;
  for (const ValueInfo& o : graph.outputs)
    if (!o.name.empty()) needed.tensors.insert(o.name);
  needed.nodes.assign(graph.nodes.size(), false);
  for (auto i = order.rbegin(); i != order.rend(); ++i) {
    const NodeProto& n = graph.nodes[*i];
    for (std::string_view o : n.outputs)
      if (!o.empty() && needed.tensors.count(o)) needed.nodes[*i] = true;
    if (!needed.nodes[*i]) continue;
    each_read(n, [&](std::string_view in) { needed.tensors.insert(in); });
  }
  return needed;
}

}  // namespace detail::onnx
OCTET_END
