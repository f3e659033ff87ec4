#pragma once
#include <flatbuffers/flatbuffers.h>
#include <map>
#include <octet/import/tflite/schema.hpp>
#include <octet/import/tflite/tflite.hpp>

#include "testing.hpp"

/// Writes small TFLite files for tests, and runs them.
namespace testing::tflite {

using octet::AnyTensor;
using octet::DType;
using octet::QuantParams;

/// One option of an operator: field number and value.
struct Option {
  enum class Kind : std::uint8_t { integer, byte, real, list };
  int field = 0;
  Kind kind = Kind::integer;
  std::int32_t integer = 0;
  float real = 0;
  std::vector<std::int32_t> list;
};
inline Option integer(int field, std::int32_t x) { return {field, Option::Kind::integer, x, 0, {}}; }
/// A bool or an enumerator.
inline Option byte(int field, std::int32_t x) { return {field, Option::Kind::byte, x, 0, {}}; }
inline Option real(int field, float x) { return {field, Option::Kind::real, 0, x, {}}; }
inline Option list(int field, std::vector<std::int32_t> x) { return {field, Option::Kind::list, 0, 0, std::move(x)}; }

constexpr int same = 0, valid = 1;  // padding
constexpr int no_activation = 0, relu = 1, relu_n1_to_1 = 2, relu6 = 3;
/// One number for the vertical and one for the horizontal dimension.
struct Pair {
  int h, w;
  Pair(int both) : h(both), w(both) {}
  Pair(int vertical, int horizontal) : h(vertical), w(horizontal) {}
};
/// Options of CONV_2D, DEPTHWISE_CONV_2D and pools. As in the schema, padding is first, and horizontal before vertical.
inline std::vector<Option> convolution_options(int padding, Pair stride, int activation = 0, Pair dilation = 1) {
  return {byte(0, padding),    integer(1, stride.w),   integer(2, stride.h),
          byte(3, activation), integer(4, dilation.w), integer(5, dilation.h)};
}
inline std::vector<Option> depthwise_options(int padding, Pair stride, int multiplier, int activation = 0,
                                             Pair dilation = 1) {
  return {byte(0, padding),    integer(1, stride.w),   integer(2, stride.h),  integer(3, multiplier),
          byte(4, activation), integer(5, dilation.w), integer(6, dilation.h)};
}
inline std::vector<Option> pool_options(int padding, Pair size, Pair stride, int activation = 0) {
  return {byte(0, padding),   integer(1, stride.w), integer(2, stride.h),
          integer(3, size.w), integer(4, size.h),   byte(5, activation)};
}

class ModelBuilder {
 public:
  std::string description = "octet's tests";
  std::uint32_t version = 3;

  /// Adds a computed tensor or an input. Returns its index.
  int tensor(const std::string& name, const octet::Shape& shape, DType dtype = DType::f32, QuantParams quant = {}) {
    tensors_.push_back({name, {shape.begin(), shape.end()}, dtype, std::move(quant), {}});
    return static_cast<int>(tensors_.size()) - 1;
  }
  int constant(const std::string& name, const AnyTensor& values, QuantParams quant = {}) {
    const int t = tensor(name, {values.shape().begin(), values.shape().end()}, values.dtype(), std::move(quant));
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(values.data());
    tensors_.back().data.assign(bytes, bytes + values.size_bytes());
    return t;
  }
  int integers(const std::string& name, const std::vector<std::int32_t>& values) {
    return constant(name, octet::Tensor<std::int32_t>({static_cast<std::int64_t>(values.size())}, values));
  }
  /// Declares other sizes for a tensor than its elements have.
  void declare(int tensor, std::vector<std::int32_t> shape) {
    tensors_[static_cast<std::size_t>(tensor)].shape = std::move(shape);
  }
  /// Sizes of a tensor that the file leaves open are -1 here.
  void leave_open(int tensor, std::vector<std::int32_t> signature) {
    tensors_[static_cast<std::size_t>(tensor)].signature = std::move(signature);
  }
  /// Adds an operator by its name in the schema; other names are custom operators.
  void op(const std::string& name, std::vector<std::int32_t> in, std::vector<std::int32_t> out,
          std::vector<Option> options = {}, std::vector<std::uint8_t> custom_options = {}) {
    operators_.push_back({name, std::move(in), std::move(out), std::move(options), std::move(custom_options)});
  }

