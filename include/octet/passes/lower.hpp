#pragma once
#include "../graph/graph.hpp"
#include "../operators/all.hpp"
OCTET_BEGIN
inline Graph optimize(Graph g) { return g; }
namespace detail {
inline Graph lower(Graph g) { return g; }
inline AnyTensor quantize_border(const Value&, const TensorRef&) { fail("x"); }
inline void dequantize_border(const Value&, const TensorRef&, Tensor<float>&) {}
}
OCTET_END
