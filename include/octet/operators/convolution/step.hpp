#pragma once
#include "../implement.hpp"
#include "../operands.hpp"
#include "common.hpp"

OCTET_BEGIN
namespace detail {

/// Rows of a convolution's output that one thread computes.
struct Band {
  const std::byte* in = nullptr;        // address of the image's pixel (0, 0), even if it is outside the buffer
  std::byte* out = nullptr;             // the same of the output
  const std::byte* residual = nullptr;  // the same of the residual, or null
  std::int64_t first = 0, last = 0;     // output rows
  std::byte* scratch = nullptr;
  const std::byte* shared = nullptr;  // written by start_image
};

/// Base class of all forms of convolution, which run on whole tensors or on bands of rows (see chain.hpp).
class ConvolutionStep : public Step {
 public:
  ConvolutionStep(const Window& window, std::int64_t groups) : window_(window), groups_(groups) {}

  std::size_t plan(const PlanContext& c) final { return plan(shape(c.inputs[0].shape, c.outputs[0].shape), c.threads); }
  virtual std::size_t plan(const ConvolutionShape& s, int threads) = 0;
  bool can_overwrite(int input) const noexcept override { return input == ConvolutionInputs::residual; }
  ConvolutionShape shape(const Shape& in, const Shape& out) const {
    return convolution_shape(window_, groups_, in, out);
  }

  /// Whether run, as planned for whole tensors, can store only the maximum of each 2 x 2 outputs.
  virtual bool can_pool() const noexcept { return false; }
  /// Switches that on or off.
  void pool(bool on) noexcept { pooled_ = on; }

  /// Whether run_band is supported. `whole_input`: whether the whole image exists before the first band.
  virtual bool runs_bands([[maybe_unused]] bool whole_input) const noexcept { return false; }
  /// Plans for bands of at most `rows` rows of one image. Returns the size of the scratch memory per thread, in bytes.
  virtual std::size_t plan_bands(const ConvolutionShape& /*one_image*/, std::int64_t /*rows*/) { return 0; }
  /// Size in bytes of the data that start_image writes, after plan_bands.
  virtual std::size_t shared_bytes() const noexcept { return 0; }
  /// Called for each image before its bands, with its index in the batch.
  virtual void start_image(const std::byte*, std::int64_t, std::byte*, const RunContext&) noexcept {}
  virtual void run_band(const Band&) noexcept {}

 protected:
  bool pooled() const noexcept { return pooled_; }

 private:
  Window window_;
  std::int64_t groups_;
  bool pooled_ = false;
};

}  // namespace detail
OCTET_END
