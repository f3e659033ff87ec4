#pragma once
#include "../runtime/executor.hpp"
#include "logits.hpp"
#include "options.hpp"

OCTET_BEGIN
namespace detail {

/// Computes the logits of the model that is learned from, without allocation.
class Teacher {
 public:
  Teacher(const Distillation& d, const std::shared_ptr<ThreadPool>& pool) {
    if (!d.teacher) return;
    Model m = *d.teacher;
    name_ = m.name;
    require<ShapeError>(m.inputs.size() == 1 && m.outputs.size() == 1, "teacher '", name_, "' has ", m.inputs.size(),
                        " inputs and ", m.outputs.size(), " outputs, expected one of each");
    for (int v : {m.inputs[0], m.outputs[0]})
      require(m.value(v).dtype == DType::f32, "teacher '", name_, "': expected '", m.value(v).name,
              "' of type float32, found ", octet::name(m.value(v).dtype));
    drop_last_softmax(m);
    ExecutorOptions o;
    o.pool = pool;
    run_.emplace(m, o);
  }
  bool exists() const noexcept { return run_.has_value(); }

  /// For batches of that input, and outputs of that shape. Throws ShapeError if the teacher has others.
  void plan(const Shape& input, const Shape& output) {
    if (!exists()) return;
    const Shape found = run_->plan({input})[0];
    require<ShapeError>(found.rank() > 0 && found.elements() == output.elements() && found[0] == output[0], "teacher '",
                        name_, "': expected outputs of shape ", output, ", as the trained model has, found ", found);
    logits_ = Tensor<float>(found);
  }

  /// The logits for a batch; valid until the next one.
  const float* operator()(View<float> input) {
    const TensorRef in{DType::f32, input.shape(), reinterpret_cast<std::byte*>(input.data())};
    const TensorRef out{DType::f32, logits_.shape(), reinterpret_cast<std::byte*>(logits_.data())};
    run_->run(&in, &out);
    return logits_.data();
  }

 private:
  std::string name_;
  std::optional<Executor> run_;
  Tensor<float> logits_;
};

}  // namespace detail
OCTET_END
