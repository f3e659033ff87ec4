#pragma once
#include <optional>
#include <vector>

#include "../../core/shape.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// A size that a model computes: a number, or the unknown size of dimension `dim`, which varies between runs.
struct Size {
  std::int64_t value = 0;
  int dim = -1;  // dimension of the unknown size; -1: known
  bool known() const noexcept { return dim < 0; }
};

/// A vector of sizes, or a single one (a tensor of rank 0).
struct Sizes {
  static constexpr std::int64_t most = 4096;
  std::vector<Size> entries;
  bool scalar = false;
};

/// The size of dimension d of a tensor.
inline Size size_of(const Shape& s, int d) { return s[d] == Shape::unknown ? Size{0, d} : Size{s[d], -1}; }

/// Converts sizes to the target of a Reshape: 0 keeps the input's size at that index, -1 is computed from the others.
inline std::vector<std::int64_t> reshape_target(const Sizes& wanted, const Shape& in) {
  std::vector<std::int64_t> target;
  for (std::size_t i = 0; i < wanted.entries.size(); ++i) {
    const Size& s = wanted.entries[i];
    const auto at = static_cast<int>(i);
    // A batch that is declared as 1 can have any size.
    const bool batch = i == 0 && s.known() && s.value == 1 && in.rank() > 0 && in[0] == Shape::unknown;
    const bool kept = !s.known() && s.dim == at && at < in.rank() && in[at] == Shape::unknown;
    target.push_back(batch || kept ? 0 : s.known() ? s.value : -1);
  }
  return target;
}

}  // namespace detail::tflite
OCTET_END
