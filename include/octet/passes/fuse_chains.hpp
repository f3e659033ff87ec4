#pragma once
#include "rewrite.hpp"

OCTET_BEGIN
/// Joins depthwise convolutions to the convolutions around them that nothing else reads: expand -> depthwise ->
/// project of inverted residuals, depthwise -> pointwise of separable convolutions. Only for running.
inline Graph fuse_chains(Graph graph) {
  using namespace detail;
  const Links links(graph);
  std::vector<bool> gone(graph.nodes.size(), false);
  const auto node = [&](int n) -> const Node& { return graph.nodes[static_cast<std::size_t>(n)]; };
  for (std::size_t at = 0; at < graph.nodes.size(); ++at) {
    const Node last = graph.nodes[at];
    const auto* project = as<Convolution>(*last.op);
    if (!project || project->groups != 1 || project->window.taps() != 1) continue;
    const auto before = [&](const Node& n) {  // the node that computes its image for it alone, or none
      const int p = links.producer(n.inputs[0]);
      const bool joins = p != Node::none && links.used_once(n.inputs[0]) && as<Convolution>(*node(p).op) &&
                         input_of(node(p), 3) == Node::none && !gone[static_cast<std::size_t>(p)];
      return joins ? p : Node::none;
    };
    const int middle = before(last);
    if (middle == Node::none || !is_depthwise(graph, node(middle))) continue;
    std::vector<int> members{middle};
    const int first = before(node(middle));
    if (first != Node::none && !is_depthwise(graph, node(first))) members.insert(members.begin(), first);

    ConvolutionChain chain;
    chain.body.rounding = graph.rounding;
    std::map<int, int> moved;
    const auto copied = [&](int v) {
      if (v == Node::none) return v;
      if (!moved.count(v)) moved[v] = chain.body.add_value(graph.value(v));
      return moved[v];
    };
    std::vector<int> inputs{node(members[0]).inputs[0]};
    if (input_of(last, 3) != Node::none) inputs.push_back(last.inputs[3]);
    for (std::size_t i = 0; i < inputs.size(); ++i)  // one that is read twice is two inputs
      chain.body.inputs.push_back(i ? chain.body.add_value(graph.value(inputs[i])) : copied(inputs[i]));
    const auto add = [&](const Node& n) {
      Node copy{n.name, n.op, {}, {}};
      for (std::size_t i = 0; i < n.inputs.size(); ++i)
        copy.inputs.push_back(i == 3 && n.inputs[i] != Node::none ? chain.body.inputs[1] : copied(n.inputs[i]));
      for (int v : n.outputs) copy.outputs.push_back(copied(v));
      chain.body.nodes.push_back(std::move(copy));
    };
    for (int m : members) add(node(m)), gone[static_cast<std::size_t>(m)] = true;
    add(last);
    chain.body.outputs = {moved.at(last.outputs[0])};
    const std::string name = node(members[0]).name + " .. " + last.name;
    graph.nodes[at] = {name, std::make_shared<const ConvolutionChain>(std::move(chain)), inputs, last.outputs};
  }
  std::size_t n = 0;
  graph.nodes.erase(std::remove_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node&) { return gone[n++]; }),
                    graph.nodes.end());
  graph.remove_unused();
  return graph;
}

OCTET_END
