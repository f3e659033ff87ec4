#pragma once
#include <set>

#include "../core/integer_format.hpp"
#include "../operators/code_function.hpp"
#include "rewrite.hpp"

OCTET_BEGIN
namespace detail {

/// Grows a group of elementwise layers from its last one backwards, until one tensor of codes is all that it reads.
class CodeFunctionSearch {
 public:
  CodeFunctionSearch(const Graph& g, const Links& links) : g_(g), links_(links) {}

  /// Whether a group was found. `layers` and `input` are then the largest one.
  bool find(int last) {
    found_.clear();
    members_ = {last};
    reads_.clear();
    if (!CodeFunction::can_contain(g_, node(last)) || !is_code(node(last).outputs[0])) return false;
    add_inputs(last);
    constexpr std::size_t most = 16;
    while (members_.size() < most) {
      int next = Node::none;
      for (int v : reads_)
        if (can_add(v)) next = std::max(next, links_.producer(v));
      if (next == Node::none) break;
      members_.insert(next);
      reads_.erase(node(next).outputs[0]);
      add_inputs(next);
      if (reads_.size() != 1 || !is_code(*reads_.begin()) || !low_rank(*reads_.begin())) continue;
      found_ = members_;
      input_ = *reads_.begin();
    }
    return !found_.empty();
  }
  const std::set<int>& layers() const { return found_; }
  int input() const { return input_; }

 private:
  const Node& node(int n) const { return g_.nodes[static_cast<std::size_t>(n)]; }
  bool is_code(int v) const {
    return int8_format.computes(g_.value(v).dtype) && g_.value(v).has_one_scale() && !g_.value(v).is_constant();
  }
  void add_inputs(int n) {
    for (int v : node(n).inputs)
      if (!g_.value(v).is_constant()) reads_.insert(v);
  }
  /// Whether only the group needs the value, or it is codes as floats, which are computed again.
  bool can_add(int v) const {
    const int p = links_.producer(v);
    const bool plain = g_.value(v).dtype == DType::f32 || is_code(v);
    if (p == Node::none || !plain || !CodeFunction::can_contain(g_, node(p))) return false;
    if (node(p).op->traits().converts && is_code(node(p).inputs[0])) return true;
    const std::vector<int>& users = links_.users(v);
    return !g_.is_output(v) && std::all_of(users.begin(), users.end(), [&](int n) { return members_.count(n) != 0; });
  }
  /// Whether constants of the group do not add dimensions.
  bool low_rank(int input) const {
    for (int m : members_)
      for (int v : node(m).inputs)
        if (g_.value(v).is_constant() && g_.value(v).shape.rank() > g_.value(input).shape.rank()) return false;
    return true;
  }

  const Graph& g_;
  const Links& links_;
  std::set<int> members_, found_, reads_;  // layers; layers; values
  int input_ = Node::none;
};

}  // namespace detail

/// Joins elementwise layers whose result depends on the codes of one tensor: a gate times its input (SiLU), layers that
/// are computed in float between conversions. Their results stay the same. Only for execution.
inline Graph fuse_code_functions(Graph graph) {
  using namespace detail;
  bool any = false;
  {
    const Links links(graph);
    CodeFunctionSearch search(graph, links);
    std::set<int> joined;
    for (int last = static_cast<int>(graph.nodes.size()) - 1; last >= 0; --last) {
      if (joined.count(last) || !search.find(last)) continue;
      CodeFunction function;
      Graph& body = function.body;
      body.rounding = graph.rounding;
      std::map<int, int> moved;
      const auto copied = [&](const std::vector<int>& values) {
        std::vector<int> r;
        for (int v : values) {
          if (!moved.count(v)) moved[v] = body.add_value(graph.value(v));
          r.push_back(moved[v]);
        }
        return r;
      };
      body.inputs = copied({search.input()});
      std::string first, end;
      for (int m : search.layers()) {
        joined.insert(m);
        const Node& n = graph.nodes[static_cast<std::size_t>(m)];
        body.nodes.push_back({n.name, n.op, copied(n.inputs), copied(n.outputs)});
        if (n.op->traits().converts) continue;
        if (first.empty()) first = n.name;
        end = n.name;
      }
      Node& n = graph.nodes[static_cast<std::size_t>(last)];
      body.outputs = copied(n.outputs);
      n.name = first.empty() ? n.name : first == end ? first : first + " .. " + end;
      n.op = make_operator(std::move(function));
      n.inputs = {search.input()};
      any = true;
    }
  }
  if (any) graph.remove_unused();
  return graph;
}

OCTET_END
