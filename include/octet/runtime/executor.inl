#pragma once
#include <deque>

#include "../passes/lower.hpp"
#include "data_sized_layer.hpp"
#include "executor.hpp"
#include "stage_executor.hpp"
#include "stages.hpp"

OCTET_BEGIN
namespace detail {

/// The implementation of Executor; see there for its functions. Almost every model is one stage.
class ExecutorState {
 public:
  ExecutorState(LoweredGraph graph, ExecutorOptions options) {
    options.pool = pool_for(options.pool, options.threads);
    PrepareOptions asked;
    asked.memory = options.memory;
    asked.same_floats = options.same_floats;
    for (Stage& s : stages_of(std::move(graph))) {
      stages_.emplace_back(std::move(s.graph), options, s.last.has_value());
      if (s.last) between_.emplace_back(std::move(*s.last), stages_.back(), asked);
    }
    if (between_.empty()) return;
    whole_ = last().graph();
    whole_.inputs = first().graph().inputs;
    whole_.nodes.clear();
    each_layer(
        [&](const StageExecutor& s) {
          whole_.nodes.insert(whole_.nodes.end(), s.graph().nodes.begin(), s.graph().nodes.end());
        },
        [&](const DataSizedLayer& l) { whole_.nodes.push_back(l.node()); });
  }

  const Graph& graph() const noexcept { return between_.empty() ? first().graph() : whole_; }
  int threads() const noexcept { return first().pool().size(); }
  Isa isa() const noexcept { return first().kernels().isa; }
  std::size_t arena_bytes() const noexcept {
    return sum([](const StageExecutor& s) { return s.arena_bytes(); });
  }
  std::size_t packed_bytes() const noexcept {
    return sum([](const StageExecutor& s) { return s.packed_bytes(); });
  }
  std::vector<LayerForm> layer_forms() const {
    std::vector<LayerForm> all;
    each_layer([&](const StageExecutor& s) { append(all, s.layer_forms()); },
               [&](const DataSizedLayer& l) {
                 all.push_back({l.node().name, l.node().op->type(), l.step().form(), l.step().packed_bytes()});
               });
    return all;
  }
  std::vector<LayerTime> layer_times() const {
    std::vector<LayerTime> all;
    each_layer([&](const StageExecutor& s) { append(all, s.layer_times()); },
               [&](const DataSizedLayer& l) { all.push_back(l.time()); });
    return all;
  }

  const std::vector<Shape>& plan(const std::vector<Shape>& input_shapes) {
    const std::vector<Shape>& known = first().plan(input_shapes);
    if (between_.empty()) return known;
    const std::vector<Shape> shapes = whole_.infer_shapes(input_shapes);
    output_shapes_.clear();
    for (int v : whole_.outputs) output_shapes_.push_back(shapes[at(v)]);
    return output_shapes_;
  }

  void run(const TensorRef* inputs, const TensorRef* outputs) {
    require(between_.empty(), "model '", graph().name, "': the sizes of results depend on the data; use a run() that ",
            "returns tensors");
    first().run(inputs, outputs);
  }

  std::vector<AnyTensor> run(const TensorRef* inputs, std::size_t count) {
    std::vector<AnyTensor> tensors = first().run(inputs, count);
    for (std::size_t i = 0; i < between_.size(); ++i) {
      between_[i].run(tensors, observer_);
      std::vector<TensorRef> refs;
      for (const AnyTensor& t : tensors) refs.push_back(t.ref());
      tensors = stages_[i + 1].run(refs.data(), refs.size());
    }
    return tensors;
  }

  Tensor<float> operator()(const TensorRef& input) {
    if (between_.empty()) return first()(input);
    require_one_of_each(whole_);
    bool lost = false;
    const AnyTensor quantized = first().quantized_input(input, lost);
    const TensorRef in = quantized ? quantized.ref() : input;
    const AnyTensor result = run(&in, 1)[0];
    const Value& v = whole_.value(whole_.outputs[0]);
    if (v.dtype == DType::f32) return Tensor<float>(result.view<float>());
    return Tensor<float>(first().converted(v, result.ref(), DType::f32).view<float>());
  }

