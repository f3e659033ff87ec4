#pragma once
#include <chrono>
#include <functional>
#include <limits>

#include "../core/element.hpp"
#include "../graph/lost_numbers.hpp"
#include "../kernels/dispatch.hpp"
#include "../operators/convert.hpp"
#include "executor.hpp"
#include "image_groups.hpp"
#include "not_finite.hpp"
#include "prepared_layers.hpp"

OCTET_BEGIN
namespace detail {

inline void require_one_of_each(const Graph& g) {
  require<ShapeError>(g.inputs.size() == 1 && g.outputs.size() == 1, "model '", g.name, "' has ", g.inputs.size(),
                      " inputs and ", g.outputs.size(), " outputs, expected one of each; use run() for other models");
}

/// Runs a lowered graph whose sizes are known when those of its inputs are. See Executor for its functions.
/// `sizes_follow`: sizes of other tensors depend on the results, so that a NaN that was lost cannot be passed on.
class StageExecutor {
 public:
  StageExecutor(Graph graph, const ExecutorOptions& options, bool sizes_follow = false)
      : graph_(std::move(graph)),
        kernels_(&detail::kernels()),
        pool_(pool_for(options.pool, options.threads)),
        layers_(graph_, *kernels_, options),
        when_not_finite_(options.not_finite),
        sizes_follow_(sizes_follow) {}

  const Graph& graph() const noexcept { return graph_; }
  const Kernels& kernels() const noexcept { return *kernels_; }
  ThreadPool& pool() const noexcept { return *pool_; }
  std::size_t arena_bytes() const noexcept { return layers_.arena_bytes(); }
  std::size_t packed_bytes() const noexcept {
    std::size_t n = 0;
    for (const PreparedLayer& l : layers_) n += l.step->packed_bytes();
    return n;
  }
  std::vector<LayerForm> layer_forms() const {
    std::vector<LayerForm> forms;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Node& n = graph_.nodes[i];
      const PreparedLayer& l = layers_[i];
      forms.push_back({n.name, n.op->type(), l.nothing ? "" : l.step->form(), l.step->packed_bytes()});
    }
    return forms;
  }

  const std::vector<Shape>& plan(const std::vector<Shape>& input_shapes) {
    if (planned_ != input_shapes || output_shapes_.empty()) make_plan(input_shapes);
    return output_shapes_;
  }

