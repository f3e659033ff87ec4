#pragma once
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../core/any_tensor.hpp"
#include "../core/quant_params.hpp"
#include "../core/range.hpp"
#include "prepare_options.hpp"

OCTET_BEGIN

class FieldVisitor;
class Graph;
class GradientStep;
class Step;
struct Node;
namespace detail {
struct Kernels;
}

/// How integer layers requantize their sums. A property of the whole model.
enum class Rounding : std::uint8_t {
  fp32,           ///< multiply in float, round half to even: the default, as in XNNPACK and ONNX
  tflite_double,  ///< TFLite's reference kernels: fixed point, rounded twice, half up and then half away from zero
  tflite_single,  ///< TFLite built with single rounding
  litert          ///< as each of LiteRT's own kernels: tflite_single or tflite_double, by operator
};

/// A tensor of a graph: constant (weights), or computed in every run.
struct Value {
  std::string name;          ///< should be unique: calibrations, plans and messages use it
  DType dtype = DType::f32;  ///< of the elements, also of the codes of quantized tensors
  Shape shape;               ///< as declared; sizes may be unknown
  QuantParams quant;         ///< of quantized tensors
  AnyTensor constant;        ///< empty for computed tensors

  /// Whether the tensor is part of the model.
  bool is_constant() const noexcept { return static_cast<bool>(constant); }
  /// Whether elements are codes with scale and zero point.
  bool is_quantized() const noexcept { return static_cast<bool>(quant); }
  /// Whether elements are codes with one scale and zero point for the whole tensor.
  bool has_one_scale() const noexcept { return is_quantized() && !quant.per_channel(); }
};

/// The context of a shape rule: the operator's inputs, as far as they are known.
class ShapeContext {
 public:
  /// `node` and `type` name the layer in messages; `values` are null for missing optional inputs, with one shape each.
  ShapeContext(const std::string& node, const char* type, std::vector<const Value*> values, std::vector<Shape> shapes)
      : node_(node), type_(type), values_(std::move(values)), shapes_(std::move(shapes)) {}

  /// Number of inputs, missing ones included.
  int inputs() const noexcept { return static_cast<int>(values_.size()); }
  /// Whether input i exists; optional ones may be missing.
  bool has(int i) const noexcept { return i < inputs() && values_[static_cast<std::size_t>(i)]; }
  /// The shape of input i, which may have unknown sizes. Throws ShapeError if input i is missing.
  const Shape& shape(int i) const {
    need(i);
    return shapes_[static_cast<std::size_t>(i)];
  }
  /// The number of dimensions of input i. Throws ShapeError if it is missing.
  int rank(int i) const { return shape(i).rank(); }
  /// The element type of input i. Throws ShapeError if it is missing.
  DType dtype(int i) const { return value(i).dtype; }
  /// Input i as declared in the graph. Throws ShapeError if it is missing.
  const Value& value(int i) const {
    need(i);
    return *values_[static_cast<std::size_t>(i)];
  }

  /// Throws ShapeError: the layer's name and type, then the parts.
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    detail::fail<ShapeError>("layer '", node_, "' (", type_, "): ", parts...);
  }
  /// Throws ShapeError, as fail does, unless the condition holds.
  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    if (!condition) fail(parts...);
  }

 private:
  void need(int i) const { require(has(i), "expected at least ", i + 1, " inputs, found ", inputs()); }
  const std::string& node_;
  const char* type_;
  std::vector<const Value*> values_;
  std::vector<Shape> shapes_;
};