  void observe(std::function<void(const Value&, const TensorRef&)> see) {
    for (StageExecutor& s : stages_) s.observe(see);
    observer_ = std::move(see);
  }
  void profile(bool on) {
    for (StageExecutor& s : stages_) s.profile(on);
  }

 private:
  StageExecutor& first() noexcept { return stages_.front(); }
  const StageExecutor& first() const noexcept { return stages_.front(); }
  const StageExecutor& last() const noexcept { return stages_.back(); }

  template <class OfStage, class OfLayer>
  void each_layer(OfStage of_stage, OfLayer of_layer) const {
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      of_stage(stages_[i]);
      if (i < between_.size()) of_layer(between_[i]);
    }
  }
  template <class F>
  std::size_t sum(F of) const noexcept {
    std::size_t n = 0;
    for (const StageExecutor& s : stages_) n += of(s);
    return n;
  }
  template <class T>
  static void append(std::vector<T>& to, std::vector<T> from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  }

  std::deque<StageExecutor> stages_;    // which cannot be moved
  std::deque<DataSizedLayer> between_;  // one less
  Graph whole_;                         // of several stages: all layers, in the order in which they run
  std::vector<Shape> output_shapes_;
  std::function<void(const Value&, const TensorRef&)> observer_;
};

}  // namespace detail

OCTET_API Executor::Executor(const Model& model, const ExecutorOptions& options)
    : state_(std::make_unique<detail::ExecutorState>(
          options.optimize ? detail::lower(optimize(model)) : detail::lower_as_read(model), options)) {}
OCTET_API Executor::Executor(const OptimizedModel& model, const ExecutorOptions& options)
    : state_(std::make_unique<detail::ExecutorState>(
          options.optimize ? detail::lower(model) : detail::lower_as_read(model), options)) {}
OCTET_API Executor::~Executor() = default;
OCTET_API Executor::Executor(Executor&&) noexcept = default;
OCTET_API Executor& Executor::operator=(Executor&&) noexcept = default;
OCTET_API const Graph& Executor::graph() const noexcept { return state_->graph(); }
OCTET_API int Executor::threads() const noexcept { return state_->threads(); }
OCTET_API std::size_t Executor::arena_bytes() const noexcept { return state_->arena_bytes(); }
OCTET_API std::size_t Executor::packed_bytes() const noexcept { return state_->packed_bytes(); }
OCTET_API std::vector<LayerForm> Executor::layer_forms() const { return state_->layer_forms(); }
OCTET_API Isa Executor::isa() const noexcept { return state_->isa(); }
OCTET_API const std::vector<Shape>& Executor::plan(const std::vector<Shape>& input_shapes) {
  return state_->plan(input_shapes);
}
OCTET_API void Executor::run(const TensorRef* inputs, const TensorRef* outputs) { state_->run(inputs, outputs); }
OCTET_API std::vector<AnyTensor> Executor::run(const std::vector<AnyTensor>& inputs) {
  std::vector<TensorRef> refs;
  for (const AnyTensor& t : inputs) refs.push_back(t.ref());
  return state_->run(refs.data(), refs.size());
}
OCTET_API std::vector<AnyTensor> Executor::run_views(const InputView* inputs, std::size_t count) {
  std::vector<TensorRef> refs;
  for (std::size_t i = 0; i < count; ++i) refs.push_back(inputs[i].ref());
  return state_->run(refs.data(), count);
}
OCTET_API Tensor<float> Executor::operator()(View<const float> input) { return (*state_)(InputView(input).ref()); }
OCTET_API Tensor<float> Executor::operator()(View<const uint8> input) { return (*state_)(InputView(input).ref()); }
OCTET_API void Executor::observe(std::function<void(const Value&, const TensorRef&)> see) {
  state_->observe(std::move(see));
}
OCTET_API void Executor::profile(bool on) { state_->profile(on); }
OCTET_API std::vector<LayerTime> Executor::layer_times() const { return state_->layer_times(); }

OCTET_END
