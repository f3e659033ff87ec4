#include <algorithm>
#include <iostream>
#include <octet/graph/metadata.hpp>
#include <octet/passes/optimize.hpp>
#include <octet/quantization/plan_file.hpp>
#include "../report/layer_text.hpp"
#include "../report/machine.hpp"

#include "commands.hpp"
#include "common.hpp"
#include "sizes.hpp"

using namespace octet;

namespace {

struct InspectArguments {
  std::string model, plan;
  InputSizes sizes;
  bool optimized = false, fields = false, full_names = false, kernels = false;
  int threads = 0;
  WeightMemory memory = WeightMemory::fast;
  std::optional<Rounding> rounding;
};

/// An operator's parameters as text.
class Printer : public FieldVisitor {
 public:
  using FieldVisitor::field;
  void field(const char* name, std::int64_t& v) override { put(name, v); }
  void field(const char* name, double& v) override { put(name, v); }
  void field(const char* name, std::string& v) override { put(name, v); }
  void field(const char* name, std::vector<std::int64_t>& v) override { list(name, v); }
  void field(const char* name, std::vector<double>& v) override { list(name, v); }
  std::string text() const { return text_.str(); }

 private:
  template <class T>
  void put(const char* name, const T& v) {
    text_ << (text_.tellp() > 0 ? " " : "") << name << "=" << v;
  }
  template <class T>
  void list(const char* name, const std::vector<T>& v) {
    std::ostringstream all;
    for (std::size_t i = 0; i < v.size(); ++i) all << (i ? "," : "[") << v[i];
    if (!v.empty()) put(name, all.str() + "]");
  }
  std::ostringstream text_;
};

/// "1x28x28x12"
std::string shape_text(const Shape& s) {
  std::string text;
  for (int d = 0; d < s.rank(); ++d) text += (d ? "x" : "") + (s[d] < 0 ? std::string("?") : std::to_string(s[d]));
  return s.rank() ? text : "scalar";
}

/// "0.02353 -3"; of several scales, their number: "*32".
std::string params_text(const QuantParams& q) {
  if (q.per_channel()) return "*" + std::to_string(q.channels());
  char scale[32];
  std::snprintf(scale, sizeof scale, "%.4g", static_cast<double>(q.scale[0]));
  return std::string(scale) + " " + std::to_string(q.zero_point[0]);
}

/// Type, scale and zero point, for example "int8 0.02353 -3"; or the number of scales, for example "int8 *32".
std::string quantization_text(const Value& v) {
  std::string text = name(v.dtype);
  if (!v.quant) return text;
  return text + " " + params_text(v.quant);
}

std::string thousands(std::int64_t n) {
  std::string s = std::to_string(n);
  for (std::size_t i = s.size(); i > 3; i -= 3) s.insert(i - 3, ",");
  return s;
}

/// Prints how each layer runs on this processor.
void inspect_kernels(const Model& model, const InspectArguments& o) {
  Executor executor(model, with_threads(o.threads, o.memory));
  const std::vector<Shape> inputs = o.sizes.shapes(model);
  executor.plan(inputs);
  const Graph& g = executor.graph();
  const std::vector<Shape> shapes = g.infer_shapes(inputs);
  const std::vector<std::string> names = layer_names(g, o.full_names);
  const std::vector<LayerForm> layers = executor.layer_forms();
  report::TextTable table({"Layer", "Type", "Output", "Form", "Packed bytes"});
  for (std::size_t i = 0; i < layers.size(); ++i)
    table.add({names[i], report::layer_kind(g, g.nodes[i]),
               shape_text(shapes[static_cast<std::size_t>(g.nodes[i].outputs[0])]), layers[i].form,
               layers[i].packed_bytes ? thousands(static_cast<std::int64_t>(layers[i].packed_bytes)) : ""});
  const auto mb = [](std::size_t bytes) { return report::megabytes(static_cast<std::int64_t>(bytes)) + " MB"; };
  std::cout << table.str(o.full_names ? 0 : 120) << "\n"
            << report::machine_description(executor.threads()) << "\n"
            << layers.size() << " steps, packed weights " << mb(executor.packed_bytes()) << ", arena "
            << mb(executor.arena_bytes()) << " for inputs of";
  for (const Shape& s : inputs) std::cout << " " << s;
  std::cout << "\n";
}

/// "4", or "4/64" for blocks of 64 inputs; nothing for layers without integer weights.
std::string bits_text(const LayerPlan& layer) {
  if (!layer.weights) return "";
  return std::to_string(layer.weight_bits) + (layer.weight_block ? "/" + std::to_string(layer.weight_block) : "");
}

/// A quantization plan, layer by layer of the model it was made for.
void inspect_plan(const InspectArguments& o) {
  const QuantizationPlan plan = load_plan(o.plan);
  const Model model = open_planned_model(o.model, plan, o.rounding);
  const OptimizedModel g = optimize(model);
  const std::vector<std::string> names = plan_layer_names(g),
                                 shown = o.full_names ? names : report::short_names(std::vector<std::string>(names));
  const auto activation = [&](int v) {
    const auto a = plan.activations.find(g.value(v).name);
    return a == plan.activations.end() ? std::string() : params_text({a->second.scale, a->second.zero_point});
  };
  std::vector<std::string> tensors;
  for (const Value& v : g.values) tensors.push_back(v.name);
  if (!o.full_names) tensors = report::short_names(std::move(tensors));
  const auto tensor = [&](int v) { return tensors[static_cast<std::size_t>(v)]; };
  report::TextTable table({"Layer", "Type", "Form", "Weights", "Bits", "Bias corrected", "Tensor", "Scale"});
  for (int v : g.inputs) table.add({"", "input", "", "", "", "", tensor(v), activation(v)});
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = plan.layers.find(names[i]);
    require(found != plan.layers.end(), "plan '", o.plan, "' has no layer '", names[i], "' of model '", model.name,
            "'");
    const LayerPlan& layer = found->second;
    table.add({shown[i], report::layer_kind(g, g.nodes[i]), name(layer.form),
               layer.weights ? params_text(layer.weights) : "", bits_text(layer),
               layer.input_means.empty() ? "" : "yes", tensor(g.nodes[i].outputs[0]),
               activation(g.nodes[i].outputs[0])});
  }
  std::cout << table.str(o.full_names ? 0 : 120)
            << "\nscale, zero point; *32: a scale for each of 32 channels; 4/64: 4 bits in blocks of 64 inputs; no "
               "scale of a tensor: that of its layer's "
               "input or of "
               "the concat that reads it, prescribed, or float\n";
}

