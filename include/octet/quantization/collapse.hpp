#pragma once
#include <limits>

#include "apply_plan.hpp"
#include "error_report.hpp"
#include "make_plan.hpp"

/// Layers of int8 models whose results are lost.
OCTET_BEGIN
namespace detail {

constexpr double collapsed_below_db = 10;

/// The int8 layers whose results have less than 10 dB SQNR on the batches, and whose inputs have more. Results of later
/// layers are wrong because of these.
inline std::vector<std::size_t> first_collapsed(const OptimizedModel& g, const QuantizationPlan& plan,
                                                const std::vector<Tensor<float>>& batches) {
  std::map<std::string, double> db;
  ExecutorOptions same;
  same.same_floats = true;  // so that the choice does not depend on the CPU
  for (const LayerError& e : error_report(g, PlannedModel(g, plan).build(), batches, same)) db[e.name] = e.sqnr_db;
  const auto of = [&](int v) {
    const auto found = v == Node::none ? db.end() : db.find(g.value(v).name);
    return found == db.end() ? std::numeric_limits<double>::infinity() : found->second;
  };
  const std::vector<std::string> names = unique_layer_names(g);
  std::vector<std::size_t> found;
  for (std::size_t l = 0; l < g.nodes.size(); ++l) {
    const Node& n = g.nodes[l];
    if (plan.layers.at(names[l]).form != PlannedForm::integer || of(n.outputs[0]) >= collapsed_below_db) continue;
    if (std::all_of(n.inputs.begin(), n.inputs.end(),
                    [&](int v) { return v == Node::none || g.value(v).is_constant() || of(v) >= collapsed_below_db; }))
      found.push_back(l);
  }
  return found;
}

}  // namespace detail
OCTET_END
