#pragma once
#include <algorithm>
#include <array>
#include <cmath>

#include "../../kernels/bytes.hpp"

OCTET_BEGIN
namespace detail {

/// Sums and products of codes where one tensor is repeated, as in squeeze-and-excite blocks. With one of the two codes
/// given, the result for code q of the other is a line, round(fma(q, factor, offset)) + zero point, up to the formula's
/// own roundings. For each given code, searches a factor and an offset with which all 256 results are those of the
/// formula; a line takes half of its time.
class CodeLines {
 public:
  /// line(given code): factor and offset of the real function. exact(q, given, out): the formula's codes for 256 pairs.
  /// The zero point and limits of `like` are those of the results.
  template <class Line, class Exact>
  CodeLines(const ByteKernels& bytes, const LinesU8& like, Line line, Exact exact) {
    std::array<std::uint8_t, 256> all, given, expected;
    for (std::size_t q = 0; q < 256; ++q) all[q] = static_cast<std::uint8_t>(q);
    for (std::size_t q = 0; q < 256; ++q) {
      given.fill(static_cast<std::uint8_t>(q));
      exact(all.data(), given.data(), expected.data());
      const auto [factor, offset] = line(static_cast<int>(q));
      factors_[q] = static_cast<float>(factor);
      // The formula's own roundings change results next to the middle of two codes; an offset next to the exact one may
      // change the same ones.
      for (int i = 0; i < tries && !found_[q]; ++i) {
        offsets_[q] = moved(static_cast<float>(offset), i % 2 ? (i + 1) / 2 : -i / 2);
        found_[q] = codes(bytes, like, all, q) == expected;
      }
    }
  }

  /// Factors and offsets of n codes, of whole blocks, in the order of LinesU8. False if a code has none.
  bool fill(const std::uint8_t* codes, std::int64_t n, int lanes, float* factors, float* offsets) const noexcept {
    bool all = true;
    for (const std::uint8_t* end = codes + n; codes != end; codes += 4 * lanes)
      for (int j = 0; j < 4; ++j)
        for (int i = 0; i < lanes; ++i) {
          const std::size_t q = codes[i / 4 * 16 + j * 4 + i % 4];
          *factors++ = factors_[q];
          *offsets++ = offsets_[q];
          all = all && found_[q];
        }
    return all;
  }
  /// Of how many codes lines were found.
  int found() const noexcept { return static_cast<int>(std::count(found_.begin(), found_.end(), true)); }

 private:
  static constexpr int tries = 17;
  using Codes = std::array<std::uint8_t, 256>;

  /// x moved by some steps, of floats next to x or in the middle of the highest codes.
  static float moved(float x, int steps) noexcept {
    return x + static_cast<float>(steps) * std::max(0x1p-17f, std::fabs(x) * 0x1p-23f);
  }

  Codes codes(const ByteKernels& bytes, LinesU8 p, const Codes& all, std::size_t q) const noexcept {
    std::array<float, 256> factors, offsets;
    factors.fill(factors_[q]);
    offsets.fill(offsets_[q]);
    Codes found;
    p.in = all.data();
    p.out = found.data();
    p.count = 256;
    p.factors = factors.data();
    p.offsets = offsets.data();
    p.period = 256;
    bytes.lines(p);
    return found;
  }

  std::array<float, 256> factors_{}, offsets_{};
  std::array<bool, 256> found_{};
};

}  // namespace detail
OCTET_END
