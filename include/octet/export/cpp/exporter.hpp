#pragma once
#include "cmsis_nn_model.hpp"
#include "cpp.hpp"
#include "device_graph.hpp"
#include "kernels.hpp"
#include "placement.hpp"
#include "registry.hpp"

OCTET_BEGIN
namespace detail::cpp {

/// Writes the files of a model.
class Exporter {
 public:
  Exporter(const Model& model, const CppOptions& options)
      : name_(options.name),
        model_name_(comment_text(model.name)),
        cmsis_nn_(options.cmsis_nn),
        graph_(device_graph(cmsis_nn_ ? cmsis_nn_model(model, &notes_) : model)),
        stored_(stored_values()) {
    if (options.integer_ends) remove_end_conversions(graph_);
    check_name();
    check_types();
  }

  CppSource run() {
    std::vector<LayerText> layers;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) layers.push_back(layer(i));
    const Places places = place_values(graph_, stored_, layers);
    CppSource source;
    source.arena_bytes = places.arena_bytes;
    source.notes = notes_;
    for (const LayerText& l : layers) {
      source.constant_bytes += l.constant_bytes;
      source.layers += l.view ? 0 : 1;
      source.cmsis_nn_layers += l.cmsis_nn ? 1 : 0;
    }
    std::string code = implementation(layers, places);  // before the kernels: it may use one more
    source.files = {{name_ + ".hpp", header(source)},
                    {name_ + ".cpp", std::move(code)},
                    {name_ + "_kernels.hpp", kernels_header()}};
    return source;
  }

 private:
  /// The type of codes. CMSIS-NN has int8, to which inputs and outputs of uint8 are converted.
  StoredValues stored_values() {
    const DType code = StoredValues::code_of(graph_);
    if (!cmsis_nn_ || code == DType::i8) return {graph_, code, {}};
    return {graph_, DType::i8, separate_byte_ends(graph_)};
  }

  void check_name() const {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    bool good = name_.size() <= 64 && letter(name_[0]) && name_.find("__") == std::string::npos;
    for (char c : name_) good = good && (letter(c) || c == '_' || (c >= '0' && c <= '9'));
    // Keywords up to C++23, names of the standard's headers (and all that end like theirs), and macros of compilers.
    const std::string reserved =
        " alignas alignof and and_eq asm auto bitand bitor bool break case catch char class co_await co_return "
        "co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do "
        "double dynamic_cast else enum explicit export extern false float for friend goto i386 if inline int linux "
        "long main mutable namespace new noexcept not not_eq NULL nullptr operator or or_eq private protected public "
        "register reinterpret_cast requires return short signed sizeof static static_assert static_cast std struct "
        "switch template this thread_local throw true try typedef typeid typename union unix unsigned using virtual "
        "void volatile while xor xor_eq ";
    good = good && (name_.size() < 2 || name_.compare(name_.size() - 2, 2, "_t") != 0);
    require<FormatError>(good && reserved.find(" " + name_ + " ") == std::string::npos, "the name '",
                         comment_text(name_),
                         "' cannot be that of a C++ namespace, expected letters, digits and single underscores");
  }
  void check_types() const {
    require<FormatError>(graph_.rounding != Rounding::xnnpack,
                         "C++ source has no form of XNNPACK's rounding: load the model with another one, such as fp32");
    for (const std::vector<int>* list : {&graph_.inputs, &graph_.outputs})
      for (int v : *list) {
        const Value& x = graph_.value(v);
        require<FormatError>(!type_text(stored_.type(v)).empty() && !x.is_constant() && !x.quant.per_channel(), "'",
                             x.name, "' is ", octet::name(x.dtype),
                             ", but inputs and outputs of C++ source are int8, uint8 or float32, and not constant");
        require<FormatError>(x.shape.elements() > 0 && x.shape.elements() <= std::int64_t{1} << 30, "'", x.name,
                             "' has shape ", x.shape, ", which is empty or too large for C++ source");
      }
  }

