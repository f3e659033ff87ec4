#pragma once
#include "../operators/convolution/convolution.hpp"
#include "rewrite.hpp"

OCTET_BEGIN
namespace detail {

/// Joins several nodes to one, if each is read only by the next one.
class Joiner {
 public:
  explicit Joiner(Graph& g) : g_(g), links_(g), gone_(g.nodes.size(), false) {}

  const Node& node(int n) const { return g_.nodes[static_cast<std::size_t>(n)]; }
  /// The convolution without residual whose result is the first input of n and has no other readers; or none.
  int before(const Node& n) const {
    const int in = input_of(n, 0), p = links_.producer(in);
    const bool joins = p != Node::none && links_.used_once(in) && links_.produced_by<Convolution>(in) &&
                       !has_residual(node(p)) && !gone_[static_cast<std::size_t>(p)];
    return joins ? p : Node::none;
  }

  /// Replaces the last of the nodes by an Op. Its inputs are that of the first node and the residual of the last.
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
    for (std::size_t i = 0; i < inputs.size(); ++i)  // a value that is read twice becomes two inputs
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

  /// Removes the joined nodes.
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
