#pragma once
#include <memory>

#include "../core/thread_pool.hpp"
#include "../core/weight_memory.hpp"

OCTET_BEGIN

/// How an executor handles NaN and infinities, which integers cannot represent.
enum class NotFinite : std::uint8_t {
  propagate,  ///< if one is quantized anywhere in the model, all float outputs of the run are NaN; a run with other
              ///< outputs throws Error. In float layers they propagate as usual
  error       ///< throws Error if one is quantized, or is in a float input or output of any model
};

/// Options of an Executor.
struct ExecutorOptions {
  int threads = 0;                           ///< 0: the shared default pool with one thread per processor
  std::shared_ptr<ThreadPool> pool;          ///< overrides `threads`
  bool optimize = true;                      ///< fold and fuse layers; otherwise every tensor of the model is computed
  WeightMemory memory = WeightMemory::fast;  ///< whether convolutions may use more memory to be faster
  NotFinite not_finite = NotFinite::propagate;  ///< what happens to NaN and infinities where integers are wanted
  /// Float results have the same bits on every CPU: algorithms are not chosen by their speed on this one.
  bool same_floats = false;
};

OCTET_END
