#pragma once
#include <functional>
#include <string>
#include <vector>

#include "../core/cpu.hpp"
#include "../graph/graph.hpp"
#include "options.hpp"

OCTET_BEGIN
namespace detail {
class ExecutorState;
}

/// Time one layer took in the last run.
struct LayerTime {
  std::string name, type;
  double milliseconds = 0;
  std::int64_t macs = 0;
};

/// How one layer is computed, and the memory of its packed weights.
struct LayerForm {
  std::string name, type, form;
  std::size_t packed_bytes = 0;
};

/// Runs a model. Making one packs the weights; the first run of a new set of input shapes plans the memory; further
/// runs allocate nothing. Results depend neither on the number of threads nor, for integer models, on the CPU.
/// Not to be used by two threads at once; make one a thread (weights that were not packed are shared).
class Executor {
 public:
  explicit Executor(const Model& model, const ExecutorOptions& options = {});
  ~Executor();
  Executor(Executor&&) noexcept;
  Executor& operator=(Executor&&) noexcept;

  /// The model as it runs: folded, fused, lowered.
  const Graph& graph() const noexcept;
  int threads() const noexcept;
  /// Bytes of the arena that holds activations and scratch; known once shapes are.
  std::size_t arena_bytes() const noexcept;
  /// Bytes of packed weights and tables; known once shapes are.
  std::size_t packed_bytes() const noexcept;
  /// How the layers are computed, once shapes are known.
  std::vector<LayerForm> layer_forms() const;
  Isa isa() const noexcept;

  /// Plans for these input shapes, unless planned already. Returns the shapes of the outputs.
  const std::vector<Shape>& plan(const std::vector<Shape>& input_shapes);

  /// Runs on the caller's memory: one tensor for each input and, of the planned shapes, each output. Allocates
  /// nothing when the shapes are those of the last run. Throws where shapes or types do not fit, and where a NaN or an
  /// infinity is lost that the outputs cannot show (see NotFinite).
  void run(const TensorRef* inputs, const TensorRef* outputs);

  /// Runs on tensors of any types and returns new ones.
  std::vector<AnyTensor> run(const std::vector<AnyTensor>& inputs);

  /// For models with one input and one output: float in, float out. Where the model takes or gives integers,
  /// they are quantized and dequantized on the way; so here, NaN can be the answer of every model.
  Tensor<float> operator()(View<const float> input);

  /// Calls `see(value, tensor)` for every computed tensor of each run, in the order of computation, while its
  /// contents last. An empty function ends it.
  void observe(std::function<void(const Value&, const TensorRef&)> see);

  /// Measures every layer in the runs that follow.
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
