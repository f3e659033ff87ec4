#pragma once
#include <flatbuffers/flatbuffers.h>

#include <map>

#include "../../core/any_tensor.hpp"
#include "../../core/quant_params.hpp"
#include "../../import/tflite/metadata_schema.hpp"
#include "../../import/tflite/schema.hpp"

/// The parts of a TFLite file.
OCTET_BEGIN
namespace detail::tflite {

/// The TensorType of an element type, -1 if there is none.
inline int tensor_type(DType t) noexcept {
  switch (t) {
    case DType::f32: return 0;
    case DType::f16: return 1;
    case DType::i32: return 2;
    case DType::u8: return 3;
    case DType::i64: return 4;
    case DType::boolean: return 6;
    case DType::i16: return 7;
    case DType::i8: return 9;
    case DType::f64: return 10;
    default: return -1;
  }
}

/// That of a constant, which may also be packed weights.
inline int constant_type(DType t) noexcept { return t == DType::i4 ? 17 : tensor_type(t); }

/// The number of a builtin operator.
inline int operator_code(const std::string& name) {
  int code = 0;
  while (operator_name(code) != name) ++code;
  return code;
}

/// The options of an operator: their type, and the value of each field that differs from 0.
struct Options {
  int type = 0;
  std::map<int, std::int8_t> bytes = {};
  std::vector<int> cleared = {};  // flags that are false, and true where a file lacks them
  std::map<int, std::int32_t> integers = {};
  std::map<int, float> reals = {};
  std::map<int, std::vector<std::int32_t>> lists = {};

  explicit Options(int t = 0) : type(t) {}
  Options& byte(int field, int x) { return bytes[field] = static_cast<std::int8_t>(x), *this; }
  Options& clear(int field) { return cleared.push_back(field), *this; }
  Options& integer(int field, std::int64_t x) { return integers[field] = static_cast<std::int32_t>(x), *this; }
  Options& real(int field, double x) { return reals[field] = static_cast<float>(x), *this; }
  Options& list(int field, std::vector<std::int32_t> x) { return lists[field] = std::move(x), *this; }
};

struct FileTensor {
  std::string name;
  DType dtype;
  Shape shape;
  QuantParams quant = {};
  AnyTensor data = {};
};

struct FileOperator {
  std::string type;  // of a builtin operator, or the code of a custom one
  int version = 1;
  std::vector<int> inputs, outputs;
  Options options;
  bool custom = false;
  std::vector<std::uint8_t> custom_options = {};
};

/// Collects tensors and operators, and writes them.
class File {
 public:
  std::vector<FileTensor> tensors;
  std::vector<FileOperator> operators;
  std::vector<int> inputs, outputs;
  std::vector<std::pair<std::string, std::string>> metadata;  // names and bytes

  /// The file, with up to `largest` bytes of constants and metadata.
  std::string bytes(std::size_t largest) {
    std::size_t size = 0;
    for (const FileTensor& t : tensors) size += t.data.size_bytes();
    for (const auto& text : metadata) size += text.second.size();
    require<FormatError>(size <= largest, "the model has constants and metadata of ", size,
                         " bytes, of which a .tflite file holds ", largest,
                         " (SaveOptions::largest_file): save it as .onnx or .octet");
    std::vector<Offset> buffers{write_buffer(AnyTensor())}, tables;
    for (const FileTensor& t : tensors) tables.push_back(write_tensor(t, buffers));
    const auto tensor_list = b_.CreateVector(tables);
    const auto in = b_.CreateVector(inputs), out = b_.CreateVector(outputs);
    const auto codes = write_codes();
    const auto operator_list = write_operators();
    const auto name = b_.CreateString("main");
    const Offset graph = table({{subgraph_field::tensors, tensor_list.o},
                                {subgraph_field::inputs, in.o},
                                {subgraph_field::outputs, out.o},
                                {subgraph_field::operators, operator_list.o},
                                {subgraph_field::name, name.o}});
    const auto graphs = b_.CreateVector(std::vector<Offset>{graph});
    const auto signatures = b_.CreateVector(std::vector<Offset>{write_signature()});
    const auto description = b_.CreateString("octet");
    const auto texts = b_.CreateVector(write_metadata(buffers));
    const auto buffer_list = b_.CreateVector(buffers);
    const auto start = b_.StartTable();
    b_.AddElement<std::uint32_t>(slot(model_field::version), 3, 0);
    b_.AddOffset(slot(model_field::operator_codes), codes);
    b_.AddOffset(slot(model_field::subgraphs), graphs);
    b_.AddOffset(slot(model_field::description), description);
    b_.AddOffset(slot(model_field::buffers), buffer_list);
    if (!metadata.empty()) b_.AddOffset(slot(model_field::metadata), texts);
    b_.AddOffset(slot(model_field::signature_defs), signatures);
    b_.Finish(Offset(b_.EndTable(start)), "TFL3");
    return {reinterpret_cast<const char*>(b_.GetBufferPointer()), b_.GetSize()};
  }

