#pragma once
#include <memory>

#include "../core/thread_pool.hpp"
#include "../core/weight_memory.hpp"

OCTET_BEGIN

/// What an executor does about NaN and infinities, which integers cannot hold.
enum class NotFinite : std::uint8_t {
  propagate,  // where one becomes an integer, anywhere in the model, all float outputs of the run are NaN; a run with
              // other outputs throws. Where all is float, they pass on by the rules of floats
  error       // a run throws there as well, and where a float input or output has one, whatever the model's types
};

struct ExecutorOptions {
  int threads = 0;                   // 0: the shared default pool, one thread a processor; negative ones are refused
  std::shared_ptr<ThreadPool> pool;  // overrides `threads`
  bool optimize = true;              // fold and fuse before running; otherwise every tensor of the model is computed
  WeightMemory memory = WeightMemory::fast;
  NotFinite not_finite = NotFinite::propagate;
  // Floats have the same bits on every CPU as well: which algorithm is faster on this one is not asked.
  bool same_floats = false;
};

OCTET_END
