#pragma once
#include "../../../operators/arithmetic/binary.hpp"
#include "../../../operators/arithmetic/integer.hpp"
#include "../../../operators/code_function.hpp"
#include "../../../operators/convert.hpp"
#include "../../../operators/prelu_formula.hpp"
#include "../../../operators/softmax.hpp"
#include "cmsis_nn.hpp"
#include "run_on_codes.hpp"

/// Layers that compute element by element, and softmax.
OCTET_BEGIN
namespace detail::cpp {

/// The input of codes of which the layer computes a function, -1 if there is none or several.
inline int table_input(const NodeExport& n) {
  int found = -1;
  for (int i = 0; i < n.inputs(); ++i) {
    if (!n.has(i)) return -1;
    if (n.input(i).is_constant()) {
      if (n.input(i).constant.size() != 1) return -1;
      continue;
    }
    if (found >= 0) return -1;
    found = i;
  }
  const bool fits = found >= 0 && n.stored().is_code(n.id(found)) && n.stored().is_code(n.out_id()) &&
                    n.input(found).shape.elements() == n.output().shape.elements();
  return fits ? found : -1;
}

inline void export_table(NodeExport& n) {
  const int i = table_input(n);
  if (i < 0) {
    n.require_codes(n.id(0));
    n.require_codes(n.out_id());
    n.fail("C++ source has no form of it for these inputs");
  }
  const std::string table = n.code_array("table", n.stored().type(n.out_id()), code_table(n, i));
  n.use("lookup");
  n.can_overwrite(i);
  n.call("lookup(" + listed({table, n.in(i), n.out(), literal(n.elements(n.out_id()))}) + ")");
}

/// With the numbers of IntegerPRelu.
inline void export_prelu(NodeExport& n) {
  if (table_input(n) >= 0) return export_table(n);
  n.require_codes(n.id(0));
  n.require_codes(n.out_id());
  const PReluFormula f(n.context());
  n.require(f.rounding == Rounding::fp32,
            "C++ source of several slopes has no form of TFLite's rounding: use the rounding fp32");
  // The slopes have to be those of whole rows of elements.
  const Shape &x = n.input(0).shape, &slopes = n.input(PRelu::slopes).shape;
  const int leading = static_cast<int>(
      std::find_if(slopes.begin(), slopes.end(), [](std::int64_t d) { return d != 1; }) - slopes.begin());
  const std::int64_t count = static_cast<std::int64_t>(f.negative.size());
  n.require(x.product(x.rank() - slopes.rank() + leading, x.rank()) == count,
            "C++ source has no form of slopes of shape ", slopes, " for ", x);
  n.use("prelu");
  n.can_overwrite(0);
  n.call("prelu(" +
         listed({n.array("negative", f.negative), literal(f.positive), n.in(), n.out(), literal(x.elements() / count),
                 literal(count), literal(n.stored().zero(n.id(0))), "Codes" + n.codes(0, 255)}) +
         ")");
}

inline void export_convert(NodeExport& n) {
  const Value &x = n.input(0), &y = n.output();
  const StoredValues& s = n.stored();
  const bool from = s.is_code(n.id(0)), to = s.is_code(n.out_id());
  if (s.same(n.id(0), n.out_id()) && (from || x.dtype == y.dtype)) return n.set_view();
  const std::string count = literal(n.elements(n.out_id()));
  if (x.dtype == DType::f32 && to) {
    const IntegerRange r = integer_range(s.type(n.out_id()));
    n.use("quantize");
    return n.call("quantize(" +
                  listed({n.in(), n.out(), count, literal(y.quant.scale[0]), literal(s.zero(n.out_id())),
                          literal(r.low), literal(r.high)}) +
                  ")");
  }
  if (from && y.dtype == DType::f32) {
    n.require_codes(n.id(0));
    n.use("dequantize");
    return n.call("dequantize(" +
                  listed({n.in(), n.out(), count, literal(x.quant.scale[0]), literal(s.zero(n.id(0)))}) + ")");
  }
  n.require(from && to, "C++ source has no conversion from ", name(x.dtype), " to ", name(y.dtype));
  export_table(n);
}

/// How inputs `first` and `second` of a binary operator are broadcast.
inline std::string broadcast(NodeExport& n, int first, int second) {
  struct Dim {
    std::int64_t size, a, b;
  };
  std::vector<Dim> dims;  // innermost first; neighbours are merged where both inputs keep advancing or stay
  const Shape &out = n.output().shape, &sa = n.input(first).shape, &sb = n.input(second).shape;
  std::int64_t stride_a = 1, stride_b = 1;
  for (int d = out.rank() - 1; d >= 0; --d) {
    const int da = d - (out.rank() - sa.rank()), db = d - (out.rank() - sb.rank());
    const std::int64_t size_a = da < 0 ? 1 : sa[da], size_b = db < 0 ? 1 : sb[db];
    const Dim dim{out[d], size_a == 1 ? 0 : stride_a, size_b == 1 ? 0 : stride_b};
    stride_a *= size_a;
    stride_b *= size_b;
    if (out[d] == 1) continue;
    if (!dims.empty() && dim.a == dims.back().a * dims.back().size && dim.b == dims.back().b * dims.back().size)
      dims.back().size *= dim.size;
    else
      dims.push_back(dim);
  }
  n.require(dims.size() <= 4, "C++ source has no form of broadcasting ", sa, " and ", sb);
  while (dims.size() < 4) dims.push_back({1, 0, 0});
  std::vector<std::int64_t> size, a, b;
  for (auto d = dims.rbegin(); d != dims.rend(); ++d) {
    size.push_back(d->size);
    a.push_back(d->a);
    b.push_back(d->b);
  }
  return n.structure("Broadcast", {braced(size, ""), braced(a, ""), braced(b, "")});
}

/// With the numbers of IntegerBinary.
inline void export_binary(NodeExport& n) {
  const auto& op = static_cast<const Binary&>(n.op());
  if (table_input(n) >= 0) return export_table(n);
  for (int v : {n.id(0), n.id(1), n.out_id()}) n.require_codes(v);
  if (cmsis_binary(n, op)) return;
  const bool product = op.kind == BinaryKind::mul;
  n.require(product || op.kind == BinaryKind::add || op.kind == BinaryKind::sub,
            "C++ source has no form of it for two tensors; there are sums, differences and products");
  const PrepareContext c = n.context();
  const float fa = n.input(0).quant.scale[0], fb = n.input(1).quant.scale[0], fy = n.output().quant.scale[0];
  const double sa = static_cast<double>(fa), sb = static_cast<double>(fb), sy = static_cast<double>(fy);
  int first = 0, second = 1;
  std::string function;
  const auto codes = [&](std::int32_t zero, std::int32_t low, std::int32_t high) {
    const std::int32_t shift = n.stored().shift(n.out_id());
    return "{" + listed({literal(zero + shift), literal(low + shift), literal(high + shift)}) + "}";
  };
  const auto zeros = [&](std::int32_t a, std::int32_t b) {
    return literal(a + n.stored().shift(n.id(first))) + ", " + literal(b + n.stored().shift(n.id(second)));
  };
  if (c.rounding() == Rounding::fp32 && product) {
    n.use("Multiplication");
    const MulU8 p = ProductFormula(c, op.activation).arguments;
    function =
        "Multiplication{" +
        listed({literal(p.scale), literal(p.shift), zeros(p.zero_a, p.zero_b), codes(p.zero_point, p.low, p.high)}) +
        "}";
  } else if (c.rounding() == Rounding::fp32) {
    n.use("Addition");
    const SumFormula sum(c, op.kind, op.activation);
    const AddU8& p = sum.arguments;
    if (sum.swapped) std::swap(first, second);
    function = "Addition{" +
               listed({literal(p.scale_a), literal(p.scale_b), literal(p.shift), zeros(p.zero_a, p.zero_b),
                       codes(p.zero_point, p.low, p.high)}) +
               "}";
  } else {
    const IntegerRange limits = quantized_range(op.activation, n.output());
    const std::string to_codes = n.codes(limits.low, limits.high),
                      centers = zeros(n.input(0).quant.zero_point[0], n.input(1).quant.zero_point[0]);
    const std::string factor = fixed_type(n, c.rounding());
    n.use(product ? "FixedMultiplication" : "FixedAddition");
    const auto fixed = [](double real) { return fixed_literal(FixedPointMultiplier(real)); };
    const double common = 2 * std::max(sa, sb);
    function =
        product
            ? "FixedMultiplication<" + factor + ">{" +
                  listed({fixed(static_cast<double>(tflite_ratio(fa, fb, fy))), centers, to_codes}) + "}"
            : "FixedAddition<" + factor + ">{" +
                  listed({fixed(sa / common), fixed(sb / common), fixed(common / (static_cast<double>(1 << 20) * sy)),
                          centers, literal(std::int32_t{op.kind == BinaryKind::sub ? -1 : 1}), to_codes}) +
                  "}";
  }
  for (int i : {0, 1})
    if (n.input(i).shape == n.output().shape) n.can_overwrite(i);
  n.call(broadcast(n, first, second) + ".each(" + listed({n.in(first), n.in(second), n.out(), function}) + ")");
}

/// With the numbers of IntegerSoftmax.
inline void export_softmax(NodeExport& n) {
  const auto& op = static_cast<const Softmax&>(n.op());
  n.require_codes(n.id(0));
  n.require_codes(n.out_id());
  n.require(!op.log && std::isfinite(op.beta), "C++ source has no form of it for these parameters");
  const Shape& x = n.input(0).shape;
  const int axis = normalize_axis(op.axis, x.rank());
  std::vector<float> exponentials;
  for (int d = 0; d < 256; ++d)
    exponentials.push_back(static_cast<float>(
        std::exp(-static_cast<double>(n.input(0).quant.scale[0]) * op.beta * static_cast<double>(d))));
  n.use("softmax");
  const IntegerRange limits = integer_range(n.output().dtype);
  n.call("softmax(" +
         listed({n.array("exponentials", exponentials), literal(n.output().quant.scale[0]), n.in(), n.out(),
                 literal(x.product(0, axis)), literal(x[axis]), literal(x.product(axis + 1, x.rank())),
                 "Codes" + n.codes(limits.low, limits.high)}) +
         ")");
}

}  // namespace detail::cpp
OCTET_END
