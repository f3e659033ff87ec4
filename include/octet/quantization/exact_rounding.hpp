#pragma once
#include <array>

#include "../core/index.hpp"
#include "rounding_problem.hpp"

OCTET_BEGIN
namespace detail {

/// Codes [K, O] of weights, and the error of each output channel, (s q - w)^T H (s q - w).
struct Rounded {
  FloatMatrix q;
  std::vector<float> error;
};

/// Finds the codes of an output channel with the least error |L^T (w - s q)|^2, where L L^T = H: branch and bound
/// (Schnorr and Euchner 1994; "sphere decoder"). Weights are chosen from the last to the first, as in error feedback,
/// whose codes are the first bound. For channels of few weights, such as those of depthwise convolutions.
class ExactRounding {
 public:
  static constexpr std::int64_t most = 32;  // weights

  /// wanted [K, O]
  ExactRounding(const FloatMatrix& l, const FloatMatrix& wanted, std::int64_t output, float scale, int largest)
      : l_(l), wanted_(wanted), output_(output), scale_(scale), largest_(static_cast<float>(largest)) {}

  /// Replaces the codes of the output channel if others with a smaller error are found.
  void improve(Rounded& r) {
    float& error = r.error[at(output_)];
    bound_ = error * 0.9999f;
    left_ = most_tries;
    choose(l_.rows - 1, 0);
    if (!found_) return;
    error = bound_;
    for (std::int64_t j = 0; j < l_.rows; ++j) r.q.row(j)[output_] = best_[at(j)];
  }

 private:
  static constexpr int most_tries = 3000;

  /// Tries codes of weight i, and of those before it, by their distance from the value that makes the error least.
  void choose(std::int64_t i, float error) {
    if (i < 0) {
      bound_ = error;
      best_ = codes_;
      found_ = true;
      return;
    }
    float change = 0;
    for (std::int64_t m = i + 1; m < l_.rows; ++m) change += rounded(errors_[at(m)] * l_.row(m)[i]);
    const float pivot = l_.row(i)[i], w = wanted_.row(i)[output_], goal = w + change / pivot,
                middle = std::min(std::max(goal / scale_, -largest_), largest_);
    float low = std::floor(middle), high = low + 1;
    while (left_ > 0 && (low >= -largest_ || high <= largest_)) {
      const bool down = high > largest_ || (low >= -largest_ && middle - low <= high - middle);
      const float code = down ? low-- : high++, real = rounded(scale_ * code), rest = rounded((goal - real) * pivot),
                  sum = error + rounded(rest * rest);
      if (!(sum < bound_)) break;
      --left_;
      codes_[at(i)] = code;
      errors_[at(i)] = w - real;
      choose(i - 1, sum);
    }
  }

  const FloatMatrix &l_, &wanted_;
  const std::int64_t output_;
  const float scale_, largest_;
  float bound_ = 0;
  int left_ = 0;
  bool found_ = false;
  std::array<float, most> codes_{}, errors_{}, best_{};
};

}  // namespace detail
OCTET_END
