#pragma once
#include <octet/core/cpu.hpp>

/// Peak multiply-adds per second of one core with operands in registers, for the instruction set in use. 0 if unknown.
struct Peak {
  double int8 = 0, f32 = 0;
};

/// Takes about a tenth of a second.
Peak measure_peak(octet::Isa isa);
