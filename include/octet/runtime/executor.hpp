#pragma once
#include <functional>
#include <string>
#include <vector>

#include "../core/cpu.hpp"
#include "../passes/optimize.hpp"
#include "input_view.hpp"
#include "options.hpp"

OCTET_BEGIN
namespace detail {
class ExecutorState;
}

/// Time of one layer in the last run.
struct LayerTime {
  std::string name;         ///< the layer's, in Executor::graph()
  std::string type;         ///< Operator::type
  double milliseconds = 0;  ///< wall time
  std::int64_t macs = 0;    ///< multiply-adds
};

/// How one layer is computed, and the memory of its packed weights.
struct LayerForm {
  std::string name;              ///< the layer's, in Executor::graph()
  std::string type;              ///< Operator::type
  std::string form;              ///< the algorithm, for display; empty if there is only one
  std::size_t packed_bytes = 0;  ///< its packed weights and tables
};

/// Runs a model. The constructor packs the weights. The first run with new input shapes plans the memory; further runs
/// do not allocate (but for layers after one whose results have sizes that depend on the data). Results do not depend
/// on the number of threads, and those of integer models not on the CPU. Must not be used by two threads at the same
/// time: make one executor per thread (weights that need no packing are shared).
class Executor {
 public:
  /// Optimizes and lowers a copy of the model, and packs the weights for the active instruction set. Throws Error, with
  /// the layer's name, if an operator does not support its inputs.
  explicit Executor(const Model& model, const ExecutorOptions& options = {});
  /// The same for a model that is optimized already.
  explicit Executor(const OptimizedModel& model, const ExecutorOptions& options = {});
  ~Executor();
  /// The moved-from executor can only be destroyed or assigned to.
  Executor(Executor&&) noexcept;
  /// As the move constructor.
  Executor& operator=(Executor&&) noexcept;

  /// The graph that is executed: folded, fused and lowered.
  const Graph& graph() const noexcept;
  /// Number of threads of its pool.
  int threads() const noexcept;
  /// Size in bytes of the arena for activations and scratch memory. 0 before plan() or the first run.
  std::size_t arena_bytes() const noexcept;
  /// Size in bytes of packed weights and tables. Complete after plan() or the first run.
  std::size_t packed_bytes() const noexcept;
  /// How each layer is computed. Complete after plan() or the first run.
  std::vector<LayerForm> layer_forms() const;
  /// The instruction set whose kernels it uses: that of active_isa() when it was made.
  Isa isa() const noexcept;

  /// Plans the memory for these input shapes (batch included) and returns the output shapes; sizes that depend on the
  /// data, as after NonMaxSuppression, are unknown. Does nothing if the shapes are those of the last plan. Throws
  /// ShapeError if the model does not accept them.
  const std::vector<Shape>& plan(const std::vector<Shape>& input_shapes);

  /// Runs on the caller's memory: one tensor for each input and each output; outputs have the planned shapes. Does not
  /// allocate if the shapes are those of the last run. Throws ShapeError if shapes or types do not match, and Error if
  /// a NaN or infinity was quantized and the outputs cannot show it (see NotFinite), or if sizes depend on the data.
  void run(const TensorRef* inputs, const TensorRef* outputs);

  /// Runs on one tensor for each input and returns new tensors.
  std::vector<AnyTensor> run(const std::vector<AnyTensor>& inputs);

  /// Runs on views, tensors or references: one for each input, which is read where it is. Returns new tensors.
  template <class First, class... Rest, class = std::enable_if_t<detail::are_inputs<First, Rest...>>>
  std::vector<AnyTensor> run(const First& first, const Rest&... rest) {
    const InputView inputs[] = {InputView(first), InputView(rest)...};
    return run_views(inputs, 1 + sizeof...(Rest));
  }
  /// The same for `count` views.
  std::vector<AnyTensor> run_views(const InputView* inputs, std::size_t count);

  /// For models with one input and one output. Integer inputs are quantized from the float tensor and integer outputs
  /// are dequantized, so that, here, every model can return NaN.
  Tensor<float> operator()(View<const float> input);
  /// The same for models that take uint8, such as the pixels of an image: they are read where they are. Throws
  /// ShapeError if the model takes another type.
  Tensor<float> operator()(View<const uint8> input);

  /// From now on, calls `see(value, tensor)` for every tensor a layer computes, in order of computation. The memory of
  /// the tensor is valid only during the call. An empty function ends it.
  void observe(std::function<void(const Value&, const TensorRef&)> see);

  /// Switches the measurement of each layer's time on or off.
  void profile(bool on);
  /// Times of the last profiled run.
  std::vector<LayerTime> layer_times() const;

 private:
  std::unique_ptr<detail::ExecutorState> state_;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "executor.inl"
#endif
