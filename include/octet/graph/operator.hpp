#pragma once
#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "prepare_options.hpp"
#include "traits.hpp"
#include "value.hpp"

OCTET_BEGIN

class FieldVisitor;
class Graph;
class GradientStep;
class Step;
struct Node;
namespace detail {
struct Kernels;
}

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

  /// Whether input 0 has other dimensions than the first one, and axis a, in [-rank, rank), is one of these.
  bool beyond_first(std::int64_t a) const { return rank(0) > 1 && a != 0 && a != -rank(0); }
  /// Whether the inputs from i on are constant, or missing.
  bool constant_from(int i) const noexcept {
    for (; i < inputs(); ++i)
      if (has(i) && !values_[static_cast<std::size_t>(i)]->is_constant()) return false;
    return true;
  }

  /// The shape of a and b broadcast to each other. Throws ShapeError, as fail does, if they cannot be.
  Shape broadcast(const Shape& a, const Shape& b) const {
    require(can_broadcast(a, b), "shapes ", a, " and ", b, " cannot be broadcast");
    return octet::broadcast(a, b);
  }
  /// Whether constant inputs, broadcast to the others, are the same for all elements of the first dimension.
  bool constants_shared() const noexcept {
    int most = 0;
    for (const Shape& s : shapes_) most = std::max(most, s.rank());
    for (std::size_t i = 0; i < values_.size(); ++i)
      if (values_[i] && values_[i]->is_constant() && shapes_[i].rank() == most && most > 0 && shapes_[i][0] != 1)
        return false;
    return true;
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
  /// convolutions that are not grouped, int8 fully connected layers); for Rounding::fp32_centered and xnnpack, as fp32.
  Rounding rounding(bool plain_product = false) const noexcept;
  /// The same for operators that XNNPACK does not have: for Rounding::xnnpack, as for Rounding::litert.
  Rounding own_rounding(bool plain_product = false) const noexcept;
  /// Whether the model's rounding is Rounding::xnnpack.
  bool as_xnnpack() const noexcept;
  /// Whether the model's rounding is Rounding::litert.
  bool as_litert() const noexcept;
  /// Whether the model's rounding is Rounding::fp32_centered.
  bool rounds_centered() const noexcept;
  /// The kernels of the instruction set that is in use.
  const detail::Kernels& kernels() const noexcept { return kernels_; }
  /// The options of the executor or trainer.
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
  /// Whether image n of each output (element n of the first dimension) is computed from the images n of the inputs that
  /// are not constant, and nothing else, given that these and the outputs have as many images. If so, shapes() accepts
  /// any number of images.
  virtual bool by_image(const ShapeContext&) const { return false; }
  /// Whether output 0, as declared, always equals input 0; with `training`, also their gradients.
  virtual OCTET_API bool passes_on(const Value& input, const Value& output, bool training) const;
  /// The same operator with its results additionally clamped to [low, high], for the fusion of activations. Null if it
  /// does not support that.
  virtual OCTET_API std::shared_ptr<const Operator> clamped(double low, double high) const;
  /// The same operator for int8 codes that are computed as uint8 ones, 128 larger, where Model::rounding makes a
  /// difference between them. Null if there is none.
  virtual OCTET_API std::shared_ptr<const Operator> for_shifted_codes() const;
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
