#pragma once
#include "../kernels/half.hpp"
#include "trial_samples.hpp"

/// What changes of activations do to the outputs of a float model.
OCTET_BEGIN
namespace detail {

/// Part of a graph with the same values, whose inputs are those that its nodes do not compute.
class PartialGraph {
 public:
  explicit PartialGraph(const Graph& whole) : whole_(whole), values_(whole.values.size(), Node::none) {
    model.name = whole.name;
    model.rounding = whole.rounding;
  }

  void add(const Node& n) {
    Node copy = n;
    for (int& v : copy.inputs)
      if (v != Node::none) v = use(v);
    for (int& v : copy.outputs) v = make(v);
    model.nodes.push_back(std::move(copy));
  }
  void add_output(int v) { model.outputs.push_back(use(v)); }

  Model model;
  std::vector<int> inputs;  ///< the values of the whole graph that are inputs

 private:
  int make(int v) {
    const Value& x = whole_.value(v);
    return values_[at(v)] = model.add_value({x.name, x.dtype, x.shape, x.quant, x.constant});
  }
  int use(int v) {
    if (values_[at(v)] != Node::none) return values_[at(v)];
    make(v);
    if (!whole_.value(v).is_constant()) {
      model.inputs.push_back(values_[at(v)]);
      inputs.push_back(v);
    }
    return values_[at(v)];
  }

  const Graph& whole_;
  std::vector<int> values_;  // of the part, for each of the whole
};

/// All activations of the float model on one sample, by value.
using FloatActivations = std::map<int, AnyTensor>;

/// The inputs of a part: what was changed, else what the float model has.
inline std::vector<AnyTensor> inputs_of(const PartialGraph& part, const FloatActivations& known,
                                        const FloatActivations* changed = nullptr) {
  std::vector<AnyTensor> x;
  for (int v : part.inputs) {
    const bool is_changed = changed && changed->count(v) != 0;
    x.push_back(is_changed ? changed->at(v) : known.at(v));
  }
  return x;
}

/// The layers after some values, in float, and the outputs of the model that depend on them.
class RestOfModel {
 public:
  /// `first`: the number of the first layer that may read the values.
  RestOfModel(const Graph& g, const std::vector<int>& values, std::size_t first, const ExecutorOptions& options)
      : g_(g), part_(g) {
    std::vector<bool> changed(g.values.size(), false);
    for (int v : values) changed[at(v)] = true;
    for (std::size_t i = first; i < g.nodes.size(); ++i) {
      const Node& n = g.nodes[i];
      if (std::none_of(n.inputs.begin(), n.inputs.end(), [&](int v) { return v != Node::none && changed[at(v)]; }))
        continue;
      for (int v : n.outputs) changed[at(v)] = true;
      part_.add(n);
    }
    for (std::size_t o = 0; o < g.outputs.size(); ++o)
      if (changed[at(g.outputs[o])]) {
        outputs_.push_back(o);
        part_.add_output(g.outputs[o]);
      }
    if (!part_.model.nodes.empty()) run_ = std::make_unique<Executor>(part_.model, options);
  }

  struct Noise {
    std::vector<double> parts;        ///< of each output of the model, as a part of its signal
    std::optional<double> agreement;  ///< of classifiers
  };

  /// `change(known)` gives the changed values on a sample whose activations are known.
  template <class Change>
  Noise noise(const std::vector<FloatActivations>& samples, bool classes, const Change& change) const {
    std::vector<ErrorEnergy> energies(g_.outputs.size());
    Accuracy exact, here;
    for (const FloatActivations& known : samples) {
      const FloatActivations changed = change(known);
      std::vector<AnyTensor> ends;
      if (run_)
        ends = run_->run(to_input_types(run_->graph(), inputs_of(part_, known, &changed)));
      else
        for (std::size_t o : outputs_) ends.push_back(changed.at(g_.outputs[o]));
      for (std::size_t k = 0; k < outputs_.size(); ++k) {
        const Tensor<float> a = to_float(known.at(g_.outputs[outputs_[k]]).ref()), b = to_float(ends[k].ref());
        add_errors(energies[outputs_[k]], a, b);
        if (!classes) continue;
        exact.add(a, {});
        here.add(b, {});
      }
    }
    Noise n;
    for (const ErrorEnergy& e : energies) n.parts.push_back(e.part());
    if (classes) n.agreement = here.images() > 0 ? here.agreement(exact) : 1;
    return n;
  }

 private:
  const Graph& g_;
  PartialGraph part_;
  std::vector<std::size_t> outputs_;
  std::unique_ptr<Executor> run_;
};

}  // namespace detail
OCTET_END
