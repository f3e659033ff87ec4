#pragma once
#include "../operators/operands.hpp"
#include "../operators/shape/pad.hpp"
#include "elementwise.hpp"

OCTET_BEGIN

/// Fuses clamps (ReLU, ReLU6, Clip) into the operator before them, if it can clamp its results.
inline Graph fuse_activation(Graph graph) {
  using detail::Change;
  return detail::rewrite_until_stable(std::move(graph), [](Graph& g, std::size_t n, detail::Links& links) {
    const Unary* clip = detail::elementwise(g.nodes[n], UnaryKind::clip);
    if (!clip || !(clip->a <= clip->b)) return Change::none;
    const int in = g.nodes[n].inputs[0], out = g.nodes[n].outputs[0];
    const int source = links.producer(in);
    if (source == Node::none || !links.used_once(in) || g.value(in).dtype != DType::f32) return Change::none;
    Node& before = g.nodes[static_cast<std::size_t>(source)];
    OperatorPtr clamped = before.op->clamped(clip->a, clip->b);
    if (!clamped) return Change::none;
    before.op = std::move(clamped);
    links.remove(g, n);
    links.write_instead(g, in, out);
    return Change::known;
  });
}

/// Fuses multiplication with, and addition of, per-channel constants into the weights and bias of the layer before
/// them.
inline Graph fuse_bias(Graph graph) {
  return detail::rewrite_until_stable(std::move(graph), [](Graph& g, std::size_t n, const detail::Links& links) {
    const Binary* sum = detail::elementwise(g.nodes[n], BinaryKind::add);
    const Binary* product = detail::elementwise(g.nodes[n], BinaryKind::mul);
    if (!(sum || product) || g.value(g.nodes[n].outputs[0]).dtype != DType::f32) return false;
    const ActivationRange activation = (sum ? sum : product)->activation;
    for (std::size_t k = 0; k < 2; ++k) {
      const int data = g.nodes[n].inputs[k], other = g.nodes[n].inputs[1 - k], source = links.producer(data);
      if (source == Node::none || !links.used_once(data) || !g.value(other).is_constant()) continue;
      Node& layer = g.nodes[static_cast<std::size_t>(source)];
      if (!detail::is_linear_layer(g, layer)) continue;
      const Shape& s = g.value(other).shape;
      const std::int64_t channels = g.value(layer.inputs[detail::LayerInputs::weights]).shape[0],
                         elements = s.elements();
      const bool fits = (elements == 1 || (elements == channels && s.rank() >= 1 && s.back() == channels)) &&
                        s.rank() <= g.value(data).shape.rank();
      if (!fits) continue;
      const Tensor<float> c = detail::to_float(g.value(other).constant.ref());
      std::vector<double> factors, shifts;
      for (std::int64_t i = 0; i < channels; ++i) {
        const double x = static_cast<double>(c[elements == 1 ? 0 : i]);
        factors.push_back(product ? x : 1.0);
        shifts.push_back(sum ? x : 0.0);
      }
      layer.outputs[0] = g.nodes[n].outputs[0];
      detail::scale_layer(g, layer, factors, shifts);
      if (!activation.none()) layer.op = layer.op->clamped(activation.low, activation.high);
      g.nodes.erase(g.nodes.begin() + static_cast<std::ptrdiff_t>(n));
      return true;
    }
    return false;
  });
}

/// Fuses padding of images into the convolution or pool after it.
inline Graph fuse_padding(Graph graph) {
  return detail::rewrite_until_stable(std::move(graph), [](Graph& g, std::size_t n, const detail::Links& links) {
    const auto* pad = as<Pad>(*g.nodes[n].op);
    if (!pad || pad->mode != PadMode::constant) return false;
    const int rank = static_cast<int>(pad->before.size());
    for (int d = 0; d < rank; ++d) {
      const bool spatial = d > 0 && d + 1 < rank;
      const std::int64_t b = pad->before[static_cast<std::size_t>(d)], a = pad->after[static_cast<std::size_t>(d)];
      if (b < 0 || a < 0 || (!spatial && (a || b))) return false;
    }
    if (rank < 3) return false;
    const int out = g.nodes[n].outputs[0];
    if (!links.used_once(out)) return false;
    Node& next = g.nodes[static_cast<std::size_t>(links.users(out)[0])];
    if (next.inputs[0] != out) return false;
    OperatorPtr padded = next.op->padded({pad->before.begin() + 1, pad->before.end() - 1},
                                         {pad->after.begin() + 1, pad->after.end() - 1}, pad->value);
    if (!padded) return false;
    next.op = std::move(padded);
    detail::set_input(next, 0, g.nodes[n].inputs[0]);
    g.nodes.erase(g.nodes.begin() + static_cast<std::ptrdiff_t>(n));
    return true;
  });
}

/// Fuses a sum with a convolution's result into the convolution, as its residual.
inline Graph fuse_residual(Graph graph) {
  return detail::rewrite_until_stable(std::move(graph), [](Graph& g, std::size_t n, const detail::Links& links) {
    const Binary* add = detail::elementwise(g.nodes[n], BinaryKind::add);
    if (!add) return false;
    const Node sum = g.nodes[n];
    const Shape &a = g.value(sum.inputs[0]).shape, &b = g.value(sum.inputs[Binary::right]).shape;
    bool same = a == b && a.rank() >= 3 && sum.inputs[0] != sum.inputs[Binary::right];
    for (int d = 1; same && d < a.rank(); ++d) same = a[d] >= 0;  // unknown sizes might broadcast
    if (!same) return false;
    int best = Node::none, other = Node::none;
    for (std::size_t k = 0; k < 2; ++k) {
      const int source = links.producer(sum.inputs[k]);
      if (source == Node::none || source < best || !links.used_once(sum.inputs[k])) continue;
      const Node& conv = g.nodes[static_cast<std::size_t>(source)];
      if (conv.op->traits().residual < 0 || !detail::is_linear_layer(g, conv)) continue;
      best = source;
      other = sum.inputs[1 - k];
    }
    if (best == Node::none || g.value(other).dtype != DType::f32) return false;
    Node conv = g.nodes[static_cast<std::size_t>(best)];
    detail::set_input(conv, static_cast<std::size_t>(conv.op->traits().residual), other);
    conv.outputs = sum.outputs;
    if (!add->activation.none()) conv.op = conv.op->clamped(add->activation.low, add->activation.high);
    g.nodes[n] = std::move(conv);  // at the position of the sum, where its other term is already computed
    g.nodes.erase(g.nodes.begin() + best);
    return true;
  });
}

OCTET_END
