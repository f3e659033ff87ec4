#pragma once
#include <algorithm>
#include <cstdlib>
#include <map>

#include "../graph/metadata.hpp"
#include "channel_classes.hpp"

OCTET_BEGIN
namespace detail {

/// For each channel of a value, by name, the power of two that it is multiplied by; a value that is not listed keeps
/// its numbers.
using ChannelExponents = std::map<std::string, std::vector<int>>;

/// Factors of channels are powers of two from 2^-30 to 2^30.
constexpr int largest_channel_exponent = 30;

/// Throws Error unless the factors leave the outputs of the model as they are, but for activations with limits.
inline void require_valid(const ChannelExponents& exponents, const Graph& g) {
  constexpr int unknown = 1000;
  const ChannelClasses classes(g);
  std::vector<int> of_class(classes.count(), unknown);
  for (int v = 0; v < static_cast<int>(g.values.size()); ++v) {
    const std::string& tensor = g.value(v).name;
    const auto found = exponents.find(tensor);
    const std::int64_t channels = classes.channels(v);
    if (found != exponents.end())
      require(static_cast<std::int64_t>(found->second.size()) == channels, "tensor '", tensor, "' has ",
              found->second.size(), " exponents of channels, expected ", channels);
    for (std::int64_t c = 0; c < channels; ++c) {
      const int e = found == exponents.end() ? 0 : found->second[at(c)];
      const std::size_t k = classes.of(v, c);
      require(e == 0 || !classes.is_fixed(k), "tensor '", tensor, "', channel ", c, ": the exponent is ", e,
              ", but a layer that reads or writes the tensor allows only 0");
      require(of_class[k] == unknown || of_class[k] == e, "tensor '", tensor, "', channel ", c, ": the exponent is ", e,
              ", but a channel that a layer joins it with has ", of_class[k]);
      of_class[k] = e;
    }
  }
}

/// Weights [O, ..., C / groups], each multiplied by the factor of its output channel and divided by that of its input
/// channel. Without exponents, factors are 1.
inline Tensor<float> rescaled_weights(Tensor<float> w, std::int64_t groups, const std::vector<int>& in,
                                      const std::vector<int>& out) {
  const std::int64_t outputs = w.shape()[0], group_in = w.shape().back();
  if (w.size() == 0) return w;
  const std::int64_t k = w.size() / outputs, group_out = std::max<std::int64_t>(outputs / groups, 1);
  std::vector<float> columns(in.size());  // factors; powers of two are exact
  for (std::size_t i = 0; i < in.size(); ++i) columns[i] = std::ldexp(1.0f, -in[i]);
  for (std::int64_t o = 0; o < outputs; ++o) {
    const float f = out.empty() ? 1.0f : std::ldexp(1.0f, out[at(o)]);
    float* row = w.data() + o * k;
    if (in.empty()) {
      for (std::int64_t i = 0; i < k; ++i) row[i] *= f;
      continue;
    }
    const float* of_group = columns.data() + o / group_out * group_in;
    for (std::int64_t i = 0; i < k; i += group_in)
      for (std::int64_t c = 0; c < group_in; ++c) row[i + c] *= f * of_group[c];
  }
  return w;
}

/// Multiplies channels by powers of two, and changes weights, biases and constants so that the outputs of the model
/// keep their bits.
inline void rescale(Graph& g, const ChannelExponents& exponents) {
  if (exponents.empty()) return;
  require_valid(exponents, g);
  const std::vector<int> none;
  const auto of = [&](int v) -> const std::vector<int>& {
    const auto found = v == Node::none ? exponents.end() : exponents.find(g.value(v).name);
    return found == exponents.end() ? none : found->second;
  };
  const std::size_t values = g.values.size();
  for (Node& n : g.nodes) {
    if (!ChannelClasses::absorbs(g, n)) continue;
    const std::vector<int>&in = of(n.inputs[0]), &out = of(n.outputs[0]);
    if (in.empty() && out.empty()) continue;
    const int w = n.inputs[LayerInputs::weights], b = input_of(n, LayerInputs::bias);
    Tensor<float> old = to_float(g.value(w).constant.ref());
    n.inputs[LayerInputs::weights] =
        g.add_constant(g.value(w).name, rescaled_weights(std::move(old), n.op->traits().groups, in, out));
    if (b == Node::none || out.empty()) continue;
    Tensor<float> bias = to_float(g.value(b).constant.ref());
    for (std::int64_t c = 0; c < bias.size(); ++c) bias[c] = std::ldexp(bias[c], out[at(c)]);
    n.inputs[LayerInputs::bias] = g.add_constant(g.value(b).name, std::move(bias));
  }
  for (std::size_t v = 0; v < values; ++v) {
    const std::vector<int>& e = of(static_cast<int>(v));
    if (e.empty() || !g.values[v].is_constant()) continue;
    Tensor<float> x = to_float(g.values[v].constant.ref());
    for (std::int64_t i = 0; i < x.size(); ++i) x[i] = std::ldexp(x[i], e[at(i % static_cast<std::int64_t>(e.size()))]);
    g.values[v].constant = std::move(x);
  }
  g.remove_unused();
}

/// How the metadata of quantized models have the exponents: for each channel the character '`' + exponent, followed by
/// how often it is repeated if it is more than once.
constexpr int exponent_zero = '`';

inline void note_exponents(Graph& g, const ChannelExponents& exponents) {
  for (const auto& [tensor, all] : exponents) {
    std::string& text = g.metadata[exponents_key + tensor];
    text.clear();
    for (std::size_t from = 0, to = 0; from < all.size(); from = to) {
      while (to < all.size() && all[to] == all[from]) ++to;
      text += static_cast<char>(exponent_zero + all[from]);
      if (to - from > 1) text += std::to_string(to - from);
    }
  }
}

/// What note_exponents wrote. Damaged texts give other numbers of channels, which rescale refuses.
inline ChannelExponents noted_exponents(const Graph& g) {
  std::size_t left = 1 << 22;  // channels of all tensors
  ChannelExponents exponents;
  const std::string key = exponents_key;
  for (const auto& [name, text] : g.metadata) {
    if (name.compare(0, key.size(), key) != 0) continue;
    std::vector<int>& all = exponents[name.substr(key.size())];
    for (const char* at = text.c_str(); *at != 0;) {
      const int e = *at++ - exponent_zero;
      char* end = nullptr;
      const long count = *at >= '0' && *at <= '9' ? std::strtol(at, &end, 10) : 1;
      if (end) at = end;
      const std::size_t n = std::min(static_cast<std::size_t>(count), left);
      left -= n;
      all.insert(all.end(), n, e);
    }
  }
  return exponents;
}

}  // namespace detail
OCTET_END
