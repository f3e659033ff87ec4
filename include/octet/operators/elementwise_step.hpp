#pragma once
#include "../core/thread_pool.hpp"
#include "../core/types.hpp"
#include "../graph/step.hpp"

OCTET_BEGIN
namespace detail {

/// Base class of steps that compute each element of output 0 from the one of input 0 at the same place.
class ElementwiseStep : public Step {
 public:
  std::size_t plan(const PlanContext& c) override {
    size_ = c.inputs[0].shape.elements();
    same_size_ = bits(c.inputs[0].dtype) == bits(c.outputs[0].dtype);
    return 0;
  }
  bool can_overwrite(int input) const noexcept override { return input == 0 && same_size_; }
  void run(const RunContext& c) noexcept final {
    parallel_parts(*c.pool, size_, part, [&](std::int64_t first, std::int64_t count) { compute(c, first, count); });
  }

 protected:
  /// Computes the elements from `first` on.
  virtual void compute(const RunContext& c, std::int64_t first, std::int64_t count) const noexcept = 0;

 private:
  static constexpr std::int64_t part = 8192;
  std::int64_t size_ = 0;
  bool same_size_ = false;
};

}  // namespace detail
OCTET_END
