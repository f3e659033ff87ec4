#pragma once
#include "../../core/with_place.hpp"
#include "../../model_file/load_options.hpp"
#include "../input_shapes.hpp"
#include "../missing_operators.hpp"
#include "metadata.hpp"
#include "own_operator.hpp"
#include "registry.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// Converts the first graph of a TFLite model.
class Importer {
 public:
  Importer(const SharedBytes& file, std::string source, const LoadOptions& options)
      : file_(file), source_(std::move(source)), options_(options), verifier_(open()) {}

  Model run() {
    Model g;
    located([] { return std::string(); }, [&] { g = import(); });
    return g;
  }

 private:
  /// Runs f. Errors then name the file and `where`.
  template <class Where, class F>
  void located(Where where, F f) {
    const auto extended = [&](const std::string& text) {
      const std::string start = "'" + source_ + "'";
      return text.compare(0, start.size(), start) == 0 ? text : start + ": " + where() + text;
    };
    with_place(extended, f);
  }

  flatbuffers::Verifier open() const {
    require<FormatError>(file_.size >= 16 && std::memcmp(file_.data.get() + 4, "TFL3", 4) == 0, "'", source_,
                         "' is not a TFLite model");
    flatbuffers::Verifier::Options o;
    o.max_depth = 4;  // tables are verified one by one, not recursively
    const std::size_t size = std::min<std::size_t>(file_.size, FLATBUFFERS_MAX_BUFFER_SIZE - 1);
    o.max_tables = static_cast<flatbuffers::uoffset_t>(
        std::min<std::size_t>(4 * size + 1024, 0xffffffff));  // some tables are read several times
    return flatbuffers::Verifier(reinterpret_cast<const std::uint8_t*>(file_.data.get()), size, o);
  }

  Model import() {
    const auto* start = reinterpret_cast<const std::uint8_t*>(file_.data.get());
    const auto root = verifier_.VerifyOffset(start, 0);
    require<FormatError>(root != 0, "the file is damaged or truncated");
    const FlatTable model(start + root, verifier_);
    const auto version = model.scalar<std::uint32_t>(model_field::version);
    require<FormatError>(version == 3, "has schema version ", version, ", expected 3");
    const FlatTables graphs = model.tables(model_field::subgraphs);
    require<FormatError>(graphs.size() > 0, "has no graph");
    const FlatTable graph = graphs[0];
    Progress progress(TensorReader(file_, graph.tables(subgraph_field::tensors), model.tables(model_field::buffers)));
    require_operators(progress, graph.tables(subgraph_field::operators), model.tables(model_field::operator_codes));
    add_inputs(progress, graph.list<std::int32_t>(subgraph_field::inputs));
    require_known_inputs(options_, progress.graph, source_);
    const FlatTables operators = graph.tables(subgraph_field::operators),
                     codes = model.tables(model_field::operator_codes);
    for (std::size_t i = 0; i < operators.size(); ++i) add_operator(progress, operators[i], i, codes);
    add_outputs(progress, graph.list<std::int32_t>(subgraph_field::outputs));
    Graph& g = progress.graph;
    g.name = source_;
    g.rounding = options_.rounding.value_or(Rounding::fp32);
    MetadataReader({reinterpret_cast<const char*>(file_.data.get()), file_.size}, g.metadata).read(model);
    g.metadata["format"] = "TFLite 3";
    if (const std::string_view d = model.text(model_field::description); !d.empty())
      g.metadata["producer"] = std::string(d);
    g.remove_unused();
    return std::move(g);
  }

