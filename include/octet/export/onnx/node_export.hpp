#pragma once
#include "../../kernels/half.hpp"
#include "../../operators/activation_range.hpp"
#include "../../operators/window.hpp"
#include "../exported_node.hpp"
#include "tensor_export.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// What a node's writer sees: the node, its inputs as tensors of the file, and where its results go.
class NodeExport : public ExportedNode {
 public:
  NodeExport(const Node& node, TensorExport& tensors) : ExportedNode(node, tensors.graph()), tensors_(tensors) {}

  TensorExport& tensors() noexcept { return tensors_; }

  /// The order that images have in the file.
  Order images(int i = 0) const { return Order::channels_last(rank(i)); }
  /// The order in which input i is in the file; of constants octet's.
  Order order(int i = 0) const { return input(i).is_constant() ? Order::identity(rank(i)) : tensors_.order(id(i)); }
  /// That of the computed input with the most dimensions, for operators whose inputs have to agree.
  Order common_order() const {
    Order best;
    int most = 0;
    for (int i = 0; i < inputs(); ++i)
      if (has(i)) most = std::max(most, rank(i));
    for (int i = 0; i < inputs(); ++i)
      if (has(i) && rank(i) == most && !input(i).is_constant() && (best.rank() != most || best.is_identity()))
        best = order(i);
    return best.rank() == most ? best : Order::identity(most);
  }

  /// Input i as float numbers, or unchanged where it is not quantized.
  std::string real(int i, const Order& o) { return tensors_.real(id(i), o); }
  std::string real(int i = 0) { return real(i, order(i)); }
  /// Input i for an operator that broadcasts to tensors in the order o, which may have more dimensions.
  std::string broadcast(int i, const Order& o) {
    const Value& x = input(i);
    const int missing = o.rank() - rank(i);
    if (x.is_constant() && x.dtype != DType::f32 && is_floating(x.dtype) && output().dtype == DType::f32) {
      Shape full = x.shape;
      for (int d = 0; d < missing; ++d) full.insert(0, 1);
      const AnyTensor floats = AnyTensor(to_float(x.constant.ref())).reshaped(full);
      return tensors_.constant(id(i), permuted(floats, o.inverse()));
    }
    if (missing == 0) return real(i, o);
    if (o.is_identity()) return real(i, Order::identity(rank(i)));
    Shape full = x.shape;
    for (int d = 0; d < missing; ++d) full.insert(0, 1);
    if (x.is_constant() && !x.quant.per_channel()) {
      const AnyTensor t = permuted(tensors_.file_constant(id(i)).reshaped(full), o.inverse());
      const std::string codes = tensors_.constant(id(i), t);
      return x.is_quantized() ? tensors_.dequantized(codes, x.name, id(i), o) : codes;
    }
    std::vector<std::int64_t> axes;
    for (int d = 0; d < missing; ++d) axes.push_back(d);
    const std::string longer =
        step("aligned", "Unsqueeze", {real(i, Order::identity(rank(i))), integers("axes", axes)});
    return tensors_.transposed(longer, name(), Order::identity(o.rank()), o);
  }

  std::string step(const char* what, const std::string& type, const std::vector<std::string>& in,
                   const Attributes& a = {}) {
    return tensors_.step(name() + "/" + what, type, in, a);
  }
  std::string integers(const char* what, const std::vector<std::int64_t>& all) {
    return tensors_.integers(name() + "/" + what, all);
  }
  std::string scalar(const char* what, double x) { return tensors_.scalar(name() + "/" + what, x); }

