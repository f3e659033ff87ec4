#pragma once
#include "../../passes/float_fallbacks.hpp"
#include "../prepared_model.hpp"
#include "metadata.hpp"
#include "registry.hpp"
#include "zip.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// Writes a graph as a TFLite file.
class Exporter {
 public:
  Exporter(const Graph& g, const SaveOptions& options) : g_(g), tensors_(g, file_, options) {}

  std::string run() {
    for (int v : g_.inputs) file_.inputs.push_back(tensors_.tensor(v));
    for (const Node& n : g_.nodes) add_node(n);
    add_outputs();
    return with_metadata();
  }

 private:
  /// The file, with the graph's texts, TFLite Metadata, and labels in a zip archive at the end.
  std::string with_metadata() {
    const std::string labels = metadata_text(g_, "labels");
    const int label_output = output_with_labels(g_);
    for (const auto& [key, text] : prepared_metadata(g_))
      if (key != "labels" || label_output < 0) file_.metadata.emplace_back(own_metadata + key, text);
    if (std::string standard = MetadataWriter(g_).run(label_output); !standard.empty())
      file_.metadata.emplace_back(metadata_name, std::move(standard));
    std::string bytes = file_.bytes(tensors_.options().largest_file);
    if (label_output >= 0) bytes += appended_zip(bytes.size(), label_file, labels);
    return bytes;
  }

  void add_node(const Node& n) {
    NodeExport node(n, tensors_);
    const Writer write = find_writer(n.op->type());
    if (write) return write(node);
    const OperatorType* own = find_operator(n.op->type());
    node.require(own && !own->files.tflite_code.empty(), "TFLite has no operator for it. ", missing_advice(n));
    export_own_operator(node, *own);
  }

  /// Each output is the result of an operator, and is listed once.
  void add_outputs() {
    std::set<int> taken(file_.inputs.begin(), file_.inputs.end());
    for (int v : g_.outputs) {
      int t = tensors_.tensor(v);
      if (taken.count(t) || g_.value(v).is_constant()) {
        const FileTensor from = tensors_.at(t);
        const int copy = tensors_.add(from.name, from.dtype, from.shape, from.quant);
        tensors_.reshape(t, copy);
        t = copy;
      }
      taken.insert(t);
      file_.outputs.push_back(t);
    }
  }

  const Graph& g_;
  File file_;
  TensorExport tensors_;
};

}  // namespace detail::tflite
OCTET_END
