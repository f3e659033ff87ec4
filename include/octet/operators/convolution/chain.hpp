#pragma once
#include "joined.hpp"

OCTET_BEGIN
/// Two or three convolutions, each of which only the next one reads. What executors make of inverted residuals and
/// separable convolutions; no file holds it. Inputs: image, residual of the last convolution (optional).
class ConvolutionChain : public detail::JoinedOperators<ConvolutionChain> {
 public:
  static constexpr const char* type_name = "ConvolutionChain";

  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "chain.inl"
#endif
