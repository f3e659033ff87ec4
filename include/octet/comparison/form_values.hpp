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

  /// Null where values, or the results of layers, are float.
  struct Formats {
    std::vector<const IntegerFormat*> values, layers;
  };
  /// As plans place them (IntegerPlacement, PlannedModel).
  Formats of(const Forms& forms) const {
    const Graph& g = plans_.graph();
    Formats r{std::vector<const IntegerFormat*>(g.values.size(), nullptr), {}};
    const std::vector<bool> reshaped = plans_.reshapes_floats(forms, links_);
    for (std::size_t l = 0; l < g.nodes.size(); ++l) {
      r.layers.push_back(reshaped[l] ? nullptr : format_of(l, forms, r.values));
      for (int v : g.nodes[l].outputs) r.values[at(v)] = plans_.integer_params(v) ? r.layers[l] : nullptr;
    }
    for (std::size_t l = 0; l < g.nodes.size(); ++l)
      if (r.layers[l] && gives_float(g.nodes[l], r.layers)) r.values[at(g.nodes[l].outputs[0])] = nullptr;
    for (int v : g.inputs) r.values[at(v)] = nullptr;
    return r;
  }

 private:
  const IntegerFormat* format_of(std::size_t layer, const Forms& forms,
                                 const std::vector<const IntegerFormat*>& values) const {
    const Node& n = plans_.graph().nodes[layer];
    const IntegerForm form = n.op->integer_form();
    const bool follows = plans_.follows_input(layer);
    const IntegerFormat* input = n.inputs[0] == Node::none ? nullptr : values[at(n.inputs[0])];
    const IntegerFormat* own = follows ? input : plans_.format_of(layer, forms[layer]);
    if (!own || form.output != IntegerForm::Output::as_input || input != &int16_format) return own;
    return form.int16 ? input : &int8_format;
  }
  bool gives_float(const Node& n, const std::vector<const IntegerFormat*>& layers) const {
    if (!can_give_float(n)) return false;
    const std::vector<int>& users = links_.users(n.outputs[0]);
    const auto integer = [&](int u) -> bool { return layers[at(u)]; };
    return std::all_of(users.begin(), users.end(), [&](int u) {
      return !integer(u) && reads_sums(plans_.graph(), links_, plans_.graph().nodes[at(u)], integer);
    });
  }

  const FormPlans& plans_;
  const Links links_;
};

}  // namespace detail
OCTET_END
