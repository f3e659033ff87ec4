#pragma once
#include "joined.hpp"

OCTET_BEGIN
/// A convolution and the 2x2 maximum pooling of its outputs, which nothing else reads. What executors make of both; no
/// file holds it. Input: image.
class PooledConvolution : public detail::JoinedOperators<PooledConvolution> {
 public:
  static constexpr const char* type_name = "PooledConvolution";

  /// Whether these two can be one, and gain by it.
  OCTET_API static bool suits(const Graph& g, const Node& convolution, const Node& pooling);

  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "pooled.inl"
#endif
