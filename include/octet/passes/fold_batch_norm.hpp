#pragma once
#include <cmath>

#include "../core/rounded.hpp"
#include "../operators/batch_normalization.hpp"
#include "../operators/concat.hpp"
#include "../operators/convolution/convolution.hpp"
#include "../operators/operands.hpp"
#include "rewrite.hpp"

OCTET_BEGIN
namespace detail {

/// Batch normalization as one factor and one shift per channel: gamma / sqrt(variance + epsilon), beta - mean * factor.
struct ChannelAffine {
  std::vector<double> factor, shift;

  ChannelAffine(const Graph& g, const Node& n, double epsilon) {
    using BN = BatchNormalization;
    const auto parameter = [&](int i) {
      return to_float(g.value(n.inputs[static_cast<std::size_t>(i)]).constant.ref());
    };
    const Tensor<float> gamma = parameter(BN::gamma), beta = parameter(BN::beta), mean = parameter(BN::mean),
                        variance = parameter(BN::variance);
    for (std::int64_t c = 0; c < gamma.size(); ++c) {
      const double f = static_cast<double>(gamma[c]) / std::sqrt(static_cast<double>(variance[c]) + epsilon);
      factor.push_back(f);
      shift.push_back(static_cast<double>(beta[c]) - rounded(static_cast<double>(mean[c]) * f));
    }
  }
};

/// The operator of a node, which is a batch normalization.
inline const BatchNormalization& normalization_of(const Node& n) { return *as<BatchNormalization>(*n.op); }

inline bool has_constant_parameters(const Graph& g, const Node& n) {
  for (std::size_t i = BatchNormalization::gamma; i <= BatchNormalization::variance; ++i)
    if (input_of(n, i) == Node::none || !g.value(n.inputs[i]).is_constant()) return false;
  return true;
}

/// Rewrites BN(concat(a, b)) along the channels to concat(BN(a), BN(b)), so that each part can be folded.
inline bool split_over_concat(Graph& g, std::size_t at, Links& links) {
  const Node bn = g.nodes[at];
  const int joined = bn.inputs[0], source = links.producer(joined);
  const auto* concat = links.produced_by<Concat>(joined);
  if (!concat || !links.used_once(joined) ||
      normalize_axis(concat->axis, g.value(joined).shape.rank()) != g.value(joined).shape.rank() - 1)
    return false;
  const std::vector<int> parts = g.nodes[static_cast<std::size_t>(source)].inputs;
  for (int part : parts) {
    const int p = links.producer(part);
    if (p == Node::none || !links.used_once(part) || !is_linear_layer(g, g.nodes[static_cast<std::size_t>(p)]) ||
        g.value(part).shape.back() < 0)
      return false;
  }
  Node whole = g.nodes[static_cast<std::size_t>(source)];
  whole.inputs.clear();
  whole.outputs = bn.outputs;
  auto last = static_cast<std::size_t>(source);
  std::int64_t first = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Shape shape = g.value(parts[i]).shape;
    const std::int64_t channels = shape.back();
    std::vector<int> in{parts[i]};
    for (std::size_t k = BatchNormalization::gamma; k <= BatchNormalization::variance; ++k) {
      const Tensor<float> all = to_float(g.value(bn.inputs[k]).constant.ref());
      Tensor<float> some = Tensor<float>::uninitialized({channels});
      std::copy(all.data() + first, all.data() + first + channels, some.data());
      in.push_back(g.add_constant(g.value(bn.inputs[k]).name + "." + std::to_string(i), std::move(some)));
    }
    first += channels;
    const std::string part_name = bn.name + "." + std::to_string(i);
    const int out = g.add_value({part_name, DType::f32, shape, {}, {}});
    last = links.insert_after(g, last, {part_name, bn.op, in, {out}});
    whole.inputs.push_back(out);
  }
  links.replace(g, at, std::move(whole));
  links.remove(g, static_cast<std::size_t>(source));
  return true;
}

