#pragma once
#include "../graph/run_constant.hpp"
#include "../passes/fuse.hpp"
#include "../passes/layer_patterns.hpp"
#include "logits.hpp"
#include "parameters.hpp"

OCTET_BEGIN
namespace detail {

/// The graph that computes a model in training, and the parameters that it learns.
class TrainedModel {
 public:
  /// The graph that is executed. Its constants have the initial values of the parameters.
  const Graph& graph() const noexcept { return graph_; }
  const Parameters& parameters() const noexcept { return parameters_; }

  /// The model with the current weights and running statistics. Half-precision weights have become float.
  Model model() const {
    Model m = original_;
    for (const Parameter& p : parameters_.list()) {
      Value& v = m.values[original_values_[at(p.value)]];
      v.dtype = DType::f32;
      v.constant = Tensor<float>(View<const float>(parameters_.values() + p.offset, p.shape));
    }
    return m;
  }

 protected:
  /// `freeze`: names of layers that are not trained; `logits`: outputs at which a softmax is omitted. Throws Error if
  /// the model cannot be trained.
  TrainedModel(const Model& model, const std::vector<std::string>& freeze, const std::vector<int>& logits)
      : original_(model) {
    original_.remove_unused();
    const Graph& g = original_;
    require<ShapeError>(!g.inputs.empty() && !g.outputs.empty(), "model '", g.name, "' has ", g.inputs.size(),
                        " inputs and ", g.outputs.size(), " outputs, expected at least one of each");
    for (int v : g.inputs)
      require(g.value(v).dtype == DType::f32, "model '", g.name, "': expected an input of type float32, found ",
              name(g.value(v).dtype));
    graph_ = original_;
    for (int output : logits) drop_last_softmax(graph_, output);
    for (std::size_t k = 1; k < graph_.outputs.size(); ++k)
      require(std::count(graph_.outputs.begin(), graph_.outputs.begin() + static_cast<std::ptrdiff_t>(k),
                         graph_.outputs[k]) == 0,
              "model '", g.name, "': output ", k, " ('", g.value(g.outputs[k]).name,
              "') is, before a softmax, the same as an earlier one");
    graph_ = fuse_activation(std::move(graph_));
    find_learned(freeze);
    compute_constants();
  }

  const Parameter* learned(int v) const {
    const Parameter* p = v == Node::none ? nullptr : parameters_.find(v);
    return p && p->learned ? p : nullptr;
  }

  Graph graph_;
  Parameters parameters_;

 private:
  /// Finds the constants that are parameters, and the value of the original model for each. Passes keep the order of
  /// constants.
  void find_learned(const std::vector<std::string>& freeze) {
    for (const std::string& pattern : freeze) require_used(pattern, graph_, "frozen");
    parameters_ = Parameters(graph_, [&](const Node& n) { return !kept(freeze, graph_, n); });
    require(parameters_.learned_size() > 0, "model '", graph_.name, "' has no parameters to train",
            freeze.empty() ? "" : ": every layer is frozen");
    const auto constants = [](const Graph& g) {
      std::vector<std::size_t> list;
      for (std::size_t v = 0; v < g.values.size(); ++v)
        if (g.values[v].is_constant()) list.push_back(v);
      return list;
    };
    const std::vector<std::size_t> here = constants(graph_), there = constants(original_);
    original_values_.assign(graph_.values.size(), 0);
    for (std::size_t i = 0; i < here.size(); ++i) original_values_[here[i]] = there.at(i);
  }

  /// Computes values that depend only on constants that are not trained: rounded weights of frozen layers.
  void compute_constants() {
    for (Value& v : graph_.values)
      if (v.is_constant() && (v.dtype == DType::f16 || v.dtype == DType::bf16)) {
        v.constant = to_float(v.constant.ref());
        v.dtype = DType::f32;
      }
    const auto stays = [&](int v) {
      return v == Node::none || (graph_.value(v).is_constant() && !parameters_.find(v));
    };
    std::vector<Node> left;
    for (Node& n : graph_.nodes) {
      if (!std::all_of(n.inputs.begin(), n.inputs.end(), stays)) {
        left.push_back(std::move(n));
        continue;
      }
      const std::vector<Shape> shapes = n.op->shapes(graph_.shape_context(n, nullptr));
      std::vector<AnyTensor> results = run_constant(graph_, n, shapes);
      for (std::size_t i = 0; i < results.size(); ++i) graph_.value(n.outputs[i]).constant = std::move(results[i]);
    }
    graph_.nodes = std::move(left);
  }

  Graph original_;
  std::vector<std::size_t> original_values_;  // of the constants of graph_
};

}  // namespace detail
OCTET_END
