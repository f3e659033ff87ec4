#pragma once
#include "implement.hpp"

OCTET_BEGIN
namespace detail {

/// Base class of steps that read along one axis: element i of row (o, n) is at (o * size + i) * inner + n.
class AxisStep : public Step {
 public:
  explicit AxisStep(std::int64_t axis) : axis_(axis) {}
  std::size_t plan(const PlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    const int axis = normalize_axis(axis_, in.rank());
    size_ = in[axis];
    inner_ = in.product(axis + 1, in.rank());
    outer_ = in.product(0, axis);
    return 0;
  }

 protected:
  std::int64_t size_ = 1, inner_ = 1, outer_ = 1;

 private:
  std::int64_t axis_;
};

}  // namespace detail
OCTET_END
