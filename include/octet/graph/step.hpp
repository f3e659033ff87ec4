#pragma once
#include <atomic>
#include <vector>

#include "../core/any_tensor.hpp"
#include "../core/thread_pool.hpp"

OCTET_BEGIN

namespace detail {
struct ValueRange;
}

/// What a step gets for one run: tensors with memory, scratch of the size it asked for, threads.
struct RunContext {
  const std::vector<TensorRef>& inputs;  // without data where an optional one is missing
  const std::vector<TensorRef>& outputs;
  std::byte* scratch = nullptr;  // aligned to 64 bytes
  ThreadPool* pool = nullptr;
  /// Set by lost_not_finite. Null: nobody asks.
  std::atomic<bool>* not_finite = nullptr;
  /// One for each image: of input 0, where the layer that made it measured it; of output 0, where it is asked for.
  const detail::ValueRange* input_range = nullptr;
  detail::ValueRange* output_range = nullptr;

  /// Memory of input i, or null where it is missing.
  const std::byte* input(std::size_t i) const noexcept { return i < inputs.size() ? inputs[i].data : nullptr; }
  std::byte* output(std::size_t i = 0) const noexcept { return outputs[i].data; }
  /// Says that a NaN or an infinity becomes an integer, which cannot hold it: see NotFinite.
  void lost_not_finite() const noexcept {
    if (not_finite) not_finite->store(true, std::memory_order_relaxed);
  }
};

/// The tensors of a step, without memory, once shapes are known.
struct PlanContext {
  const std::vector<TensorRef>& inputs;
  const std::vector<TensorRef>& outputs;
  int threads = 1;
};

/// One operator made ready for one executor: form and kernels chosen, weights packed.
class Step {
 public:
  virtual ~Step() = default;
  /// Called before the first run and whenever shapes change. Returns the bytes of scratch that run needs.
  virtual std::size_t plan(const PlanContext&) { return 0; }
  virtual void run(const RunContext&) noexcept = 0;
  /// Memory of packed weights and tables. May grow with plan.
  virtual std::size_t packed_bytes() const noexcept { return 0; }
  /// How it computes, where there are several ways. Valid after plan.
  virtual const char* form() const noexcept { return ""; }
  /// Whether output 0 may lie in the memory of input i: element i is written after it was last read. Valid
  /// after plan.
  virtual bool can_overwrite(int) const noexcept { return false; }
  /// Whether output 0 holds the bytes of input 0 in the same order, so that nothing need run. Valid after plan.
  virtual bool is_view() const noexcept { return false; }
  /// Whether knowing the range of input 0 saves work, and whether the range of output 0 comes for nothing. Valid after
  /// plan.
  virtual bool wants_range() const noexcept { return false; }
  virtual bool measures_range() const noexcept { return false; }
};

namespace detail {

/// Of layers whose results have no elements, whatever their sizes: their steps are neither planned nor run, since time
/// is to go by the elements there are.
class NoStep : public Step {
 public:
  void run(const RunContext&) noexcept override {}
};

inline bool gives_nothing(const std::vector<TensorRef>& outputs) {
  for (const TensorRef& t : outputs)
    if (t.shape.elements() != 0) return false;
  return true;
}

}  // namespace detail
OCTET_END
