#pragma once
#include "../core/weight_blocks.hpp"
#include "../core/weight_memory.hpp"
#include "convolution_shape.hpp"
#include "pack.hpp"

OCTET_BEGIN
namespace detail {

/// Weights of a convolution and what is known about its runs when they are packed. T is float, int8 or (depthwise)
/// int16.
template <class T>
struct ConvolutionWeights {
  const T* values = nullptr;  // OHWI, [out_c][repeat][taps][group_in]
  std::int64_t out_c = 0;
  KernelWindow window;
  std::int64_t group_in = 0, groups = 1;
  ColumnOrder order = ColumnOrder::natural;
  std::int64_t repeat = 1;
  WeightMemory memory = WeightMemory::small;  // small, too, if the epilogue is one that Winograd kernels do not support
  const std::int32_t* init = nullptr;         // int8 only: initial accumulators; null if they differ between runs
  bool small = false;        // int8 only: all are in [-8, 7], and packed with 4 bits each where that is faster
  WeightBlocks blocks = {};  // of small weights: all are products of such numbers and multipliers; groups is 1
  bool wide_images = false;  // int8 only: images are of int16
  bool varies = false;       // whether each run brings its own weights, as in training
  bool adds = false;         // whether a residual is added to the results
  bool same_floats = false;  // whether floats must have the same bits on every CPU

  /// Whether a convolution has them packed with 4 bits: where its products are faster then with any number of rows, and
  /// only if it cannot use Winograd's algorithm, which reads int8.
  bool small_anywhere(const Kernels& kernels) const noexcept {
    return kernels.rows_u8s4 == any_rows && !window.square(3, 1);
  }
  std::int64_t k() const noexcept { return window.taps() * group_in; }
};

}  // namespace detail
OCTET_END
