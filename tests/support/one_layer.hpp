#pragma once
#include <octet/operators/all.hpp>

#include "models.hpp"

namespace testing {

// A model of one layer. Its inputs are shapes (float images) or constants.
struct OneLayer {
  Model g;
  std::vector<int> in;
  Random& r;

  explicit OneLayer(Random& random) : r(random) {}
  OneLayer& x(const Shape& s, DType dtype = DType::f32, const QuantParams& q = {}) {
    in.push_back(g.add_input("x" + std::to_string(in.size()), s, dtype));
    g.value(in.back()).quant = q;
    return *this;
  }
  OneLayer& w(const Shape& s) { return constant(random_floats(s, r)); }
  OneLayer& w8(const Shape& s, const QuantParams& q) {
    Tensor<int8> t = Tensor<int8>::uninitialized(s);
    r.fill(t.data(), t.size(), -127, 127);
    return constant(std::move(t), q);
  }
  // Packed weights of 4 bits.
  OneLayer& w4(const Shape& s, const QuantParams& q, DType type = DType::i4) {
    return constant(AnyTensor::make(type, s,
                                    [&](std::byte* to) {
                                      for (std::size_t i = 0; i < bytes(type, s.elements()); ++i)
                                        to[i] = static_cast<std::byte>(r.between(0, 255));
                                    }),
                    q);
  }
  OneLayer& constant(AnyTensor t, const QuantParams& q = {}) {
    in.push_back(g.add_constant("c" + std::to_string(in.size()), std::move(t), q));
    return *this;
  }
  template <class Op>
  Model is(Op op, const QuantParams& q = {}) {
    g.add("layer", std::move(op), in);
    g.outputs = g.nodes[0].outputs;
    if (q) g.value(g.outputs[0]).quant = q;
    return std::move(g);
  }
};

inline Convolution one_conv(std::int64_t groups = 1) {
  Convolution c;
  c.window = Window(3, 3, 1, 1);
  c.groups = groups;
  return c;
}

template <class Pool>
Pool one_pool() {
  Pool p;
  p.window = Window(2, 2, 2, 1);
  return p;
}

// At least one model for every operator, and for every form of the larger ones.
inline std::vector<Model> models_of_one_layer(Random& r) {
  const Shape image{1, 4, 5, 6}, weights{8, 3, 3, 6};
  const QuantParams q(0.02f, 100), wq(0.01f, 0);
  const auto one = [&] { return OneLayer(r); };
  MaxPool with_indices = one_pool<MaxPool>();
  with_indices.indices = true;
  TransposedConvolution transposed;
  transposed.window = Window(3, 3, 2, 1);
  ConvInteger plain_integers;
  plain_integers.window = Window(3, 3, 1, 1);
  Pad pad;
  pad.before = {0, 1, 1, 0};
  pad.after = {0, 1, 2, 0};
  Slice slice;
  slice.starts = {1, 0};
  slice.ends = {3, 4};
  slice.axes = {1, 2};
  slice.steps = {1, 2};
  Split split;
  split.axis = 3;
  split.sizes = {2, 4};
  Resize resize;
  resize.sizes = {1, 8, 10, 6};
  QuantizeLinear quantize_linear;
  quantize_linear.axis = 3;
  DequantizeLinear dequantize_linear;
  dequantize_linear.axis = 3;
  FullyConnected in_blocks;
  in_blocks.block = 32;
  const Tensor<uint8> multipliers({3, 2}, {1, 15, 7, 2, 4, 9});
  std::vector<Model> m;
  m.push_back(one().x(image).w(weights).w({8}).x({1, 4, 5, 8}).is(one_conv()));
  m.push_back(one().x(image).w({6, 3, 3, 1}).w({6}).is(one_conv(6)));
  m.push_back(one().x(image).w8(weights, wq).w({8}).is(one_conv()));
  m.push_back(one().x(image, DType::u8, q).w8(weights, wq).constant(Tensor<int32>({8})).is(one_conv(), q));
  m.push_back(one().x(image, DType::i8, wq).w8({6, 3, 3, 1}, wq).is(one_conv(6), wq));
  m.push_back(one().x(image).w({8, 3, 3, 6}).w({8}).is(transposed));
  m.push_back(one().x({1, 6}).w({7, 6}).w({7}).is(FullyConnected()));
  m.push_back(one().x({1, 6}).w8({7, 6}, wq).is(FullyConnected()));
  m.push_back(one().x({1, 6}, DType::u8, q).w8({7, 6}, wq).is(FullyConnected(), q));
  m.push_back(one().x({1, 5}).w4({7, 5}, wq).is(FullyConnected()));
  m.push_back(one().x({1, 5}, DType::u8, q).w4({7, 5}, {0.01f, 8}, DType::u4).is(FullyConnected(), q));
  m.push_back(one().x(image, DType::u8, q).w4(weights, wq).is(one_conv(), q));
  m.push_back(one().x({2, 3, 4}).x({4, 5}).is(MatMul()));
  m.push_back(one().x({2, 3, 4}).w({4, 5}).is(MatMul()));
  m.push_back(one().x(image).w({6}).w({6}).w({6}).w({6}).is(BatchNormalization()));
  m.push_back(one().x(image).is(one_pool<MaxPool>()));
  m.push_back(one().x(image).is(with_indices));
  m.push_back(one().x(image).is(one_pool<AveragePool>()));
  m.push_back(one().x(image, DType::u8, q).is(one_pool<AveragePool>(), q));
  m.push_back(one().x(image).x({6}).is(Binary(BinaryKind::add)));
  m.push_back(one().x(image, DType::u8, q).x({1, 4, 5, 6}, DType::u8, q).is(Binary(BinaryKind::add), q));
  m.push_back(one().x(image, DType::i32).x(image, DType::i32).is(Binary(BinaryKind::div)));
  m.push_back(one().x(image).x(image).is(Concat(3)));
  m.push_back(one().x(image, DType::u8, q).x(image, DType::u8, wq).is(Concat(3), q));
  m.push_back(one().x(image, DType::u8, q).is(Convert(DType::f32)));
  m.push_back(one().x(image).is(Unary(UnaryKind::sigmoid)));
  m.push_back(one().x(image, DType::u8, q).is(Unary(UnaryKind::sigmoid), q));
  m.push_back(one().x({1, 4, 5, 6}).is(Reduce(ReduceKind::mean, {1, 2}, false)));
  m.push_back(one().x(image, DType::u8, q).is(Reduce(ReduceKind::mean, {1, 2}, false), q));
  m.push_back(one().x({2, 7}).is(Softmax()));
  m.push_back(one().x({2, 7}, DType::u8, q).is(Softmax(), q));
  m.push_back(one().x(image).is(LocalResponseNormalization()));
  m.push_back(one().x(image).w({6}).is(PRelu()));
  m.push_back(one().x({2, 3}, DType::boolean).x({2, 3}).x({3}).is(Where()));
  m.push_back(one().x(image).is(pad));
  m.push_back(one().x(image).is(slice));
  m.push_back(one().x(image).is(split));
  m.push_back(one().x(image).is(Transpose({0, 3, 1, 2})));
  m.push_back(one().x({5, 3}).constant(Tensor<std::int64_t>({2}, {1, 4})).is(Gather(0)));
  m.push_back(one().x({5, 1}).is(Expand({2, 5, 3})));
  m.push_back(one().x(image).is(resize));
  m.push_back(one().x(image).is(Identity()));
  m.push_back(one().x(image).is(Reshape({1, -1})));
  m.push_back(one().x(image).is(Flatten(1)));
  m.push_back(one().x(image).is(Squeeze({0})));
  m.push_back(one().x(image).is(Unsqueeze({0})));
  m.push_back(one().x(image).w({6}).constant(Tensor<uint8>({6})).is(quantize_linear));
  m.push_back(one().x(image, DType::u8).w({6}).constant(Tensor<uint8>({6})).is(dequantize_linear));
  m.push_back(one().x(image).is(DynamicQuantizeLinear()));
  m.push_back(one().x(image, DType::u8).w8(weights, {}).is(plain_integers));
  m.push_back(one().x({3, 4}, DType::u8).w8({4, 5}, {}).is(MatMulInteger()));
  m.push_back(one().x({1, 40}).w4({3, 40}, wq).w({3}).constant(multipliers).is(in_blocks));
  m.push_back(one()
                  .x({1, 40}, DType::u8, q)
                  .w4({3, 40}, wq)
                  .constant(Tensor<int32>({3}))
                  .constant(multipliers)
                  .is(in_blocks, q));
  return m;
}

}  // namespace testing
