#pragma once
#include "../operators/arithmetic/binary.hpp"
#include "../operators/matmul.hpp"
#include "../operators/softmax.hpp"
#include "../operators/where.hpp"
#include "../passes/rewrite.hpp"
#include "calibration.hpp"

/// Masks of attention: numbers such as -1e9 or -inf, added to the inputs of a softmax, so that exp is 0. Codes of a
/// range that holds them have no steps for the other numbers, so the layers from the mask to the softmax stay float.
OCTET_BEGIN
namespace detail {

/// Whether the layer only combines, scales or moves elements: a mask stays a mask.
inline bool carries_mask(const Node& n) {
  const IntegerForm form = n.op->integer_form();
  return as<Binary>(*n.op) || as<Where>(*n.op) || n.op->traits().joins ||
         (form.output == IntegerForm::Output::as_input && !form.rescales);
}

/// For each value: whether only softmaxes read it, directly or through layers that carry masks. It may be -inf.
inline std::vector<bool> maskable_values(const Graph& g, const Links& links) {
  std::vector<bool> maskable(g.values.size());
  for (std::size_t v = 0; v < g.values.size(); ++v)
    maskable[v] = !links.is_output(static_cast<int>(v)) && !links.users(static_cast<int>(v)).empty();
  for (std::size_t i = g.nodes.size(); i-- > 0;) {
    const Node& n = g.nodes[i];
    if (as<Softmax>(*n.op)) continue;
    if (carries_mask(n) && std::all_of(n.outputs.begin(), n.outputs.end(), [&](int v) { return maskable[at(v)]; }))
      continue;
    for (int v : n.inputs)
      if (v != Node::none) maskable[at(v)] = false;
  }
  return maskable;
}

/// Finds the layers that stay float for masks.
class MaskedSoftmax {
 public:
  MaskedSoftmax(const Graph& g, const Calibration& calibration) : g_(g), layers_(g.nodes.size(), false) {
    for (const Value& v : g.values) ranges_.push_back(seen(v, calibration));
    const std::vector<bool> masked = masked_values();
    std::vector<bool> sums(g.values.size(), false), masks(g.values.size(), false);  // that a softmax depends on
    for (std::size_t i = g.nodes.size(); i-- > 0;) {
      const Node& n = g.nodes[i];
      const auto has = [&](const std::vector<bool>& set) {
        return std::any_of(n.outputs.begin(), n.outputs.end(), [&](int v) { return set[at(v)]; });
      };
      const bool of_mask = has(masks) && !has_products(n), of_sum = has(sums) && has(masked);
      if (as<Softmax>(*n.op)) {
        if (!masked[at(n.inputs[0])]) continue;
        sums[at(n.inputs[0])] = true;
        softmaxes_.push_back(i);
      } else if (!of_mask && !of_sum) {
        continue;
      }
      layers_[i] = true;
      if (as<Softmax>(*n.op)) continue;
      for (std::size_t k = 0; k < n.inputs.size(); ++k) {
        const int v = n.inputs[k];
        if (v == Node::none) continue;
        if (of_sum && masked[at(v)])
          sums[at(v)] = true;
        else if (of_mask || is_mask(operand(n, k)))
          masks[at(v)] = true;
      }
    }
  }

  /// For each layer: whether it stays float.
  const std::vector<bool>& layers() const noexcept { return layers_; }

  /// A message for each softmax.
  void add_notes(std::vector<std::string>& notes) const {
    for (auto i = softmaxes_.rbegin(); i != softmaxes_.rend(); ++i) {
      const Node& n = g_.nodes[*i];
      const Range& r = ranges_[at(n.inputs[0])];
      notes.push_back(concat("layer '", n.name,
                             "' and those that mask its input stay float: the mask's numbers are as ", "low as ", r.low,
                             ", the others at most ", r.high));
    }
  }

 private:
  /// Codes of a wider range have steps of 0.4 and more: exp would be wrong by a fifth.
  static constexpr float widest = 100;

  static Range seen(const Value& v, const Calibration& calibration) {
    constexpr float infinite = std::numeric_limits<float>::infinity();
    if (v.dtype != DType::f32) return {infinite, -infinite};
    if (!v.is_constant()) {
      const auto t = calibration.tensors.find(v.name);
      if (t == calibration.tensors.end()) return {infinite, -infinite};
      return t->second.given ? *t->second.given : t->second.seen;
    }
    Range r{infinite, -infinite};
    for (float x : v.constant.view<float>()) r = {std::min(r.low, x), std::max(r.high, x)};
    return r;
  }

  static bool has_products(const Node& n) {
    return n.op->traits().products != Traits::Products::none || n.op->integer_form().weights >= 0 || as<MatMul>(*n.op);
  }

  /// Whether the numbers are such that a sum with them is masked.
  static bool is_mask(const Range& r) { return r.low <= r.high && r.low < -widest / 2 && -r.low > r.high; }
  static bool is_wide(const Range& r) { return is_mask(r) && r.high - r.low > widest; }
  static bool is_small(const Range& r, const Range& mask) {
    return r.low <= r.high && std::max(-r.low, r.high) < -mask.low / 2;
  }

  /// The range of an operand, as it is added.
  Range operand(const Node& n, std::size_t i) const {
    const Range r = n.inputs[i] == Node::none ? Range{1, -1} : ranges_[at(n.inputs[i])];
    const auto* b = as<Binary>(*n.op);
    return b && b->kind == BinaryKind::sub && i == Binary::right ? Range{-r.high, -r.low} : r;
  }

  /// Whether the layer puts a mask on other numbers.
  bool puts_mask(const Node& n) const {
    const auto* b = as<Binary>(*n.op);
    const bool sum = b && (b->kind == BinaryKind::add || b->kind == BinaryKind::sub || b->kind == BinaryKind::min);
    if (!sum && !as<Where>(*n.op)) return false;
    for (std::size_t i = 0; i < n.inputs.size(); ++i)
      for (std::size_t k = 0; k < n.inputs.size(); ++k)
        if (is_mask(operand(n, i)) && is_small(operand(n, k), operand(n, i))) return true;
    return false;
  }

  std::vector<bool> masked_values() const {
    std::vector<bool> masked(g_.values.size(), false);
    for (const Node& n : g_.nodes) {
      if (has_products(n) || as<Softmax>(*n.op)) continue;
      const bool any = puts_mask(n) || std::any_of(n.inputs.begin(), n.inputs.end(),
                                                   [&](int v) { return v != Node::none && masked[at(v)]; });
      for (int v : n.outputs) masked[at(v)] = any && is_wide(ranges_[at(v)]);
    }
    return masked;
  }

  const Graph& g_;
  std::vector<Range> ranges_;  // of each value; low > high if it is not known
  std::vector<bool> layers_;
  std::vector<std::size_t> softmaxes_;  // last first
};

}  // namespace detail
OCTET_END
