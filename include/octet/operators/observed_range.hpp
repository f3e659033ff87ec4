#pragma once
#include "../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// The state of an observer: FakeQuantize's second input.
struct ObservedRange {
  float low = 0, high = 0, batches = 0;  // batches: number of batches so far
};

}  // namespace detail
OCTET_END
