#pragma once
#include "../../kernels/half.hpp"
#include "../../model_file/save_options.hpp"
#include "../../operators/operands.hpp"
#include "../codes.hpp"
#include "file.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// Whether tensors of that type are activations of integer layers, if they are quantized: those of 8 bits, and int16.
inline bool is_code(DType t) noexcept { return is_byte(t) || t == DType::i16; }

/// The tensors of a graph as tensors of a TFLite file. Activations are int16, or int8: codes of uint8 are moved by 128.
/// Models with uint8 weights whose zero point is not 128 have the older form, in which all are uint8.
class TensorExport {
 public:
  TensorExport(const Graph& g, File& file, const SaveOptions& options)
      : g_(g), file_(file), options_(options), tensors_(g.values.size(), none) {
    for (const Node& n : g.nodes) {
      const int w = n.op->integer_form().weights;
      if (w < 0 || static_cast<std::size_t>(w) >= n.inputs.size() || n.inputs[static_cast<std::size_t>(w)] < 0)
        continue;
      const Value& v = g.value(n.inputs[static_cast<std::size_t>(w)]);
      for (std::int32_t z : v.quant.zero_point)
        if (v.dtype == DType::u8 && z != 128) codes_ = DType::u8;
    }
  }
  static constexpr int none = -1;

  const Graph& graph() const noexcept { return g_; }
  File& file() noexcept { return file_; }
  const SaveOptions& options() const noexcept { return options_; }
  /// The type of the model's 8-bit codes.
  DType codes() const noexcept { return codes_; }
  bool has_codes(int v) const { return is_code(g_.value(v).dtype) && g_.value(v).is_quantized(); }
  DType file_type(int v) const {
    const DType t = g_.value(v).dtype;
    return has_codes(v) && is_byte(t) ? codes_ : t;
  }
  QuantParams file_params(int v) const {
    QuantParams q = g_.value(v).quant;
    if (has_codes(v))
      for (std::int32_t& z : q.zero_point) z += code_shift(g_.value(v).dtype, file_type(v));
    return q;
  }

  /// The tensor of a value; adds it if it is new.
  int tensor(int v) {
    int& t = tensors_[static_cast<std::size_t>(v)];
    if (t != none) return t;
    const Value& x = g_.value(v);
    AnyTensor data;
    if (x.is_constant()) data = file_constant(v);
    return t = add(x.name, x.is_constant() ? data.dtype() : file_type(v), x.shape, file_params(v), data);
  }
  /// The value has the elements of another tensor.
  void set_tensor(int v, int t) { tensors_[static_cast<std::size_t>(v)] = t; }
  bool is_written(int v) const { return tensors_[static_cast<std::size_t>(v)] != none; }

  int add(const std::string& name, DType dtype, const Shape& shape, const QuantParams& q = {}, AnyTensor data = {}) {
    require<FormatError>((data ? constant_type(dtype) : tensor_type(dtype)) >= 0, "tensor '", name, "' is of type ",
                         octet::name(dtype), ", which octet does not write to TFLite files");
    for (const std::int32_t z : q.zero_point)
      require<FormatError>(dtype != DType::i16 || z == 0, "tensor '", name, "' has 16-bit codes with the zero point ",
                           z, ", which TFLite does not have: save as .octet");
    std::string free = name.empty() ? "tensor" : name;
    for (int i = 1; !names_.insert(free).second; ++i) free = name + "_" + std::to_string(i);
    file_.tensors.push_back({free, dtype, shape, q, std::move(data)});
    return static_cast<int>(file_.tensors.size()) - 1;
  }
  int constant(const std::string& name, AnyTensor t, const QuantParams& q = {}) {
    const DType dtype = t.dtype();
    const Shape shape = t.shape();
    return add(name, dtype, shape, q, std::move(t));
  }
  int integers(const std::string& name, const std::vector<std::int64_t>& all, bool scalar = false) {
    Tensor<std::int32_t> t =
        Tensor<std::int32_t>::uninitialized(scalar ? Shape{} : Shape{static_cast<std::int64_t>(all.size())});
    for (std::size_t i = 0; i < all.size(); ++i)
      t[static_cast<std::int64_t>(i)] = static_cast<std::int32_t>(std::clamp<std::int64_t>(
          all[i], std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()));
    return constant(name, std::move(t));
  }
  void operate(const std::string& type, int version, const std::vector<int>& in, const std::vector<int>& out,
               const Options& options = Options()) {
    file_.operators.push_back({type, version, in, out, options});
  }
  const FileTensor& at(int t) const { return file_.tensors[static_cast<std::size_t>(t)]; }

