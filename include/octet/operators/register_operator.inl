#pragma once
#include <algorithm>
#include <list>
#include <mutex>

#include "all.hpp"
#include "register_operator.hpp"

OCTET_BEGIN
namespace detail {

/// The registered operators. Their addresses are stable, and none is ever removed.
struct OwnOperators {
  std::mutex mutex;
  std::list<OperatorType> list;

  template <class Is>
  const OperatorType* find(Is is) {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto it = std::find_if(list.begin(), list.end(), is);
    return it == list.end() ? nullptr : &*it;
  }
};

inline OwnOperators& own_operators() {
  static OwnOperators all;
  return all;
}

template <class... Ops>
std::vector<OperatorType> operator_types() {
  return {operator_type<Ops>()...};
}

OCTET_API const std::vector<OperatorType>& built_in_operators() {
  static const std::vector<OperatorType> all =
      operator_types<ArgMax, ArgMaxPool, AveragePool, BatchNormalization, Binary, Compress, Concat, ConvInteger,
                     Convert, Convolution, CumulativeSum, DequantizeLinear, DetectionPostProcess, Dropout,
                     DynamicQuantizeLinear, Expand, FakeQuantize, FakeQuantizeSums, FakeQuantizeWeights, Flatten,
                     FullyConnected, octet::Gather, GatherElements, GatherND, GridSample, Identity,
                     LocalResponseNormalization, MatMul, MatMulInteger, MaxPool, MaxUnpool, NonMaxSuppression, NonZero,
                     NumberRange, Pad, PRelu, Parametrized, QuantizeLinear, Recurrent, Reduce, Reshape, Resize,
                     ReverseSequence, ScatterElements, ScatterND, SizesOf, Slice, SoftNonMaxSuppression, Softmax, Split,
                     Squeeze, TopK, Transpose, TransposedConvolution, Unary, Unpool, Unsqueeze, Where>();
  return all;
}

OCTET_API const OperatorType* find_operator(const std::string& type) {
  for (const OperatorType& t : built_in_operators())
    if (t.name == type) return &t;
  return own_operators().find([&](const OperatorType& t) { return t.name == type; });
}

OCTET_API std::shared_ptr<Operator> new_operator(const std::string& type) {
  const OperatorType* t = find_operator(type);
  return t ? t->make() : nullptr;
}
OCTET_API std::shared_ptr<Operator> copy_of(const Operator& op) {
  const OperatorType* t = find_operator(op.type());
  return t ? t->copy(op) : nullptr;
}

/// The default ONNX domain has two names.
inline std::string_view onnx_domain(std::string_view domain) {
  return domain == "ai.onnx" ? std::string_view() : domain;
}

OCTET_API const OperatorType* find_onnx_operator(std::string_view domain, std::string_view type) {
  return own_operators().find([&](const OperatorType& t) {
    return !type.empty() && t.files.onnx_type == type && onnx_domain(t.files.onnx_domain) == onnx_domain(domain);
  });
}

OCTET_API const OperatorType* find_tflite_operator(std::string_view code) {
  return own_operators().find([&](const OperatorType& t) { return !code.empty() && t.files.tflite_code == code; });
}

OCTET_API void register_operator(OperatorType type) {
  static std::mutex one_at_a_time;
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  const OperatorNames& files = type.files;
  require(!type.name.empty(), "an operator without a type name cannot be registered");
  require(!find_operator(type.name), "an operator of type '", type.name, "' is already registered");
  if (const OperatorType* other = find_onnx_operator(files.onnx_domain, files.onnx_type))
    fail("operator '", type.name, "': the ONNX operator '", files.onnx_type, "' of domain '", files.onnx_domain,
         "' is already registered, as '", other->name, "'");
  if (const OperatorType* other = find_tflite_operator(files.tflite_code))
    fail("operator '", type.name, "': the TFLite custom operator '", files.tflite_code, "' is already registered, as '",
         other->name, "'");
  const std::lock_guard<std::mutex> list_lock(own_operators().mutex);
  own_operators().list.push_back(std::move(type));
}

}  // namespace detail
OCTET_END
