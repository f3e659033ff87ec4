#pragma once
#include "../core/weight_memory.hpp"
#include "convolution_shape.hpp"
#include "pack.hpp"

OCTET_BEGIN
namespace detail {

/// Weights of a convolution, and what is known when they are packed. T is float or int8.
template <class T>
struct ConvolutionWeights {
  const T* values = nullptr;  // OHWI, [out_c][repeat][taps][group_in]
  std::int64_t out_c = 0;
  KernelWindow window;
  std::int64_t group_in = 0, groups = 1;
  ColumnOrder order = ColumnOrder::natural;
  std::int64_t repeat = 1;
  WeightMemory memory = WeightMemory::small;  // small: also where results are not stored as Winograd kernels can
  const std::int32_t* init = nullptr;         // of int8: accumulators to start from; null where they depend on the run
  bool varies = false;                        // whether others come with each run, as in training
  bool same_floats = false;                   // whether floats are to have the same bits on every CPU

  std::int64_t k() const noexcept { return window.taps() * group_in; }
};

}  // namespace detail
OCTET_END
