#pragma once
#include "step.hpp"

OCTET_BEGIN
namespace detail {

/// Further functions of steps of dynamic-range layers. Such a step quantizes its input by the range of each image;
/// the step before may have measured it when it stored the image.
class RangeExchange {
 public:
  /// Whether the ranges of input 0 save work, and whether the step can measure those of output 0 at no cost. Valid
  /// after plan.
  virtual bool wants_ranges() const noexcept = 0;
  virtual bool measures_ranges() const noexcept = 0;
  /// Where runs find the range of each image of input 0, and write those of output 0; null: nowhere.
  virtual void set_ranges(const Range* input, Range* output) noexcept = 0;

 protected:
  ~RangeExchange() = default;
};

}  // namespace detail
OCTET_END