 private:
  using Offset = flatbuffers::Offset<void>;
  static flatbuffers::voffset_t slot(int field) {
    return flatbuffers::FieldIndexToOffset(static_cast<flatbuffers::voffset_t>(field));
  }

  Offset table(const std::vector<std::pair<int, flatbuffers::uoffset_t>>& offsets) {
    const auto start = b_.StartTable();
    for (const auto& [field, offset] : offsets)
      if (offset) b_.AddOffset(slot(field), Offset(offset));
    return Offset(b_.EndTable(start));
  }
  Offset write_buffer(const AnyTensor& data) { return data ? write_buffer(data.data(), data.size_bytes()) : table({}); }
  Offset write_buffer(const void* data, std::size_t size) {
    b_.ForceVectorAlignment(size, 1, 16);
    const auto v = b_.CreateVector(static_cast<const std::uint8_t*>(data), size);
    return table({{buffer_field::data, v.o}});
  }
  std::vector<Offset> write_metadata(std::vector<Offset>& buffers) {
    std::vector<Offset> all;
    for (const auto& [name, bytes] : metadata) {
      const auto text = b_.CreateString(name);
      const auto start = b_.StartTable();
      b_.AddOffset(slot(metadata_field::name), text);
      b_.AddElement<std::uint32_t>(slot(metadata_field::buffer), static_cast<std::uint32_t>(buffers.size()), 0);
      all.push_back(Offset(b_.EndTable(start)));
      buffers.push_back(write_buffer(bytes.data(), bytes.size()));
    }
    return all;
  }
  Offset write_tensor(const FileTensor& t, std::vector<Offset>& buffers) {
    std::vector<std::int32_t> shape, signature;
    for (std::int64_t d : t.shape) {
      require<FormatError>(d < (std::int64_t{1} << 31), "tensor '", t.name, "' has a size of ", d,
                           ", expected less than 2^31");
      shape.push_back(static_cast<std::int32_t>(d < 0 ? 1 : d));
      signature.push_back(static_cast<std::int32_t>(d));
    }
    std::uint32_t buffer = 0;
    if (t.data) {
      buffer = static_cast<std::uint32_t>(buffers.size());
      buffers.push_back(write_buffer(t.data));
    }
    const auto sizes = b_.CreateVector(shape);
    const auto open = t.shape.known() ? decltype(sizes)() : b_.CreateVector(signature);
    const auto name = b_.CreateString(t.name);
    const Offset quant = t.quant ? write_quantization(t.quant) : Offset();
    const auto start = b_.StartTable();
    b_.AddOffset(slot(tensor_field::shape), sizes);
    b_.AddElement<std::int8_t>(slot(tensor_field::type), static_cast<std::int8_t>(constant_type(t.dtype)), 0);
    b_.AddElement<std::uint32_t>(slot(tensor_field::buffer), buffer, 0);
    b_.AddOffset(slot(tensor_field::name), name);
    if (quant.o) b_.AddOffset(slot(tensor_field::quantization), quant);
    if (open.o) b_.AddOffset(slot(tensor_field::shape_signature), open);
    return Offset(b_.EndTable(start));
  }
  Offset write_quantization(const QuantParams& q) {
    const std::vector<std::int64_t> zeros(q.zero_point.begin(), q.zero_point.end());
    const auto scale = b_.CreateVector(q.scale);
    const auto zero = b_.CreateVector(zeros);
    const auto start = b_.StartTable();
    b_.AddOffset(slot(quantization_field::scale), scale);
    b_.AddOffset(slot(quantization_field::zero_point), zero);
    b_.AddElement<std::int32_t>(slot(quantization_field::quantized_dimension), std::max(q.axis, 0), 0);
    return Offset(b_.EndTable(start));
  }

