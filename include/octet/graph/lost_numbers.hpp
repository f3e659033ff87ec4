#pragma once
#include <atomic>

#include "step.hpp"

OCTET_BEGIN

/// Whether a NaN or infinity became an integer in a run. Only steps that convert floats to integers, and executors, use
/// it.
class LostNumbers {
 public:
  /// Records that a NaN or infinity became an integer. Can be called by several threads.
  void report() noexcept { lost_.store(true, std::memory_order_relaxed); }
  /// Called before a run.
  void clear() noexcept { lost_.store(false, std::memory_order_relaxed); }
  /// Whether report was called since the last clear.
  bool any() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> lost_{false};
};

/// To be called by a step that converts a NaN or infinity to an integer. For the results of the run, see NotFinite.
inline void report_lost_number(const RunContext& c) noexcept {
  if (c.lost) c.lost->report();
}

OCTET_END
