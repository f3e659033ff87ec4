#pragma once
#include "../dynamic_rows.hpp"
#include "step.hpp"

OCTET_BEGIN
namespace detail {

/// Dynamic range as XNNPACK has it for convolutions that are products of pixels: each pixel is quantized by its own
/// range.
class DynamicPixels : public ConvolutionStep {
 public:
  DynamicPixels(const PrepareContext& c, const Window& window, const ActivationRange& range)
      : ConvolutionStep(window, 1), rows_(c, RowWeights(c), range) {}
  /// Whether XNNPACK computes the convolution so.
  static bool fits(const Window& w, std::int64_t groups) noexcept {
    const auto zero = [](std::int64_t pad) { return pad == 0; };
    const bool padded =
        w.padding == Window::Padding::given && !(std::all_of(w.pads_before.begin(), w.pads_before.end(), zero) &&
                                                 std::all_of(w.pads_after.begin(), w.pads_after.end(), zero));
    return groups == 1 && w.taps() == 1 && !padded &&
           std::all_of(w.strides.begin(), w.strides.end(), [](std::int64_t s) { return s == 1; });
  }

  std::size_t packed_bytes() const noexcept override { return rows_.packed_bytes(); }
  const char* form() const noexcept override { return rows_.form(); }
  std::size_t plan(const ConvolutionShape& s, int threads) override { return rows_.plan(s.rows(), threads); }
  void run(const RunContext& c) noexcept override {
    rows_.run(c.input(0), c.input(ConvolutionInputs::residual), c.output(), c.scratch, *c.pool);
  }

 private:
  DynamicRows rows_;
};

}  // namespace detail
OCTET_END