  void add_inputs(Progress& p, const FlatList<std::int32_t>& inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      Value v = p.tensors.read(inputs[i]);
      require<FormatError>(!p.written(inputs[i]), "input '", v.name, "' is listed twice");
      OperatorImport::require_symmetric_16x8(v);
      if (v.shape.rank() > 1 && v.shape[0] == 1) v.shape[0] = Shape::unknown;  // any batch size
      v.constant = {};
      v.shape = input_shape(options_, v.name, v.shape);
      v.name = p.unique(v.name);
      p.values[static_cast<std::size_t>(inputs[i])] = p.graph.add_value(std::move(v));
      p.graph.inputs.push_back(p.values[static_cast<std::size_t>(inputs[i])]);
    }
  }

  /// Throws an error that names all operators that the model needs and octet lacks.
  void require_operators(Progress& p, const FlatTables& operators, const FlatTables& codes) const {
    std::vector<bool> known;  // for each operator code; types are not stored, since codes of a file may share them
    for (std::size_t i = 0; i < codes.size(); ++i)
      known.push_back(find_handler(operator_type(codes[i])) || find_tflite_operator(custom_code(codes[i])));
    MissingOperators missing;
    for (std::size_t i = 0; i < operators.size(); ++i) {
      const auto code = operators[i].scalar<std::uint32_t>(operator_field::opcode_index);
      if (code < known.size() && !known[code])
        missing.add(operator_type(codes[code]),
                    [&] { return "operator " + std::to_string(i) + ", which writes" + written(p, operators[i]); });
    }
    missing.require_none(source_);
  }

  /// The names of an operator's outputs.
  static std::string written(Progress& p, const FlatTable& op) {
    std::string names;
    const FlatList<std::int32_t> outputs = op.list<std::int32_t>(operator_field::outputs);
    for (std::size_t k = 0; k < std::min<std::size_t>(outputs.size(), 8); ++k)
      names += (k ? ", '" : " '") + p.tensors.name(outputs[k]) + "'";
    return names;
  }

  void add_operator(Progress& p, const FlatTable& op, std::size_t index, const FlatTables& codes) {
    std::string type = "?";
    located(
        [&] { return "operator " + std::to_string(index) + " (" + type + "), which writes" + written(p, op) + ": "; },
        [&] {
          const auto code = op.scalar<std::uint32_t>(operator_field::opcode_index);
          require<FormatError>(code < codes.size(), "operator code ", code, " is outside the ", codes.size(),
                               " codes of the model");
          type = operator_type(codes[code]);
          const Handler handler = find_handler(type);
          const OperatorType* own = handler ? nullptr : find_tflite_operator(custom_code(codes[code]));
          const FlatList<std::int32_t> outputs = op.list<std::int32_t>(operator_field::outputs);
          for (std::size_t k = 0; k < outputs.size(); ++k)
            require<FormatError>(!p.written(outputs[k]), "writes '", p.tensors.name(outputs[k]),
                                 "', which was already written before");
          OperatorImport n(p, op);
          if (own)
            import_own_operator(n, *own);
          else
            handler(n);
          for (std::size_t k = 0; k < outputs.size(); ++k)
            require<FormatError>(p.written(outputs[k]), "output '", p.tensors.name(outputs[k]), "' is not supported");
        });
  }

  static constexpr int custom = 32;  // of the builtin codes
  static int builtin_code(const FlatTable& code) {
    // Operators above 127 use a separate field, which older files do not have.
    return std::max<int>(code.scalar<std::int8_t>(operator_code_field::deprecated_builtin_code),
                         code.scalar<std::int32_t>(operator_code_field::builtin_code));
  }
  static std::string_view custom_code(const FlatTable& code) {
    return builtin_code(code) == custom ? code.text(operator_code_field::custom_code) : std::string_view();
  }
  static std::string operator_type(const FlatTable& code) {
    if (const int builtin = builtin_code(code); builtin != custom) return operator_name(builtin);
    return "CUSTOM " + std::string(custom_code(code).substr(0, 256));
  }

  void add_outputs(Progress& p, const FlatList<std::int32_t>& outputs) {
    require<FormatError>(!outputs.empty(), "has no outputs");
    Graph& g = p.graph;
    std::vector<bool> taken(g.values.size(), false);  // values that are not results of an operator
    for (std::size_t v = 0; v < g.values.size(); ++v) taken[v] = g.values[v].is_constant();
    for (int v : g.inputs) taken[static_cast<std::size_t>(v)] = true;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const std::string name = p.tensors.name(outputs[i]);
      int v = p.values[static_cast<std::size_t>(p.tensors.checked(outputs[i]))];
      require<FormatError>(v != Node::none, "output '", name, "' is not computed by any operator");
      if (taken[static_cast<std::size_t>(v)]) {
        const QuantParams quant = g.value(v).quant;
        p.tensors.spend(quant.scale.size() * 8 + 64);
        const std::string other = p.unique(name);
        v = g.add(other, Identity(), {v}, {other});
        g.value(v).quant = quant;
      } else {
        taken[static_cast<std::size_t>(v)] = true;
      }
      g.outputs.push_back(v);
    }
  }

  SharedBytes file_;
  std::string source_;
  LoadOptions options_;
  flatbuffers::Verifier verifier_;
};

}  // namespace detail::tflite
OCTET_END