  /// Writes output i, of float numbers in the order o, with `write(name)`, which adds a node that writes that tensor.
  template <class Write>
  void result(int i, const Order& o, const ActivationRange& activation, Write write) {
    const int v = out_id(i);
    const std::string base = result_name(v, o);
    if (!tensors_.has_codes(v)) {
      require(!output(i).is_quantized(), "output '", output(i).name,
              "' is quantized with a scale for each channel, which octet does not write");
      if (activation.none()) {
        write(base);
      } else {
        const std::string linear = tensors_.file().unique(output(i).name + "/linear");
        write(linear);
        write_clip(base, linear, activation, base, output(i).dtype);
      }
    } else {
      quantized_result(v, base, activation, write);
    }
    written(i, base, o);
  }
  /// Adds a node that clips elements of that type: from tensor `from` to tensor `to`.
  void write_clip(const std::string& node, const std::string& from, const ActivationRange& a, const std::string& to,
                  DType type) {
    if (a.low == 0 && !std::isfinite(a.high) && type == DType::f32)
      return void(tensors_.node(node, "Relu", {from}, to));
    const auto limit = [&](const char* what, double x, bool low) {
      return tensors_.file().add_constant(name() + "/" + what, limit_constant(type, x, low));
    };
    std::vector<std::string> in{from, std::isfinite(a.low) ? limit("min", a.low, true) : ""};
    if (std::isfinite(a.high)) in.push_back(limit("max", a.high, false));
    tensors_.node(node, "Clip", in, to);
  }
  /// Writes one node of that type, whose only output is output 0.
  void node(const std::string& type, const std::vector<std::string>& in, const Order& o, const Attributes& a = {},
            const ActivationRange& activation = {}) {
    result(0, o, activation, [&](const std::string& out) { tensors_.node(name(), type, in, out, a); });
  }
  /// Output 0 has the elements of an existing tensor of codes (or plain elements), in the order o.
  void same(const std::string& codes, const Order& o) { tensors_.set_written(out_id(), codes, o); }
  /// Adds the node itself, with all its outputs.
  void whole_node(const std::string& type, const std::vector<std::string>& in, const std::vector<Order>& orders,
                  const Attributes& a = {}, const std::string& domain = {}) {
    std::vector<std::string> real, base;
    for (int i = 0; i < outputs(); ++i) {
      base.push_back(result_name(out_id(i), orders[static_cast<std::size_t>(i)]));
      real.push_back(tensors_.has_codes(out_id(i)) ? tensors_.file().unique(output(i).name + "/real") : base.back());
    }
    tensors_.file().add_node(name(), type, in, real, a, domain);
    for (int i = 0; i < outputs(); ++i) {
      const auto k = static_cast<std::size_t>(i);
      if (tensors_.has_codes(out_id(i))) tensors_.quantize(real[k], out_id(i), base[k], output(i).name + "/quantize");
      written(i, base[k], orders[k]);
    }
  }
  /// The name for a value's own tensor in that order: the value's name, unless an output of the model needs that for
  /// another order.
  std::string result_name(int v, const Order& o) {
    const bool moved = graph().is_output(v) && tensors_.output_order(v, o) != o;
    return tensors_.file().unique(graph().value(v).name + (moved ? "/as_computed" : ""));
  }
  void written(int i, const std::string& tensor, const Order& o) {
    tensors_.set_written(out_id(i), tensor, o);
    tensors_.file().add_value(tensor, tensors_.file_type(out_id(i)), tensors_.file_shape(out_id(i), o));
  }

 private:
  /// An activation whose limits are those of the codes is left out, or written where ONNX Runtime removes it. Any other
  /// follows the layer's QuantizeLinear, between a DequantizeLinear and a QuantizeLinear of its own, so that the layer
  /// computes with integers.
  template <class Write>
  void quantized_result(int v, const std::string& base, const ActivationRange& a, Write write) {
    const DType type = tensors_.file_type(v);
    const QuantParams q = tensors_.file_params(v);
    const IntegerRange all = integer_range(type), limits = code_limits(a.low, a.high, type, q);
    const std::string& own = graph().value(v).name;
    const bool clamps_itself = limits.low == all.low && limits.high == all.high;
    const bool relu = a.low == 0 && q.zero_point[0] == all.low && (!std::isfinite(a.high) || a.high == 6);
    if (a.none() || (clamps_itself && !relu)) {
      const std::string real = tensors_.file().unique(own + "/real");
      write(real);
      return tensors_.quantize(real, v, base, own + "/quantize");
    }
    const std::string linear = tensors_.file().unique(own + "/linear"), real = tensors_.file().unique(own + "/real");
    write(linear);
    std::string from = linear;
    if (!clamps_itself) {
      const std::string codes = tensors_.file().unique(own + "/unclamped");
      tensors_.quantize(linear, v, codes, codes);
      from = tensors_.dequantized(codes, own, v, Order());
    }
    write_clip(real, from, exact_limits(a, limits, all, q), real, DType::f32);
    tensors_.quantize(real, v, base, own + "/quantize");
  }

  /// The same limits, or those of the codes where rounding a tie to even would give another code.
  static ActivationRange exact_limits(const ActivationRange& a, const IntegerRange& limits, const IntegerRange& all,
                                      const QuantParams& q) {
    const auto one = [&](double x, std::int64_t code) {
      if (!std::isfinite(x)) return x;
      const float ratio = static_cast<float>(x) / q.scale[0];
      const auto nearest = std::clamp<std::int64_t>(std::llrint(ratio) + q.zero_point[0], all.low, all.high);
      return nearest == code ? x : real_value(static_cast<double>(code), q);
    };
    return {one(a.low, limits.low), one(a.high, limits.high)};
  }

  TensorExport& tensors_;
};

}  // namespace detail::onnx
OCTET_END
