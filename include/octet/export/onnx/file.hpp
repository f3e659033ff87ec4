#pragma once
#include <algorithm>
#include <map>
#include <ostream>
#include <set>

#include "../../core/any_tensor.hpp"
#include "../../core/error.hpp"
#include "attributes.hpp"

/// The parts of an ONNX file.
OCTET_BEGIN
namespace detail::onnx {

/// The TensorProto.DataType of an element type, 0 if there is none.
inline std::int64_t data_type_code(DType t) noexcept {
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
    case DType::u32: return 12;
    case DType::u64: return 13;
    case DType::bf16: return 16;
    default: return 0;
  }
}

/// That of a constant, which may also be packed weights.
inline std::int64_t constant_type_code(DType t) noexcept {
  return t == DType::u4 ? 21 : t == DType::i4 ? 22 : data_type_code(t);
}

/// A size of a tensor of the file. An open one has a name, or is unknown if that is empty.
struct FileDim {
  std::int64_t size = Shape::unknown;
  std::string name;
};

/// Collects nodes, constants, inputs and outputs, and writes them.
class File {
 public:
  static constexpr std::int64_t lowest_opset = 13, packed_opset = 21;  // the first with integers of 4 bits

  /// A name that no other tensor has: the given one, with a number appended if it is taken.
  std::string unique(const std::string& wanted) {
    const std::string name = wanted.empty() ? "tensor" : wanted;
    std::string free = name;
    for (int i = 1; !names_.insert(free).second; ++i) free = name + "_" + std::to_string(i);
    return free;
  }
  /// The file needs at least that version of ONNX's operator set.
  void need_opset(std::int64_t version) { opset_ = std::max(opset_, version); }
  std::int64_t opset() const noexcept { return opset_; }

  void add_node(const std::string& name, const std::string& type, const std::vector<std::string>& inputs,
                const std::vector<std::string>& outputs, const Attributes& attributes, const std::string& domain) {
    ProtoWriter n;
    for (const std::string& in : inputs) n.text(1, in);
    for (const std::string& out : outputs) n.text(2, out);
    n.text(3, unique_node(name));
    n.text(4, type);
    for (const ProtoWriter& a : attributes.all()) n.message(5, a);
    if (!domain.empty()) n.text(7, domain);
    if (!domain.empty()) domains_.insert(domain);
    graph_.message(1, n);
  }
  /// Adds a constant and returns its name.
  std::string add_constant(const std::string& name, AnyTensor t) {
    constants_.push_back({unique(name), std::move(t)});
    return constants_.back().name;
  }
  void add_input(const std::string& name, DType t, const std::vector<FileDim>& shape) {
    values_.message(11, value_info(name, t, shape));
  }
  void add_output(const std::string& name, DType t, const std::vector<FileDim>& shape) {
    values_.message(12, value_info(name, t, shape));
  }
  void add_value(const std::string& name, DType t, const std::vector<FileDim>& shape) {
    values_.message(13, value_info(name, t, shape));
  }

  /// Bytes of all constants.
  std::size_t constant_bytes() const {
    std::size_t n = 0;
    for (const Constant& c : constants_) n += c.data.size_bytes();
    return n;
  }
  /// Whether there are large constants, for a file of their own.
  bool has_data() const { return std::any_of(constants_.begin(), constants_.end(), is_external); }
  /// The file. With a name in `data_file`, large constants are in that file, see write_data.
  std::string bytes(const std::string& graph_name, const std::map<std::string, std::string>& metadata,
                    const std::string& data_file) const {
    ProtoWriter g = graph_;
    g.text(2, graph_name.empty() ? "octet" : graph_name);
    std::size_t offset = 0;
    for (const Constant& c : constants_) g.message(5, tensor(c, data_file, offset));
    ProtoWriter m;
    m.integer(1, ir_version());
    m.text(2, "octet");
    ProtoWriter standard;
    standard.text(1, "");
    standard.integer(2, opset_);
    ProtoWriter graph;
    m.text(7, g.bytes() + values_.bytes());
    m.message(8, standard);
    for (const std::string& domain : domains_) {
      ProtoWriter d;
      d.text(1, domain);
      d.integer(2, 1);
      m.message(8, d);
    }
    for (const auto& [key, text] : metadata) {
      ProtoWriter p;
      p.text(1, key);
      p.text(2, text);
      m.message(14, p);
    }
    return m.bytes();
  }
  /// The elements of the large constants, one after another.
  void write_data(std::ostream& out) const {
    std::size_t offset = 0;
    for (const Constant& c : constants_) {
      if (!is_external(c)) continue;
      for (; offset % alignment != 0; ++offset) out.put('\0');
      out.write(reinterpret_cast<const char*>(c.data.data()), static_cast<std::streamsize>(c.data.size_bytes()));
      offset += c.data.size_bytes();
    }
  }

 private:
  static constexpr std::size_t alignment = 64, least_external = 1024;  // bytes
  struct Constant {
    std::string name;
    AnyTensor data;
  };
  std::string unique_node(const std::string& name) {
    std::string free = name;
    for (int i = 1; !node_names_.insert(free).second; ++i) free = name + "_" + std::to_string(i);
    return free;
  }
  static bool is_external(const Constant& c) { return c.data.size_bytes() >= least_external; }

  std::int64_t ir_version() const noexcept { return opset_ < 15 ? 7 : opset_ < 19 ? 8 : opset_ < 21 ? 9 : 10; }

  static ProtoWriter value_info(const std::string& name, DType t, const std::vector<FileDim>& shape) {
    ProtoWriter dims, tensor, type, info;
    for (const FileDim& d : shape) {
      ProtoWriter dim;
      if (d.size >= 0) dim.integer(1, d.size);
      if (d.size < 0 && !d.name.empty()) dim.text(2, d.name);
      dims.message(1, dim);
    }
    tensor.integer(1, data_type_code(t));
    tensor.message(2, dims);
    type.message(1, tensor);
    info.text(1, name);
    info.message(2, type);
    return info;
  }
  static ProtoWriter tensor(const Constant& c, const std::string& data_file, std::size_t& offset) {
    ProtoWriter t;
    for (std::int64_t d : c.data.shape()) t.integer(1, d);
    t.integer(2, constant_type_code(c.data.dtype()));
    t.text(8, c.name);
    const std::size_t size = c.data.size_bytes();
    if (data_file.empty() || !is_external(c)) {
      t.text(9, {reinterpret_cast<const char*>(c.data.data()), size});
      return t;
    }
    offset = round_up(offset, alignment);
    const auto entry = [&](const char* key, const std::string& value) {
      ProtoWriter e;
      e.text(1, key);
      e.text(2, value);
      t.message(13, e);
    };
    entry("location", data_file);
    entry("offset", std::to_string(offset));
    entry("length", std::to_string(size));
    t.integer(14, 1);
    offset += size;
    return t;
  }

  std::int64_t opset_ = lowest_opset;
  std::set<std::string> names_, node_names_, domains_;  // of tensors, nodes, and operators that are not ONNX's
  std::vector<Constant> constants_;
  ProtoWriter graph_, values_;  // nodes; inputs, outputs and the shapes of other tensors
};

}  // namespace detail::onnx
OCTET_END
