#pragma once
#include "../../../operators/arithmetic/binary.hpp"
#include "../../../operators/batch_normalization.hpp"
#include "../../../operators/convert.hpp"
#include "../../../operators/local_response_normalization.hpp"
#include "../../../operators/prelu.hpp"
#include "../../../operators/softmax.hpp"
#include "../../../operators/unary.hpp"
#include "../node_export.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// Writes float operators between conversions, where TFLite has none for codes: `write(in, out)`.
template <class Write>
void in_float(NodeExport& n, Write write) {
  int x = n.in(0), y = n.out();
  if (n.input(0).is_quantized()) {
    x = n.step("input", DType::f32, n.input(0).shape);
    n.tensors().operate("DEQUANTIZE", n.input(0).dtype == DType::i16 ? 3 : 2, {n.in(0)}, {x}, Options(38));
  }
  if (n.has_codes()) y = n.step("real", DType::f32, n.output().shape);
  write(x, y);
  if (n.has_codes()) n.tensors().operate("QUANTIZE", n.code_type() == DType::i16 ? 2 : 1, {y}, {n.out()}, Options(89));
}

inline int scalar(NodeExport& n, const char* what, double x) {
  return n.tensors().constant(n.name() + "/" + what, Tensor<float>(Shape{}, std::vector<float>{static_cast<float>(x)}));
}

inline void export_unary(NodeExport& n) {
  const auto& u = static_cast<const Unary&>(n.op());
  TensorExport& t = n.tensors();
  const Shape& s = n.output().shape;
  const auto plain = [&](const char* type, int coded, const Options& o = Options()) {
    if (coded > 0) return n.operate(type, 1, coded, {n.in(0)}, {n.out()}, o);
    in_float(n, [&](int x, int y) { t.operate(type, 1, {x}, {y}, o); });
  };
  switch (u.kind) {
    case UnaryKind::clip: {
      const ActivationRange a{u.a, u.b};
      if (n.has_codes()) return n.clamp(n.in_like_output(0), a, n.out());
      if (n.output().dtype != DType::f32) return n.clamp(n.in(0), a, n.out());  // integers
      if (u.a == 0 && u.b == 6) return plain("RELU6", 2);
      if (u.a == 0 && !std::isfinite(u.b)) return plain("RELU", 2);
      if (u.a == -1 && u.b == 1) return plain("RELU_N1_TO_1", 2);
      return n.clamp(n.in(0), a, n.out());
    }
    case UnaryKind::sigmoid: return plain("LOGISTIC", 2);
    case UnaryKind::tanh: return plain("TANH", 2);
    case UnaryKind::hard_swish: return plain("HARD_SWISH", 1, Options(91));
    case UnaryKind::leaky_relu: return plain("LEAKY_RELU", 2, Options(75).real(0, u.a));
    case UnaryKind::elu:
      n.require(u.a == 1, "is an ELU with alpha ", u.a, ", which TFLite does not have: it has 1 only");
      return plain("ELU", 0);
    case UnaryKind::exp: return plain("EXP", 0, Options(33));
    case UnaryKind::log: return plain("LOG", 0);
    case UnaryKind::sqrt: return plain("SQRT", 0);
    case UnaryKind::rsqrt: return plain("RSQRT", 0);
    case UnaryKind::negate: return plain("NEG", 0, Options(42));
    case UnaryKind::abs: return plain("ABS", 0, Options(78));
    case UnaryKind::floor: return plain("FLOOR", 0);
    case UnaryKind::ceil: return plain("CEIL", 0);
    case UnaryKind::round: return plain("ROUND", 0);
    case UnaryKind::sign: return plain("SIGN", 0);
    case UnaryKind::sin: return plain("SIN", 0);
    case UnaryKind::cos: return plain("COS", 0, Options(84));
    case UnaryKind::gelu: return plain("GELU", 0);
    case UnaryKind::silu:
      return in_float(n, [&](int x, int y) {
        const int gate = n.step("gate", DType::f32, s);
        t.operate("LOGISTIC", 1, {x}, {gate});
        t.operate("MUL", 1, {x, gate}, {y}, Options(21));
      });
    case UnaryKind::hard_sigmoid:  // min(max(a x + b, 0), 1)
      return in_float(n, [&](int x, int y) {
        int product = n.step("product", DType::f32, s), sum = n.step("sum", DType::f32, s),
            low = n.step("low", DType::f32, s);
        t.operate("MUL", 1, {x, scalar(n, "alpha", u.a)}, {product}, Options(21));
        t.operate("ADD", 1, {product, scalar(n, "beta", u.b)}, {sum}, Options(11));
        t.operate("MAXIMUM", 1, {sum, scalar(n, "zero", 0)}, {low}, Options(39));
        t.operate("MINIMUM", 1, {low, scalar(n, "one", 1)}, {y}, Options(39));
      });
    case UnaryKind::reciprocal:
      return in_float(n, [&](int x, int y) { t.operate("DIV", 1, {scalar(n, "one", 1), x}, {y}, Options(29)); });
    default: n.fail("has a function that TFLite does not have. Save the model as .onnx or .octet");
  }
}

