#pragma once
#include "../core/weight_memory.hpp"

OCTET_BEGIN

/// Options that an executor or a trainer gives to the steps it prepares. Most steps ignore them.
struct PrepareOptions {
  WeightMemory memory = WeightMemory::fast;  ///< whether convolutions may use more memory to be faster
  bool bf16_products = false;                ///< training may round factors to bfloat16
  bool same_floats = false;                  ///< see ExecutorOptions::same_floats
};

OCTET_END