  std::vector<std::uint8_t> finish(const std::vector<std::int32_t>& inputs, const std::vector<std::int32_t>& outputs) {
    std::vector<Table> tensors, operators, codes, buffers{table({})};  // the first buffer is empty
    for (const TensorSpec& t : tensors_) tensors.push_back(add_tensor(t, buffers));
    for (std::size_t i = 0; i < operators_.size(); ++i) {
      codes.push_back(add_code(operators_[i].name));
      operators.push_back(add_operator(operators_[i], static_cast<std::uint32_t>(i)));
    }
    const auto graph = table({tables(tensors), numbers(inputs), numbers(outputs), tables(operators), text("main")});
    const auto graphs = tables({graph}), all_codes = tables(codes), all_buffers = tables(buffers),
               about = text(description);
    const auto start = fb_.StartTable();
    fb_.AddElement(slot(0), version, 0u);
    fb_.AddOffset(slot(1), all_codes);
    fb_.AddOffset(slot(2), graphs);
    fb_.AddOffset(slot(3), about);
    fb_.AddOffset(slot(4), all_buffers);
    fb_.Finish(Table(fb_.EndTable(start)), "TFL3");
    return {fb_.GetBufferPointer(), fb_.GetBufferPointer() + fb_.GetSize()};
  }

 private:
  using Table = flatbuffers::Offset<flatbuffers::Table>;
  using Any = flatbuffers::Offset<void>;
  struct TensorSpec {
    std::string name;
    std::vector<std::int32_t> shape;
    DType dtype;
    QuantParams quant;
    std::vector<std::uint8_t> data;
    std::vector<std::int32_t> signature = {};
  };
  struct OperatorSpec {
    std::string name;
    std::vector<std::int32_t> in, out;
    std::vector<Option> options;
    std::vector<std::uint8_t> custom_options;
  };

  static flatbuffers::voffset_t slot(int field) { return static_cast<flatbuffers::voffset_t>(4 + 2 * field); }
  static Any any(flatbuffers::uoffset_t o) { return Any(o); }
  template <class T>
  Any numbers(const std::vector<T>& v) {
    return any(fb_.CreateVector(v).o);
  }
  Any text(const std::string& s) { return any(fb_.CreateSharedString(s).o); }
  Any tables(const std::vector<Table>& t) { return any(fb_.CreateVector(t).o); }
  /// A table with these first fields.
  Table table(const std::vector<Any>& fields) {
    const auto start = fb_.StartTable();
    for (std::size_t i = 0; i < fields.size(); ++i) fb_.AddOffset(slot(static_cast<int>(i)), fields[i]);
    return Table(fb_.EndTable(start));
  }

  static std::int8_t type_code(DType t) {
    for (int code = 0; code < 18; ++code) try {
        if (octet::detail::tflite::element_type(code) == t) return static_cast<std::int8_t>(code);
      } catch (const octet::Error&) {
      }
    octet::detail::fail("no such type");
  }

  Table add_tensor(const TensorSpec& t, std::vector<Table>& buffers) {
    std::uint32_t buffer = 0;
    if (!t.data.empty()) {
      fb_.ForceVectorAlignment(t.data.size(), 1, 16);
      buffer = static_cast<std::uint32_t>(buffers.size());
      buffers.push_back(table({numbers(t.data)}));
    }
    Any quant;
    if (t.quant) {
      const Any scale = numbers(t.quant.scale);
      const Any zero = numbers(std::vector<std::int64_t>(t.quant.zero_point.begin(), t.quant.zero_point.end()));
      const auto start = fb_.StartTable();
      fb_.AddOffset(slot(2), scale);
      fb_.AddOffset(slot(3), zero);
      fb_.AddElement<std::int32_t>(slot(6), std::max(t.quant.axis, 0), 0);
      quant = any(fb_.EndTable(start));
    }
    const Any shape = numbers(t.shape), name = text(t.name), signature = numbers(t.signature);
    const auto start = fb_.StartTable();
    fb_.AddOffset(slot(0), shape);
    fb_.AddElement<std::int8_t>(slot(1), type_code(t.dtype), 0);
    fb_.AddElement<std::uint32_t>(slot(2), buffer, 0);
    fb_.AddOffset(slot(3), name);
    if (!quant.IsNull()) fb_.AddOffset(slot(4), quant);
    if (!t.signature.empty()) fb_.AddOffset(slot(7), signature);
    return Table(fb_.EndTable(start));
  }

  Table add_code(const std::string& name) {
    constexpr int builtins = 162, custom = 32;
    int code = custom;
    for (int i = 0; i < builtins; ++i)
      if (octet::detail::tflite::operator_name(i) == name) code = i;
    const Any custom_code = code == custom ? text(name) : Any();
    const auto start = fb_.StartTable();
    fb_.AddElement<std::int8_t>(slot(0), static_cast<std::int8_t>(std::min(code, 127)), 0);
    if (code == custom) fb_.AddOffset(slot(1), custom_code);
    fb_.AddElement<std::int32_t>(slot(2), 1, 0);
    fb_.AddElement<std::int32_t>(slot(3), code, 0);
    return Table(fb_.EndTable(start));
  }

