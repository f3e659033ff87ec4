#pragma once
#include "tflite_builder.hpp"

namespace testing::tflite {

using Bytes = std::vector<std::uint8_t>;
using Dims = std::vector<std::int32_t>;

/// A float network that covers most of the importer.
inline Bytes float_network() {
  ModelBuilder b;
  const int x = b.tensor("x", {1, 4, 4, 2}), c = b.tensor("c", {1, 4, 4, 4}), d = b.tensor("d", {1, 4, 4, 4});
  const int p = b.tensor("p", {1, 2, 2, 4}), shape = b.tensor("shape", {4}, DType::i32);
  const int n = b.tensor("n", {}, DType::i32), target = b.tensor("target", {2}, DType::i32);
  const int f = b.tensor("f", {1, 16}), w = b.tensor("w", {3, 16}), e = b.tensor("e", {1, 3}),
            y = b.tensor("y", {1, 3});
  b.op("CONV_2D", {x, b.constant("k", random_tensor({4, 2, 2, 2}, 1)), b.constant("b", random_tensor({4}, 2))}, {c},
       convolution_options(same, 1, relu6));
  b.op("DEPTHWISE_CONV_2D", {c, b.constant("dk", random_tensor({1, 2, 2, 4}, 3)), -1}, {d},
       depthwise_options(same, 1, 1));
  b.op("MAX_POOL_2D", {d}, {p}, pool_options(valid, 2, 2));
  b.op("SHAPE", {p}, {shape});
  b.op("STRIDED_SLICE", {shape, b.integers("i", {0}), b.integers("j", {1}), b.integers("s", {1})}, {n},
       {integer(4, 1)});
  b.op("PACK", {n, b.constant("rest", octet::Tensor<std::int32_t>(Shape{}, Dims{-1}))}, {target}, {integer(0, 2)});
  b.op("RESHAPE", {p, target}, {f});
  b.op("DEQUANTIZE", {b.constant("half", octet::Tensor<fp16>({3, 16}))}, {w});
  b.op("FULLY_CONNECTED", {f, w, -1}, {e});
  b.op("SOFTMAX", {e}, {y}, {real(0, 1)});
  return b.finish({x}, {y});
}

/// A quantized network.
inline Bytes integer_network() {
  ModelBuilder b;
  const QuantParams q(0.1f, 3);
  const auto tensor = [&](const char* name, const Shape& s) { return b.tensor(name, s, DType::i8, q); };
  const int x = tensor("x", {1, 6, 6, 4}), c = tensor("c", {1, 6, 6, 4}), a = tensor("a", {1, 6, 6, 4}),
            g = tensor("g", {1, 8, 6, 4});
  const int j = tensor("j", {1, 8, 6, 8}), h = tensor("h", {1, 4, 3, 8}), m = tensor("m", {1, 8}),
            t = tensor("t", {1, 2}), y = b.tensor("y", {1, 2});
  const QuantParams weights({0.01f, 0.02f, 0.03f, 0.04f}, {0, 0, 0, 0}, 0);
  b.op("CONV_2D",
       {x, b.constant("k", random_integers<int8>({4, 1, 1, 4}, 1, -127, 127), weights),
        b.constant("b", random_integers<std::int32_t>({4}, 2, -99, 99))},
       {c}, convolution_options(same, 1, relu));
  b.op("ADD", {c, x}, {a}, {byte(0, 0)});
  b.op("PAD", {a, b.constant("pads", octet::Tensor<std::int32_t>({4, 2}, {0, 0, 1, 1, 0, 0, 0, 0}))}, {g});
  b.op("CONCATENATION", {g, g}, {j}, {integer(0, 3)});
  b.op("AVERAGE_POOL_2D", {j}, {h}, pool_options(same, 3, 2));
  b.op("MEAN", {h, b.integers("axes", {1, 2})}, {m});
  b.op("SLICE", {m, b.integers("from", {0, 1}), b.integers("size", {1, 2})}, {t});
  b.op("DEQUANTIZE", {t}, {y});
  return b.finish({x}, {y});
}

/// A chain of operators that move elements.
inline Bytes moving_network() {
  ModelBuilder b;
  int last = b.tensor("x", {1, 4, 4, 4}), count = 0;
  const int x = last;
  const auto constant = [&](const AnyTensor& t) { return b.constant("c" + std::to_string(count++), t); };
  const auto vector = [&](const Dims& v) { return b.integers("v" + std::to_string(count++), v); };
  const auto then = [&](const char* op, Dims in, const std::vector<Option>& options, int outputs = 1) {
    Dims out;
    for (int i = 0; i < outputs; ++i) out.push_back(b.tensor("t" + std::to_string(count++), {}));
    b.op(op, std::move(in), out, options);
    last = out[0];
  };
  then("TRANSPOSE_CONV", {vector({1, 8, 8, 2}), constant(random_tensor({2, 2, 2, 4}, 1)), last},
       {byte(0, same), integer(1, 2), integer(2, 2)});
  then("SPACE_TO_DEPTH", {last}, {integer(0, 2)});
  then("DEPTH_TO_SPACE", {last}, {integer(0, 2)});
  then("RESIZE_BILINEAR", {last, vector({3, 5})}, {byte(3, 1)});
  then("RESIZE_NEAREST_NEIGHBOR", {last, vector({4, 6})}, {});
  then("MIRROR_PAD", {last, constant(octet::Tensor<std::int32_t>({4, 2}, {0, 0, 1, 1, 0, 2, 0, 0}))}, {byte(0, 1)});
  then("SLICE", {last, vector({0, 1, 0, 0}), vector({-1, 4, 6, 2})}, {});
  then("TRANSPOSE", {last, vector({0, 2, 1, 3})}, {});
  then("STRIDED_SLICE", {last, vector({0, 5, 0, 0}), vector({1, 0, 4, 2}), vector({1, -1, 1, 1})}, {integer(1, 2)});
  then("PRELU", {last, constant(random_tensor({1, 1, 2}, 2))}, {});
  then("LOCAL_RESPONSE_NORMALIZATION", {last}, {integer(0, 1), real(1, 1), real(2, 1), real(3, 0.5f)});
  then("SPLIT", {constant(octet::Tensor<std::int32_t>(Shape{}, Dims{1})), last}, {integer(0, 2)}, 2);
  then("SPLIT_V", {last, vector({1, -1}), constant(octet::Tensor<std::int32_t>(Shape{}, Dims{2}))}, {integer(0, 2)}, 2);
  then("EXPAND_DIMS", {last, vector({1})}, {});
  then("SQUEEZE", {last}, {list(0, {1})});
  then("UNPACK", {last}, {integer(0, 3), integer(1, 1)}, 3);
  then("GATHER", {last, vector({0, 0})}, {integer(0, 1)});
  then("SUM", {last, vector({1})}, {byte(0, 1)});
  return b.finish({x}, {last});
}

}  // namespace testing::tflite