inline void export_binary(NodeExport& n) {
  const auto& b = static_cast<const Binary&>(n.op());
  const bool logic = n.input(0).dtype == DType::boolean;
  const auto sum = [&](const char* type, int options) {
    n.result(b.activation, true, [&](int to, int code) {
      Options o = Options(options).byte(0, code);
      if (n.code_type() == DType::i16 && b.kind != BinaryKind::mul)
        o.clear(1);  // pot_scale_int16: scales are not powers of two
      n.operate(type, 1, 2, {n.in(0), n.in(1)}, {to}, o);
    });
  };
  const auto plain = [&](const char* type, int options = 0) {
    const auto write = [&](int to, int) { n.operate(type, 1, 2, {n.in(0), n.in(1)}, {to}, Options(options)); };
    if (n.output().dtype != DType::f32) return write(n.out(), 0);
    n.result(b.activation, false, write);
  };
  switch (b.kind) {
    case BinaryKind::add: return sum("ADD", 11);
    case BinaryKind::sub: return sum("SUB", 28);
    case BinaryKind::mul: return sum("MUL", 21);
    case BinaryKind::div: return sum("DIV", 29);
    case BinaryKind::min: return logic ? plain("LOGICAL_AND", 62) : plain("MINIMUM", 39);
    case BinaryKind::max: return logic ? plain("LOGICAL_OR", 60) : plain("MAXIMUM", 39);
    case BinaryKind::pow: return plain("POW", 56);
    case BinaryKind::less: return plain("LESS", 41);
    case BinaryKind::less_or_equal: return plain("LESS_EQUAL", 46);
    case BinaryKind::greater: return plain("GREATER", 44);
    case BinaryKind::greater_or_equal: return plain("GREATER_EQUAL", 45);
    case BinaryKind::equal: return plain("EQUAL", 53);
    case BinaryKind::not_equal: return plain("NOT_EQUAL", 54);
    case BinaryKind::floor_div: return plain("FLOOR_DIV", 65);
    case BinaryKind::floor_mod: return plain("FLOOR_MOD", 72);
    case BinaryKind::remainder: n.fail("has a remainder with the dividend's sign, which TFLite does not have");
  }
}

inline void export_prelu(NodeExport& n) {
  const Value& slopes = n.input(PRelu::slopes);
  if (slopes.has_one_scale()) return n.operate("PRELU", 1, 1, {n.in(0), n.in(1)}, {n.out()});
  Tensor<float> real = Tensor<float>::uninitialized(slopes.shape);
  const ChannelWalk walk(slopes.shape, slopes.quant.axis);
  for (std::int64_t i = 0; i < real.size(); ++i) {
    const double x = load_element(slopes.dtype, n.constant_input(PRelu::slopes).data(), i);
    real[i] = static_cast<float>(slopes.is_quantized() ? real_value(x, slopes.quant, walk.channel_of(i)) : x);
  }
  const int a = n.tensors().constant(slopes.name, std::move(real));
  in_float(n, [&](int x, int y) { n.tensors().operate("PRELU", 1, {x, a}, {y}); });
}

inline void export_where(NodeExport& n) {
  n.operate("SELECT_V2", 1, 1, {n.in(0), n.in(1), n.in(2)}, {n.out()}, Options(98));
}

inline void export_convert(NodeExport& n) {
  TensorExport& t = n.tensors();
  const Value &x = n.input(0), &y = n.output();
  if (y.is_quantized()) {
    n.require(y.has_one_scale() && t.has_codes(n.out_id()), "converts to ", name(y.dtype), " with ", y.quant.channels(),
              " scales, which octet does not write");
    if (x.is_quantized()) {
      if (t.file_type(n.id(0)) != n.code_type()) return t.requantize(n.in(0), n.out());
      const int from = t.requantized(n.in(0), t.file_params(n.out_id()));
      if (!n.graph().is_output(n.out_id())) return t.set_tensor(n.out_id(), from);
      return t.reshape(from, n.out());
    }
    n.require(x.dtype == DType::f32, "quantizes ", name(x.dtype), ", expected float32");
    return t.operate("QUANTIZE", n.code_type() == DType::i16 ? 2 : 1, {n.in(0)}, {n.out()}, Options(89));
  }
  if (x.is_quantized() || x.dtype == DType::f16) {
    n.require(y.dtype == DType::f32, "converts codes to ", name(y.dtype), ", expected float32");
    const int version = x.dtype == DType::f16 || x.dtype == DType::i16 ? 3 : x.quant.per_channel() ? 5 : 2;
    return t.operate("DEQUANTIZE", version, {n.in(0)}, {n.out()}, Options(38));
  }
  const int from = tensor_type(x.dtype), to = tensor_type(y.dtype);
  n.require(from >= 0 && to >= 0, "converts ", name(x.dtype), " to ", name(y.dtype), ", which TFLite does not have");
  t.operate("CAST", 1, {n.in(0)}, {n.out()}, Options(37).byte(0, from).byte(1, to));
}

