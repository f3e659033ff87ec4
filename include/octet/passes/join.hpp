#pragma once
#include "rewrite.hpp"

OCTET_BEGIN
namespace detail {

/// Makes one node of several, each of which only the next one reads.
class Joiner {
 public:
  explicit Joiner(Graph& g) : g_(g), links_(g), gone_(g.nodes.size(), false) {}

  const Node& node(int n) const { return g_.nodes[static_cast<std::size_t>(n)]; }
  /// The convolution, with nothing added to it, that computes the first input of n for n alone; or none.
  int before(const Node& n) const {
    const int p = links_.producer(n.inputs[0]);
    const bool joins = p != Node::none && links_.used_once(n.inputs[0]) && as<Convolution>(*node(p).op) &&
                       input_of(node(p), Convolution::residual) == Node::none && !gone_[static_cast<std::size_t>(p)];
    return joins ? p : Node::none;
  }

  /// Puts an Op in the place of the last of them. Its inputs: the first one's, and what is added to the last one.
  template <class Op>
  void join(const std::vector<int>& members) {
    constexpr std::size_t residual = Convolution::residual;
    const Node last = node(members.back());
    Op joined;
    Graph& body = joined.body;
    body.rounding = g_.rounding;
    std::map<int, int> moved;
    const auto copied = [&](int v) {
      if (v == Node::none) return v;
      if (!moved.count(v)) moved[v] = body.add_value(g_.value(v));
      return moved[v];
    };
    std::vector<int> inputs{node(members[0]).inputs[0]};
    if (input_of(last, residual) != Node::none) inputs.push_back(last.inputs[residual]);
    for (std::size_t i = 0; i < inputs.size(); ++i)  // one that is read twice is two inputs
      body.inputs.push_back(i ? body.add_value(g_.value(inputs[i])) : copied(inputs[i]));
    for (int m : members) {
      const Node& n = node(m);
      Node copy{n.name, n.op, {}, {}};
      for (std::size_t i = 0; i < n.inputs.size(); ++i)
        copy.inputs.push_back(i == residual && n.inputs[i] != Node::none ? body.inputs[1] : copied(n.inputs[i]));
      for (int v : n.outputs) copy.outputs.push_back(copied(v));
      body.nodes.push_back(std::move(copy));
      gone_[static_cast<std::size_t>(m)] = m != members.back();
    }
    body.outputs = {moved.at(last.outputs[0])};
    const std::string name = node(members[0]).name + " .. " + last.name;
    g_.nodes[static_cast<std::size_t>(members.back())] = {name, make_operator(std::move(joined)), inputs, last.outputs};
  }

  /// Removes the nodes that were joined to others.
  void finish() {
    std::size_t n = 0;
    g_.nodes.erase(std::remove_if(g_.nodes.begin(), g_.nodes.end(), [&](const Node&) { return gone_[n++]; }),
                   g_.nodes.end());
    g_.remove_unused();
  }

 private:
  Graph& g_;
  Links links_;
  std::vector<bool> gone_;
};

}  // namespace detail
OCTET_END