  LayerText layer(std::size_t i) {
    const Node& n = graph_.nodes[i];
    NodeExport node(n, graph_, stored_, static_cast<int>(i), kernels_, cmsis_nn_);
    for (int v : n.outputs) {
      const Shape& shape = graph_.value(v).shape;
      node.require(shape.elements() > 0 && shape.elements() <= std::int64_t{1} << 30, "'", graph_.value(v).name,
                   "' has shape ", shape, ", which is empty or too large for C++ source");
    }
    const Writer write = find_writer(n.op->type());
    node.require(write != nullptr, "C++ source has no form of this operator");
    write(node);
    return node.take();
  }

  std::string first_lines(const std::string& what) const {
    std::string text = "// " + what + ", written by octet. Do not edit.\n";
    for (const std::string& n : notes_) text += "// For CMSIS-NN, " + n + ".\n";
    return text;
  }

  /// The constants of an input or an output.
  std::string described(const char* kind, std::size_t i, int v) const {
    const Value& x = graph_.value(v);
    std::string shape;
    for (std::int64_t d : x.shape) shape += (shape.empty() ? "" : ", ") + literal(d);
    std::string text = "namespace " + std::string(kind) + "_" + std::to_string(i) + " {\n";
    text += "using type = " + type_text(stored_.type(v)) + ";\n";
    text += "inline constexpr char name[] = " + string_literal(x.name) + ";\n";
    text += "inline constexpr std::size_t size = " + literal(x.shape.elements()) + ";\n";
    if (x.shape.rank() > 0) text += "inline constexpr std::int32_t shape[] = {" + shape + "};\n";
    if (x.has_one_scale()) {
      text += "inline constexpr float scale = " + literal(x.quant.scale[0]) + ";\n";
      text += "inline constexpr std::int32_t zero_point = " + literal(stored_.zero(v)) + ";\n";
    }
    return text + "}\n";
  }

