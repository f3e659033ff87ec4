#pragma once
#include <array>

#include "../../graph/operator.hpp"

OCTET_BEGIN
namespace detail {

/// Walks two tensors that broadcast against each other in runs of consecutive output elements; within a run each
/// input moves along by one element, or stays.
class BroadcastRuns {
 public:
  BroadcastRuns() = default;
  BroadcastRuns(const Shape& a, const Shape& b, const Shape& out) {
    // Dimensions are merged from the innermost outwards as long as both inputs go on moving, or go on staying.
    std::int64_t stride[2] = {1, 1};
    const Shape* in[2] = {&a, &b};
    for (int d = out.rank() - 1; d >= 0; --d) {
      if (out[d] == 1) continue;
      std::int64_t step[2];
      for (int k = 0; k < 2; ++k) {
        const int at = d - (out.rank() - in[k]->rank());
        const std::int64_t size = at < 0 ? 1 : (*in[k])[at];
        step[k] = size == 1 ? 0 : stride[k];
        stride[k] *= size;
      }
      if (rank_ > 0) {
        Dim& inner = dims_[static_cast<std::size_t>(rank_ - 1)];
        if (step[0] == inner.step[0] * inner.size && step[1] == inner.step[1] * inner.size) {
          inner.size *= out[d];
          continue;
        }
      }
      dims_[static_cast<std::size_t>(rank_++)] = {out[d], {step[0], step[1]}};
    }
    total_ = out.elements();
    if (rank_ == 0) rank_ = 1;  // a single element
  }

  std::int64_t length() const noexcept { return dims_[0].size; }
  std::int64_t count() const noexcept { return total_ ? total_ / dims_[0].size : 0; }
  /// Whether input k moves within a run.
  bool moves(int k) const noexcept { return dims_[0].step[k] != 0; }
  bool same_shape() const noexcept { return count() == 1 && moves(0) && moves(1); }

  /// Calls f(offset in a, offset in b, offset in out) for the runs [from, to).
  template <class F>
  void each(std::int64_t from, std::int64_t to, F f) const noexcept {
    for (std::int64_t r = from; r < to; ++r) {
      std::int64_t rest = r, offset[2] = {0, 0};
      for (int d = 1; d < rank_; ++d) {
        const Dim& dim = dims_[static_cast<std::size_t>(d)];
        const std::int64_t i = rest % dim.size;
        rest /= dim.size;
        offset[0] += i * dim.step[0], offset[1] += i * dim.step[1];
      }
      f(offset[0], offset[1], r * length());
    }
  }

 private:
  struct Dim {
    std::int64_t size = 1;
    std::int64_t step[2] = {1, 1};
  };
  std::array<Dim, Shape::max_rank> dims_{};  // innermost first
  int rank_ = 0;
  std::int64_t total_ = 1;
};

}  // namespace detail
OCTET_END
