#pragma once
#include "runnable.hpp"
#include "stage_executor.hpp"

OCTET_BEGIN
namespace detail {

/// A layer between two stages of a model: its results have sizes that depend on the data. `graph`: that layer alone,
/// whose inputs are the results of the stage before.
class DataSizedLayer {
 public:
  DataSizedLayer(Graph graph, const StageExecutor& before, const PrepareOptions& options)
      : graph_(std::move(graph)), pool_(before.pool()) {
    require_declared_types(graph_, node());
    step_ = node().op->prepare(PrepareContext(graph_, node(), before.kernels(), options));
  }
  const Node& node() const noexcept { return graph_.nodes[0]; }
  const Step& step() const noexcept { return *step_; }

  /// Adds the results to those of the stage before, which are its inputs.
  void run(std::vector<AnyTensor>& tensors, const std::function<void(const Value&, const TensorRef&)>& observer) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<TensorRef> in;
    std::vector<const Value*> values;
    std::vector<Shape> shapes;
    for (int v : node().inputs) {
      const auto i =
          static_cast<std::size_t>(std::find(graph_.inputs.begin(), graph_.inputs.end(), v) - graph_.inputs.begin());
      const bool constant = v != Node::none && graph_.value(v).is_constant();
      in.push_back(v == Node::none ? TensorRef{} : constant ? graph_.value(v).constant.ref() : tensors[i].ref());
      values.push_back(v == Node::none ? nullptr : &graph_.value(v));
      shapes.push_back(in.back().shape);
    }
    node().op->shapes({node().name, node().op->type(), values, shapes});  // checks the shapes of this run
    for (AnyTensor& t : static_cast<DataSizedStep&>(*step_).results(in, pool_)) tensors.push_back(std::move(t));
    milliseconds_ = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    const std::size_t first = tensors.size() - node().outputs.size();
    for (std::size_t o = 0; observer && o < node().outputs.size(); ++o)
      observer(graph_.value(node().outputs[o]), tensors[first + o].ref());
  }
  LayerTime time() const { return {node().name, node().op->type(), milliseconds_, 0}; }

 private:
  Graph graph_;
  ThreadPool& pool_;
  std::unique_ptr<Step> step_;
  double milliseconds_ = 0;
};

}  // namespace detail
OCTET_END
