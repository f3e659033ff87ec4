#pragma once
#include <octet/core/rounded.hpp>
#include <octet/models/builder.hpp>
#include <octet/operators/all.hpp>

/// Networks whose layers compute floats in many ways, and deterministic images.
namespace testing {

using namespace octet;

/// Numbers in [low, high), in steps of 2^-24 of the width.
inline Tensor<float> numbers(const Shape& shape, std::uint32_t seed, float low, float high) {
  Tensor<float> t(shape);
  for (float& x : t) {
    seed = seed * 1664525u + 1013904223u;
    x = octet::detail::rounded(static_cast<float>(seed >> 8) * 0x1p-24f * (high - low)) + low;
  }
  return t;
}

/// 3x3 layers of 32 channels, for which Winograd's algorithm can be used, on 28 x 28 images; all activation functions,
/// sums, products, means, a resized part, a batch normalization that cannot be folded.
inline Model many_layers() {
  octet::detail::NetworkBuilder b("many_layers", 28, 3, 11);
  b.conv("stem", 32, 3, 1, 1).batch_norm("stem_bn").relu6("stem_relu");
  int x = b.current();
  Model g = b.finish();
  std::uint32_t seed = 1;
  const auto weights = [&](const std::string& name, const Shape& s, float most) {
    return g.add_constant(name, numbers(s, seed++, -most, most));
  };
  const auto convolution = [&](const std::string& name, int from, std::int64_t out, std::int64_t k) {
    Convolution c;
    c.window = Window(k, k, 1, k / 2);
    const std::int64_t in = g.value(from).shape.back();
    return g.add(name, c, {from, weights(name + ".weight", {out, k, k, in}, 0.15f), weights(name + ".b", {out}, 0.2f)});
  };
  const struct {
    const char* name;
    UnaryKind kind;
    double a, b;
  } functions[] = {{"silu", UnaryKind::silu, 0, 0},           {"hard_swish", UnaryKind::hard_swish, 0, 0},
                   {"sigmoid", UnaryKind::sigmoid, 0, 0},     {"hard_sigmoid", UnaryKind::hard_sigmoid, 0.17, 0.51},
                   {"tanh", UnaryKind::tanh, 0, 0},           {"gelu", UnaryKind::gelu, 0, 0},
                   {"gelu_tanh", UnaryKind::gelu_tanh, 0, 0}, {"elu", UnaryKind::elu, 0.7, 0},
                   {"softplus", UnaryKind::softplus, 0, 0},   {"leaky_relu", UnaryKind::leaky_relu, 0.1, 0}};
  int sum = Node::none;
  for (const auto& f : functions) {
    const std::string name = f.name;
    const int y = g.add(name, Unary(f.kind, f.a, f.b), {convolution(name + "_conv", x, 32, name == "silu" ? 3 : 1)});
    sum = sum == Node::none ? y : g.add(name + "_add", Binary(BinaryKind::add), {sum, y});
  }
  x = g.add("prelu", PRelu(), {convolution("prelu_conv", sum, 32, 3), weights("prelu.slope", {32}, 0.4f)});
  TransposedConvolution up;
  up.window = Window(2, 2, 2);
  x = g.add("up", up, {x, weights("up.weight", {16, 2, 2, 32}, 0.2f)});
  AveragePool mean;
  mean.window = Window(3, 3, 2, 1);
  x = g.add("average", mean, {x});
  BatchNormalization bn;
  x = g.add("bn", bn,
            {x, weights("bn.w", {16}, 1.5f), weights("bn.b", {16}, 0.5f), weights("bn.m", {16}, 0.5f),
             g.add_constant("bn.v", numbers({16}, 77, 0.3f, 2))});
  Resize resize;
  resize.mode = ResizeMode::linear;
  resize.sizes = {0, 35, 21, 0};
  const int resized = g.add("resized", resize, {x});
  const int gate = g.add("gate", Unary(UnaryKind::sigmoid), {convolution("gate_conv", resized, 16, 1)});
  x = g.add("gated", Binary(BinaryKind::mul), {resized, gate});
  x = g.add("normalized", LocalResponseNormalization(), {x});
  x = g.add("global", Reduce(ReduceKind::mean, {1, 2}, false), {x});
  x = g.add("dense", FullyConnected(), {x, weights("dense.weight", {10, 16}, 1), weights("dense.bias", {10}, 0.3f)});
  g.outputs = {g.add("softmax", Softmax(), {x}), x};
  return g;
}

}  // namespace testing
