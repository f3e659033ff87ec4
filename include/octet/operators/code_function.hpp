#pragma once
#include "convolution/joined.hpp"

OCTET_BEGIN
/// Several elementwise operators whose result depends on one code alone, so that a table of all codes replaces them.
/// Executors create it; it does not occur in files. Input: quantized bytes.
class CodeFunction : public detail::JoinedOperators<CodeFunction> {
 public:
  static constexpr const char* type_name = "CodeFunction";  ///< see Operator::type

  /// Whether the layer computes each element from those of its inputs at the same place, and numbers.
  OCTET_API static bool can_contain(const Graph& g, const Node& n);

  /// Prepares a step that looks up each element.
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;

  /// The operators that it contains, for display.
  OCTET_API std::string summary(const ShapeContext&) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "code_function.inl"
#endif
