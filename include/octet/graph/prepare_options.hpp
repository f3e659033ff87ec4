#pragma once
#include "../core/weight_memory.hpp"

OCTET_BEGIN

/// What an executor or a trainer asks of the steps it prepares. Few have a choice.
struct PrepareOptions {
  WeightMemory memory = WeightMemory::fast;  ///< whether convolutions may use more memory to be faster
  bool bf16_products = false;                ///< training may round factors to bfloat16
  bool same_floats = false;                  ///< see ExecutorOptions::same_floats
};

OCTET_END
