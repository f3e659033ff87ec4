#pragma once
#include <optional>

#include "../../core/element.hpp"

/// Arithmetic on the sizes of tensors, which models use for the target of a Reshape. It is evaluated on import.
OCTET_BEGIN
namespace detail::onnx {

/// A number computed from sizes. A size that varies between runs is unknown (NaN); its symbol, if not 0, identifies it.
struct Size {
  double value = std::numeric_limits<double>::quiet_NaN();
  int symbol = 0;
  bool known() const noexcept { return value == value; }
};

/// A vector of sizes, or a single one (a tensor of rank 0).
struct Sizes {
  std::vector<Size> entries;
  bool scalar = false;
  DType dtype = DType::i64;
  static constexpr std::size_t most = 1024;  // longer vectors are ordinary tensors
  static constexpr const char* advice =
      "give the shapes of the inputs (LoadOptions::input_shapes; octet convert --shape)";

  bool known() const noexcept {
    return std::all_of(entries.begin(), entries.end(), [](const Size& s) { return s.known(); });
  }
  Shape shape() const { return scalar ? Shape{} : Shape{static_cast<std::int64_t>(entries.size())}; }
};

/// Converts a constant of rank 0 or 1 to sizes. Returns nullopt for others and if it is too long.
inline std::optional<Sizes> to_sizes(const AnyTensor& t) {
  if (t.shape().rank() > 1 || t.size() > static_cast<std::int64_t>(Sizes::most)) return {};
  Sizes s;
  s.scalar = t.shape().rank() == 0;
  s.dtype = t.dtype();
  for (std::int64_t i = 0; i < t.size(); ++i) s.entries.push_back({load_element(t.dtype(), t.data(), i), 0});
  return s;
}

inline AnyTensor to_tensor(const Sizes& s) {
  require<FormatError>(s.known(), "depends on sizes that are unknown before the model runs: ", Sizes::advice);
  return AnyTensor::make(s.dtype, s.shape(), [&](std::byte* to) {
    for (std::size_t i = 0; i < s.entries.size(); ++i)
      store_element(s.dtype, to, static_cast<std::int64_t>(i), s.entries[i].value);
  });
}

/// Applies f to each pair of entries; a single entry is broadcast. A result is known only if both operands are. It
/// keeps the symbol of one operand if the other is the neutral element of f.
template <class F>
Sizes combine(const Sizes& a, const Sizes& b, double neutral, F f) {
  const std::size_t n = a.entries.size() == 1 ? b.entries.size() : a.entries.size();
  require<FormatError>(b.entries.size() == n || b.entries.size() == 1, "vectors of ", a.entries.size(), " and ",
                       b.entries.size(), " sizes cannot be broadcast");
  Sizes r;
  r.scalar = a.scalar && b.scalar;
  r.dtype = a.dtype;
  for (std::size_t i = 0; i < n; ++i) {
    const Size &x = a.entries[a.entries.size() == 1 ? 0 : i], &y = b.entries[b.entries.size() == 1 ? 0 : i];
    Size z;
    if (x.known() && y.known()) z.value = f(x.value, y.value);
    if (y.value == neutral) z.symbol = x.symbol;
    if (!is_floating(r.dtype) && z.known()) z.value = std::trunc(z.value);
    r.entries.push_back(z);
  }
  return r;
}

}  // namespace detail::onnx
OCTET_END
