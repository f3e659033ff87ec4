#pragma once
#include "../core/range.hpp"
#include "../operators/unary.hpp"
#include "../passes/rewrite.hpp"
#include "calibration.hpp"

/// What the ranges of a calibration mean for the layers.
OCTET_BEGIN
namespace detail {

/// The inputs between which a function changes its result by more than half a step of 8 bits: beyond them it is
/// constant, or close to it. Infinite ends have no such limit.
inline Range useful_inputs(const Unary& f) {
  constexpr float infinite = std::numeric_limits<float>::infinity();
  const auto a = static_cast<float>(f.a), b = static_cast<float>(f.b);
  switch (f.kind) {
    case UnaryKind::clip: return {a, b};
    case UnaryKind::sigmoid: return {-6.25f, 6.25f};  // 1 / (1 + exp(6.25)) is 0.49 / 255
    case UnaryKind::tanh: return {-3.12f, 3.12f};     // 1 - tanh(3.12) is half of 1 / 128
    case UnaryKind::hard_sigmoid:  // from half a step to 1 less half a step; all of [0, 1] would make every code a tie
      return a > 0 ? Range{(0.5f / 255 - b) / a, (1 - 0.5f / 255 - b) / a} : Range{-infinite, infinite};
    case UnaryKind::hard_swish: return {-3, infinite};
    default: return {-infinite, infinite};
  }
}

/// The part of a tensor's range that makes a difference to the layers that read it. A sigmoid's input of [-600, 80]
/// would have steps of 2.7, of which three are not saturated.
inline Range useful_range(const Graph& g, const Links& links, int v, const Range& range) {
  if (g.is_output(v) || links.users(v).empty()) return range;
  constexpr float infinite = std::numeric_limits<float>::infinity();
  Range useful{infinite, -infinite};
  for (int n : links.users(v)) {
    const auto* f = as<Unary>(*g.nodes[static_cast<std::size_t>(n)].op);
    if (!f) return range;
    const Range r = useful_inputs(*f);
    useful = {std::min(useful.low, r.low), std::max(useful.high, r.high)};
  }
  const Range part{std::max(range.low, useful.low), std::min(range.high, useful.high)};
  return part.low < part.high ? part : range;
}

/// Whether a tensor had no elements in all calibration data, such as the boxes of a detector that found none. It has no
/// range, so the layers that read or write it stay float.
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