  AnyTensor file_constant(int v) const {
    const Value& x = g_.value(v);
    const AnyTensor t = whole_bytes(x.constant);
    if (has_codes(v) && is_byte(x.dtype)) return moved_codes(t, codes_, code_shift(x.dtype, codes_));
    return t;
  }

  /// A RESHAPE to the shape of `to`, of which one size may be unknown.
  void reshape(int from, int to) {
    const Shape s = at(to).shape;
    require<FormatError>(std::count(s.begin(), s.end(), Shape::unknown) <= 1, "tensor '", at(to).name,
                         "' has the shape ", s,
                         ", of which TFLite can compute one size only: set the others in the model's inputs");
    const std::vector<std::int64_t> sizes(s.begin(), s.end());
    operate("RESHAPE", 1, {from, integers(at(to).name + "/sizes", sizes)}, {to},
            Options(17).list(0, {s.begin(), s.end()}));
  }

  /// A tensor with the same numbers in another scale.
  int requantized(int t, const QuantParams& to) {
    if (at(t).quant == to) return t;
    const std::string name = at(t).name + "/requantized";
    const Shape shape = at(t).shape;
    if (at(t).data) return constant(name, requantized_codes(at(t), to), to);
    const int out = add(name, at(t).dtype, shape, to);
    rescale(t, out);
    return out;
  }
  /// The numbers of `from` in the scale of `to`. For images by the only exact operator that runtimes have: a 1x1
  /// depthwise convolution with weights of 1.
  void rescale(int from, int to) {
    if (at(from).shape.rank() == 4 && at(from).shape[3] > 0 && at(from).dtype == DType::i8)
      depthwise_of_ones(from, to, {1, 1}, {1, 1}, 1.0f);
    else
      requantize(from, to);
  }
  void requantize(int from, int to) {
    if (at(from).dtype == DType::i16 && at(to).dtype == DType::i16)
      return operate("QUANTIZE", 2, {from}, {to}, Options(89));
    const int real = add(at(to).name + "/real", DType::f32, at(to).shape);
    operate("DEQUANTIZE", at(from).dtype == DType::i16 ? 3 : 2, {from}, {real}, Options(38));
    operate("QUANTIZE", at(to).dtype == DType::i16 ? 2 : 1, {real}, {to}, Options(89));
  }
  /// Sums of windows, times `scale`.
  void depthwise_of_ones(int from, int to, const std::vector<std::int64_t>& kernel,
                         const std::vector<std::int64_t>& strides, float scale) {
    const std::int64_t c = at(from).shape[3];
    const std::string name = at(to).name;
    const auto count = static_cast<std::size_t>(c);
    Tensor<std::int8_t> ones = Tensor<std::int8_t>::uninitialized({1, kernel[0], kernel[1], c});
    std::fill(ones.begin(), ones.end(), std::int8_t{1});
    const float unit = at(from).quant.scale[0] * scale;
    const QuantParams each{std::vector<float>(count, scale), std::vector<std::int32_t>(count, 0), 3},
        sums{std::vector<float>(count, unit), std::vector<std::int32_t>(count, 0), 0};
    const int w = constant(name + "/ones", std::move(ones), each);
    const bool wide = at(from).dtype == DType::i16;
    const AnyTensor zeros = wide ? AnyTensor(Tensor<std::int64_t>({c})) : AnyTensor(Tensor<std::int32_t>({c}));
    const int b = constant(name + "/zeros", zeros, sums);
    Options o(2);
    o.byte(0, 1).integer(1, strides[1]).integer(2, strides[0]).integer(3, 1).integer(5, 1).integer(6, 1);
    operate("DEPTHWISE_CONV_2D", wide ? 5 : 3, {from, w, b}, {to}, o);
  }

 private:
  static AnyTensor requantized_codes(const FileTensor& from, const QuantParams& to) {
    const IntegerRange r = integer_range(from.dtype);
    return AnyTensor::make(from.dtype, from.shape, [&](std::byte* out) {
      const float ratio = from.quant.scale[0] / to.scale[0];
      for (std::int64_t i = 0, n = from.data.size(); i < n; ++i) {
        const double code = load_element(from.dtype, from.data.data(), i) - from.quant.zero_point[0];
        const float scaled = static_cast<float>(code) * ratio;
        const double moved = static_cast<double>(std::nearbyint(scaled)) + to.zero_point[0];
        store_element(from.dtype, out, i, std::clamp(moved, static_cast<double>(r.low), static_cast<double>(r.high)));
      }
    });
  }

  const Graph& g_;
  File& file_;
  const SaveOptions& options_;
  DType codes_ = DType::i8;
  std::vector<int> tensors_;  // of each value
  std::set<std::string> names_;
};

}  // namespace detail::tflite
OCTET_END
