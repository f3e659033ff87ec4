#pragma once
#include <set>

#include "../../core/with_place.hpp"
#include "../../graph/metadata.hpp"
#include "../../model_file/load_options.hpp"
#include "../input_shapes.hpp"
#include "fold_parameters.hpp"
#include "half_precision.hpp"
#include "image_tensors.hpp"
#include "known_operators.hpp"
#include "own_operator.hpp"
#include "registry.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Converts the graph of an ONNX model.
class Importer {
 public:
  Importer(ModelProto model, std::string source, const LoadOptions& options, ExternalData files, std::size_t bytes)
      : model_(std::move(model)),
        source_(std::move(source)),
        options_(options),
        files_(std::move(files)),
        builder_(16 * bytes + (std::size_t{1} << 20)) {
    builder_.onnx_reference = options.onnx_reference;
    files_.count_in(builder_.budget());
  }

  Model run() {
    check_versions();
    order_ = node_order(graph(), source_);
    needed_ = needed_by_outputs(graph(), order_);
    branches_.add_names(graph());
    reserve_names(graph());
    require_operators(graph(), order_, needed_, source_);
    add_initializers(graph());
    add_inputs();
    require_known_inputs(options_, builder_.graph, source_);
    for (std::size_t i : order_)
      if (needed_.nodes[i]) add_node(model_.graph.nodes[i], i);
    add_outputs();
    Graph g = std::move(builder_.graph);
    describe(g);
    g.remove_unused();
    return g;
  }

 private:
  const GraphProto& graph() const noexcept { return model_.graph; }

  /// Runs f. Errors then name the file and `where`.
  template <class Where, class F>
  void located(Where where, F f) {
    with_place([&](const std::string& text) { return "'" + source_ + "': " + where() + ": " + text; }, f);
  }
  template <class... Parts>
  void require_file(bool condition, const Parts&... parts) const {
    require<FormatError>(condition, "'", source_, "': ", parts...);
  }
  static std::string text(std::string_view v) { return std::string(v); }

  void check_versions() {
    const auto version = [&](std::string_view domain) {
      const auto it = model_.opsets.find(domain);
      return it == model_.opsets.end() ? std::int64_t{0} : it->second;
    };
    opset_ = std::max(version(""), version("ai.onnx"));
    require_file(!graph().nodes.empty() || !graph().outputs.empty(), "is not an ONNX model: it has no graph");
    require_file(opset_ >= 7 && opset_ <= 25, "expected version 7 to 25 of ONNX's operator set, found version ",
                 opset_);
    require_file(!graph().sparse_initializers, "has sparse initializers, which are not supported");
  }

  void reserve_names(const GraphProto& g) {
    each_defined(g, [&](std::string_view name) { builder_.reserve_name(name); });
    for (const NodeProto& n : g.nodes)
      for (const Branch& b : n.branches) reserve_names(b.graph);
  }

  void add_initializers(const GraphProto& g) {
    for (const TensorProto& t : g.initializers) {
      require_file(!t.name.empty(), "an initializer has no name");
      require_file(initializers_.insert(t.name).second, "tensor '", text(t.name), "' is defined twice");
      located([&] { return "initializer '" + text(t.name) + "'"; },
              [&] {
                Operand x;
                if (needed_.tensors.count(t.name)) x = constant_operand(text(t.name), read_tensor(t, files_));
                tensors_.emplace(t.name, std::move(x));
                if (needed_.tensors.count(t.name)) half_.compute_in_float(t.name);
              });
    }
  }

  /// Adds the inputs, except initializers, which older files list as inputs, too.
  void add_inputs() {
    find_images(graph(), order_, source_, images_);
    std::unordered_map<std::string_view, int> symbols;  // sizes with the same name are equal
    for (const ValueInfo& v : graph().inputs) {
      if (initializers_.count(v.name)) continue;
      located([&] { return "input '" + text(v.name) + "'"; },
              [&] {
                require<FormatError>(!tensors_.count(v.name), "is defined twice");
                require<FormatError>(std::string_view(v.kind) == "tensor", "expected a tensor, found ", v.kind);
                require<FormatError>(v.has_shape, "has no shape");
                add_input(v, symbols);
              });
    }
  }

