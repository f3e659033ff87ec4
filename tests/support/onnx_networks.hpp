#pragma once
#include "onnx_builder.hpp"
#include "testing.hpp"

namespace testing {

/// A small network that covers most of the importer.
inline Bytes onnx_network() {
  OnnxBuilder b;
  b.input("x", {-2, 4, 6, 6})
      .initializer("w", random_tensor({8, 2, 3, 3}, 1))
      .initializer("bias", random_tensor({8}, 2));
  const std::vector<std::int64_t> one{1, 1, 1, 1}, two{2, 2};
  b.node("Conv", {"x", "w", "bias"}, {"c"},
         {{"pads", one}, {"group", 2}, {"kernel_shape", std::vector<std::int64_t>{3, 3}}});
  b.scalar("low", 0).scalar("high", 6).node("Clip", {"c", "low", "high"}, {"r"});
  b.integers("split", {0, 2, 4, 6, 6}).node("Reshape", {"r", "split"}, {"g"});
  b.node("Transpose", {"g"}, {"h"}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3, 4}}});
  b.node("Shape", {"r"}, {"shape"}).node("Reshape", {"h", "shape"}, {"j"});
  b.node("MaxPool", {"j"}, {"p"}, {{"kernel_shape", two}, {"strides", two}});
  b.integers("starts", {1})
      .integers("ends", {7})
      .integers("axes", {1})
      .node("Slice", {"p", "starts", "ends", "axes"}, {"s"});
  b.integers("pads", {0, 1, 0, 0, 0, 1, 0, 0})
      .node("Pad", {"s", "pads"}, {"d"})
      .node("Concat", {"d", "p"}, {"n"}, {{"axis", 1}});
  b.scalar("qs", 0.1f)
      .initializer("qz", Tensor<std::uint8_t>(Shape{}, {128}))
      .node("QuantizeLinear", {"n", "qs", "qz"}, {"q"});
  b.node("DequantizeLinear", {"q", "qs", "qz"}, {"dq"})
      .node("GlobalAveragePool", {"dq"}, {"m"})
      .node("Flatten", {"m"}, {"f"});
  b.initializer("k", random_tensor({5, 16}, 3)).node("Gemm", {"f", "k"}, {"e"}, {{"transB", 1}, {"alpha", 0.5f}});
  return b.node("Softmax", {"e"}, {"y"}, {{"axis", -1}}).output("y").bytes();
}

}  // namespace testing
