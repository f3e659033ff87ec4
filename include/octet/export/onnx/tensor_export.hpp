#pragma once
#include <optional>

#include "../../graph/metadata.hpp"
#include "../../import/onnx/order.hpp"
#include "../../model_file/save_options.hpp"
#include "../codes.hpp"
#include "file.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// The tensors of a graph as tensors of an ONNX file. A tensor's order says how it is stored in octet: dimension i of
/// the graph's value is dimension order[i] of the file's tensor, so images are [N, C, spatial ...] in the file.
///
/// Quantized values are tensors of codes, after a QuantizeLinear where they are written, with a DequantizeLinear where
/// they are read. Codes of activations are uint8 or int8, as the options say: the other type's codes are moved by 128.
class TensorExport {
 public:
  TensorExport(const Graph& g, File& file, const SaveOptions& options)
      : g_(g), file_(file), options_(options), written_(g.values.size()), follows_codes_(g.values.size()) {
    for (const Node& n : g.nodes) {
      const bool sums = n.op->traits().products != Traits::Products::none;
      const bool follows = !sums && std::any_of(n.inputs.begin(), n.inputs.end(),
                                                [this](int v) { return v != Node::none && follows_codes(v); });
      for (int v : n.outputs)
        if (v != Node::none) follows_codes_[at(v)] = follows;
    }
  }

  const Graph& graph() const noexcept { return g_; }
  File& file() noexcept { return file_; }
  const SaveOptions& options() const noexcept { return options_; }

  /// Whether the value is a quantized activation (or a constant like one), whose codes may be moved.
  bool has_codes(int v) const { return is_byte(g_.value(v).dtype) && g_.value(v).has_one_scale(); }
  /// Whether the value has codes or is computed from codes, with no sums of products between.
  bool follows_codes(int v) const { return has_codes(v) || follows_codes_[at(v)]; }
  /// Its type in the file.
  DType file_type(int v) const {
    const DType t = g_.value(v).dtype;
    if (g_.value(v).is_constant() && has_packed_codes(t)) return is_signed(t) ? DType::i8 : DType::u8;
    if (!has_codes(v)) return t;
    return options_.onnx == OnnxForm::unsigned_codes ? DType::u8 : DType::i8;
  }
  /// Its parameters in the file.
  QuantParams file_params(int v) const {
    QuantParams q = g_.value(v).quant;
    if (!has_codes(v)) return q;
    q.zero_point[0] += code_shift(g_.value(v).dtype, file_type(v));
    require<FormatError>(
        options_.onnx != OnnxForm::symmetric || q.zero_point[0] == 0, "tensor '", g_.value(v).name,
        "' has the zero point ", q.zero_point[0],
        " as int8, expected 0 for OnnxForm::symmetric: quantize with symmetric activations, or save as "
        "OnnxForm::unsigned_codes");
    return q;
  }

  /// The order in which a computed value is in the file.
  const Order& order(int v) const { return written_[at(v)].order; }
  bool is_written(int v) const { return !written_[at(v)].name.empty(); }
  /// The name of a value that has just been written, or of another tensor that has its elements.
  void set_written(int v, const std::string& name, const Order& order) { written_[at(v)] = {name, order}; }
  /// A matrix whose columns are an image's elements in the file's order, because it was flattened there: the image's
  /// shape, and its order. Nothing but layers whose weights can be reordered reads it, see only_feeds_layers.
  std::optional<std::pair<Shape, Order>> columns(int v) const {
    const auto it = columns_.find(v);
    return it == columns_.end() ? std::nullopt : std::make_optional(it->second);
  }
  void set_columns(int v, const Shape& image, const Order& order) { columns_[v] = {image, order}; }
  /// An elementwise operator keeps the order of columns.
  void pass_columns(int from, int to) {
    if (const auto c = columns(from)) columns_[to] = *c;
  }

  /// The order in the file of an output of the model that is computed in the order `own`: images are [N, C, spatial
  /// ...] if they are computed so, or were so in the file that the model is from, see Importer::output_value.
  Order output_order(int v, const Order& own) const {
    const Order image = Order::channels_last(own.rank());
    const bool was_image = layout(v) == "channels first";
    return own.rank() >= 4 && !is_kept(v) && (was_image || own == image) ? image : Order::identity(own.rank());
  }
  /// Whether the file that the model is from had the input or output in the model's order.
  bool is_kept(int v) const { return layout(v) == "as in the model"; }

  /// Sizes of a value in the file.
  std::vector<FileDim> file_shape(int v, const Order& order) const {
    std::vector<FileDim> dims;
    for (std::int64_t d : permuted(g_.value(v).shape, order.inverse())) dims.push_back({d, ""});
    return dims;
  }

  /// The value's tensor (of codes, if it is quantized) in that order.
  std::string tensor(int v, const Order& order) {
    const auto key = std::make_pair(v, order.list());
    if (const auto it = tensors_.find(key); it != tensors_.end()) return it->second;
    const Value& x = g_.value(v);
    if (x.is_constant()) return tensors_[key] = constant(v, permuted(file_constant(v), order.inverse()));
    const Written& w = written_[at(v)];
    if (w.order == order) return w.name;
    return tensors_[key] = transposed(w.name, x.name, w.order, order);
  }
  /// The value as float numbers (or as it is, if it is not quantized) in that order.
  std::string real(int v, const Order& order) {
    const Value& x = g_.value(v);
    if (!x.is_quantized()) return tensor(v, order);
    const auto key = std::make_pair(v, order.list());
    if (const auto it = reals_.find(key); it != reals_.end()) return it->second;
    const std::string codes = tensor(v, order);
    return reals_[key] = dequantized(codes, x.name, v, order);
  }
  /// Says that the DequantizeLinear of a value has been written.
  void set_real(int v, const Order& order, const std::string& name) { reals_[{v, order.list()}] = name; }