  void add_input(const ValueInfo& v, std::unordered_map<std::string_view, int>& known) {
    Shape shape;
    Symbols symbols{};
    for (const ValueInfo::Dim& d : v.dims) {
      const auto at = static_cast<std::size_t>(shape.rank());
      shape.push_back(d.size < 0 ? Shape::unknown : d.size);
      symbols[at] = builder_.new_symbol();
      if (!d.symbol.empty()) symbols[at] = known.emplace(d.symbol, symbols[at]).first->second;
    }
    shape = input_shape(options_, text(v.name), shape);
    const int rank = shape.rank();
    const bool image = rank >= 3 && rank <= 5 && !options_.keep_layout && images_.count(v.name) > 0;
    const Order order = image ? Order::channels_last(rank) : Order::identity(rank);
    if (rank >= 3 && rank <= 5 && images_.count(v.name) == 0) texts_[layout_key(text(v.name))] = "as in the model";
    Symbols stored{};
    for (int i = 0; i < rank; ++i) stored[static_cast<std::size_t>(i)] = symbols[static_cast<std::size_t>(order[i])];
    const int value = builder_.add_input(text(v.name), permuted(shape, order), element_type(v.data_type), stored);
    for (int i = 0; i < rank; ++i) {
      const ValueInfo::Dim& d = v.dims[static_cast<std::size_t>(order[i])];
      if (d.size < 0 && !d.symbol.empty()) texts_[dimension_key(text(v.name), i)] = text(d.symbol);
    }
    tensors_.emplace(v.name, builder_.operand(value, order, text(v.name)));
    half_.compute_in_float(v.name);
  }

  /// i: its place in its graph.
  void add_node(NodeProto& n, std::size_t i) {
    GraphProto* branch = nullptr;
    located([&] { return "node " + node_name(n, i) + " (" + text(n.op_type) + ")"; },
            [&] {
              const Handler handler = find_handler(n.domain, n.op_type);
              const OperatorType* own = handler ? nullptr : find_onnx_operator(n.domain, n.op_type);
              require<FormatError>(!n.outputs.empty(), "has no outputs");
              for (std::string_view in : n.inputs)
                require<FormatError>(in.empty() || tensors_.count(in), "reads '", text(in),
                                     "', which is neither an input nor written by a node that can run before");
              for (std::string_view o : n.outputs)
                require<FormatError>(!tensors_.count(o), "writes '", text(o), "', which is an input or initializer");
              if (is_if(n)) {
                NodeImport node(n, opset_, builder_, tensors_, files_, needed_.tensors);
                branch = &branches_.add(std::move(n.branches[chosen_branch(node, n)].graph));
                return;
              }
              NodeImport node(n, opset_, builder_, tensors_, files_, needed_.tensors);
              const std::size_t first = builder_.graph.nodes.size();
              if (own)
                import_own_operator(node, *own);
              else if (n.domain == "com.microsoft" || !import_on_sizes(node))
                handler(node);
              note_sizes(n, node, handler);
              const bool folded = fold_parameters(builder_.graph, first, builder_.budget());
              for (std::string_view o : n.outputs) {
                require<FormatError>(o.empty() || !needed_.tensors.count(o) || tensors_.count(o), "output '", text(o),
                                     "' is not supported");
                if (folded && tensors_.count(o)) builder_.set_constant(tensors_.at(o));
                half_.note_output(n, o);
              }
            });
    if (branch) add_branch(n, i, *branch);
  }

  /// Adds the nodes of a branch, which write the outputs of n.
  void add_branch(const NodeProto& n, std::size_t i, GraphProto& branch) {
    for (std::size_t k = 0; k < n.outputs.size(); ++k)  // the others are not read
      if (!needed_.tensors.count(n.outputs[k])) branch.outputs[k].name = {};
    const std::vector<std::size_t> order = node_order(branch, source_);
    const Needed needed = needed_by_outputs(branch, order);
    needed_.tensors.insert(needed.tensors.begin(), needed.tensors.end());
    require_operators(branch, order, needed, source_);
    add_initializers(branch);
    for (std::size_t k : order)
      if (needed.nodes[k]) add_node(branch.nodes[k], k);
    located([&] { return "node " + node_name(n, i) + " (If)"; },
            [&] {
              for (std::size_t k = 0; k < n.outputs.size(); ++k) {
                const std::string_view name = branch.outputs[k].name;
                if (name.empty()) continue;
                const auto x = tensors_.find(name);
                require<FormatError>(x != tensors_.end(), "its output '", text(name), "' is not written by any node");
                const Operand same = x->second;
                tensors_.emplace(n.outputs[k], same);
                half_.note_same(name, n.outputs[k]);
              }
            });
  }

