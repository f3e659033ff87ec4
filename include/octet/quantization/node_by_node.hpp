#pragma once
#include <functional>
#include <map>

#include "../kernels/half.hpp"
#include "../runtime/executor.hpp"
#include "quantize.hpp"

OCTET_BEGIN
namespace detail {

/// Runs a float model on several inputs, node by node: all of them through one node before the next. So a node can get
/// other constants, chosen by what it reads, before the nodes after it run. Tensors that later nodes read are kept;
/// where they would take more than `budget` bytes, they are computed again for each node.
class NodeByNode {
 public:
  using Tensors = std::map<int, AnyTensor>;  // by value
  /// Changes the tensors that a node reads or has written, in place.
  using Round = std::function<void(const Node&, int value, Tensor<float>&)>;

  /// References must outlive the object. `round` may be empty.
  NodeByNode(const Graph& g, const std::vector<Tensor<float>>& images, const ExecutorOptions& options,
             std::int64_t budget, Round round = {})
      : g_(g), options_(options), budget_(budget), round_(std::move(round)), last_use_(g.values.size(), 0) {
    for (std::size_t n = 0; n < g.nodes.size(); ++n)
      for (int v : g.nodes[n].inputs)
        if (v != Node::none) last_use_[static_cast<std::size_t>(v)] = n;
    for (const Tensor<float>& image : images) kept_.push_back({{g.inputs[0], image}});
    options_.optimize = false;
  }

  /// Calls see(image, tensors) for every image, where the tensors are those that node `at` reads. The nodes before it
  /// have to be done.
  template <class See>
  void inspect(std::size_t at, See see) {
    std::int64_t bytes = 0;
    std::vector<Tensors> live;
    bool keep = !pending_.empty();
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      Tensors t = kept_[i];
      for (Pending& p : pending_) run(p, t);
      see(static_cast<std::int64_t>(i), t);
      for (auto entry = t.begin(); entry != t.end();)
        entry = last_use_[static_cast<std::size_t>(entry->first)] < at ? t.erase(entry) : std::next(entry);
      for (const auto& entry : t) bytes += static_cast<std::int64_t>(entry.second.size_bytes());
      keep = keep && bytes <= budget_;
      if (keep)
        live.push_back(std::move(t));
      else
        live.clear();
    }
    if (!keep) return;
    kept_ = std::move(live);
    pending_.clear();
  }

  /// Node `at` is done: it computes with these constants in place of those of the model.
  void add(std::size_t at, const std::map<int, AnyTensor>& constants = {}) {
    const Node& n = g_.nodes[at];
    Graph one;
    one.name = g_.name;
    std::vector<int> in;
    for (int v : n.inputs) {
      const auto found = constants.find(static_cast<int>(in.size()));
      if (found != constants.end())
        in.push_back(one.add_constant(concat("constant ", in.size()), found->second));
      else if (v == Node::none)
        in.push_back(Node::none);
      else if (g_.value(v).is_constant())
        in.push_back(one.add_constant(g_.value(v).name, g_.value(v).constant));
      else
        in.push_back(one.add_input(concat("input ", in.size()), g_.value(v).shape, g_.value(v).dtype));
    }
    Pending p{&n, {}, nullptr};
    for (int v : n.inputs)
      if (v != Node::none && !g_.value(v).is_constant()) p.inputs.push_back(v);
    std::vector<std::string> names;
    for (int v : n.outputs) names.push_back(g_.value(v).name);
    const int first = one.add(n.name, n.op, in, names);
    for (std::size_t o = 0; o < names.size(); ++o) one.outputs.push_back(first + static_cast<int>(o));
    p.executor = std::make_unique<Executor>(one, options_);
    pending_.push_back(std::move(p));
  }

 private:
  struct Pending {
    const Node* node;
    std::vector<int> inputs;
    std::unique_ptr<Executor> executor;
  };

  void run(Pending& p, Tensors& t) const {
    std::vector<AnyTensor> in;
    for (int v : p.inputs) in.push_back(rounded_tensor(*p.node, v, t.at(v)));
    const std::vector<AnyTensor> out = p.executor->run(in);
    for (std::size_t o = 0; o < out.size(); ++o) {
      const int v = p.node->outputs[o];
      t[v] = rounded_tensor(*p.node, v, out[o]);
    }
  }
  AnyTensor rounded_tensor(const Node& n, int v, const AnyTensor& x) const {
    if (!round_ || x.dtype() != DType::f32) return x;
    Tensor<float> copy = to_float(x.ref());
    round_(n, v, copy);
    return copy;
  }

  const Graph& g_;
  ExecutorOptions options_;
  const std::int64_t budget_;
  const Round round_;
  std::vector<std::size_t> last_use_;  // of each value
  std::vector<Tensors> kept_;          // of each image
  std::vector<Pending> pending_;       // nodes that are done, but not run for good
};

}  // namespace detail
OCTET_END
