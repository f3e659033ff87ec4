#pragma once
#include <fstream>
#include <string>
#if defined(__GLIBC__)
#  include <malloc.h>
#endif

/// The largest resident memory of this process since forget_peak, in MB; 0 where the system does not tell.
inline double peak_resident_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.compare(0, 6, "VmHWM:") == 0) return std::stod(line.substr(6)) * 1024 / 1e6;
  return 0;
}

/// Gives memory that is not used any more back to the system, and lets the peak begin anew from what is left.
inline void forget_peak() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
  std::ofstream("/proc/self/clear_refs") << 5;
}