  using Code = std::pair<std::string, int>;  // type and version
  flatbuffers::Offset<flatbuffers::Vector<Offset>> write_codes() {
    std::vector<Offset> codes;
    for (const FileOperator& o : operators) {
      if (!code_index_.emplace(Code(o.type, o.version), static_cast<std::uint32_t>(codes.size())).second) continue;
      const int code = operator_code(o.custom ? "CUSTOM" : o.type);
      const auto custom = o.custom ? b_.CreateString(o.type) : flatbuffers::Offset<flatbuffers::String>();
      const auto start = b_.StartTable();
      b_.AddElement<std::int8_t>(slot(operator_code_field::deprecated_builtin_code),
                                 static_cast<std::int8_t>(std::min(code, 127)), 0);
      if (o.custom) b_.AddOffset(slot(operator_code_field::custom_code), custom);
      b_.AddElement<std::int32_t>(slot(operator_code_field::version), o.version, 1);
      b_.AddElement<std::int32_t>(slot(operator_code_field::builtin_code), code, 0);
      codes.push_back(Offset(b_.EndTable(start)));
    }
    return b_.CreateVector(codes);
  }
  Offset write_options(const Options& o) {
    std::map<int, flatbuffers::Offset<flatbuffers::Vector<std::int32_t>>> lists;
    for (const auto& [field, list] : o.lists) lists[field] = b_.CreateVector(list);
    const auto start = b_.StartTable();
    for (const auto& [field, x] : o.bytes) b_.AddElement<std::int8_t>(slot(field), x, 0);
    for (int field : o.cleared) b_.AddElement<std::uint8_t>(slot(field), 0, 1);
    for (const auto& [field, x] : o.integers) b_.AddElement<std::int32_t>(slot(field), x, 0);
    for (const auto& [field, x] : o.reals) b_.AddElement<float>(slot(field), x, 0.0f);
    for (const auto& [field, x] : lists) b_.AddOffset(slot(field), x);
    return Offset(b_.EndTable(start));
  }
  flatbuffers::Offset<flatbuffers::Vector<Offset>> write_operators() {
    std::vector<Offset> all;
    for (const FileOperator& o : operators) {
      const auto in = b_.CreateVector(o.inputs), out = b_.CreateVector(o.outputs);
      const Offset options = o.options.type ? write_options(o.options) : Offset();
      const auto custom =
          o.custom ? b_.CreateVector(o.custom_options) : flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>>();
      const auto start = b_.StartTable();
      b_.AddElement<std::uint32_t>(slot(operator_field::opcode_index), code_index_.at({o.type, o.version}), 0);
      b_.AddOffset(slot(operator_field::inputs), in);
      b_.AddOffset(slot(operator_field::outputs), out);
      b_.AddElement<std::uint8_t>(slot(operator_field::options_type), static_cast<std::uint8_t>(o.options.type), 0);
      if (options.o) b_.AddOffset(slot(operator_field::options), options);
      if (o.custom) b_.AddOffset(slot(operator_field::custom_options), custom);
      all.push_back(Offset(b_.EndTable(start)));
    }
    return b_.CreateVector(all);
  }
  Offset write_signature() {
    const auto names = [&](const std::vector<int>& list) {
      std::vector<Offset> all;
      for (int t : list) {
        const auto name = b_.CreateString(tensors[static_cast<std::size_t>(t)].name);
        const auto start = b_.StartTable();
        b_.AddOffset(slot(0), name);
        b_.AddElement<std::uint32_t>(slot(1), static_cast<std::uint32_t>(t), 0);
        all.push_back(Offset(b_.EndTable(start)));
      }
      return b_.CreateVector(all);
    };
    const auto in = names(inputs), out = names(outputs);
    const auto key = b_.CreateString("serving_default");
    return table({{0, in.o}, {1, out.o}, {2, key.o}});
  }

  flatbuffers::FlatBufferBuilder b_;
  std::map<Code, std::uint32_t> code_index_;
};

}  // namespace detail::tflite
OCTET_END
