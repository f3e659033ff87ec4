#pragma once
#include "../graph/graph.hpp"
#include "../graph/operator.hpp"
#include "../model_file/save_options.hpp"
#include "codes.hpp"

OCTET_BEGIN
namespace detail {

/// A node as the writers of all formats see it.
class ExportedNode {
 public:
  ExportedNode(const Node& node, const Graph& graph) : node_(node), graph_(graph) {}

  const Graph& graph() const noexcept { return graph_; }
  const std::string& name() const noexcept { return node_.name; }
  const Operator& op() const noexcept { return *node_.op; }
  int inputs() const noexcept { return static_cast<int>(node_.inputs.size()); }
  int outputs() const noexcept { return static_cast<int>(node_.outputs.size()); }
  bool has(int i) const noexcept { return i < inputs() && id(i) != Node::none; }
  int id(int i) const noexcept { return node_.inputs[static_cast<std::size_t>(i)]; }
  int out_id(int i = 0) const noexcept { return node_.outputs[static_cast<std::size_t>(i)]; }
  const Value& input(int i) const { return graph().value(id(i)); }
  const Value& output(int i = 0) const { return graph().value(out_id(i)); }
  /// The elements of input i, which has to be a constant.
  const AnyTensor& constant_input(int i) const {
    require(input(i).is_constant(), "computes '", input(i).name, "', expected a constant");
    return input(i).constant;
  }
  int rank(int i = 0) const { return input(i).shape.rank(); }

  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    detail::fail<FormatError>(layer_place(node_), parts...);
  }
  /// Tells the caller of save what is written otherwise than the layer is.
  template <class... Parts>
  void note(const SaveOptions& options, const Parts&... parts) const {
    if (options.notes) options.notes->push_back(concat(layer_place(node_), parts...));
  }
  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    if (!condition) fail(parts...);
  }

 protected:
  const Node& node_;

 private:
  const Graph& graph_;
};

}  // namespace detail
OCTET_END
