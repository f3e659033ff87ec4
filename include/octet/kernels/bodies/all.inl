// No include guard: every body, in the order of use; included once per instruction set.
// clang-format off
#include "epilogue.inl"
#include "gemm.inl"
#include "gather.inl"
#include "depthwise.inl"
#include "elementwise.inl"
#include "pooling.inl"
#include "weight_gradient.inl"
#include "gradient.inl"
#include "table.inl"
