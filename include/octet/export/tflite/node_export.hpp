#pragma once
#include "../../operators/activation_range.hpp"
#include "../exported_node.hpp"
#include "tensor_export.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// What a node's writer sees: the node, its inputs as tensors of the file, and where its results go.
class NodeExport : public ExportedNode {
 public:
  NodeExport(const Node& node, TensorExport& tensors) : ExportedNode(node, tensors.graph()), tensors_(tensors) {}

  TensorExport& tensors() noexcept { return tensors_; }
  int in(int i) { return tensors_.tensor(id(i)); }
  int out(int i = 0) { return tensors_.tensor(out_id(i)); }
  bool has_codes(int i = 0) const { return tensors_.has_codes(out_id(i)); }
  /// The type of the result in the file.
  DType code_type() const { return tensors_.file_type(out_id()); }

  /// Input i with the scale and zero point of the output, as operators that move codes require it.
  int in_like_output(int i) {
    if (!has_codes() || !tensors_.has_codes(id(i)) || tensors_.file_type(id(i)) != code_type()) return in(i);
    const QuantParams from = tensors_.file_params(id(i)), to = tensors_.file_params(out_id());
    if (from != to)
      note(tensors_.options(), "input '", input(i).name, "' has ", scale_text(from), ", and TFLite requires ",
           scale_text(to), ", those of the result: its codes are requantized", input(i).is_constant() ? " once" : "");
    return tensors_.requantized(in(i), to);
  }
  /// A new tensor like output i, for a step before it.
  int before_output(const char* what, int i = 0) {
    return tensors_.add(name() + "/" + what, tensors_.file_type(out_id(i)), output(i).shape,
                        tensors_.file_params(out_id(i)));
  }
  int step(const char* what, DType dtype, const Shape& shape, const QuantParams& q = {}) {
    return tensors_.add(name() + "/" + what, dtype, shape, q);
  }
  int integers(const char* what, const std::vector<std::int64_t>& all, bool scalar = false) {
    return tensors_.integers(name() + "/" + what, all, scalar);
  }
  /// Writes one operator; `version` is that of float tensors, `coded` that of int8. That of int16 is the next one for
  /// most operators.
  void operate(const std::string& type, int version, int coded, const std::vector<int>& in, const std::vector<int>& out,
               const Options& options = Options()) {
    const bool codes = std::any_of(out.begin(), out.end(), [&](int t) { return is_coded(t); }) ||
                       (!in.empty() && in[0] >= 0 && is_coded(in[0]));
    const bool wide = !out.empty() && tensors_.at(out[0]).dtype == DType::i16 && tensors_.at(out[0]).quant;
    const int of_int16 = type == "SUB"                          ? 5
                         : type == "MUL" || type == "TRANSPOSE" ? 4
                         : type == "LEAKY_RELU"                 ? 2
                         : type == "RESHAPE"                    ? 1
                                                                : 3;
    tensors_.operate(type, wide ? of_int16 : codes ? coded : version, in, out, options);
  }

  /// Writes output 0 with `write(tensor, code of the fused activation)`. Activations without such a code, or any if the
  /// operator does not fuse them, are written as MINIMUM and MAXIMUM of its result.
  template <class Write>
  void result(const ActivationRange& a, bool fuses, Write write) {
    const int code = activation_code(a);
    if (code == 0 || (fuses && code > 0)) return write(out(), code);
    const int unclamped = before_output("unclamped");
    write(unclamped, 0);
    clamp(unclamped, a, out());
  }
  void clamp(int from, const ActivationRange& a, int to) {
    const bool high = std::isfinite(a.high) && highest(a);
    const bool low = !high || (std::isfinite(a.low) && lowest(a));  // a copy where nothing is cut
    int x = from;
    if (low) {
      const int y = high ? before_output("not_below") : to;
      operate("MAXIMUM", 1, 2, {x, limit("low", a.low, true, a)}, {y}, Options(39));
      x = y;
    }
    if (high) operate("MINIMUM", 1, 2, {x, limit("high", a.high, false, a)}, {to}, Options(39));
  }

 private:
  static std::string scale_text(const QuantParams& q) {
    return concat("scale ", q.scale[0], " and zero point ", q.zero_point[0]);
  }
  bool is_coded(int t) const { return is_code(tensors_.at(t).dtype); }
  IntegerRange limits(const ActivationRange& a) const {
    return code_limits(a.low, a.high, code_type(), tensors_.file_params(out_id()));
  }
  bool lowest(const ActivationRange& a) const {
    return !has_codes() || limits(a).low != integer_range(code_type()).low;
  }
  bool highest(const ActivationRange& a) const {
    return !has_codes() || limits(a).high != integer_range(code_type()).high;
  }
  int limit(const char* what, double x, bool low, const ActivationRange& a) {
    const std::string n = name() + "/" + what;
    if (!has_codes()) return tensors_.constant(n, limit_constant(output().dtype, x, low));
    const std::int64_t code = low ? limits(a).low : limits(a).high;
    return tensors_.constant(
        n,
        AnyTensor::make(code_type(), {},
                        [&](std::byte* to) { store_element(code_type(), to, 0, static_cast<double>(code)); }),
        tensors_.file_params(out_id()));
  }

  /// ActivationFunctionType: 0 none, 1 RELU, 2 RELU_N1_TO_1, 3 RELU6; -1: another one. Of codes, one with the same
  /// limits.
  int activation_code(const ActivationRange& a) const {
    if (a.none()) return 0;
    constexpr double inf = std::numeric_limits<double>::infinity();
    const ActivationRange all[] = {{}, {0, inf}, {-1, 1}, {0, 6}};
    for (const int code : {1, 3, 2}) {  // as the model says it, where it says so
      if (all[code].low == a.low && all[code].high == a.high) return code;
    }
    for (int code = 0; has_codes() && code < 4; ++code) {
      const IntegerRange x = limits(a), y = limits(all[code]);
      if (x.low == y.low && x.high == y.high) return code;
    }
    return -1;
  }

  TensorExport& tensors_;
};

}  // namespace detail::tflite
OCTET_END