/// The context in which an operator is prepared for an executor.
class PrepareContext {
 public:
  /// References must outlive the context. `node` is a node of `graph`.
  PrepareContext(const Graph& graph, const Node& node, const detail::Kernels& kernels,
                 const PrepareOptions& options = {})
      : graph_(graph), node_(node), kernels_(kernels), options_(options) {}
  /// The layer's name.
  const std::string& name() const noexcept;
  /// Whether input `input` exists; optional ones may be missing.
  bool has(int input) const noexcept;
  /// Number of inputs, missing ones included.
  int inputs() const noexcept;
  /// Number of outputs.
  int outputs() const noexcept;
  /// Input i as declared in the graph. It must not be missing.
  const Value& input(int i) const;
  /// Output i as declared in the graph.
  const Value& output(int i = 0) const;
  /// How this layer requantizes: as the model says; for Rounding::litert, twice, except for plain products (int8
  /// convolutions that are not grouped, int8 fully connected layers).
  Rounding rounding(bool plain_product = false) const noexcept;
  /// Whether the model's rounding is Rounding::litert.
  bool as_litert() const noexcept;
  /// The kernels of the instruction set that is in use.
  const detail::Kernels& kernels() const noexcept { return kernels_; }
  /// What the executor asks of the layer.
  const PrepareOptions& options() const noexcept { return options_; }
  /// The elements of constant input i. Throws Error if it is not constant.
  const AnyTensor& constant(int i) const;
  /// The parameters of a tensor with one scale and zero point. Throws Error if it has several or none.
  const QuantParams& one_scale(const Value& v) const;
  /// Throws Error unless the value's quantization parameters are valid for it.
  void validate(const Value& v) const;
  /// A ratio of scales as float. Throws Error if it is not finite.
  float multiplier(double real) const;

  /// Throws Error: the layer's name and type, then the parts.
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    detail::fail(where(), parts...);
  }
  /// Throws Error, as fail does, unless the condition holds.
  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    if (!condition) fail(parts...);
  }

 private:
  std::string where() const;
  const Graph& graph_;
  const Node& node_;
  const detail::Kernels& kernels_;
  const PrepareOptions options_;
};

/// How an operator is used in an integer model (from quantize<int8>, or imported).
struct IntegerForm {
  /// Where the scale and zero point of output 0 come from.
  enum class Output : std::uint8_t {
    none,      ///< computed in float between dequantize and quantize
    measured,  ///< its own scale and zero point, from calibration
    as_input,  ///< the same as its input: pooling, reshape, ...
    fixed      ///< given by the operator (softmax, sigmoid, tanh)
  };
  Output output = Output::none;  ///< see Output
  Range range;                   ///< if fixed: all codes divide it evenly
  int weights = -1;              ///< input with weights [O, ...]
  int bias = -1;                 ///< input with an int32 bias, whose scale is input scale * weight scale
  bool rescales = false;         ///< if as_input: the output may have parameters of its own
  bool input_rescaled = false;   ///< if rescales: input 0 has to be converted to the parameters of the output before
  bool widens = false;           ///< if rescales: the output may leave the range of input 0
  bool compares = false;  ///< if none: depends only on the order of elements, so it also works on codes with one scale
};

/// Properties of an operator that passes, quantization, training and reports use instead of its type.
struct Traits {
  /// How an operator with weights (IntegerForm::weights, [O, ..., C / groups]) computes sums of products with input 0.
  enum class Products : std::uint8_t {
    none,
    all,  ///< each output element is a sum of products with all weights of its channel
    some  ///< ... with some weights of its channel: transposed convolution
  };
  Products products = Products::none;  ///< none: the layer has no weights, or they are not factors of products
  std::int64_t groups = 1;             ///< groups of channels
  bool pads = false;                   ///< pads input 0 with zeros
  int residual = -1;                   ///< index of the input that can be added to the sums, or -1
  double low = -std::numeric_limits<double>::infinity();  ///< the limits of an activation that clamps its results
  double high = std::numeric_limits<double>::infinity();  ///< likewise
  bool exchanges_codes = false;  ///< with int8 weights and float inputs: can read integers from such a layer instead,
                                 ///< and write them to one, where the activation between them has limits
  bool converts = false;         ///< converts the type or scale of the same numbers
  bool normalizes = false;       ///< normalizes by mean and variance of channels
  bool joins = false;            ///< concatenates its inputs
  bool makes_elements = false;   ///< the output has input 0's scale, but also elements that input 0 does not have
  bool fake_quantizes = false;   ///< fake quantization for training