  void run(const TensorRef* inputs, const TensorRef* outputs) {
    compute(inputs, outputs);
    if (lost_in_ == Node::none) return;
    if (sizes_follow_) fail_not_finite(inputs);
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i)
      if (!can_hold_nan(outputs[i].dtype)) fail_not_finite(inputs);
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) fill_with_nan(outputs[i]);
  }

  std::vector<AnyTensor> run(const TensorRef* inputs, std::size_t count) {
    require<ShapeError>(count == graph_.inputs.size(), "model '", graph_.name, "': expected ", graph_.inputs.size(),
                        " inputs, found ", count);
    std::vector<Shape> shapes;
    for (std::size_t i = 0; i < count; ++i) shapes.push_back(inputs[i].shape);
    plan(shapes);
    std::vector<AnyTensor> results;
    std::vector<TensorRef> out;
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      const DType dtype = graph_.value(graph_.outputs[i]).dtype;
      results.push_back(AnyTensor::make(dtype, output_shapes_[i], [](std::byte*) {}));
      out.push_back(results.back().ref());
    }
    run(inputs, out.data());
    return results;
  }

  Tensor<float> operator()(const TensorRef& input) {
    require_one_of_each(graph_);
    const Value& to = graph_.value(graph_.outputs[0]);
    plan({input.shape});
    Tensor<float> result = Tensor<float>::uninitialized(output_shapes_[0]);
    TensorRef in = input;
    TensorRef out{DType::f32, result.shape(), reinterpret_cast<std::byte*>(result.data())};
    bool lost = false;
    const AnyTensor quantized = quantized_input(in, lost);
    if (quantized) in = quantized.ref();
    AnyTensor integers;
    if (to.dtype != DType::f32) {
      integers = AnyTensor::make(to.dtype, result.shape(), [](std::byte*) {});
      out = integers.ref();
    }
    compute(&in, &out);
    if (lost || lost_in_ != Node::none)
      std::fill(result.begin(), result.end(), std::numeric_limits<float>::quiet_NaN());
    else if (to.dtype != DType::f32)
      return Tensor<float>(converted(to, out, DType::f32).view<float>());
    return result;
  }

  void observe(std::function<void(const Value&, const TensorRef&)> see) {
    if (!see != !observer_) output_shapes_.clear();  // an observer sees all images at once
    observer_ = std::move(see);
  }

  void profile(bool on) { profiling_ = on; }
  std::vector<LayerTime> layer_times() const {
    std::vector<LayerTime> times;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Node& n = graph_.nodes[i];
      const bool planned = !layers_.shapes().empty();
      const std::int64_t macs = planned ? graph_.macs(n, layers_.shapes()) : 0;
      times.push_back({n.name, n.op->type(), layers_[i].milliseconds, groups_ * macs});
    }
    return times;
  }

  /// The only input, converted from float; an empty tensor if it has the type of the model. `lost`: whether it has
  /// elements that are not finite, which that type cannot represent.
  AnyTensor quantized_input(const TensorRef& in, bool& lost) const {
    const Value& from = graph_.value(graph_.inputs[0]);
    if (from.dtype == in.dtype || in.dtype != DType::f32) return {};
    lost = !can_hold_nan(from.dtype) && !all_finite(in);
    if (lost && (sizes_follow_ || when_not_finite_ == NotFinite::error)) require_finite(graph_.inputs, &in, "input '");
    return converted(from, in, from.dtype);
  }

  /// Converts a model input or output between float and the type of the value.
  AnyTensor converted(const Value& border, const TensorRef& t, DType to) const {
    Graph g;
    const bool quantizing = t.dtype == DType::f32;
    const int in = g.add_value({border.name, t.dtype, t.shape, quantizing ? QuantParams{} : border.quant, {}});
    const int out = g.add_value({border.name, to, t.shape, quantizing ? border.quant : QuantParams{}, {}});
    g.nodes.push_back({border.name, make_operator(Convert(to)), {in}, {out}});
    AnyTensor result = AnyTensor::make(to, t.shape, [](std::byte*) {});
    const auto step = g.nodes[0].op->prepare(PrepareContext(g, g.nodes[0], *kernels_));
    const std::vector<TensorRef> ins{t}, outs{result.ref()};
    step->plan({ins, outs, pool_->size()});
    step->run({ins, outs, nullptr, pool_.get(), nullptr});
    return result;
  }

 private:
  /// Runs the layers. The caller has to check lost_in_ afterwards.
  void compute(const TensorRef* inputs, const TensorRef* outputs) {
    bool same = !output_shapes_.empty();
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
      const Value& v = graph_.value(graph_.inputs[i]);
      require<ShapeError>(inputs[i].dtype == v.dtype, "input '", v.name, "': expected ", octet::name(v.dtype),
                          ", found ", octet::name(inputs[i].dtype));
      same = same && inputs[i].shape == planned_[i];
    }
    if (!same) {
      std::vector<Shape> shapes;
      for (std::size_t i = 0; i < graph_.inputs.size(); ++i) shapes.push_back(inputs[i].shape);
      make_plan(shapes);
    }
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      const Value& v = graph_.value(graph_.outputs[i]);
      require<ShapeError>(outputs[i].dtype == v.dtype && outputs[i].shape == output_shapes_[i], "output '", v.name,
                          "': expected memory for ", octet::name(v.dtype), " ", output_shapes_[i], ", found ",
                          octet::name(outputs[i].dtype), " ", outputs[i].shape);
    }
    if (when_not_finite_ == NotFinite::error) require_finite(graph_.inputs, inputs, "input '");
    run_groups(inputs, outputs);
    if (when_not_finite_ == NotFinite::propagate) return;
    if (lost_in_ != Node::none) fail_not_finite(inputs);
    require_finite(graph_.outputs, outputs, "output '");
  }

  void run_groups(const TensorRef* inputs, const TensorRef* outputs) {
    lost_in_ = Node::none;
    for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i].milliseconds = 0;
    for (std::int64_t g = 0; g < groups_; ++g) {
      for (std::size_t i = 0; i < group_inputs_.size(); ++i) group_inputs_[i].data = part(inputs[i], g);
      for (std::size_t i = 0; i < group_outputs_.size(); ++i) group_outputs_[i].data = part(outputs[i], g);
      layers_.use_memory(group_inputs_.data(), group_outputs_.data());
      const int lost = run_layers();
      if (lost != Node::none && (lost_in_ == Node::none || lost < lost_in_)) lost_in_ = lost;
      layers_.store_results(group_outputs_.data());
    }
  }
  /// The memory of the images of group g.
  std::byte* part(const TensorRef& t, std::int64_t g) const {
    return g == 0 ? t.data : t.data + static_cast<std::int64_t>(t.size_bytes()) / groups_ * g;
  }

  /// Returns the first layer that reported a number that is not finite, or none.
  int run_layers() {
    lost_.clear();
    int lost_in = Node::none;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      PreparedLayer& l = layers_[i];
      const auto start = profiling_ ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point{};
      if (!l.skip) l.step->run({l.inputs, l.outputs, layers_.scratch(), pool_.get(), &lost_});
      if (lost_in == Node::none && lost_.any()) lost_in = static_cast<int>(i);
      if (profiling_)
        l.milliseconds += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
      if (observer_)
        for (std::size_t o = 0; o < l.outputs.size(); ++o)
          observer_(graph_.value(graph_.nodes[i].outputs[o]), l.outputs[o]);
    }
    return lost_in;
  }

  void require_finite(const std::vector<int>& values, const TensorRef* tensors, const char* what) const {
    for (std::size_t i = 0; i < values.size(); ++i)
      require(all_finite(tensors[i]), what, graph_.value(values[i]).name, "' has NaN or infinite elements");
  }
  /// Reports that a value that is not finite was quantized: names the model input, or else the layer.
  [[noreturn]] void fail_not_finite(const TensorRef* inputs) const {
    require_finite(graph_.inputs, inputs, "input '");
    const Node& n = graph_.nodes[at(lost_in_)];
    fail("layer '", n.name, "' (", n.op->type(), "): tensor '", graph_.value(n.inputs[0]).name,
         "' has NaN or infinite elements or makes the results infinite, which integers cannot represent");
  }

  void make_plan(const std::vector<Shape>& input_shapes) {
    output_shapes_.clear();  // if an error follows, nothing is planned
    group_inputs_.clear();
    group_outputs_.clear();
    std::vector<Shape> shapes = input_shapes;
    groups_ = observer_ ? 1 : image_groups(graph_, shapes);
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      if (groups_ > 1) shapes[i][0] /= groups_;
      group_inputs_.push_back({graph_.value(graph_.inputs[i]).dtype, shapes[i], nullptr});
    }
    layers_.plan(shapes, pool_->size());
    planned_ = input_shapes;
    for (int v : graph_.outputs) {
      Shape s = layers_.shapes()[at(v)];
      group_outputs_.push_back({graph_.value(v).dtype, s, nullptr});
      if (groups_ > 1) s[0] *= groups_;
      output_shapes_.push_back(s);
    }
  }

  Graph graph_;
  const Kernels* kernels_;
  std::shared_ptr<ThreadPool> pool_;
  PreparedLayers layers_;
  std::vector<Shape> planned_, output_shapes_;
  std::int64_t groups_ = 1;  // of images, computed one after another in the same memory
  std::vector<TensorRef> group_inputs_, group_outputs_;
  NotFinite when_not_finite_;
  bool sizes_follow_;
  LostNumbers lost_;
  int lost_in_ = Node::none;  // the first layer of the last run that reported one
  std::function<void(const Value&, const TensorRef&)> observer_;
  bool profiling_ = false;
};

}  // namespace detail
OCTET_END
