#pragma once
#include "../../operators/batch_normalization.hpp"
#include "../../operators/convolution/convolution.hpp"
#include "../../operators/fake_quantize.hpp"
#include "../../operators/fake_quantize_sums.hpp"
#include "../../operators/fake_quantize_weights.hpp"
#include "../../passes/fold_batch_norm.hpp"
#include "../../passes/optimize.hpp"
#include "../../quantization/dequantize_model.hpp"
#include "../../quantization/unsummed.hpp"
#include "folded_regions.hpp"
#include "initial_scales.hpp"
#include "kept_layers.hpp"
#include "range_states.hpp"

OCTET_BEGIN
namespace detail {

/// Inserts fake quantization into a model. Which values become integers is decided on the
/// folded and fused form of the graph; FoldedRegions finds its layers in this graph.
class FakeQuantizer {
 public:
  FakeQuantizer(DequantizedModel d, const QatConfig& config)
      : g_(optimize_for_training(std::move(d.graph))),
        config_(config),
        folded_(optimize(g_)),
        kept_(layers_kept_float(folded_, config)),
        placement_(folded_, {matching_layers(folded_, kept_, "kept float"), false, false}),
        ranges_(folded_, placement_, config, std::move(d)),
        regions_(g_, folded_),
        before_(g_.nodes.size()),
        after_(g_.nodes.size()) {}

  Model build() {
    std::vector<std::pair<const Node*, std::vector<std::size_t>>> layers;
    for (const Node& n : folded_.nodes)
      if (placement_.is_integer(n)) layers.emplace_back(&n, regions_.nodes_of(n));
    int rounded = 0;
    for (const auto& [n, nodes] : layers) rounded += round_inputs(*n, nodes);
    require(rounded > 0, "model '", g_.name, "' has no layer with weights to quantize");
    for (int v : folded_.inputs)
      if (placement_.is_integer(v)) round_everywhere(v);
    for (const auto& layer : layers) round_output(*layer.first);
    for (const auto& [n, nodes] : layers) round_sums(*n, nodes);
    std::vector<Node> nodes = std::move(first_);
    for (std::size_t n = 0; n < g_.nodes.size(); ++n) {
      nodes.insert(nodes.end(), before_[n].begin(), before_[n].end());
      nodes.push_back(g_.nodes[n]);
      nodes.insert(nodes.end(), after_[n].begin(), after_[n].end());
    }
    g_.nodes = std::move(nodes);
    g_.sort();  // puts shared nodes before their first reader
    std::string names;
    for (const std::string& k : kept_) names += k + "\n";
    g_.metadata[qat_kept_float] = names;
    return std::move(g_);
  }

 private:
  using Source = IntegerPlacement::Source;
  struct RoundedWeights {
    int value = Node::none, scales = Node::none;  // scales: only if they are learned
    int bits = 8;
  };

  /// Rounds the weights of a layer, and its inputs that are float. Returns the number of weights.
  int round_inputs(const Node& folded, const std::vector<std::size_t>& nodes) {
    int weights = 0;
    for (std::size_t i = 0; i < folded.inputs.size(); ++i) {
      const int v = folded.inputs[i];
      if (v == Node::none) continue;
      if (is_parameter(folded_, folded, i)) {
        if (static_cast<int>(i) == folded.op->integer_form().weights) {
          round_weights(nodes, folded_.value(v).name, ranges_.weight_bits(folded));
          ++weights;
        }
      } else if (!placement_.computes_in_float(folded) && !placement_.is_integer(v) && !is_index(folded_, folded, i)) {
        round_entering(nodes, v);
      }
    }
    return weights;
  }

