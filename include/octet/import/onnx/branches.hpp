#pragma once
#include <deque>

#include "node.hpp"

/// The branches of If: the nodes of the one that is chosen take its place.
OCTET_BEGIN
namespace detail::onnx {

/// Of the table of operators; importing an If is importing one of its branches.
inline void import_if(NodeImport& n) { n.fail("its branches take its place"); }

/// The index of the branch that an If takes.
inline std::size_t chosen_branch(NodeImport& node, const NodeProto& n) {
  const Operand& condition = node.input(0);
  const bool of_sizes = condition.source->sizes && !condition.source->sizes->known();
  const AnyTensor c = of_sizes ? AnyTensor() : node.builder.constant(condition);
  node.require(static_cast<bool>(c), "the operator If is supported only where its condition is known when the file is ",
               "read; input 0 ('", condition.name(), "') is computed in each run",
               of_sizes ? concat(": ", Sizes::advice) : std::string());
  node.require(c.dtype() == DType::boolean && c.size() == 1, "expected one bool as condition, found ", name(c.dtype()),
               " of shape ", c.shape());
  const std::string_view wanted = load_element(DType::boolean, c.data(), 0) != 0 ? "then_branch" : "else_branch";
  std::size_t found = n.branches.size();
  for (std::size_t i = 0; i < n.branches.size(); ++i) {
    const GraphProto& g = n.branches[i].graph;
    const std::string branch(n.branches[i].attribute);
    node.require(g.outputs.size() == n.outputs.size(), branch, " has ", g.outputs.size(), " outputs, expected ",
                 n.outputs.size());
    node.require(g.inputs.empty() && !g.sparse_initializers, branch, " has ",
                 g.inputs.empty() ? "sparse initializers, which are not supported" : "inputs, expected none");
    if (n.branches[i].attribute != wanted) continue;
    node.require(found == n.branches.size(), "has two graphs ", branch);
    found = i;
  }
  node.require(found < n.branches.size(), "has no ", std::string(wanted));
  return found;
}

/// The graphs of branches that took the place of nodes. Tensors of the same name in several graphs are renamed.
class Branches {
 public:
  /// The tensors of the model's own graph.
  void add_names(const GraphProto& g) {
    each_defined(g, [&](std::string_view name) { names_.insert(name); });
  }

  /// Takes a branch over. The graph stays valid.
  GraphProto& add(GraphProto branch) {
    graphs_.push_back(std::move(branch));
    GraphProto& g = graphs_.back();
    Names others;
    std::unordered_set<std::string_view> own;
    each_defined(g, [&](std::string_view name) {
      if (!own.insert(name).second || names_.insert(name).second) return;
      do {
        texts_.push_back(std::string(name) + "#" + std::to_string(++renamed_));
      } while (!names_.insert(texts_.back()).second);
      others.emplace(name, texts_.back());
    });
    std::unordered_map<std::string_view, int> hidden;
    if (!others.empty()) rename(g, others, hidden);
    return g;
  }

 private:
  using Names = std::unordered_map<std::string_view, std::string_view>;

  /// hidden: names of `others` that graphs around g, but inside of the renamed one, define themselves.
  static void rename(GraphProto& g, const Names& others, std::unordered_map<std::string_view, int>& hidden) {
    const auto change = [&](std::string_view& name) {
      const auto other = others.find(name);
      if (other != others.end() && hidden[name] == 0) name = other->second;
    };
    for (TensorProto& t : g.initializers) change(t.name);
    for (ValueInfo& o : g.outputs) change(o.name);
    for (NodeProto& n : g.nodes) {
      for (std::string_view& in : n.inputs) change(in);
      for (std::string_view& o : n.outputs) change(o);
      for (std::string_view& in : n.captured) change(in);
      for (Branch& b : n.branches) {
        std::vector<std::string_view> own;
        each_defined(b.graph, [&](std::string_view name) {
          if (others.count(name)) own.push_back(name);
        });
        for (std::string_view name : own) ++hidden[name];
        rename(b.graph, others, hidden);
        for (std::string_view name : own) --hidden[name];
      }
    }
  }

  std::unordered_set<std::string_view> names_;
  std::deque<std::string> texts_;
  std::deque<GraphProto> graphs_;
  std::size_t renamed_ = 0;
};

}  // namespace detail::onnx
OCTET_END
