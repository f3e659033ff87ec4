#pragma once
#include <fstream>
#include <string>

#include <octet/core/cpu.hpp>

namespace report {
using namespace octet;

/// The processor's name as reported by the operating system, the instruction set in use and the number of threads.
inline std::string machine_description(int threads) {
  std::string cpu = "unknown processor", line;
  std::ifstream info("/proc/cpuinfo");
  while (std::getline(info, line))
    if (line.compare(0, 10, "model name") == 0 && line.find(": ") != std::string::npos) {
      cpu = line.substr(line.find(": ") + 2);
      break;
    }
  return cpu + ", " + octet::name(active_isa()) + ", " + std::to_string(threads) +
         (threads == 1 ? " thread" : " threads");
}

}  // namespace report