  void round_weights(const std::vector<std::size_t>& nodes, const std::string& name, int bits) {
    for (std::size_t n : nodes) {
      Node& layer = g_.nodes[n];
      const int k = layer.op->integer_form().weights;
      const int w = k < 0 ? Node::none : input_of(layer, static_cast<std::size_t>(k));
      if (w == Node::none || !g_.value(w).is_constant() || g_.value(w).name != name) continue;
      RoundedWeights& rounded = rounded_weights_[w];
      if (rounded.value == Node::none) {
        for (const auto& other : rounded_weights_)
          require(other.first == w || g_.value(other.first).name != name, "model '", g_.name,
                  "' has two weights named '", name, "'; their scales cannot be distinguished");
        FakeQuantizeWeights op;
        op.bits = rounded.bits = bits;
        std::vector<int> inputs{w};
        if (config_.learned_scales)
          inputs.push_back(
              rounded.scales = g_.add_constant(
                  name + ".scale", initial_scales(g_.value(w).constant.view<float>(), bits, ranges_.known())));
        rounded.value = g_.add_value({name + ".quantized", DType::f32, g_.value(w).shape, {}, {}});
        // Named as the layer, so that freezing the layer freezes its weights.
        before_[n].push_back({layer.name, make_operator(op), inputs, {rounded.value}});
      }
      layer.inputs[static_cast<std::size_t>(k)] = rounded.value;
    }
  }

  /// Rounds a float value or constant that only some layers read as integers.
  void round_entering(const std::vector<std::size_t>& nodes, int folded) {
    const std::string& name = folded_.value(folded).name;
    for (std::size_t n : nodes)
      for (int& v : g_.nodes[n].inputs) {
        if (v == Node::none || g_.value(v).name != name) continue;
        int& rounded = rounded_[v];
        if (rounded == 0) before_[n].push_back(fake_quantize(v, folded, rounded));
        v = rounded;
      }
  }

  void round_everywhere(int folded) {
    const int v = regions_.value_of(folded), producer = regions_.links().producer(v);
    int rounded = Node::none;
    const Node node = fake_quantize(v, folded, rounded);
    replace_uses(v, rounded);
    (producer == Node::none ? first_ : after_[at(producer)]).push_back(node);
  }

  void round_output(const Node& folded) {
    const int v = folded.outputs[0];
    const Source source = placement_.source(v);
    // The probabilities at the model's output stay float: the loss is computed from the logits.
    if (source == Source::fixed && folded_.is_output(v)) return;
    // A value with the scale of another one is already on its grid, except for results of Resize and Pad.
    if (source == Source::same && !folded.op->traits().makes_elements) return;
    if (source != Source::none) round_everywhere(v);
  }

  /// Rounds biases, by rounding the sums they are added to: the layer's result, or that of its batch normalization.
  void round_sums(const Node& folded, const std::vector<std::size_t>& nodes) {
    if (folded.op->traits().products == Traits::Products::none) return;  // such as PRelu, which adds nothing
    for (std::size_t n : nodes) {
      const int k = folded.op->integer_form().weights, w = k < 0 ? Node::none : input_of(g_.nodes[n], at(k));
      const auto weights = std::find_if(rounded_weights_.begin(), rounded_weights_.end(),
                                        [w](const auto& r) { return r.second.value == w; });
      if (w == Node::none || weights == rounded_weights_.end()) continue;
      const int sums = g_.nodes[n].outputs[0];
      const std::size_t next = regions_.links().used_once(sums) ? at(regions_.links().users(sums)[0]) : n;
      const bool normalized = g_.nodes[next].op->traits().normalizes;
      const std::size_t last = normalized ? next : n;
      const int v = g_.nodes[last].outputs[0];
      FakeQuantizeSums op;
      std::vector<int> inputs(FakeQuantizeSums::inputs, Node::none);
      inputs[FakeQuantizeSums::x] = v;
      inputs[FakeQuantizeSums::weights] = weights->first;
      inputs[FakeQuantizeSums::scales] = weights->second.scales;
      inputs[FakeQuantizeSums::bias] = input_of(g_.nodes[n], at(folded.op->integer_form().bias));
      op.weight_bits = weights->second.bits;
      take_ranges(folded, op, inputs);
      if (normalized) take_normalization(g_.nodes[last], op, inputs);
      const std::string name = g_.value(v).name + ".sums";
      const int rounded = g_.add_value({name, DType::f32, g_.value(v).shape, {}, {}});
      replace_uses(v, rounded);
      after_[last].insert(after_[last].begin(), {name, make_operator(op), inputs, {rounded}});
      if (input_of(folded, Convolution::residual) != Node::none) observe_unsummed(rounded, weights->first, last);
    }
  }

