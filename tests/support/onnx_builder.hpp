#pragma once
#include <octet/import/onnx/onnx.hpp>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

/// Writes small ONNX models.
namespace testing {

using Bytes = std::string;

/// ONNX's number of an element type.
inline int onnx_type(octet::DType t) {
  using octet::DType;
  switch (t) {
    case DType::f32: return 1;
    case DType::u8: return 2;
    case DType::i8: return 3;
    case DType::u16: return 4;
    case DType::i16: return 5;
    case DType::i32: return 6;
    case DType::i64: return 7;
    case DType::boolean: return 9;
    case DType::f16: return 10;
    case DType::f64: return 11;
    case DType::u4: return 21;
    case DType::i4: return 22;
    default: return 0;
  }
}

/// A TensorProto with raw data.
inline Bytes onnx_tensor(const std::string& name, const octet::AnyTensor& t) {
  Bytes b;
  protozero::pbf_writer w(b);
  w.add_packed_int64(1, t.shape().begin(), t.shape().end());
  w.add_int32(2, onnx_type(t.dtype()));
  w.add_string(8, name);
  w.add_bytes(9, reinterpret_cast<const char*>(t.data()), t.size_bytes());
  return b;
}

/// An AttributeProto.
struct OnnxAttribute {
  Bytes bytes;

  OnnxAttribute(const char* name, std::int64_t i) { start(name, 2).add_int64(3, i); }
  OnnxAttribute(const char* name, int i) : OnnxAttribute(name, std::int64_t{i}) {}
  OnnxAttribute(const char* name, float f) { start(name, 1).add_float(2, f); }
  OnnxAttribute(const char* name, const char* s) { start(name, 3).add_bytes(4, s); }
  OnnxAttribute(const char* name, std::vector<std::int64_t> v) {
    auto w = start(name, 7);
    for (std::int64_t i : v) w.add_int64(8, i);  // not packed, as proto2 writes them
  }
  OnnxAttribute(const char* name, std::vector<float> v) { start(name, 6).add_packed_float(7, v.begin(), v.end()); }
  /// A graph: OnnxBuilder::graph().
  static OnnxAttribute graph(const char* name, const Bytes& g) {
    OnnxAttribute a(name, 0);
    a.bytes.clear();
    Bytes named = g;
    protozero::pbf_writer(named).add_string(2, name);
    a.start(name, 5).add_message(6, named);
    return a;
  }
  OnnxAttribute(const char* name, const octet::AnyTensor& t) { start(name, 4).add_message(5, onnx_tensor("", t)); }

 private:
  protozero::pbf_writer start(const char* name, int type) {
    protozero::pbf_writer w(bytes);
    w.add_string(1, name);
    w.add_int32(20, type);
    return w;
  }
};

class OnnxBuilder {
 public:
  explicit OnnxBuilder(int opset = 13) : opset_(opset) {}

  /// Sizes below 0 are unknown; -2, -3, ... are symbols, equal ones for equal numbers.
  OnnxBuilder& input(const std::string& name, const std::vector<std::int64_t>& dims,
                     octet::DType t = octet::DType::f32) {
    protozero::pbf_writer(graph_).add_message(11, value_info(name, dims, t));
    return *this;
  }
  template <class T>
  OnnxBuilder& initializer(const std::string& name, octet::Tensor<T> t) {
    return initializer(onnx_tensor(name, octet::AnyTensor(std::move(t))));
  }
  OnnxBuilder& initializer(const Bytes& tensor) {
    protozero::pbf_writer(graph_).add_message(5, tensor);
    return *this;
  }
  OnnxBuilder& integers(const std::string& name, const std::vector<std::int64_t>& v) {
    return initializer(name, octet::Tensor<std::int64_t>({static_cast<std::int64_t>(v.size())}, v));
  }
  OnnxBuilder& scalar(const std::string& name, float v) {
    return initializer(name, octet::Tensor<float>(octet::Shape{}, std::vector<float>{v}));
  }
  OnnxBuilder& node(const char* type, const std::vector<std::string>& in, const std::vector<std::string>& out,
                    const std::vector<OnnxAttribute>& attributes = {}, const char* domain = "") {
    Bytes n;
    protozero::pbf_writer w(n);
    for (const std::string& s : in) w.add_string(1, s);
    for (const std::string& s : out) w.add_string(2, s);
    w.add_string(3, out.empty() ? type : "node of " + out[0]);
    w.add_string(4, type);
    for (const OnnxAttribute& a : attributes) w.add_message(5, a.bytes);
    if (*domain) w.add_string(7, domain);
    protozero::pbf_writer(graph_).add_message(1, n);
    return *this;
  }
  OnnxBuilder& output(const std::string& name) {
    Bytes v;
    protozero::pbf_writer(v).add_string(1, name);
    protozero::pbf_writer(graph_).add_message(12, v);
    return *this;
  }

  /// The bytes of the graph alone.
  const Bytes& graph() const { return graph_; }
  Bytes bytes() const {
    Bytes m;
    protozero::pbf_writer w(m);
    w.add_int64(1, 8);
    w.add_string(2, "octet's tests");
    w.add_message(7, graph_);
    for (const auto& [domain, version] : std::vector<std::pair<std::string, int>>{{"", opset_}, {"com.microsoft", 1}}) {
      Bytes o;
      protozero::pbf_writer p(o);
      p.add_string(1, domain);
      p.add_int64(2, version);
      w.add_message(8, o);
    }
    return m;
  }

  static Bytes value_info(const std::string& name, const std::vector<std::int64_t>& dims, octet::DType t) {
    Bytes shape, tensor, type, info;
    for (std::int64_t d : dims) {
      Bytes dim;
      if (d >= 0) protozero::pbf_writer(dim).add_int64(1, d);
      if (d < -1) protozero::pbf_writer(dim).add_string(2, "size" + std::to_string(-d));
      protozero::pbf_writer(shape).add_message(1, dim);
    }
    protozero::pbf_writer tensor_writer(tensor);
    tensor_writer.add_int32(1, onnx_type(t));
    tensor_writer.add_message(2, shape);
    protozero::pbf_writer(type).add_message(1, tensor);
    protozero::pbf_writer info_writer(info);
    info_writer.add_string(1, name);
    info_writer.add_message(2, type);
    return info;
  }

 private:
  int opset_;
  Bytes graph_;
};

inline octet::Model import_onnx(const Bytes& model, bool keep_layout = true) {
  octet::LoadOptions o;
  o.keep_layout = keep_layout;
  const std::vector<std::uint8_t> bytes(model.begin(), model.end());
  return octet::parse_onnx(bytes, "test.onnx", o);
}
inline octet::Model import_onnx(const OnnxBuilder& b, bool keep_layout = true) {
  return import_onnx(b.bytes(), keep_layout);
}

}  // namespace testing
