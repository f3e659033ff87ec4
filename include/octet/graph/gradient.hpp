#pragma once
#include "step.hpp"

OCTET_BEGIN

/// Settings of the forward pass of a training step.
struct TrainingPass {
  bool batch_statistics = true;  ///< normalize by the statistics of the batch; false: by the running ones
  float momentum = 0.1f;         ///< running = (1 - momentum) * running + momentum * batch; 0: no change
  bool observe = true;           ///< observers update their ranges; false: ranges are frozen
  std::uint64_t random = 0;      ///< seed of this pass's random numbers
  float damping = 0;             ///< factor of the distance of weights to their rounded values in the loss; 0: none
};

/// The context of a forward pass in training. Parameters are ordinary inputs, since they change with every step.
struct ForwardContext : RunContext {
  std::byte* saved = nullptr;  ///< memory of the planned size that is kept until the backward pass; aligned to 64 bytes
  const TrainingPass* pass = nullptr;  ///< never null during a pass
};

/// The context of a backward pass: from the gradients of the loss with respect to the outputs to those with respect to
/// the inputs.
struct BackwardContext {
  const std::vector<TensorRef>& inputs;            ///< of the forward pass; without data unless they are read
  const std::vector<TensorRef>& outputs;           ///< likewise
  const std::vector<TensorRef>& output_gradients;  ///< the step may overwrite them
  const std::vector<TensorRef>& input_gradients;   ///< to be written; without data if not wanted
  std::byte* saved = nullptr;          ///< what the forward pass saved; of the planned size, aligned to 64 bytes
  std::byte* scratch = nullptr;        ///< memory for this pass, likewise
  ThreadPool* pool = nullptr;          ///< not null
  const TrainingPass* pass = nullptr;  ///< as in the forward pass

  /// The elements of input i; null if it is missing.
  const float* input(std::size_t i) const noexcept { return i < inputs.size() ? inputs[i].as<float>() : nullptr; }
  /// The elements of output 0.
  const float* output() const noexcept { return outputs[0].as<float>(); }
  /// The gradient with respect to output 0, in its shape.
  float* output_gradient() const noexcept { return output_gradients[0].as<float>(); }
  /// Null if it is not wanted.
  float* input_gradient(std::size_t i) const noexcept {
    return i < input_gradients.size() ? input_gradients[i].as<float>() : nullptr;
  }
};

/// The tensors of a step without memory, and how training uses its inputs.
struct GradientPlanContext : PlanContext {
  const std::vector<bool>& wanted;   ///< for each input: whether its gradient is needed
  const std::vector<bool>& follows;  ///< for each input: whether it is a running statistic, updated by forward
};

/// Memory that a step needs, in bytes.
struct GradientMemory {
  std::size_t scratch = 0;  ///< during each pass
  std::size_t saved = 0;    ///< from the forward pass to the backward pass
};

/// An operator prepared for training: a forward pass with parameters that change, and a backward pass. The results of
/// the functions below are valid after plan.
class GradientStep {
 public:
  virtual ~GradientStep() = default;
  /// Called before the first run and whenever shapes change; the only function that may allocate.
  virtual GradientMemory plan(const GradientPlanContext&) = 0;
  /// Computes the outputs from the inputs. Does not allocate.
  virtual void forward(const ForwardContext&) noexcept = 0;
  /// Computes the wanted gradients with respect to the inputs. Does not allocate.
  virtual void backward(const BackwardContext&) noexcept = 0;

  /// As in Step: output 0 is input 0, and its gradient likewise.
  virtual bool is_view() const noexcept { return false; }
  /// As in Step: whether output 0 can use the memory of input i.
  virtual bool can_overwrite(int) const noexcept { return false; }
  /// Whether the gradient with respect to input i can use the memory of that with respect to output 0.
  virtual bool gradient_can_overwrite(int) const noexcept { return false; }
  /// Whether the backward pass reads input i. (Constants are always available.)
  virtual bool reads_input(int) const noexcept { return true; }
  /// Whether the backward pass reads the outputs.
  virtual bool reads_outputs() const noexcept { return true; }
};

namespace detail {

/// Base class for steps whose forward pass is that of inference.
class SameForward : public GradientStep {
 public:
  explicit SameForward(std::unique_ptr<Step> forward) : forward_(std::move(forward)) {}
  GradientMemory plan(const GradientPlanContext& c) final {
    const std::size_t scratch = forward_->plan(c);
    return {std::max(scratch, plan_backward(c)), 0};
  }
  void forward(const ForwardContext& c) noexcept final { forward_->run(c); }
  bool is_view() const noexcept final { return forward_->is_view(); }
  bool can_overwrite(int input) const noexcept final { return forward_->can_overwrite(input); }

 protected:
  /// Returns the size of the scratch memory of the backward pass, in bytes.
  virtual std::size_t plan_backward(const GradientPlanContext&) { return 0; }

 private:
  std::unique_ptr<Step> forward_;
};

/// Copies n elements, unless they are already there.
inline void move_elements(const float* from, float* to, std::int64_t n, ThreadPool& pool) noexcept {
  if (from == to) return;
  parallel_parts(pool, n, 65536, [&](std::int64_t first, std::int64_t count) {
    std::memcpy(to + first, from + first, static_cast<std::size_t>(count) * sizeof(float));
  });
}

/// For operators that only move elements: another step moves the gradients back.
class MovedBack : public SameForward {
 public:
  MovedBack(std::unique_ptr<Step> forward, std::unique_ptr<Step> back)
      : SameForward(std::move(forward)), back_(std::move(back)) {}
  bool reads_input(int) const noexcept override { return false; }
  bool reads_outputs() const noexcept override { return false; }
  bool gradient_can_overwrite(int input) const noexcept override { return input == 0 && back_->is_view(); }
  void backward(const BackwardContext& c) noexcept override {
    from_[0].data = c.output_gradients[0].data;
    to_[0].data = c.input_gradients[0].data;
    if (back_->is_view())
      move_elements(c.output_gradient(), c.input_gradient(0), from_[0].shape.elements(), *c.pool);
    else
      back_->run({from_, to_, c.scratch, c.pool});
  }

 private:
  std::size_t plan_backward(const GradientPlanContext& c) override {
    from_ = {c.outputs[0]};
    to_ = {c.inputs[0]};
    return back_->plan({from_, to_, c.threads});
  }
  std::unique_ptr<Step> back_;
  std::vector<TensorRef> from_, to_;
};

}  // namespace detail
OCTET_END
