#pragma once
#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../core/any_tensor.hpp"
#include "../core/quant_params.hpp"
#include "../core/thread_pool.hpp"
#include "../kernels/stored_range.hpp"
#include "../kernels/weight_memory.hpp"
#include "fields.hpp"

OCTET_BEGIN

/// How the sum of products of an integer model becomes an output: a property of the whole model.
enum class Rounding : std::uint8_t {
  fp32,           // float multiply, round half to even: octet's own, also XNNPACK's and ONNX's
  tflite_double,  // TFLite's reference kernels: fixed point, two roundings, half away from zero
  tflite_single   // TFLite built with single rounding
};

/// One tensor of a graph: constant (weights), or computed anew in every run.
struct Value {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;         // as declared; sizes may be unknown
  QuantParams quant;   // of integer types that stand for real numbers
  AnyTensor constant;  // weights; empty for what is computed

  bool is_constant() const noexcept { return static_cast<bool>(constant); }
  bool is_quantized() const noexcept { return static_cast<bool>(quant); }
};

/// What a shape rule sees: the operator's inputs, as far as they are known.
class ShapeContext {
 public:
  ShapeContext(const std::string& node, const char* type, std::vector<const Value*> values, std::vector<Shape> shapes)
      : node_(node), type_(type), values_(std::move(values)), shapes_(std::move(shapes)) {}

  int inputs() const noexcept { return static_cast<int>(values_.size()); }
  /// Whether input i was given; optional ones may be missing.
  bool has(int i) const noexcept { return i < inputs() && values_[static_cast<std::size_t>(i)]; }
  const Shape& shape(int i) const { return need(i), shapes_[static_cast<std::size_t>(i)]; }
  int rank(int i) const { return shape(i).rank(); }
  DType dtype(int i) const { return need(i), values_[static_cast<std::size_t>(i)]->dtype; }
  const Value& value(int i) const { return need(i), *values_[static_cast<std::size_t>(i)]; }

  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    detail::fail<ShapeError>("layer '", node_, "' (", type_, "): ", parts...);
  }
  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    if (!condition) fail(parts...);
  }

 private:
  void need(int i) const { require(has(i), "needs at least ", i + 1, " inputs, found ", inputs()); }
  const std::string& node_;
  const char* type_;
  std::vector<const Value*> values_;
  std::vector<Shape> shapes_;
};

/// What a step gets for one run: tensors with memory, scratch of the size it asked for, threads.
struct RunContext {
  const std::vector<TensorRef>& inputs;  // without data where an optional one is missing
  const std::vector<TensorRef>& outputs;
  std::byte* scratch = nullptr;  // aligned to 64 bytes
  ThreadPool* pool = nullptr;
  /// Set where a number that is not finite is lost on the way to integers: the model's float results become NaN.
  std::atomic<bool>* not_finite = nullptr;
  /// One for each image: of input 0, where the layer that made it measured it; of output 0, where it is asked for.
  const detail::ValueRange* input_range = nullptr;
  detail::ValueRange* output_range = nullptr;

  /// Memory of input i, or null where it is missing.
  const std::byte* input(std::size_t i) const noexcept { return i < inputs.size() ? inputs[i].data : nullptr; }
  std::byte* output(std::size_t i = 0) const noexcept { return outputs[i].data; }
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

struct Node;
class Graph;

/// What an operator sees when it is prepared for an executor.
class PrepareContext {
 public:
  PrepareContext(const Graph& graph, const Node& node, const detail::Kernels& kernels,
                 WeightMemory memory = WeightMemory::fast)
      : graph_(graph), node_(node), kernels_(kernels), memory_(memory) {}
  inline const std::string& name() const noexcept;
  inline bool has(int input) const noexcept;
  inline int inputs() const noexcept;
  inline int outputs() const noexcept;
  inline const Value& input(int i) const;
  inline const Value& output(int i = 0) const;
  inline Rounding rounding() const noexcept;
  const detail::Kernels& kernels() const noexcept { return kernels_; }
  WeightMemory memory() const noexcept { return memory_; }
  /// The elements of constant input i; throws where it is not constant.
  inline const AnyTensor& constant(int i) const;

  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    detail::fail(where(), parts...);
  }
  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    if (!condition) fail(parts...);
  }

 private:
  inline std::string where() const;
  const Graph& graph_;
  const Node& node_;
  const detail::Kernels& kernels_;
  WeightMemory memory_;
};

/// How an operator takes part in an integer model (quantize<int8>, and models that arrive quantized).
struct IntegerForm {
  enum class Output : std::uint8_t {
    none,      // computed in float between dequantize and quantize
    measured,  // its own scale and zero point, from calibration
    as_input,  // those of its input: pooling, reshape, ...
    fixed      // given by the operator (softmax, sigmoid, tanh)
  };
  Output output = Output::none;
  QuantParams params;  // where fixed, for int8
  int weights = -1;    // input that holds weights, and the axis of its output channels
  int weights_axis = 0;
  int bias = -1;          // input that holds an int32 bias of scale input * weights
  bool rescales = false;  // where as_input: computes with other output parameters as well
};

/// A kind of layer with its parameters. Immutable once in a graph, so that graphs share them.
class Operator {
 public:
  virtual ~Operator() = default;
  /// Name of the kind, for files and messages.
  virtual const char* type() const noexcept = 0;
  virtual void fields(FieldVisitor&) {}
  /// Shapes of all outputs. Unknown sizes of the inputs give unknown sizes; what cannot fit throws.
  virtual std::vector<Shape> shapes(const ShapeContext&) const = 0;
  /// Element type of output i when the graph is built.
  virtual DType dtype(const ShapeContext& c, int) const { return c.dtype(0); }
  virtual std::unique_ptr<Step> prepare(const PrepareContext&) const = 0;
  virtual IntegerForm integer_form() const { return {}; }
  /// The same operator with its results clamped to [low, high] (on top of any clamp it has), or null where it
  /// cannot: how activations are fused.
  virtual std::shared_ptr<const Operator> clamped(double low, double high) const;
  /// Multiply-accumulates of one run with these shapes.
  virtual std::int64_t macs(const ShapeContext&) const { return 0; }
};

using OperatorPtr = std::shared_ptr<const Operator>;

inline OperatorPtr Operator::clamped(double, double) const { return nullptr; }

namespace detail {
/// Gives an operator its name.
template <class Derived>
class OperatorOf : public Operator {
 public:
  const char* type() const noexcept override { return Derived::type_name; }
};
}  // namespace detail

/// The operator as a T, or null where it is something else.
template <class T>
const T* as(const Operator& op) noexcept {
  return std::strcmp(op.type(), T::type_name) == 0 ? static_cast<const T*>(&op) : nullptr;
}

OCTET_END