/// W (f x + s) + b = (W f) x + (W s + b): folds a BN into a convolution without padding, or a fully connected layer,
/// after it.
inline bool fold_forward(Graph& g, std::size_t at, Links& links) {
  const Node bn = g.nodes[at];
  const int out = bn.outputs[0];
  if (!links.used_once(out) || !normalization_of(bn).activation.none()) return false;
  const auto user = static_cast<std::size_t>(links.users(out)[0]);
  Node next = g.nodes[user];
  const int w = input_of(next, LayerInputs::weights), b = input_of(next, LayerInputs::bias);
  if (next.inputs[0] != out || w == Node::none || !g.value(w).is_constant() || !is_floating(g.value(w).dtype) ||
      (b != Node::none && !g.value(b).is_constant()))
    return false;
  const Traits traits = next.op->traits();
  if (traits.products != Traits::Products::all || traits.pads) return false;
  const std::int64_t groups = traits.groups;
  const ChannelAffine affine(g, bn, normalization_of(bn).epsilon);
  Tensor<float> weights = to_float(g.value(w).constant.ref());
  const std::int64_t o_count = weights.shape()[0], c_count = weights.shape().back();
  const std::int64_t taps = weights.size() / std::max<std::int64_t>(1, o_count * c_count);
  std::vector<double> ones(static_cast<std::size_t>(o_count), 1.0), shifts(static_cast<std::size_t>(o_count), 0.0);
  for (std::int64_t o = 0; o < o_count; ++o)
    for (std::int64_t t = 0; t < taps; ++t)
      for (std::int64_t c = 0; c < c_count; ++c) {
        const auto channel = static_cast<std::size_t>(o / (o_count / groups) * c_count + c);
        float& x = weights[(o * taps + t) * c_count + c];
        shifts[static_cast<std::size_t>(o)] += rounded(static_cast<double>(x) * affine.shift[channel]);
        x = static_cast<float>(static_cast<double>(x) * affine.factor[channel]);
      }
  const std::string bias_name = b == Node::none ? g.value(next.outputs[0]).name + ".bias" : g.value(b).name;
  set_input(next, LayerInputs::image, bn.inputs[0]);
  const int bias = g.add_constant(bias_name, affine_bias(g, b, ones, shifts));
  set_input(next, LayerInputs::weights, g.add_constant(g.value(w).name, std::move(weights)));
  set_input(next, LayerInputs::bias, bias);
  links.remove(g, at);
  links.replace(g, user, std::move(next));
  return true;
}

/// Replaces a BN by a depthwise 1x1 convolution, which can be quantized and can fuse activations.
inline bool become_depthwise(Graph& g, std::size_t at, Links& links) {
  Node bn = g.nodes[at];
  const int spatial = g.value(bn.inputs[0]).shape.rank() - 2;
  if (spatial < 1 || spatial > 2) return false;
  const BatchNormalization& op = normalization_of(bn);
  const ChannelAffine affine(g, bn, op.epsilon);
  const auto channels = static_cast<std::int64_t>(affine.factor.size());
  Shape shape{channels};
  for (int i = 0; i <= spatial; ++i) shape.push_back(1);
  Tensor<float> w = Tensor<float>::uninitialized(shape), b = Tensor<float>::uninitialized({channels});
  for (std::int64_t c = 0; c < channels; ++c) {
    w[c] = static_cast<float>(affine.factor[static_cast<std::size_t>(c)]);
    b[c] = static_cast<float>(affine.shift[static_cast<std::size_t>(c)]);
  }
  Convolution conv;
  conv.groups = channels;
  conv.activation = op.activation;
  const std::vector<std::int64_t> ones(static_cast<std::size_t>(spatial), 1),
      zeros(static_cast<std::size_t>(spatial), 0);
  conv.window.kernel = conv.window.strides = conv.window.dilations = ones;
  conv.window.pads_before = conv.window.pads_after = zeros;
  const std::string base = g.value(bn.outputs[0]).name;
  const int weights = g.add_constant(base + ".weight", std::move(w)),
            bias = g.add_constant(base + ".bias", std::move(b));
  bn.op = make_operator(std::move(conv));
  bn.inputs = {bn.inputs[0], weights, bias};
  links.replace(g, at, std::move(bn));
  return true;
}

/// Whether a normalization directly follows a linear layer into which it could be folded.
inline bool follows_layer(const Graph& g, const Node& bn, const Links& links) {
  const int source = links.producer(bn.inputs[0]);
  return source != Node::none && links.used_once(bn.inputs[0]) &&
         is_linear_layer(g, g.nodes[static_cast<std::size_t>(source)]);
}

inline bool fold_back(Graph& g, std::size_t n, Links& links) {
  const Node bn = g.nodes[n];
  const BatchNormalization& op = normalization_of(bn);
  const auto source = static_cast<std::size_t>(links.producer(bn.inputs[0]));
  Node layer = g.nodes[source];
  const ChannelAffine affine(g, bn, op.epsilon);
  layer.outputs[0] = bn.outputs[0];
  scale_layer(g, layer, affine.factor, affine.shift);
  layer.op = layer.op->clamped(op.activation.low, op.activation.high);
  links.remove(g, n);
  links.replace(g, source, std::move(layer));
  return true;
}

/// `keep`: does not fold those that directly follow a layer.
inline Graph place_batch_norm(Graph graph, bool keep) {
  return rewrite_until_stable(std::move(graph), [keep](Graph& g, std::size_t n, Links& links) {
    if (!g.nodes[n].op->traits().normalizes || !has_constant_parameters(g, g.nodes[n])) return false;
    if (follows_layer(g, g.nodes[n], links)) return !keep && fold_back(g, n, links);
    return split_over_concat(g, n, links) || fold_forward(g, n, links) || become_depthwise(g, n, links);
  });
}

}  // namespace detail

/// Folds batch normalizations into the layers before them (also through a concat of channels), or into layers after
/// them without padding. Remaining ones over images become depthwise 1x1 convolutions.
inline Graph fold_batch_norm(Graph graph) { return detail::place_batch_norm(std::move(graph), false); }

/// The same, except that those that directly follow a layer are kept, to be trained and folded later.
inline Graph settle_batch_norm(Graph graph) { return detail::place_batch_norm(std::move(graph), true); }

OCTET_END