/// Identity and Dropout: no operator, unless the result is one of the model's.
inline void export_identity(NodeExport& n) {
  const bool result = n.graph().is_output(n.out_id());
  if (!result && n.input(0).quant == n.output().quant) return n.tensors().set_tensor(n.out_id(), n.in(0));
  n.tensors().reshape(n.in_like_output(0), n.out());
}

/// Along the last dimension, with the output that TFLite prescribes; another one follows by a conversion.
inline void export_softmax(NodeExport& n) {
  const auto& s = static_cast<const Softmax&>(n.op());
  TensorExport& t = n.tensors();
  n.require(normalize_axis(s.axis, n.rank()) == n.rank() - 1, "is a softmax along dimension ", s.axis,
            ", which TFLite does not have: transpose that dimension to the last");
  n.require(!s.log || s.beta == 1, "is a logarithmic softmax with the factor ", s.beta, ", which TFLite does not have");
  if (s.log) return in_float(n, [&](int x, int y) { t.operate("LOG_SOFTMAX", 1, {x}, {y}, Options(36)); });
  const Options o = Options(9).real(0, s.beta);
  if (!n.has_codes()) return in_float(n, [&](int x, int y) { t.operate("SOFTMAX", 1, {x}, {y}, o); });
  const bool wide = n.code_type() == DType::i16;
  const QuantParams fixed = wide ? QuantParams(1.0f / 32768, 0) : params_dividing({0, 1}, n.code_type());
  if (t.file_params(n.out_id()) == fixed) return n.operate("SOFTMAX", 1, 2, {n.in(0)}, {n.out()}, o);
  n.note(t.options(), "has the scale ", n.output().quant.scale[0], ", and TFLite requires ", fixed.scale[0],
         ": its result is requantized");
  const int y = n.step("fixed", n.code_type(), n.output().shape, fixed),
            real = n.step("real", DType::f32, n.output().shape);
  n.operate("SOFTMAX", 1, 2, {n.in(0)}, {y}, o);
  t.operate("DEQUANTIZE", wide ? 3 : 2, {y}, {real}, Options(38));
  t.operate("QUANTIZE", wide ? 2 : 1, {real}, {n.out()}, Options(89));
}

/// Normalization that no layer could take: a product and a sum for each channel.
inline void export_batch_normalization(NodeExport& n) {
  const auto& b = static_cast<const BatchNormalization&>(n.op());
  std::vector<Tensor<float>> p;
  for (int i = 1; i <= 4; ++i) {
    n.require(n.has(i) && n.input(i).is_constant(), "has no constant input ", i, ", expected one");
    p.push_back(to_float(n.input(i).constant.ref()));
  }
  Tensor<float> factor = Tensor<float>::uninitialized(p[0].shape()), shift = Tensor<float>::uninitialized(p[0].shape());
  for (std::int64_t c = 0; c < factor.size(); ++c) {
    const double f = static_cast<double>(p[0][c]) / std::sqrt(static_cast<double>(p[3][c]) + b.epsilon);
    factor[c] = static_cast<float>(f);
    shift[c] = static_cast<float>(static_cast<double>(p[1][c]) - static_cast<double>(p[2][c]) * f);
  }
  TensorExport& t = n.tensors();
  const int f = t.constant(n.name() + "/factor", std::move(factor)),
            s = t.constant(n.name() + "/shift", std::move(shift));
  const int product = n.step("product", DType::f32, n.output().shape);
  t.operate("MUL", 1, {n.in(0), f}, {product}, Options(21));
  n.result(b.activation, true, [&](int to, int code) {
    t.operate("ADD", 1, {product, s}, {to}, Options(11).byte(0, code));
  });
}

inline void export_local_response_normalization(NodeExport& n) {
  const auto& l = static_cast<const LocalResponseNormalization&>(n.op());
  n.require(l.size % 2 == 1 && n.rank() == 4, "normalizes over ", l.size,
            " channels, which TFLite does not have: it has odd "
            "numbers only");
  Options o(13);
  o.integer(0, l.size / 2).real(1, l.bias).real(2, l.alpha / static_cast<double>(l.size)).real(3, l.beta);
  n.tensors().operate("LOCAL_RESPONSE_NORMALIZATION", 1, {n.in(0)}, {n.out()}, o);
}

}  // namespace detail::tflite
OCTET_END