  /// Whether the layer has an activation with limits.
  bool clamps() const noexcept {
    return !(low == -std::numeric_limits<double>::infinity() && high == std::numeric_limits<double>::infinity());
  }
};

/// How training changes a constant input.
enum class Learning : std::uint8_t {
  none,           ///< not changed
  by_gradient,    ///< a parameter
  by_statistics,  ///< running averages, updated by the forward pass
  elsewhere,      ///< may change, but not by a gradient of this layer
};

/// A kind of layer with its parameters. Immutable in a graph, so that graphs can share it.
class Operator {
 public:
  virtual ~Operator() = default;
  /// The name of the kind, for files and messages.
  virtual const char* type() const noexcept = 0;
  /// Visits every parameter of the layer, each with the name that model files use. Does nothing for layers without any.
  virtual void fields(FieldVisitor&) {}
  /// The shapes of all outputs. They may have unknown sizes if the inputs have. Throws ShapeError if the inputs do not
  /// match.
  virtual std::vector<Shape> shapes(const ShapeContext&) const = 0;
  /// The element type of output i when the graph is built.
  virtual DType dtype(const ShapeContext& c, int) const { return c.dtype(0); }
  /// Prepares the operator for inference: checks types, selects kernels, packs weights. Throws Error, with the layer's
  /// name, if the inputs are not supported.
  virtual std::unique_ptr<Step> prepare(const PrepareContext&) const = 0;
  /// Throws the same error as prepare if the operator does not support its inputs, but without packing weights.
  virtual OCTET_API void check(const PrepareContext& c) const;
  /// Prepares the operator for training. Throws Error if it has no gradient.
  virtual OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const;
  /// What training does with input i, if it is constant.
  virtual Learning learning(int) const { return Learning::none; }
  /// How quantization treats the layer; by default it stays float.
  virtual IntegerForm integer_form() const { return {}; }
  /// See Traits; by default none holds.
  virtual Traits traits() const { return {}; }
  /// Whether output 0, as declared, always equals input 0; with `training`, also their gradients.
  virtual OCTET_API bool passes_on(const Value& input, const Value& output, bool training) const;
  /// The same operator with its results additionally clamped to [low, high], for the fusion of activations. Null if it
  /// does not support that.
  virtual OCTET_API std::shared_ptr<const Operator> clamped(double low, double high) const;
  /// The same operator with additional padding of the spatial dimensions of input 0 by that value, for the fusion of
  /// padding. Null if it does not support that.
  virtual OCTET_API std::shared_ptr<const Operator> padded(const std::vector<std::int64_t>& before,
                                                           const std::vector<std::int64_t>& after, double value) const;
  /// A short description for display, for example "Conv 3x3/2" (stride 2).
  virtual OCTET_API std::string summary(const ShapeContext&) const;
  /// Number of multiply-adds of one run with these shapes.
  virtual std::int64_t macs(const ShapeContext&) const { return 0; }
};

/// Operators are shared by copies of a graph.
using OperatorPtr = std::shared_ptr<const Operator>;
/// Creates a shared operator. (std::make_shared would instantiate a separate type for each operator.)
template <class Op>
OperatorPtr make_operator(Op op) {
  return OperatorPtr(static_cast<const Operator*>(new Op(std::move(op))));
}

/// Base class of operators: implements type() by the constant `type_name` of Derived, which is different for each.
template <class Derived>
class OperatorOf : public Operator {
 public:
  /// The constant `type_name` of the operator.
  const char* type() const noexcept override { return Derived::type_name; }
};

/// The operator as a T, or null if it has another type.
template <class T>
const T* as(const Operator& op) noexcept {
  return std::strcmp(op.type(), T::type_name) == 0 ? static_cast<const T*>(&op) : nullptr;
}

OCTET_END
