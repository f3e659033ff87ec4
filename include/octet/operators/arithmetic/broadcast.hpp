#pragma once
#include <array>
#include <utility>

#include "../implement.hpp"

OCTET_BEGIN
namespace detail {

/// Iterates over N tensors that are broadcast to each other, in runs of consecutive output elements. Within a run, each
/// input either advances by one element per output element, or does not advance.
template <std::size_t N>
class BroadcastRunsOf {
 public:
  using Each = std::array<std::int64_t, N>;  // one number per input

  BroadcastRunsOf() { dims_[0].step.fill(1); }
  BroadcastRunsOf(const std::array<const Shape*, N>& in, const Shape& out) : BroadcastRunsOf() {
    // Merges dimensions, starting from the innermost, as long as each input keeps advancing or keeps its position.
    Each stride;
    stride.fill(1);
    for (int d = out.rank() - 1; d >= 0; --d) {
      if (out[d] == 1) continue;
      Each step;
      for (std::size_t k = 0; k < N; ++k) {
        const int at = d - (out.rank() - in[k]->rank());
        const std::int64_t size = at < 0 ? 1 : (*in[k])[at];
        step[k] = size == 1 ? 0 : stride[k];
        stride[k] *= size;
      }
      bool merges = rank_ > 0;
      for (std::size_t k = 0; merges && k < N; ++k) {
        const Dim& inner = dims_[static_cast<std::size_t>(rank_ - 1)];
        merges = step[k] == inner.step[k] * inner.size;
      }
      if (merges)
        dims_[static_cast<std::size_t>(rank_ - 1)].size *= out[d];
      else
        dims_[static_cast<std::size_t>(rank_++)] = {out[d], step};
    }
    total_ = out.elements();
    if (rank_ == 0) rank_ = 1;  // a single element
  }

  std::int64_t length() const noexcept { return dims_[0].size; }
  std::int64_t count() const noexcept { return total_ ? total_ / dims_[0].size : 0; }
  /// Whether input k advances within a run.
  bool moves(std::size_t k) const noexcept { return dims_[0].step[k] != 0; }

  /// Whether input k is one run that is repeated, and the others have one element for each of the output, in order.
  bool repeats(std::size_t k) const noexcept {
    if (rank_ != 2) return false;
    for (std::size_t i = 0; i < N; ++i)
      if (dims_[0].step[i] != 1 || dims_[1].step[i] != (i == k ? 0 : length())) return false;
    return true;
  }

  /// Calls f(offset in each input ..., offset in the output, elements) for all runs, in parallel. Long runs are split,
  /// short ones are grouped.
  template <class F>
  void parallel(ThreadPool& pool, F f) const noexcept {
    parallel_rows(pool, [&](const Each& offset, std::int64_t at, std::int64_t n, std::int64_t rows) {
      Each from = offset;
      for (std::int64_t r = 0; r < rows; ++r, at += length()) {
        one(f, from, at, n, std::make_index_sequence<N>());
        for (std::size_t k = 0; k < N; ++k) from[k] += row_step(k);
      }
    });
  }
  /// From one run to the next, as parallel_rows groups them: how many elements input k advances.
  std::int64_t row_step(std::size_t k) const noexcept { return rank_ > 1 ? dims_[1].step[k] : 0; }
  /// The same with groups of runs: f(offsets in the inputs, offset in the output, elements of a run, runs).
  template <class F>
  void parallel_rows(ThreadPool& pool, F f) const noexcept {
    constexpr std::int64_t part = 16384;
    if (count() == 0) return;
    const std::int64_t pieces = (length() + part - 1) / part, group = std::max<std::int64_t>(1, part / length());
    pool.parallel((count() + group - 1) / group * pieces, [&](std::int64_t task, int) {
      const std::int64_t run = task / pieces * group, from = task % pieces * part;
      each(run, std::min(count(), run + group), from, std::min(part, length() - from), f);
    });
  }

 private:
  template <class F, std::size_t... K>
  static void one(const F& f, const Each& offset, std::int64_t at, std::int64_t n, std::index_sequence<K...>) noexcept {
    f(offset[K]..., at, n);
  }
  template <class F>
  void each(std::int64_t begin, std::int64_t end, std::int64_t from, std::int64_t n, const F& f) const noexcept {
    std::array<std::int64_t, Shape::max_rank> place{};  // of the run in each dimension
    Each offset{};
    for (std::size_t k = 0; k < N; ++k) offset[k] = moves(k) ? from : 0;
    const auto advance = [&](std::size_t d, std::int64_t by) {
      for (std::size_t k = 0; k < N; ++k) offset[k] += by * dims_[d].step[k];
    };
    const auto dims = static_cast<std::size_t>(rank_);
    std::int64_t rest = begin;
    for (std::size_t d = 1; d < dims; ++d) {
      place[d] = rest % dims_[d].size;
      rest /= dims_[d].size;
      advance(d, place[d]);
    }
    for (std::int64_t r = begin; r < end;) {
      const std::int64_t rows = dims > 1 ? std::min(end - r, dims_[1].size - place[1]) : 1;
      f(offset, r * length() + from, n, rows);
      r += rows;
      std::int64_t by = rows;
      for (std::size_t d = 1; d < dims; ++d, by = 1) {
        advance(d, by);
        place[d] += by;
        if (place[d] < dims_[d].size) break;
        place[d] = 0;
        advance(d, -dims_[d].size);
      }
    }
  }

  struct Dim {
    std::int64_t size = 1;
    Each step{};
  };
  std::array<Dim, Shape::max_rank> dims_{};  // innermost first
  int rank_ = 0;
  std::int64_t total_ = 1;
};

using BroadcastRuns = BroadcastRunsOf<2>;

}  // namespace detail
OCTET_END
