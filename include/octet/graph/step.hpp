#pragma once
#include <vector>

#include "../core/any_tensor.hpp"
#include "../core/range.hpp"
#include "../core/thread_pool.hpp"

OCTET_BEGIN

class LostNumbers;
namespace detail {
class RangeExchange;
}  // namespace detail

/// The context of one run of a step: tensors, scratch memory of the planned size, threads.
struct RunContext {
  const std::vector<TensorRef>& inputs;   ///< without data for missing optional ones
  const std::vector<TensorRef>& outputs;  ///< one for each output
  std::byte* scratch = nullptr;           ///< aligned to 64 bytes
  ThreadPool* pool = nullptr;             ///< not null during a run
  LostNumbers* lost = nullptr;            ///< for report_lost_number

  /// The memory of input i, or null if it is missing.
  const std::byte* input(std::size_t i) const noexcept { return i < inputs.size() ? inputs[i].data : nullptr; }
  /// The memory of output i.
  std::byte* output(std::size_t i = 0) const noexcept { return outputs[i].data; }
};

/// The tensors of a step without memory, when shapes are known.
struct PlanContext {
  const std::vector<TensorRef>& inputs;   ///< one for each input, without data; of type none if it is missing
  const std::vector<TensorRef>& outputs;  ///< one for each output, without data
  int threads = 1;                        ///< size of the pool that runs will use
};

/// An operator prepared for an executor: kernels are selected and weights packed.
class Step {
 public:
  virtual ~Step() = default;
  /// Called before the first run and whenever shapes change. Returns the size of the scratch memory that run needs, in
  /// bytes.
  virtual std::size_t plan(const PlanContext&) { return 0; }
  /// Computes the outputs. Does not allocate.
  virtual void run(const RunContext&) noexcept = 0;
  /// Size in bytes of packed weights and tables. May grow in plan.
  virtual std::size_t packed_bytes() const noexcept { return 0; }
  /// The algorithm, if there are several. Valid after plan.
  virtual const char* form() const noexcept { return ""; }
  /// Whether output 0 can use the memory of input i, because every element is read before it is overwritten. Valid
  /// after plan.
  virtual bool can_overwrite(int) const noexcept { return false; }
  /// Whether output 0 has the bytes of input 0 in the same order, so that the step need not run. Valid after plan.
  virtual bool is_view() const noexcept { return false; }
  /// For steps of dynamic-range layers.
  virtual detail::RangeExchange* range_exchange() noexcept { return nullptr; }
};

/// A step of an operator whose results have sizes that depend on the data (Traits::data_sized).
class DataSizedStep : public Step {
 public:
  /// Computes the results, in new memory. Every input has the shape of this run.
  virtual std::vector<AnyTensor> results(const std::vector<TensorRef>& inputs, ThreadPool& pool) = 0;
  /// Not used.
  void run(const RunContext&) noexcept final {}
};

namespace detail {

/// For layers whose results have no elements. Their steps are neither planned nor run, so that time does not depend on
/// sizes of empty tensors.
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
