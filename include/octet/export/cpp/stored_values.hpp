#pragma once
#include <algorithm>

#include "../../core/integer_format.hpp"
#include "../../graph/graph.hpp"

OCTET_BEGIN
namespace detail::cpp {

/// How generated programs store the values of a lowered graph. The executor computes with uint8; models whose inputs
/// and outputs are int8 (or float) are written with int8 codes and zero points that are 128 less, which saves the
/// conversions of inputs and outputs.
class StoredValues {
 public:
  /// bytes: values that are uint8 in a program with int8 codes.
  StoredValues(const Graph& g, DType code, std::vector<int> bytes) : graph_(g), type_(code), bytes_(std::move(bytes)) {}

  /// The type of codes for a graph, before its ends are changed.
  static DType code_of(const Graph& g) {
    for (const std::vector<int>* list : {&g.inputs, &g.outputs})
      for (int v : *list)
        if (g.value(v).dtype == DType::u8) return DType::u8;
    return DType::i8;
  }

  /// The type of codes.
  DType code() const noexcept { return type_; }
  /// Whether the value is an activation in codes with one scale.
  bool is_code(int v) const { return is_byte(graph_.value(v).dtype) && graph_.value(v).has_one_scale(); }
  /// In a program with uint8 codes, int8 inputs and outputs keep their type.
  DType type(int v) const {
    const DType t = graph_.value(v).dtype;
    if (has(bytes_, v)) return t;
    return is_code(v) && !(t == DType::i8 && is_end(v)) ? type_ : t;
  }
  /// What is added to a code of the graph to get the stored one.
  std::int32_t shift(int v) const {
    const DType from = graph_.value(v).dtype, to = type(v);
    return from == to ? 0 : to == DType::i8 ? -128 : 128;
  }
  std::int32_t zero(int v) const { return graph_.value(v).quant.zero_point[0] + shift(v); }
  /// Whether two values with the same elements are stored as the same bytes.
  bool same(int a, int b) const {
    const Value &x = graph_.value(a), &y = graph_.value(b);
    if (type(a) != type(b)) return false;
    if (!is_code(a) || !is_code(b)) return x.quant == y.quant;
    return x.quant.scale == y.quant.scale && zero(a) == zero(b);
  }
  std::size_t bytes(int v) const {
    return static_cast<std::size_t>(graph_.value(v).shape.elements() * bits(type(v)) / 8);
  }

 private:
  static bool has(const std::vector<int>& list, int v) { return std::find(list.begin(), list.end(), v) != list.end(); }
  bool is_end(int v) const { return has(graph_.inputs, v) || has(graph_.outputs, v); }
  const Graph& graph_;
  DType type_;
  std::vector<int> bytes_;
};

}  // namespace detail::cpp
OCTET_END
