#pragma once
#include <atomic>

#include "step.hpp"

OCTET_BEGIN

/// Whether a NaN or infinity became an integer in a run. Only steps that make integers of floats and whoever runs them
/// know it.
class LostNumbers {
 public:
  void report() noexcept { lost_.store(true, std::memory_order_relaxed); }
  void clear() noexcept { lost_.store(false, std::memory_order_relaxed); }
  bool any() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> lost_{false};
};

/// To be called by a step that makes an integer of a NaN or infinity. What the run then gives: see NotFinite.
inline void report_lost_number(const RunContext& c) noexcept {
  if (c.lost) c.lost->report();
}

OCTET_END