  /// If the result are sizes that are unknown before the model runs, it is computed by nodes where a tensor is needed.
  void note_sizes(const NodeProto& n, NodeImport& node, Handler handler) {
    const auto result = tensors_.find(n.outputs[0]);
    if (result == tensors_.end()) return;
    Source& s = *result->second.source;
    if (!s.sizes || s.sizes->known() || s.at_run_time) return;
    s.at_run_time = [this, &n, node, handler]() mutable { return run_time_sizes(n, node, handler); };
  }

  int run_time_sizes(const NodeProto& n, NodeImport& node, Handler handler) {
    if (n.op_type == "Shape" || n.op_type == "Size") {
      const Operand& x = node.input(0);
      std::vector<std::int64_t> places;
      for (const int d : shape_axes(node)) places.push_back(x.order.find(d));
      const int sizes = node.step("sizes", SizesOf(std::move(places)), {builder_.value(x)});
      if (n.op_type == "Shape") return sizes;
      return node.step("elements", Reduce(ReduceKind::prod, {0}, false), {sizes});
    }
    Tensors inputs;  // with sizes as computed tensors, not as constants
    for (std::string_view in : n.inputs) {
      if (in.empty()) continue;
      Operand x = tensors_.at(in);
      if (x.source->is_run_time()) x = builder_.operand(builder_.value(x), Order::identity(x.rank()), x.name());
      inputs.insert_or_assign(in, x);
    }
    inputs.swap(tensors_);
    handler(node);
    const int v = builder_.value(tensors_.at(n.outputs[0]));
    inputs.swap(tensors_);
    return v;
  }

  void add_outputs() {
    for (const ValueInfo& o : graph().outputs)
      located([&] { return "output '" + text(o.name) + "'"; },
              [&] {
                const auto it = tensors_.find(o.name);
                require<FormatError>(it != tensors_.end(), "is not written by any node");
                builder_.graph.outputs.push_back(half_.output(o, output_value(it->second, text(o.name))));
              });
    require_file(!builder_.graph.outputs.empty(), "has no outputs");
  }

  int output_value(const Operand& x, const std::string& name) {
    const bool as_stored = !options_.keep_layout && x.rank() >= 4 && x.order == Order::channels_last(x.rank());
    const Order order = as_stored ? x.order : Order::identity(x.rank());
    if (as_stored) texts_[layout_key(name)] = "channels first";
    if (x.rank() >= 4 && x.order.is_identity()) texts_[layout_key(name)] = "as in the model";
    const int v = builder_.value(x, order);
    Graph& g = builder_.graph;
    const int stored = x.source->values.front().second;
    if (v != stored && !x.is_constant() && g.value(stored).name == name) {  // the output keeps the name
      g.value(stored).name = builder_.derived(name + ":stored");
      g.value(v).name = name;
    }
    if (taken_.empty()) taken_.insert(g.inputs.begin(), g.inputs.end());
    const bool taken = g.value(v).name != name || g.value(v).is_constant() || !taken_.insert(v).second;
    if (!taken) return v;
    const int out = builder_.add(name, make_operator(Identity()), {v}, {name}, Keeps::all);
    g.value(out).name = name;
    return out;
  }

  void describe(Graph& g) const {
    g.name = graph().name.empty() ? source_ : text(graph().name);
    g.rounding = options_.rounding.value_or(Rounding::fp32);
    for (const auto& [key, value] : model_.metadata) g.metadata[text(key)] = text(value);
    for (const auto& [key, value] : texts_) g.metadata[key] = value;
    g.metadata["format"] = "ONNX, operator set " + std::to_string(opset_);
    g.metadata["producer"] =
        text(model_.producer) + (model_.producer_version.empty() ? "" : " " + text(model_.producer_version));
  }

  ModelProto model_;
  std::string source_;
  LoadOptions options_;
  ExternalData files_;
  std::map<std::string, std::string> texts_;  // of inputs and outputs, for the metadata
  std::set<int> taken_;                       // values that are inputs or outputs
  GraphBuilder builder_;
  Branches branches_;
  Tensors tensors_;
  std::int64_t opset_ = 0;
  HalfPrecision half_{builder_, tensors_};
  std::vector<std::size_t> order_;  // of nodes
  Needed needed_;
  std::unordered_set<std::string_view> initializers_, images_;  // names
};

}  // namespace detail::onnx
OCTET_END
