#pragma once
#include "form_plans.hpp"

OCTET_BEGIN
namespace detail {

/// The forms of all layers, a place in candidate_forms for each.
using Forms = std::vector<std::size_t>;

/// Which values are integers where layers have certain forms.
class FormValues {
 public:
  explicit FormValues(const FormPlans& plans) : plans_(plans), links_(plans.graph()) {}

  const Links& links() const noexcept { return links_; }

  struct Integers {
    std::vector<bool> values, layers;
  };
  /// As plans place them (IntegerPlacement).
  Integers of(const Forms& forms) const {
    const Graph& g = plans_.graph();
    Integers r{std::vector<bool>(g.values.size(), false), {}};
    const std::vector<bool> reshaped = plans_.reshapes_floats(forms, links_);
    for (std::size_t l = 0; l < g.nodes.size(); ++l) {
      r.layers.push_back(!reshaped[l] && is_integer_layer(l, forms, r.values));
      for (int v : g.nodes[l].outputs) r.values[at(v)] = r.layers[l] && plans_.integer_params(v);
    }
    for (std::size_t l = 0; l < g.nodes.size(); ++l)
      if (r.layers[l] && gives_float(g.nodes[l], r.layers)) r.values[at(g.nodes[l].outputs[0])] = false;
    for (int v : g.inputs) r.values[at(v)] = false;
    return r;
  }

 private:
  bool is_integer_layer(std::size_t layer, const Forms& forms, const std::vector<bool>& integer) const {
    const Node& n = plans_.graph().nodes[layer];
    if (plans_.follows_input(layer)) return integer[at(n.inputs[0])];
    return plans_.layer_plan(layer, forms[layer]).form == PlannedForm::integer;
  }
  bool gives_float(const Node& n, const std::vector<bool>& integer_layers) const {
    if (!can_give_float(n)) return false;
    const std::vector<int>& users = links_.users(n.outputs[0]);
    const auto integer = [&](int u) -> bool { return integer_layers[at(u)]; };
    return std::all_of(users.begin(), users.end(), [&](int u) {
      return !integer(u) && reads_sums(plans_.graph(), links_, plans_.graph().nodes[at(u)], integer);
    });
  }

  const FormPlans& plans_;
  const Links links_;
};

}  // namespace detail
OCTET_END
