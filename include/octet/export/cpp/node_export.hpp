#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "../../kernels/dispatch.hpp"
#include "../../kernels/requantize.hpp"
#include "../exported_node.hpp"
#include "literals.hpp"
#include "stored_values.hpp"

OCTET_BEGIN
namespace detail::cpp {

/// A layer as text, with the facts from which its memory is planned.
struct LayerText {
  std::string constants, statement;
  std::size_t constant_bytes = 0;
  std::size_t scratch_bytes = 0;    // of memory that the layer needs while it runs
  bool view = false;                // output 0 has the bytes of input 0
  bool cmsis_nn = false;            // the statement calls CMSIS-NN
  std::vector<bool> can_overwrite;  // by input: output 0 may have its memory

  bool is_view() const noexcept { return view; }
  bool can_overwrite_input(int i) const noexcept {
    return static_cast<std::size_t>(i) < can_overwrite.size() && can_overwrite[static_cast<std::size_t>(i)];
  }
};

/// Writes one layer of a lowered graph.
class NodeExport : public ExportedNode {
 public:
  NodeExport(const Node& node, const Graph& graph, const StoredValues& stored, int index,
             std::set<std::string>& kernels, bool cmsis_nn)
      : ExportedNode(node, graph), stored_(stored), index_(index), kernels_(kernels), cmsis_nn_(cmsis_nn) {}

  /// For functions that prepare the executor's steps.
  PrepareContext context() const { return {graph(), node_, detail::kernels()}; }
  const Node& node() const noexcept { return node_; }
  const StoredValues& stored() const noexcept { return stored_; }
  std::int64_t elements(int v) const { return graph().value(v).shape.elements(); }

  /// Whether layers that CMSIS-NN has call it.
  bool cmsis_nn() const noexcept { return cmsis_nn_; }

  /// The address of a value, which is known later; -1 - i: of the scratch memory of layer i.
  static std::string address(int v) { return "\x01" + std::to_string(v) + "\x01"; }
  std::string in(int i = 0) {
    if (input(i).is_constant()) return constant_codes(i);
    return address(id(i));
  }
  std::string out(int i = 0) const { return address(out_id(i)); }

  /// "{zero point, low, high}" of the output, where low and high are codes of the graph.
  std::string codes(std::int64_t low, std::int64_t high) const {
    const std::int32_t shift = stored_.shift(out_id());
    return "{" + literal(stored_.zero(out_id())) + ", " + literal(low + shift) + ", " + literal(high + shift) + "}";
  }

  /// Defines an array and returns its name.
  template <class T>
  std::string array(const std::string& what, const std::vector<T>& numbers) {
    std::vector<std::string> items;
    for (T x : numbers) items.push_back(literal(x));
    return array(what, type_text(T()), items, numbers.size() * sizeof(T));
  }
  std::string array(const std::string& what, const std::string& type, const std::vector<std::string>& items,
                    std::size_t bytes) {
    require(!items.empty(), "has no ", what);
    const std::string name = prefix() + what;
    text_.constants += "constexpr " + type + " " + name + "[] = " + braced(items, "    ") + ";\n";
    text_.constant_bytes += bytes;
    return name;
  }
  /// Stored codes, given as bytes.
  std::string code_array(const std::string& what, DType type, const std::vector<std::uint8_t>& bytes) {
    if (type == DType::u8) return array(what, bytes);
    std::vector<std::int8_t> codes;
    for (std::uint8_t b : bytes) codes.push_back(static_cast<std::int8_t>(b));
    return array(what, codes);
  }
  /// Defines a constant of a structure with these members and returns its name.
  std::string structure(const std::string& type, const std::vector<std::string>& members,
                        const std::string& suffix = "") {
    const std::string name = prefix() + "shape" + suffix;
    text_.constants += "constexpr " + type + " " + name + braced(members, "    ") + ";\n";
    return name;
  }

  /// The generated program calls `kernel`, or uses the type of that name, in `statement`.
  void use(const std::string& kernel) { kernels_.insert(kernel); }
  void call(std::string statement) { text_.statement += "  " + std::move(statement) + ";\n"; }
  /// A call of CMSIS-NN, after which the program only continues if `condition` is true.
  void call_cmsis_nn(const std::string& condition) {
    text_.statement += "  if (!" + condition + ") return false;\n";
    text_.cmsis_nn = true;
  }
  /// The address of memory that the layer needs while it runs.
  std::string scratch(std::size_t bytes) {
    text_.scratch_bytes = bytes;
    return address(-1 - index_);
  }
  void set_view() { text_.view = true; }
  void can_overwrite(int i) {
    text_.can_overwrite.resize(std::max(text_.can_overwrite.size(), static_cast<std::size_t>(i) + 1));
    text_.can_overwrite[static_cast<std::size_t>(i)] = true;
  }

  void require_codes(int v) const {
    const Value& x = graph().value(v);
    require(stored_.is_code(v) && stored_.type(v) == stored_.code(), "reads or writes '", x.name, "' as ",
            octet::name(x.dtype), x.quant.per_channel() ? " with several scales" : "",
            ", but C++ source is for layers that the executor computes in integers: quantize the model to int8, "
            "without layers that stay float");
  }
  /// For layers that only move elements.
  void require_movable(int v) const {
    if (graph().value(v).dtype != DType::f32) require_codes(v);
  }
  /// For layers that compute with one image.
  void require_one_image(int v) const {
    const Shape& s = graph().value(v).shape;
    require(s.rank() > 0 && s[0] == 1, "C++ source is for a batch of one image, but '", graph().value(v).name,
            "' has shape ", s);
  }
  LayerText take() { return std::move(text_); }

 private:
  std::string prefix() const { return "layer_" + std::to_string(index_) + "_"; }
  std::string constant_codes(int i) {
    require_codes(id(i));
    const AnyTensor& t = input(i).constant;
    std::vector<std::uint8_t> bytes;
    for (std::int64_t k = 0; k < t.size(); ++k)
      bytes.push_back(
          static_cast<std::uint8_t>(std::to_integer<int>(t.data()[k]) + (stored_.shift(id(i)) != 0 ? 128 : 0)));
    return code_array("input_" + std::to_string(i), stored_.type(id(i)), bytes);
  }

  const StoredValues& stored_;
  int index_;
  std::set<std::string>& kernels_;
  bool cmsis_nn_;
  LayerText text_;
};

/// The type of factors of TFLite's rounding in generated programs.
inline std::string fixed_type(NodeExport& n, Rounding rounding) {
  const std::string type = rounding == Rounding::tflite_single ? "FixedOnce" : "Fixed";
  n.use(type);
  return type;
}

/// A factor of TFLite's rounding.
inline std::string fixed_literal(const FixedPointMultiplier& m) {
  return "{" + literal(m.mantissa) + ", " + std::to_string(m.shift) + "}";
}

/// "a, b, c"
inline std::string listed(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& p : parts) text += (text.empty() ? "" : ", ") + p;
  return text;
}

}  // namespace detail::cpp
OCTET_END
