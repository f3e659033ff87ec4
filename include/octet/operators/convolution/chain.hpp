#pragma once
#include "joined.hpp"

OCTET_BEGIN
/// Two or three convolutions in a row, each read only by the next one. Executors create it for inverted residuals and
/// separable convolutions; it does not occur in files. Inputs: image, residual of the last convolution (optional).
class ConvolutionChain : public detail::JoinedOperators<ConvolutionChain> {
 public:
  static constexpr const char* type_name = "ConvolutionChain";  ///< see Operator::type

  /// Whether the layer can be the last of a chain: a 1x1 convolution without groups.
  OCTET_API static bool can_end_with(const Node& n);

  /// Prepares one step that computes all convolutions, in bands of rows where tensors between them are large.
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "chain.inl"
#endif