std::ptrdiff_t lines(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n') + (text.empty() || text.back() == '\n' ? 0 : 1);
}

void inspect_command(const InspectArguments& o) {
  if (!o.plan.empty()) return inspect_plan(o);
  Model model = open_model(o.model, o.rounding);
  if (o.kernels) return inspect_kernels(model, o);
  if (o.optimized) model = optimize(model);
  const std::vector<Shape> shapes = model.infer_shapes(o.sizes.shapes(model));
  using report::printable;
  std::cout << printable(model.name) << "\n";
  const std::string factors = exponents_key;
  std::size_t equalized = 0;
  for (const auto& [key, value] : model.metadata)
    if (key.compare(0, factors.size(), factors) == 0)
      ++equalized;
    else
      std::cout << printable(key + ": " + (key == "labels" ? std::to_string(lines(value)) + " classes" : value))
                << "\n";
  if (equalized > 0) std::cout << "equalized: channels of " << equalized << " tensors have factors, powers of two\n";
  if (has_integer_layers(model)) std::cout << "rounding: " << rounding_name(model.rounding) << "\n";
  for (const auto& [what, list] : {std::make_pair("input", &model.inputs), std::make_pair("output", &model.outputs)})
    for (int v : *list)
      std::cout << what << ": " << printable(model.value(v).name) << " " << model.value(v).shape << " "
                << quantization_text(model.value(v)) << "\n";
  std::cout << "\n";

  report::TextTable table({"Layer", "Type", "Output", "Parameters", "MACs", "Weights", "Result"});
  std::int64_t macs = 0, parameters = 0;
  std::vector<bool> counted_value(model.values.size(), false);
  const std::vector<std::string> names = layer_names(model, o.full_names);
  for (std::size_t layer = 0; layer < names.size(); ++layer) {
    const Node& n = model.nodes[layer];
    std::int64_t own = 0;
    std::string weights;
    for (std::size_t i = 0; i < n.inputs.size(); ++i) {
      if (n.inputs[i] == Node::none || !model.value(n.inputs[i]).is_constant()) continue;
      const Value& v = model.value(n.inputs[i]);
      own += v.constant.size();
      if (weights.empty()) weights = quantization_text(v);
      if (!counted_value[static_cast<std::size_t>(n.inputs[i])]) parameters += v.constant.size();
      counted_value[static_cast<std::size_t>(n.inputs[i])] = true;
    }
    const std::int64_t m = model.macs(n, shapes);
    macs += m;
    const Value& result = model.value(n.outputs[0]);
    table.add({names[layer], report::layer_kind(model, n), shape_text(shapes[static_cast<std::size_t>(n.outputs[0])]),
               own ? thousands(own) : "", m ? thousands(m) : "", weights, quantization_text(result)});
    if (o.fields) {
      Printer p;
      const_cast<Operator&>(*n.op).fields(p);  // visitors take non-const references; Printer does not modify
      if (!p.text().empty()) table.add_line("    " + p.text());
    }
  }
  std::size_t bytes = 0;
  for (const Value& v : model.values) bytes += v.constant.size_bytes();
  std::cout << table.str(o.full_names ? 0 : 120) << "\n"
            << counted(static_cast<std::int64_t>(model.nodes.size()), "layer") << ", " << thousands(parameters)
            << " parameters (" << report::megabytes(static_cast<std::int64_t>(bytes)) << " MB), " << thousands(macs)
            << " multiply-adds\n";
  if (std::any_of(model.values.begin(), model.values.end(), [](const Value& v) { return v.is_quantized(); }))
    std::cout << "quantized: type, scale, zero point; *32: one scale for each of 32 channels\n";
}

}  // namespace

void add_inspect(CLI::App& app) {
  auto o = std::make_shared<InspectArguments>();
  CLI::App* c = app.add_subcommand(
      "inspect", "Prints the layers of a model: shapes, parameters, multiply-adds, types and quantization");
  c->add_option("model", o->model, ".onnx, .tflite or .octet file, or builtin:NAME")->required();
  o->sizes.add_to(*c);
  c->add_flag("--optimized", o->optimized, "Show the model as it is executed: folded and fused");
  add_full_names(*c, o->full_names);
  CLI::Option* fields = c->add_flag("--fields", o->fields, "Show all parameters of the operators");
  CLI::Option* kernels =
      c->add_flag("--kernels", o->kernels,
                  "Show how each layer runs on this processor instead, and the memory of its packed weights");
  CLI::Option* plan =
      c->add_option("--plan", o->plan, "A quantization plan of the model (JSON): what it gives each layer");
  kernels->excludes(fields);
  plan->excludes(kernels)->excludes(fields)->excludes(c->get_option("--optimized"));
  add_threads(*c, o->threads)->needs(kernels);
  add_memory(*c, o->memory)->needs(kernels);
  add_rounding(*c, o->rounding);
  c->callback([o] { inspect_command(*o); });
}
