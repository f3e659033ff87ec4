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
  /// Elements i to n, fewer than a batch.
  FloatBatch rest(std::int64_t i, std::int64_t n) const noexcept {
    if (!moves) return FloatBatch(*p);
    std::array<float, FloatBatch::size> v{};
    std::copy(p + i, p + n, v.begin());
    return FloatBatch::load_unaligned(v.data());
  }
};

/// out[i] = f(operand[i] ...) for n elements, where f is a function of batches. The bits do not depend on an element's
/// position. out may be an operand.
template <class F, class... Operands>
void apply_to_batches(const F& f, float* out, std::int64_t n, const Operands&... operands) noexcept {
  constexpr std::int64_t lanes = FloatBatch::size;
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) f(operands.batch(i)...).store_unaligned(out + i);
  if (i == n) return;
  std::array<float, lanes> last;
  f(operands.rest(i, n)...).store_unaligned(last.data());
  std::copy(last.begin(), last.begin() + (n - i), out + i);
}

}  // namespace detail
OCTET_END
