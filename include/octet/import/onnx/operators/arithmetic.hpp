#pragma once
#include "alignment.hpp"
#include "plain.hpp"

/// Arithmetic with broadcasting.
OCTET_BEGIN
namespace detail::onnx {

inline std::vector<Operand> plain_inputs(NodeImport& n) {
  std::vector<Operand> all = n.all_inputs();
  for (Operand& x : all) x = plain(n, x);
  return all;
}

inline void require_one_type(const NodeImport& n, const std::vector<Operand>& operands) {
  for (const Operand& x : operands)
    n.require(x.dtype() == operands[0].dtype(), "expected operands of one type, found '", operands[0].name(), "' (",
              octet::name(operands[0].dtype()), ") and '", x.name(), "' (", octet::name(x.dtype()), ")");
}

inline void import_binary(NodeImport& n, BinaryKind kind) {
  std::vector<Operand> operands = plain_inputs(n);
  n.require(operands.size() == 2, "expected two inputs, found ", operands.size());
  n.require(n.integer("broadcast") == 0 && !n.has_attribute("axis"),
            "broadcasting along an axis (before operator set 7) "
            "is not supported");
  if (kind == BinaryKind::pow && operands[1].dtype() != operands[0].dtype()) {
    const Operand& e = operands[1];
    const int v = n.step("exponent", Convert(operands[0].dtype()), {n.builder.value(e)}, Keeps::all);
    operands[1] = n.builder.operand(v, e.order, e.name());
  }
  require_one_type(n, operands);
  const Aligned a = align(n, operands);
  n.result(with_broadcast_symbols(n, n.add(Binary(kind), a.values), a.values), a.order);
}

/// Sum, Mean, Min and Max of any number of tensors, as a chain of binary operators.
inline void import_chain(NodeImport& n, BinaryKind kind, bool mean = false) {
  const std::vector<Operand> operands = plain_inputs(n);
  require_one_type(n, operands);
  if (operands.size() == 1)
    return n.result(n.add(Identity(), {n.builder.value(operands[0])}, Keeps::all), operands[0].order);
  const Aligned a = align(n, operands);
  int v = a.values[0];
  for (std::size_t i = 1; i < a.values.size(); ++i) {
    const std::vector<int> in{v, a.values[i]};
    const bool last = i + 1 == a.values.size() && !mean;
    v = with_broadcast_symbols(n, last ? n.add(Binary(kind), in) : n.step("part", Binary(kind), in), in);
  }
  if (mean) v = n.add(Binary(BinaryKind::div), {v, n.scalar("count", static_cast<float>(operands.size()))}, Keeps::all);
  n.result(v, a.order);
}

/// With fmod, the remainder has the sign of the dividend, else of the divisor.
inline void import_mod(NodeImport& n) {
  const bool fmod = n.flag("fmod");
  n.require(fmod || !is_floating(n.input(0).dtype()), "floating-point numbers need the attribute fmod = 1");
  import_binary(n, fmod ? BinaryKind::remainder : BinaryKind::floor_mod);
}

inline void import_not(NodeImport& n) {
  const Operand x = plain(n, n.input(0));
  const int no =
      n.builder.add_constant(n.name() + "/false", AnyTensor::make(DType::boolean, {}, [](std::byte* to) { *to = {}; }));
  n.result(n.add(Binary(BinaryKind::equal), {n.builder.value(x), no}, Keeps::all), x.order);
}

inline void import_where(NodeImport& n) {
  const std::vector<Operand> operands = plain_inputs(n);
  n.require(operands.size() == 3, "expected three inputs, found ", operands.size());
  const Aligned a = align(n, operands);
  n.result(with_broadcast_symbols(n, n.add(Where(), a.values), a.values), a.order);
}

}  // namespace detail::onnx
OCTET_END
