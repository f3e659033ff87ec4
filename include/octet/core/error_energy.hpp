#pragma once
#include <limits>

#include "rounded.hpp"

OCTET_BEGIN
namespace detail {

/// The energy of numbers and that of their errors, whose ratio is the SQNR.
struct ErrorEnergy {
  double signal = 0, noise = 0;

  void add(double exact, double found) noexcept {
    const double error = exact - found;
    signal += rounded(exact * exact);
    noise += rounded(error * error);
  }
  /// The noise as a part of the signal; infinite without a signal.
  double part() const noexcept {
    if (noise == 0) return 0;
    return signal > 0 ? noise / signal : std::numeric_limits<double>::infinity();
  }
};

}  // namespace detail
OCTET_END
