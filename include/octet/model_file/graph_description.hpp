#pragma once
#include <algorithm>
#include <functional>

#include "../files/map_file.hpp"
#include "../graph/graph.hpp"
#include "operator_fields.hpp"

/// Serialization of graphs, except for the elements of constants, which are stored after the description.
OCTET_BEGIN
namespace detail {

/// The position of the elements of a constant, relative to the end of the description.
struct DataPlace {
  std::uint64_t offset = 0, bytes = 0;
};

inline void write_value(const Value& v, const DataPlace& place, ArchiveWriter& to) {
  to.put(v.name);
  to.put(static_cast<std::uint8_t>(v.dtype));
  to.put(static_cast<std::uint8_t>(v.shape.rank()));
  for (std::int64_t d : v.shape) to.put(d);
  to.put(v.quant.scale);
  const auto& zero = v.quant.zero_point;  // omitted if all are 0 (symmetric weights)
  to.put(std::any_of(zero.begin(), zero.end(), [](std::int32_t z) { return z != 0; }) ? zero
                                                                                      : std::vector<std::int32_t>{});
  to.put(static_cast<std::int32_t>(v.quant.axis));
  to.put(static_cast<std::uint8_t>(v.is_constant()));
  if (!v.is_constant()) return;
  to.put(place.offset);
  to.put(place.bytes);
}

/// `place(i)` returns the position of the elements of value i.
inline void write_graph(const Graph& g, const std::function<DataPlace(std::size_t)>& place, ArchiveWriter& to) {
  to.put(g.name);
  to.put(static_cast<std::uint8_t>(g.rounding));
  to.put_count(g.metadata.size());
  for (const auto& [key, text] : g.metadata) {
    to.put(key);
    to.put(text);
  }
  to.put_count(g.values.size());
  for (std::size_t i = 0; i < g.values.size(); ++i) write_value(g.values[i], place(i), to);
  to.put_count(g.nodes.size());
  for (const Node& n : g.nodes) {
    to.put(n.name);
    FieldWriter::write(*n.op, to);
    to.put(n.inputs);
    to.put(n.outputs);
  }
  to.put(g.inputs);
  to.put(g.outputs);
}

inline Shape read_shape(ArchiveReader& from) {
  Shape s;
  for (int rank = from.get_enum<std::uint8_t>(Shape::max_rank); rank > 0; --rank) {
    s.push_back(from.get<std::int64_t>());
    require<FormatError>(s.back() >= Shape::unknown, "a size is ", s.back());
  }
  return s;
}

inline Value read_value(ArchiveReader& from, const SharedBytes& constants) {
  Value v;
  v.name = from.get_text();
  v.dtype = from.get_enum(last_dtype);
  v.shape = read_shape(from);
  v.quant.scale = from.get_list<float>();
  v.quant.zero_point = from.get_list<std::int32_t>();
  if (v.quant.zero_point.empty()) v.quant.zero_point.resize(v.quant.scale.size());
  v.quant.axis = from.get<std::int32_t>();
  require<FormatError>(v.dtype != DType::none, "'", v.name, "' has no element type");
  if (v.quant || !v.quant.zero_point.empty() || v.quant.axis != -1) validate(v.quant, v.shape, v.dtype);
  if (!from.get_flag()) return v;
  const auto offset = from.get<std::uint64_t>(), n = from.get<std::uint64_t>();
  require<FormatError>(offset <= constants.size && n <= constants.size - offset, "the elements of '", v.name,
                       "' are beyond the end of the file");
  require<FormatError>(v.shape.known() && n == bytes(v.dtype, v.shape.elements()), "'", v.name, "' of shape ", v.shape,
                       " and type ", name(v.dtype), " has ", n, " bytes");
  require<FormatError>(offset % AlignedBytes::alignment == 0, "the elements of '", v.name, "' are not aligned");
  v.constant = AnyTensor(v.dtype, v.shape, {constants.data, constants.data.get() + offset});
  return v;
}

/// Whether the shapes are equal where both are known.
inline bool compatible(const Shape& a, const Shape& b) {
  if (a.rank() != b.rank()) return false;
  for (int i = 0; i < a.rank(); ++i)
    if (a[i] != b[i] && a[i] != Shape::unknown && b[i] != Shape::unknown) return false;
  return true;
}

/// Throws unless the graph is valid: values are written once and before they are read, the inputs of operators have
/// suitable shapes, and their outputs have the declared ones.
inline void check_graph(const Graph& g) {
  enum class State : std::uint8_t { unwritten, ready };
  const auto count = static_cast<int>(g.values.size());
  std::vector<State> state(g.values.size(), State::unwritten);
  const auto at = [&](int v) -> State& {
    require<FormatError>(v >= 0 && v < count, "expected a value from 0 to ", count - 1, ", found ", v);
    return state[static_cast<std::size_t>(v)];
  };
  const auto write = [&](int v) {
    require<FormatError>(at(v) == State::unwritten, "'", g.value(v).name, "' is written twice");
    at(v) = State::ready;
  };
  const auto read = [&](int v) {
    require<FormatError>(at(v) == State::ready, "'", g.value(v).name, "' is read before it is written");
  };
  for (int v = 0; v < count; ++v)
    if (g.value(v).is_constant()) write(v);
  for (int v : g.inputs) write(v);
  for (const Node& n : g.nodes) {
    for (int v : n.inputs)
      if (v != Node::none) read(v);
    for (int v : n.outputs) write(v);
    const std::vector<Shape> shapes = n.op->shapes(g.shape_context(n, nullptr));
    require<FormatError>(!n.outputs.empty() && n.outputs.size() == shapes.size(), "layer '", n.name, "' (",
                         n.op->type(), ") has ", n.outputs.size(), " outputs, expected ", shapes.size());
    for (std::size_t i = 0; i < shapes.size(); ++i)
      require<FormatError>(compatible(shapes[i], g.value(n.outputs[i]).shape), "layer '", n.name, "' (", n.op->type(),
                           "): expected an output of shape ", shapes[i], ", found ", g.value(n.outputs[i]).shape);
  }
  for (int v : g.outputs) read(v);
}

inline Graph read_graph(ArchiveReader& from, const SharedBytes& constants) {
  Graph g;
  g.name = from.get_text();
  g.rounding = from.get_enum(Rounding::xnnpack);
  for (std::size_t n = from.get_count(2); n > 0; --n) {
    std::string key = from.get_text();
    g.metadata[std::move(key)] = from.get_text();
  }
  for (std::size_t n = from.get_count(7); n > 0; --n) g.values.push_back(read_value(from, constants));
  for (std::size_t n = from.get_count(5); n > 0; --n) {
    Node node;
    node.name = from.get_text();
    node.op = FieldReader::read(from);
    node.inputs = from.get_list<int>();
    node.outputs = from.get_list<int>();
    g.nodes.push_back(std::move(node));
  }
  g.inputs = from.get_list<int>();
  g.outputs = from.get_list<int>();
  check_graph(g);
  return g;
}

}  // namespace detail
OCTET_END
