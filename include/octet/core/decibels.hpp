#pragma once
#include <cmath>
#include <limits>

#include "config.hpp"

OCTET_BEGIN
namespace detail {

/// The SQNR for the energy of the noise as a part of the signal's: -10 log10(part), in dB; infinite without noise.
inline double decibels_of(double part) {
  return part == 0 ? std::numeric_limits<double>::infinity() : -10 * std::log10(part);
}

}  // namespace detail
OCTET_END
