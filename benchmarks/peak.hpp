#pragma once
#include <octet/core/cpu.hpp>

/// Multiply-accumulates a second of one core that does nothing else, in registers: what the instruction set
/// in use can reach at best. 0 where it is not known.
struct Peak {
  double int8 = 0, f32 = 0;
};

/// Takes about a tenth of a second.
Peak measure_peak(octet::Isa isa);
