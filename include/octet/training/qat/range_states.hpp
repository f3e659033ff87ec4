#pragma once
#include <set>
#include <tuple>

#include "../../operators/fake_quantize_step.hpp"
#include "../../operators/observed_range.hpp"
#include "../../quantization/dequantize_model.hpp"
#include "../../quantization/integer_placement.hpp"
#include "../../quantization/plan.hpp"
#include "kept_layers.hpp"

OCTET_BEGIN
namespace detail {

/// Ranges and learned scales of activations, which are constants of the training graph. Values that have the same scale
/// as integers share them: each value uses those of its root in `folded` (see IntegerPlacement).
class RangeStates {
 public:
  struct State {
    int range = Node::none, scale = Node::none, lowest = Node::none;  // values of the graph; the last two: if learned
  };

  /// `d`: what the model had as integers; its graph is not read.
  RangeStates(const Graph& folded, const IntegerPlacement& placement, const QatConfig& config, DequantizedModel d)
      : folded_(folded),
        placement_(placement),
        config_(config),
        known_(std::move(d.activations)),
        constant_bits_(std::move(d.constant_bits)) {
    if (config.first_last_bits == 0) return;
    std::tie(first_, last_) = first_and_last(folded);
    for (const Node* n : {first_, last_})
      if (n) at_ends_.insert(placement.root(n->inputs[0]));
    if (last_) at_ends_.insert(placement.root(last_->outputs[0]));
  }

  bool known() const noexcept { return !known_.empty(); }
  /// Of a value with this root.
  int bits(int root) const {
    if (!measured(root)) return octet::bits(format.activations);
    return at_ends_.count(root) ? config_.first_last_bits : config_.activation_bits;
  }
  /// Of the weights of a layer of `folded`.
  int weight_bits(const Node& n) const {
    if (&n == first_ || &n == last_) return config_.first_last_bits;
    if (config_.weight_bits != 0) return config_.weight_bits;
    const auto it = constant_bits_.find(folded_.value(n.inputs[at(n.op->integer_form().weights)]).name);
    return it == constant_bits_.end() ? octet::bits(format.weights) : it->second;
  }

  /// The state of a root; empty if it has none.
  State state(int root) const {
    const auto it = states_.find(root);
    return it == states_.end() ? State{} : it->second;
  }
  /// The state of a root. Adds constants to g if it is new, whose names start with `name`.
  State make(int root, const std::string& name, Graph& g) {
    State& s = states_[root];
    if (s.range != Node::none) return s;
    ObservedRange range = initial_range(root);
    // A known range is best for its own number of bits; for another, the first batch gives a better one.
    if (config_.learned_scales && measured(root) && bits(root) != octet::bits(format.activations)) range = {};
    s.range = g.add_constant(name + ".range", Tensor<float>({3}, {range.low, range.high, range.batches}));
    if (config_.learned_scales && measured(root)) {
      const FakeQuantization rounding(kernels(), bits(root));
      const ScaleAndZero p = rounding.params(range, nullptr);
      s.scale = g.add_constant(name + ".scale", Tensor<float>({1}, {p.scale}));
      if (config_.learned_zero_points)
        s.lowest = g.add_constant(name + ".lowest", Tensor<float>({1}, {rounding.low(p) * p.scale}));
    }
    return s;
  }

 private:
  using Source = IntegerPlacement::Source;
  static constexpr const IntegerFormat& format = *format_of(PlannedForm::integer);

  bool measured(int root) const { return placement_.source(root) == Source::measured; }
  ObservedRange initial_range(int root) const {
    const Value& v = folded_.value(root);
    const auto of = [](const QuantParams& p, double batches) {
      const double scale = static_cast<double>(p.scale[0]), zero = p.zero_point[0];
      const IntegerRange codes = integer_range(format.activations);
      return ObservedRange{static_cast<float>((static_cast<double>(codes.low) - zero) * scale),
                           static_cast<float>((static_cast<double>(codes.high) - zero) * scale),
                           static_cast<float>(batches)};
    };
    switch (placement_.source(root)) {
      case Source::fixed:
        return of(
            params_dividing(
                folded_.nodes[static_cast<std::size_t>(placement_.links().producer(root))].op->integer_form().range,
                format.activations),
            1);
      case Source::constant: {
        const auto elements = v.constant.view<float>();
        float r[2];
        element_kernels().minmax_f32(elements.data(), elements.size(), r);
        require(!std::isnan(r[0]), "tensor '", v.name, "' has NaN or infinite elements");
        return {r[0], r[1], 1};
      }
      default: break;
    }
    const auto known = known_.find(v.name);  // counts as if it had been averaged for long
    return known == known_.end() ? ObservedRange{} : of(known->second, std::ceil(1 / (1 - config_.range_decay)));
  }

  const Graph& folded_;
  const IntegerPlacement& placement_;
  const QatConfig& config_;
  const std::map<std::string, QuantParams> known_;
  const std::map<std::string, int> constant_bits_;
  const Node *first_ = nullptr, *last_ = nullptr;  // layers with first_last_bits
  std::set<int> at_ends_;                          // roots of their inputs, and of the last one's results
  std::map<int, State> states_;                    // by root
};

}  // namespace detail
OCTET_END
