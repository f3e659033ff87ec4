#pragma once
#include "../implement.hpp"
#include "../operands.hpp"
#include "common.hpp"

OCTET_BEGIN
namespace detail {

/// Some rows of a convolution's output, computed by one thread.
struct Band {
  const std::byte* in = nullptr;        // where the image's pixel (0, 0) lies, or would lie
  std::byte* out = nullptr;             // ... and that of the output
  const std::byte* residual = nullptr;  // ... and that of the added tensor, or null
  std::int64_t first = 0, last = 0;     // output rows
  std::byte* scratch = nullptr;
  const std::byte* shared = nullptr;  // what start_image made
};

/// What all forms of a convolution have in common: they run on whole tensors, or band by band (see chain.hpp).
class ConvolutionStep : public Step {
 public:
  ConvolutionStep(const Window& window, std::int64_t groups) : window_(window), groups_(groups) {}

  std::size_t plan(const PlanContext& c) final { return plan(shape(c.inputs[0].shape, c.outputs[0].shape), c.threads); }
  virtual std::size_t plan(const ConvolutionShape& s, int threads) = 0;
  bool can_overwrite(int input) const noexcept override { return input == ConvolutionInputs::residual; }
  ConvolutionShape shape(const Shape& in, const Shape& out) const {
    return convolution_shape(window_, groups_, in, out);
  }

  /// Whether run, as planned for whole tensors, can store the greatest of each 2 x 2 outputs alone.
  virtual bool can_pool() const noexcept = 0;
  /// Makes it do so, or not.
  void pool(bool on) noexcept { pooled_ = on; }

  /// Whether run_band can do it; `whole_input`: whether the image is there before the first band.
  virtual bool runs_bands(bool whole_input) const noexcept = 0;
  /// For bands of at most `rows` rows of one image. Returns the bytes of scratch for each thread.
  virtual std::size_t plan_bands(const ConvolutionShape& one_image, std::int64_t rows) = 0;
  /// Bytes that start_image writes, once bands are planned.
  virtual std::size_t shared_bytes() const noexcept { return 0; }
  /// Given the image, and its range where that is known.
  virtual void start_image(const std::byte*, const ValueRange*, std::byte*, const RunContext&) noexcept {}
  virtual void run_band(const Band&) noexcept = 0;

 protected:
  bool pooled() const noexcept { return pooled_; }

 private:
  Window window_;
  std::int64_t groups_;
  bool pooled_ = false;
};

}  // namespace detail
OCTET_END
