#pragma once
#include <algorithm>
#include <array>

#include "elementary.hpp"

/// Functions of floats, applied to several elements at a time.
OCTET_BEGIN
namespace detail {

/// An array of floats, or one float in place of all elements.
struct FloatOperand {
  const float* p;
  bool moves = true;

  FloatBatch batch(std::int64_t i) const noexcept { return moves ? FloatBatch::load_unaligned(p + i) : FloatBatch(*p); }
  /// Elements i to n, fewer than a batch, and zeros.
  std::array<float, FloatBatch::size> rest(std::int64_t i, std::int64_t n) const noexcept {
    std::array<float, FloatBatch::size> v{};
    if (moves)
      std::copy(p + i, p + n, v.begin());
    else
      v.fill(*p);
    return v;
  }
};

/// out[i] = f(operand[i] ...) for whole batches. Not inlined: f may be long.
template <class F, class... Operands>
OCTET_NOINLINE void apply_to_whole_batches(const F& f, float* out, std::int64_t n,
                                           const Operands&... operands) noexcept {
  for (std::int64_t i = 0; i < n; i += static_cast<std::int64_t>(FloatBatch::size))
    f(operands.batch(i)...).store_unaligned(out + i);
}

/// out[i] = f(operand[i] ...) for n elements, where f is a function of batches. The bits do not depend on an element's
/// position. out may be an operand.
template <class F, class... Operands>
void apply_to_batches(const F& f, float* out, std::int64_t n, const Operands&... operands) noexcept {
  constexpr std::int64_t lanes = FloatBatch::size;
  const std::int64_t whole = n / lanes * lanes;
  apply_to_whole_batches(f, out, whole, operands...);
  if (whole == n) return;
  std::array<float, lanes> last;
  apply_to_whole_batches(f, last.data(), lanes, FloatOperand{operands.rest(whole, n).data()}...);
  std::copy(last.begin(), last.begin() + (n - whole), out + whole);
}

}  // namespace detail
OCTET_END