  Table add_operator(const OperatorSpec& op, std::uint32_t code) {
    std::vector<Any> lists;
    for (const Option& o : op.options) lists.push_back(o.kind == Option::Kind::list ? numbers(o.list) : Any());
    auto start = fb_.StartTable();
    for (std::size_t i = 0; i < lists.size(); ++i) {
      const Option& o = op.options[i];
      switch (o.kind) {
        case Option::Kind::integer: fb_.AddElement<std::int32_t>(slot(o.field), o.integer); break;
        case Option::Kind::byte: fb_.AddElement<std::int8_t>(slot(o.field), static_cast<std::int8_t>(o.integer)); break;
        case Option::Kind::real: fb_.AddElement<float>(slot(o.field), o.real); break;
        case Option::Kind::list: fb_.AddOffset(slot(o.field), lists[i]); break;
      }
    }
    const auto options = any(fb_.EndTable(start));
    const Any in = numbers(op.in), out = numbers(op.out);
    const Any custom = op.custom_options.empty() ? Any() : numbers(op.custom_options);
    start = fb_.StartTable();
    fb_.AddElement<std::uint32_t>(slot(0), code, 0);
    fb_.AddOffset(slot(1), in);
    fb_.AddOffset(slot(2), out);
    fb_.AddElement<std::uint8_t>(slot(3), options_type(op.name), 0);
    fb_.AddOffset(slot(4), options);
    if (!custom.IsNull()) fb_.AddOffset(slot(5), custom);
    return Table(fb_.EndTable(start));
  }

  /// The type of the options in the schema's union, which octet ignores, but other readers need.
  static std::uint8_t options_type(const std::string& name) {
    static const std::map<std::string, std::uint8_t> types{{"CONV_2D", 1},
                                                           {"DEPTHWISE_CONV_2D", 2},
                                                           {"AVERAGE_POOL_2D", 5},
                                                           {"MAX_POOL_2D", 5},
                                                           {"FULLY_CONNECTED", 8},
                                                           {"SOFTMAX", 9},
                                                           {"CONCATENATION", 10},
                                                           {"ADD", 11},
                                                           {"LOCAL_RESPONSE_NORMALIZATION", 13},
                                                           {"RESIZE_BILINEAR", 15},
                                                           {"RESHAPE", 17},
                                                           {"SPACE_TO_DEPTH", 19},
                                                           {"MUL", 21},
                                                           {"PAD", 22},
                                                           {"GATHER", 23},
                                                           {"TRANSPOSE", 26},
                                                           {"MEAN", 27},
                                                           {"SUM", 27},
                                                           {"REDUCE_MAX", 27},
                                                           {"REDUCE_MIN", 27},
                                                           {"SUB", 28},
                                                           {"DIV", 29},
                                                           {"SQUEEZE", 30},
                                                           {"STRIDED_SLICE", 32},
                                                           {"SPLIT", 35},
                                                           {"LOG_SOFTMAX", 36},
                                                           {"CAST", 37},
                                                           {"MAXIMUM", 39},
                                                           {"MINIMUM", 39},
                                                           {"PADV2", 43},
                                                           {"SLICE", 48},
                                                           {"TRANSPOSE_CONV", 49},
                                                           {"EXPAND_DIMS", 52},
                                                           {"SHAPE", 55},
                                                           {"PACK", 59},
                                                           {"UNPACK", 64},
                                                           {"RESIZE_NEAREST_NEIGHBOR", 74},
                                                           {"LEAKY_RELU", 75},
                                                           {"MIRROR_PAD", 77},
                                                           {"SPLIT_V", 79},
                                                           {"DEPTH_TO_SPACE", 94},
                                                           {"BATCH_MATMUL", 101},
                                                           {"GELU", 116}};
    const auto it = types.find(name);
    return it == types.end() ? std::uint8_t{0} : it->second;
  }

  flatbuffers::FlatBufferBuilder fb_;
  std::vector<TensorSpec> tensors_;
  std::vector<OperatorSpec> operators_;
};

inline octet::Model parse(const std::vector<std::uint8_t>& file, const octet::LoadOptions& options = {}) {
  return octet::parse_tflite(octet::View<const std::uint8_t>(file), "test.tflite", options);
}

/// The outputs of a model. Checks that they do not depend on optimization.
inline std::vector<AnyTensor> outputs(const octet::Model& m, const std::vector<AnyTensor>& in) {
  std::vector<AnyTensor> plain = run_plain(m, in);
  const std::vector<AnyTensor> optimized = octet::Executor(m).run(in);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    REQUIRE(optimized[i].shape() == plain[i].shape());
    if (plain[i].dtype() == DType::f32)
      CHECK(largest_difference(floats(plain[i]), floats(optimized[i])) < 1e-4);
    else if (plain[i].size() > 0)
      CHECK(std::memcmp(plain[i].data(), optimized[i].data(), plain[i].size_bytes()) == 0);
  }
  return plain;
}

}  // namespace testing::tflite
