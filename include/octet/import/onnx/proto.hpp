#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>

#include "wire.hpp"

/// Parsers for the messages of onnx.proto that octet uses. Texts and data are views into the file's memory.
OCTET_BEGIN
namespace detail::onnx {

struct TensorProto {
  std::string_view name, message;  // message: the whole message, whose data is read when needed
  std::vector<std::int64_t> dims;
  std::int64_t data_type = 0;
};

struct Branch;

struct NodeProto {
  std::string_view name, op_type, domain;
  std::vector<std::string_view> inputs, outputs;  // names; empty for optional ones that are missing
  std::vector<std::string_view> attributes;       // messages
  std::vector<Branch> branches;                   // of an If
  std::vector<std::string_view> captured;         // tensors of the graphs around it that its branches read
};

/// The name and type of an input or output of the graph.
struct ValueInfo {
  struct Dim {
    std::int64_t size = -1;
    std::string_view symbol;
  };
  std::string_view name;
  std::int64_t data_type = 0;
  const char* kind = "no type";  // "tensor" or an unsupported kind
  bool has_shape = false;
  std::vector<Dim> dims;
};

inline bool is_if(const NodeProto& n) { return n.op_type == "If" && (n.domain.empty() || n.domain == "ai.onnx"); }

struct GraphProto {
  std::string_view name;
  std::vector<NodeProto> nodes;
  std::vector<TensorProto> initializers;
  std::vector<ValueInfo> inputs, outputs;
  bool sparse_initializers = false;
};

/// One of the graphs of an If.
struct Branch {
  std::string_view attribute;  // then_branch or else_branch
  GraphProto graph;
};

struct ModelProto {
  std::int64_t ir_version = 0, model_version = 0;
  std::string_view producer, producer_version, domain;
  std::map<std::string_view, std::int64_t> opsets;  // versions by domain
  std::map<std::string_view, std::string_view> metadata;
  GraphProto graph;
};

inline TensorProto parse_tensor(std::string_view message) {
  TensorProto t;
  t.message = message;
  each_field(message, [&](Field& f) {
    switch (f.number()) {
      case 1: return f.append(t.dims);
      case 2: t.data_type = f.integer(); return;
      case 8: t.name = f.bytes(); return;
      default: return;
    }
  });
  return t;
}

void parse_branches(NodeProto& n, int depth);

/// depth: how many nodes the node is inside of.
inline NodeProto parse_node(std::string_view message, int depth) {
  NodeProto n;
  each_field(message, [&](Field& f) {
    switch (f.number()) {
      case 1: n.inputs.push_back(f.bytes()); return;
      case 2: n.outputs.push_back(f.bytes()); return;
      case 3: n.name = f.bytes(); return;
      case 4: n.op_type = f.bytes(); return;
      case 5: n.attributes.push_back(f.bytes()); return;
      case 7: n.domain = f.bytes(); return;
      default: return;
    }
  });
  require<FormatError>(!n.op_type.empty(), "node '", n.name, "' has no operator type");
  if (is_if(n)) parse_branches(n, depth);
  return n;
}

inline ValueInfo::Dim parse_dim(std::string_view message) {
  ValueInfo::Dim d;
  each_field(message, [&](Field& f) {
    if (f.number() == 1) {
      d.size = f.integer();
      require<FormatError>(d.size >= 0, "a size is ", d.size, ", expected at least 0");
    }
    if (f.number() == 2) d.symbol = f.bytes();
  });
  return d;
}

inline void parse_tensor_type(std::string_view message, ValueInfo& v) {
  v.kind = "tensor";
  each_field(message, [&](Field& f) {
    if (f.number() == 1) v.data_type = f.integer();
    if (f.number() != 2) return;
    v.has_shape = true;
    each_field(f.bytes(), [&](Field& g) {
      if (g.number() == 1) v.dims.push_back(parse_dim(g.bytes()));
    });
  });
}

inline ValueInfo parse_value_info(std::string_view message) {
  ValueInfo v;
  each_field(message, [&](Field& f) {
    if (f.number() == 1) v.name = f.bytes();
    if (f.number() != 2) return;
    each_field(f.bytes(), [&](Field& g) {
      switch (g.number()) {
        case 1: return parse_tensor_type(g.bytes(), v);
        case 4: v.kind = "sequence"; return;
        case 5: v.kind = "map"; return;
        case 8: v.kind = "sparse tensor"; return;
        case 9: v.kind = "optional"; return;
        default: return;
      }
    });
  });
  return v;
}

inline void parse_graph(std::string_view message, GraphProto& g, int depth = 0) {
  each_field(message, [&](Field& f) {
    switch (f.number()) {
      case 1: g.nodes.push_back(parse_node(f.bytes(), depth)); return;
      case 2: g.name = f.bytes(); return;
      case 5: g.initializers.push_back(parse_tensor(f.bytes())); return;
      case 11: g.inputs.push_back(parse_value_info(f.bytes())); return;
      case 12: g.outputs.push_back(parse_value_info(f.bytes())); return;
      case 15: g.sparse_initializers = true; return;
      default: return;
    }
  });
}

/// The tensors that a graph defines.
template <class F>
void each_defined(const GraphProto& g, F f) {
  for (const TensorProto& t : g.initializers) f(t.name);
  for (const ValueInfo& v : g.inputs) f(v.name);
  for (const NodeProto& n : g.nodes)
    for (std::string_view o : n.outputs)
      if (!o.empty()) f(o);
}

/// The tensors that a node reads.
template <class F>
void each_read(const NodeProto& n, F f) {
  for (std::string_view in : n.inputs)
    if (!in.empty()) f(in);
  for (std::string_view in : n.captured) f(in);
}

inline void parse_branches(NodeProto& n, int depth) {
  constexpr int deepest = 32;
  require<FormatError>(depth < deepest, "node '", n.name, "' (If) is inside of ", deepest,
                       " others, which is the limit");
  for (std::string_view attribute : n.attributes) {
    Branch b;
    std::string_view graph;
    each_field(attribute, [&](Field& f) {
      if (f.number() == 1) b.attribute = f.bytes();
      if (f.number() == 6) graph = f.bytes();
    });
    if (b.attribute != "then_branch" && b.attribute != "else_branch") continue;
    parse_graph(graph, b.graph, depth + 1);
    n.branches.push_back(std::move(b));
  }
  std::unordered_set<std::string_view> captured;
  for (const Branch& b : n.branches) {
    std::unordered_set<std::string_view> own;
    each_defined(b.graph, [&](std::string_view name) { own.insert(name); });
    const auto read = [&](std::string_view name) {
      if (!own.count(name) && captured.insert(name).second) n.captured.push_back(name);
    };
    for (const NodeProto& inner : b.graph.nodes) each_read(inner, read);
    for (const ValueInfo& o : b.graph.outputs) read(o.name);
  }
}

/// Parses a message with two optional fields.
template <class Second>
std::pair<std::string_view, Second> parse_pair(std::string_view message) {
  std::pair<std::string_view, Second> r;
  each_field(message, [&](Field& f) {
    if (f.number() == 1) r.first = f.bytes();
    if (f.number() != 2) return;
    if constexpr (std::is_same_v<Second, std::int64_t>)
      r.second = f.integer();
    else
      r.second = f.bytes();
  });
  return r;
}

inline ModelProto parse_model(std::string_view message) {
  ModelProto m;
  each_field(message, [&](Field& f) {
    switch (f.number()) {
      case 1: m.ir_version = f.integer(); return;
      case 2: m.producer = f.bytes(); return;
      case 3: m.producer_version = f.bytes(); return;
      case 4: m.domain = f.bytes(); return;
      case 5: m.model_version = f.integer(); return;
      case 7: return parse_graph(f.bytes(), m.graph);  // repeated fields of one message are merged
      case 8: m.opsets.insert(parse_pair<std::int64_t>(f.bytes())); return;
      case 14: m.metadata.insert(parse_pair<std::string_view>(f.bytes())); return;
      default: return;
    }
  });
  return m;
}

}  // namespace detail::onnx
OCTET_END