  std::string node(const std::string& name, const std::string& type, const std::vector<std::string>& inputs,
                   const std::string& output, const Attributes& attributes = {}, const std::string& domain = {}) {
    file_.add_node(name, type, inputs, {output}, attributes, domain);
    return output;
  }
  std::string step(const std::string& name, const std::string& type, const std::vector<std::string>& inputs,
                   const Attributes& attributes = {}) {
    const std::string out = file_.unique(name);
    return node(out, type, inputs, out, attributes);
  }
  std::string transposed(const std::string& tensor, const std::string& name, const Order& from, const Order& to) {
    Attributes a;
    a.integers("perm", permutation(from.inverse(), to.inverse()).list());
    return step(name + "/transposed", "Transpose", {tensor}, a);
  }

  /// Writes the scale and the zero point of a tensor, once. Returns their names.
  std::vector<std::string> scale(int v) {
    const auto it = scales_.find(v);
    if (it != scales_.end()) return it->second;
    return scales_[v] = scale(g_.value(v).name, file_params(v), file_type(v));
  }
  std::vector<std::string> scale(const std::string& name, const QuantParams& q, DType type) {
    const Shape shape = q.per_channel() ? Shape{q.channels()} : Shape{};
    Tensor<float> s = Tensor<float>::uninitialized(shape);
    std::copy(q.scale.begin(), q.scale.end(), s.begin());
    AnyTensor zero = AnyTensor::make(type, shape, [&](std::byte* to) {
      for (std::size_t i = 0; i < q.zero_point.size(); ++i)
        store_integer(to, static_cast<std::int64_t>(i), type, q.zero_point[i]);
    });
    return {file_.add_constant(name + "/scale", std::move(s)),
            file_.add_constant(name + "/zero_point", std::move(zero))};
  }
  /// codes -> QuantizeLinear of v's parameters.
  void quantize(const std::string& real, int v, const std::string& codes, const std::string& node_name) {
    const std::vector<std::string> s = scale(v);
    node(node_name, "QuantizeLinear", {real, s[0], s[1]}, codes);
  }
  void dequantize(const std::string& codes, int v, const Order& order, const std::string& result,
                  const std::string& node_name) {
    const std::vector<std::string> s = scale(v);
    Attributes a;
    const QuantParams& q = g_.value(v).quant;
    if (q.per_channel()) a.integer("axis", order[q.axis]);
    node(node_name, "DequantizeLinear", {codes, s[0], s[1]}, result, a);
  }
  std::string dequantized(const std::string& codes, const std::string& name, int v, const Order& order) {
    const std::string out = file_.unique(name + "/dequantized");
    dequantize(codes, v, order, out, out);
    return out;
  }

  std::string constant(int v, AnyTensor t) { return file_.add_constant(g_.value(v).name, std::move(t)); }
  std::string integers(const std::string& name, const std::vector<std::int64_t>& all) {
    Tensor<std::int64_t> t = Tensor<std::int64_t>::uninitialized({static_cast<std::int64_t>(all.size())});
    std::copy(all.begin(), all.end(), t.begin());
    return file_.add_constant(name, std::move(t));
  }
  std::string reals(const std::string& name, const std::vector<double>& all) {
    Tensor<float> t = Tensor<float>::uninitialized({static_cast<std::int64_t>(all.size())});
    for (std::size_t i = 0; i < all.size(); ++i) t[static_cast<std::int64_t>(i)] = static_cast<float>(all[i]);
    return file_.add_constant(name, std::move(t));
  }
  /// A number of rank 0.
  std::string scalar(const std::string& name, double x) {
    Tensor<float> t = Tensor<float>::uninitialized({});
    t[0] = static_cast<float>(x);
    return file_.add_constant(name, std::move(t));
  }

  /// A constant's elements in a type that the file has.
  AnyTensor file_constant(int v) const {
    const Value& x = g_.value(v);
    const AnyTensor t = whole_bytes(x.constant);
    require<FormatError>(data_type_code(t.dtype()) != 0, "constant '", x.name, "' is of type ", name(x.dtype),
                         ", which octet does not write to ONNX files");
    return has_codes(v) ? moved_codes(t, file_type(v), code_shift(x.dtype, file_type(v))) : t;
  }

 private:
  std::string layout(int v) const {
    const auto at = g_.metadata.find(layout_key(g_.value(v).name));
    return at == g_.metadata.end() ? std::string() : at->second;
  }
  struct Written {
    std::string name;
    Order order;
  };
  static std::size_t at(int v) { return static_cast<std::size_t>(v); }
  static void store_integer(std::byte* to, std::int64_t i, DType type, std::int32_t x) {
    switch (bits(type)) {
      case 4: return store_bits(to, i, 4, static_cast<std::uint32_t>(x) & 15u);
      case 8: return store_as(to, i, static_cast<std::int8_t>(x));
      case 16: return store_as(to, i, static_cast<std::int16_t>(x));
      default: return store_as(to, i, x);
    }
  }

  const Graph& g_;
  File& file_;
  const SaveOptions& options_;
  std::vector<Written> written_;     // of each value
  std::vector<bool> follows_codes_;  // likewise
  std::map<std::pair<int, std::vector<std::int64_t>>, std::string> tensors_, reals_;
  std::map<int, std::vector<std::string>> scales_;
  std::map<int, std::pair<Shape, Order>> columns_;
};

}  // namespace detail::onnx
OCTET_END
