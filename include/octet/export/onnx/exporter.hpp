#pragma once
#include "../../graph/metadata.hpp"
#include "../prepared_model.hpp"
#include "registry.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Writes a graph as an ONNX file.
class Exporter {
 public:
  Exporter(const Graph& g, const SaveOptions& options) : g_(g), tensors_(g, file_, options) {}

  File run() {
    for (const Node& n : g_.nodes) file_.need_opset(needed_opset(n, g_));
    add_inputs();
    for (const Node& n : g_.nodes) add_node(n);
    add_outputs();
    return std::move(file_);
  }

 private:
  /// Inputs that are used as images, directly or after operators that keep the order of dimensions. (Scales and the
  /// like, which such an operator reads or writes as well, say nothing about its images.)
  std::set<int> find_images() const {
    std::set<int> images;
    const auto add = [&](int v) {
      if (v != Node::none && g_.value(v).shape.rank() >= 3) images.insert(v);
    };
    for (auto n = g_.nodes.rbegin(); n != g_.nodes.rend(); ++n) {
      if (takes_images(*n, g_) && !n->inputs.empty()) add(n->inputs[0]);
      const bool any = std::any_of(n->outputs.begin(), n->outputs.end(), [&](int v) { return images.count(v); });
      if (any && keeps_order(*n))
        for (int v : n->inputs) add(v);
    }
    return images;
  }

  void add_inputs() {
    const std::set<int> images = find_images();
    bool first = true;
    for (int v : g_.inputs) {
      const Value& x = g_.value(v);
      require<FormatError>(data_type_code(tensors_.file_type(v)) != 0, "input '", x.name, "' is of type ",
                           name(x.dtype), ", which octet does not write to ONNX files");
      const int rank = x.shape.rank();
      const bool image = rank >= 3 && rank <= 5 && images.count(v) && !tensors_.is_kept(v);
      const Order o = image ? Order::channels_last(rank) : Order::identity(rank);
      const std::string tensor = file_.unique(x.name);
      std::vector<FileDim> shape = tensors_.file_shape(v, o);
      for (int d = 0; d < rank; ++d) {
        FileDim& dim = shape[static_cast<std::size_t>(o[d])];
        if (dim.size < 0) dim.name = dimension_name(g_.metadata, x.name, d);
      }
      for (std::size_t d = 0; d < shape.size(); ++d)
        if (shape[d].size < 0 && shape[d].name.empty())
          shape[d].name = first && d == 0 ? "N" : x.name + "_" + std::to_string(d);
      first = false;
      file_.add_input(tensor, tensors_.file_type(v), shape);
      tensors_.set_written(v, tensor, o);
    }
  }

  void add_node(const Node& n) {
    NodeExport node(n, tensors_);
    for (const auto* values : {&n.inputs, &n.outputs})
      for (int v : *values)
        node.require(v == Node::none || !int16_format.has_activations(g_.value(v).dtype) || !g_.value(v).is_quantized(),
                     "computes with int16 activations, which octet does not write to ONNX files: save as .tflite or "
                     ".octet, or plan the layer as int8 or float");
    const Writer write = find_writer(n.op->type());
    const OperatorType* own = write ? nullptr : find_operator(n.op->type());
    if (write) return write(node);
    node.require(own && !own->files.onnx_type.empty(), "ONNX has no operator for it. ", missing_advice(n));
    export_own_operator(node, *own);
  }

  /// Whether a Transpose gives the value its dimensions. Such a result has them in the file as well.
  bool is_transposed(int v) const {
    return std::any_of(g_.nodes.begin(), g_.nodes.end(),
                       [&](const Node& n) { return as<Transpose>(*n.op) && n.outputs[0] == v; });
  }

  void add_outputs() {
    std::set<std::string> taken;
    for (int v : g_.outputs) {
      const Value& x = g_.value(v);
      const bool as_it_is = x.is_constant() || is_transposed(v);
      const Order o = tensors_.output_order(v, as_it_is ? Order::identity(x.shape.rank()) : tensors_.order(v));
      std::string tensor = tensors_.tensor(v, o);
      const bool is_input = std::find(g_.inputs.begin(), g_.inputs.end(), v) != g_.inputs.end();
      if (tensor != x.name || is_input || x.is_constant() || taken.count(tensor)) {
        const std::string result = file_.unique(x.name);
        tensor = tensors_.node(result, "Identity", {tensor}, result);
      }
      taken.insert(tensor);
      file_.add_output(tensor, tensors_.file_type(v), tensors_.file_shape(v, o));
    }
  }

  const Graph& g_;
  File file_;
  TensorExport tensors_;
};

}  // namespace detail::onnx
OCTET_END