  /// Observes the range of a layer's result before a residual is added, which other file formats need. The converter
  /// finds it by the name of the weights.
  void observe_unsummed(int v, int weights, std::size_t after) {
    const std::string name = unsummed_name(g_.value(weights).name);
    FakeQuantize op;
    op.decay = config_.range_decay;
    op.rounds = false;
    const int range = g_.add_constant(name + ".range", Tensor<float>({3})),
              same = g_.add_value({name, DType::f32, g_.value(v).shape, {}, {}});
    replace_uses(v, same);
    after_[after].insert(after_[after].begin() + 1, {name, make_operator(op), {v, range}, {same}});
  }

  static void take_normalization(const Node& node, FakeQuantizeSums& op, std::vector<int>& inputs) {
    op.epsilon = normalization_of(node).epsilon;
    std::copy_n(node.inputs.begin() + BatchNormalization::gamma, 4, inputs.begin() + FakeQuantizeSums::gamma);
  }
  /// Takes the ranges of a layer's input and, if nothing is added before it, of its result.
  void take_ranges(const Node& folded, FakeQuantizeSums& op, std::vector<int>& inputs) const {
    const int in = placement_.root(folded.inputs[0]), out = placement_.root(folded.outputs[0]);
    op.input_bits = ranges_.bits(in);
    inputs[FakeQuantizeSums::range] = ranges_.state(in).range;
    inputs[FakeQuantizeSums::scale] = ranges_.state(in).scale;
    if (input_of(folded, Convolution::residual) != Node::none || ranges_.state(out).range == Node::none) return;
    op.output_bits = ranges_.bits(out);
    inputs[FakeQuantizeSums::out_range] = ranges_.state(out).range;
    inputs[FakeQuantizeSums::out_scale] = ranges_.state(out).scale;
  }

  /// Includes uses by new nodes that are not in the graph yet.
  void replace_uses(int from, int to) {
    if (g_.is_output(from)) std::swap(g_.value(from).name, g_.value(to).name);  // outputs keep their names
    g_.replace_uses(from, to);
    for (auto* lists : {&before_, &after_})
      for (std::vector<Node>& nodes : *lists)
        for (Node& n : nodes) std::replace(n.inputs.begin(), n.inputs.end(), from, to);
  }

  /// Creates a node that rounds v (`folded` in the folded graph) to the new value `rounded`.
  Node fake_quantize(int v, int folded, int& rounded) {
    const std::string name = g_.value(v).name;
    const int root = placement_.root(folded);
    FakeQuantize op;
    op.decay = config_.range_decay;
    op.bits = ranges_.bits(root);
    op.observes = placement_.source(root) == Source::measured && root == folded;
    const RangeStates::State state = ranges_.make(root, name, g_);
    std::vector<int> inputs{v, state.range};
    if (state.scale != Node::none) inputs.push_back(state.scale);
    if (state.lowest != Node::none) inputs.push_back(state.lowest);
    rounded = g_.add_value({name + ".quantized", DType::f32, g_.value(v).shape, {}, {}});
    return {name + ".quantized", make_operator(op), inputs, {rounded}};
  }

  Graph g_;
  const QatConfig& config_;
  const OptimizedModel folded_;
  const std::vector<std::string> kept_;
  const IntegerPlacement placement_;
  RangeStates ranges_;
  const FoldedRegions regions_;
  std::vector<std::vector<Node>> before_, after_;  // new nodes before and after each node of g_
  std::vector<Node> first_;
  std::map<int, RoundedWeights> rounded_weights_;  // by the exact weights
  std::map<int, int> rounded_;                     // rounded versions of float inputs; 0: none yet
};

}  // namespace detail
OCTET_END
