#pragma once
#include <fstream>
#include <string>
#if defined(__GLIBC__)
#  include <malloc.h>
#endif

/// The peak resident memory of this process since forget_peak, in MB. 0 if the system does not report it.
inline double peak_resident_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.compare(0, 6, "VmHWM:") == 0) return std::stod(line.substr(6)) * 1024 / 1e6;
  return 0;
}

/// Returns unused memory to the system and resets the peak.
inline void forget_peak() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
  std::ofstream("/proc/self/clear_refs") << 5;
}
