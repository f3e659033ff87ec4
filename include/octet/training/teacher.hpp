#pragma once
#include "../runtime/executor.hpp"
#include "logits.hpp"
#include "options.hpp"

OCTET_BEGIN
namespace detail {

/// Computes the outputs of the model that is learned from, without allocation.
class Teacher {
 public:
  /// classifying: the outputs that are logits, without a softmax. The trained model has `inputs` and `outputs`.
  Teacher(const Distillation& d, const std::vector<int>& classifying, std::size_t inputs, std::size_t outputs,
          const std::shared_ptr<ThreadPool>& pool)
      : classifying_(classifying) {
    if (!d.teacher) return;
    Model m = *d.teacher;
    name_ = m.name;
    require<ShapeError>(m.inputs.size() == inputs && m.outputs.size() == outputs, "teacher '", name_, "' has ",
                        m.inputs.size(), " inputs and ", m.outputs.size(), " outputs, expected ", inputs, " and ",
                        outputs, ", as the trained model has");
    for (const auto* list : {&m.inputs, &m.outputs})
      for (int v : *list)
        require(m.value(v).dtype == DType::f32, "teacher '", name_, "': expected '", m.value(v).name,
                "' of type float32, found ", octet::name(m.value(v).dtype));
    for (int k : classifying) drop_last_softmax(m, k);
    ExecutorOptions o;
    o.pool = pool;
    run_.emplace(m, o);
  }
  bool exists() const noexcept { return run_.has_value(); }

  /// For batches of these inputs, and outputs of these shapes. Throws ShapeError if the teacher has others.
  void plan(const std::vector<Shape>& inputs, const std::vector<Shape>& outputs) {
    if (!exists()) return;
    const std::vector<Shape> found = run_->plan(inputs);
    for (int k : classifying_) {
      const Shape &is = found[at(k)], &expected = outputs[at(k)];
      require<ShapeError>(is.rank() > 0 && is.elements() == expected.elements() && is[0] == expected[0], "teacher '",
                          name_, "': expected outputs of shape ", expected, ", as the trained model has, found ", is);
    }
    results_.clear();
    for (const Shape& s : found) results_.emplace_back(s);
    in_.clear();
    for (const Shape& s : inputs) in_.push_back({DType::f32, s, nullptr});
    out_.clear();
    for (Tensor<float>& t : results_) out_.push_back({DType::f32, t.shape(), reinterpret_cast<std::byte*>(t.data())});
  }

  /// Input k of the next batch.
  void set_input(std::size_t k, View<float> x) noexcept { in_[k].data = reinterpret_cast<std::byte*>(x.data()); }
  void run() { run_->run(in_.data(), out_.data()); }
  /// The logits of output k for the last batch; null without a teacher, and for an output that is not trained by
  /// classes.
  const float* logits(std::size_t k) const noexcept {
    const bool has = exists() && std::count(classifying_.begin(), classifying_.end(), static_cast<int>(k)) > 0;
    return has ? results_[k].data() : nullptr;
  }

 private:
  std::string name_;
  std::vector<int> classifying_;
  std::optional<Executor> run_;
  std::vector<Tensor<float>> results_;
  std::vector<TensorRef> in_, out_;
};

}  // namespace detail
OCTET_END
