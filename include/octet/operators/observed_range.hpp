#pragma once
#include "../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// What an observer knows of a tensor: FakeQuantize's second input.
struct ObservedRange {
  float low = 0, high = 0, batches = 0;  // seen so far
};

}  // namespace detail
OCTET_END
