#pragma once
#include "../core/range.hpp"
#include "../operators/unary.hpp"
#include "../passes/rewrite.hpp"

OCTET_BEGIN
namespace detail {

/// The inputs between which a function changes its result by more than half a step of 8 bits: beyond them it is
/// constant, or close to it. Infinite ends have no such limit.
inline Range useful_inputs(const Unary& f) {
  constexpr float infinite = std::numeric_limits<float>::infinity();
  const auto a = static_cast<float>(f.a), b = static_cast<float>(f.b);
  switch (f.kind) {
    case UnaryKind::clip: return {a, b};
    case UnaryKind::sigmoid: return {-6.25f, 6.25f};  // 1 / (1 + exp(6.25)) is 0.49 / 255
    case UnaryKind::tanh: return {-3.12f, 3.12f};     // 1 - tanh(3.12) is half of 1 / 128
    case UnaryKind::hard_sigmoid:  // from half a step to 1 less half a step; all of [0, 1] would make every code a tie
      return a > 0 ? Range{(0.5f / 255 - b) / a, (1 - 0.5f / 255 - b) / a} : Range{-infinite, infinite};
    case UnaryKind::hard_swish: return {-3, infinite};
    default: return {-infinite, infinite};
  }
}

/// The part of a tensor's range that makes a difference to the layers that read it. A sigmoid's input of [-600, 80]
/// would have steps of 2.7, of which three are not saturated.
inline Range useful_range(const Graph& g, const Links& links, int v, const Range& range) {
  if (g.is_output(v) || links.users(v).empty()) return range;
  constexpr float infinite = std::numeric_limits<float>::infinity();
  Range useful{infinite, -infinite};
  for (int n : links.users(v)) {
    const auto* f = as<Unary>(*g.nodes[static_cast<std::size_t>(n)].op);
    if (!f) return range;
    const Range r = useful_inputs(*f);
    useful = {std::min(useful.low, r.low), std::max(useful.high, r.high)};
  }
  const Range part{std::max(range.low, useful.low), std::min(range.high, useful.high)};
  return part.low < part.high ? part : range;
}

}  // namespace detail
OCTET_END