  std::string signature() const {
    std::vector<std::string> parameters;
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i)
      parameters.push_back("const " + type_text(stored_.type(graph_.inputs[i])) + "* in_" + std::to_string(i));
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i)
      parameters.push_back(type_text(stored_.type(graph_.outputs[i])) + "* out_" + std::to_string(i));
    return (cmsis_nn_ ? "bool run(" : "void run(") + listed(parameters) + ") noexcept";
  }

  std::string header(const CppSource& s) const {
    std::string text = first_lines("The model '" + model_name_ + "'") +
                       "#pragma once\n#include <cstddef>\n#include <cstdint>\n\nnamespace " + name_ + " {\n\n";
    text +=
        "// Inputs and outputs: row-major, images as [height, width, channels]. A code q with a scale stands for\n"
        "// (q - zero_point) * scale.\n";
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) text += described("input", i, graph_.inputs[i]);
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) text += described("output", i, graph_.outputs[i]);
    text += "\ninline constexpr std::size_t arena_bytes = " + std::to_string(s.arena_bytes) +
            ";  // memory of run() for intermediate results\n";
    text += "inline constexpr std::size_t constant_bytes = " + std::to_string(s.constant_bytes) +
            ";  // weights, biases, factors and tables\n\n";
    text +=
        "/// Runs the model for one input. Not for several threads at once: the arena is static. Inputs and outputs "
        "must\n"
        "/// not overlap.\n";
    if (cmsis_nn_)
      text +=
          "/// False if CMSIS-NN refuses a layer or needs more memory than the arena has for it; then the outputs are "
          "wrong.\n";
    text += signature() + ";\n\n}  // namespace " + name_ + "\n";
    return text;
  }

  /// CMSIS-NN's rounding is chosen when it is compiled.
  std::string rounding_check() const {
    if (!cmsis_nn_) return "";
    const bool once = graph_.rounding == Rounding::tflite_single;
    return std::string("#if ") + (once ? "!" : "") +
           "defined(CMSIS_NN_USE_SINGLE_ROUNDING)\n#  error \"the model rounds " +
           (once ? "once: define CMSIS_NN_USE_SINGLE_ROUNDING, also for CMSIS-NN"
                 : "twice: CMSIS_NN_USE_SINGLE_ROUNDING must not be defined, nor for CMSIS-NN") +
           "\"\n#endif\n";
  }

  std::string kernels_header() const {
    return first_lines("Kernels of the model '" + model_name_ + "'") + "#pragma once\n" +
           (cmsis_nn_ ? "#include <arm_nnfunctions.h>\n\n" : "") + "#include <cstddef>\n#include <cstdint>\n\n" +
           rounding_check() +
           "#if defined(__FAST_MATH__)\n#  error \"-ffast-math would change the results\"\n#endif\n"
           "#if defined(__FLT_EVAL_METHOD__) && \\\n"
           "    (__FLT_EVAL_METHOD__ < 0 || __FLT_EVAL_METHOD__ == 1 || __FLT_EVAL_METHOD__ == 2)\n"
           "#  error \"floats have to be computed as floats: for 32-bit x86, add -msse2 -mfpmath=sse\"\n#endif\n\n"
           "namespace " +
           name_ + "::kernels {\n\nusing code = " + type_text(stored_.code()) + ";\n" + kernels_text(kernels_) +
           "\n}  // namespace " + name_ + "::kernels\n";
  }

  std::string implementation(const std::vector<LayerText>& layers, const Places& places) {
    std::string constants, body;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const Node& n = graph_.nodes[i];
      if (layers[i].view) continue;
      const ShapeContext c = graph_.shape_context(n, nullptr);
      const std::string title = comment_text(n.name) + ": " + comment_text(n.op->summary(c)) + ", " +
                                to_string(graph_.value(n.outputs[0]).shape);
      if (!layers[i].constants.empty()) constants += "// " + title + "\n" + layers[i].constants + "\n";
      body += "  // " + title + "\n" + layers[i].statement;
    }
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      const int v = graph_.outputs[i];
      const std::string out = "out_" + std::to_string(i), from = places_text(places, v);
      if (from == out) continue;
      kernels_.insert("copy_rows");
      body += "  copy_rows(" + from + ", " + out + ", 1, " + literal(graph_.value(v).shape.elements()) + ", 0);\n";
    }
    body = with_addresses(body, places);
    std::string text =
        first_lines("The model '" + model_name_ + "'") + "#include \"" + name_ + ".hpp\"\n\n" +
        (constants.find("std::numeric_limits") + 1 || body.find("std::numeric_limits") + 1 ? "#include <limits>\n\n"
                                                                                           : "") +
        "#include \"" + name_ + "_kernels.hpp\"\n\nnamespace " + name_ +
        " {\nnamespace {\n\nusing namespace kernels;\n\n" + constants;
    if (places.arena_bytes) text += "alignas(16) unsigned char arena[arena_bytes];\n\n";
    if (cmsis_nn_) body += "  return true;\n";
    return text + "}  // namespace\n\n" + signature() + " {\n" + body + "}\n\n}  // namespace " + name_ + "\n";
  }

  /// The address of a value, or of the scratch memory of layer -1 - v, in the generated function.
  std::string places_text(const Places& places, int v) const {
    if (v < 0) return "arena + " + std::to_string(places.scratch[at(-1 - v)]);
    const Place& p = places[v];
    if (p.home == Place::Home::input) return "in_" + std::to_string(p.at);
    if (p.home == Place::Home::output) return "out_" + std::to_string(p.at);
    const std::string type = stored_.type(v) == stored_.code() ? "code" : type_text(stored_.type(v));
    return "reinterpret_cast<" + type + "*>(arena + " + std::to_string(p.at) + ")";
  }
  std::string with_addresses(const std::string& text, const Places& places) const {
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = text.find('\x01', at);
      result += text.substr(at, begin - at);
      if (begin == std::string::npos) break;
      const std::size_t end = text.find('\x01', begin + 1);
      result += places_text(places, std::stoi(text.substr(begin + 1, end - begin - 1)));
      at = end + 1;
    }
    return result;
  }

  std::string name_, model_name_;
  bool cmsis_nn_;
  std::vector<std::string> notes_;
  Graph graph_;
  StoredValues stored_;
  std::set<std::string> kernels_;
};

}  // namespace detail::cpp
OCTET_END
