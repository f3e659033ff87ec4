#pragma once
#include "calibration.hpp"

/// Tensors that had no elements in all calibration data, such as the boxes of a detector that found none. They have no
/// range, so the layers that read or write them stay float.
OCTET_BEGIN
namespace detail {

inline bool was_empty(const Graph& g, int v, const Calibration& calibration) {
  if (v == Node::none || g.value(v).is_constant()) return false;
  const auto t = calibration.tensors.find(g.value(v).name);
  return t != calibration.tensors.end() && !t->second.has_range();
}

/// For each layer: whether it stays float for such a tensor.
inline std::vector<bool> layers_of_empty_tensors(const Graph& g, const Calibration& calibration) {
  std::vector<bool> layers;
  for (const Node& n : g.nodes) {
    const auto empty = [&](int v) { return was_empty(g, v, calibration); };
    layers.push_back(std::any_of(n.inputs.begin(), n.inputs.end(), empty) ||
                     std::any_of(n.outputs.begin(), n.outputs.end(), empty));
  }
  return layers;
}

/// A message for all of them that could be integers.
inline void note_empty_tensors(const Graph& g, const Calibration& calibration, std::vector<std::string>& notes) {
  const std::vector<bool> layers = layers_of_empty_tensors(g, calibration);
  std::string first;
  int others = -1;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (!layers[i] || g.nodes[i].op->integer_form().output == IntegerForm::Output::none) continue;
    if (others++ < 0) first = g.nodes[i].name;
  }
  if (others < 0) return;
  notes.push_back(concat("layer '", first, "'", others > 0 ? concat(" and ", others, " more") : "",
                         others > 0 ? " stay" : " stays",
                         " float: tensors that they read or write had no elements in all calibration data"));
}

}  // namespace detail
OCTET_END
