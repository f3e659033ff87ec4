#pragma once
#include "joined.hpp"

OCTET_BEGIN
/// A convolution followed by 2x2 max pooling, if nothing else reads its output. Executors create it; it does not occur
/// in files. Input: image.
class PooledConvolution : public detail::JoinedOperators<PooledConvolution> {
 public:
  static constexpr const char* type_name = "PooledConvolution";  ///< see Operator::type

  /// Whether the two can be joined, and are then faster.
  OCTET_API static bool suits(const Graph& g, const Node& convolution, const Node& pooling);

  /// Prepares one step that computes the convolution and pools its results.
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "pooled.inl"
#endif
