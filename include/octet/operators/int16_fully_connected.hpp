#pragma once
#include "int16_sums.hpp"
#include "row_weights.hpp"
#include "rows.hpp"

OCTET_BEGIN
namespace detail {

/// A fully connected layer with 16-bit inputs and 8-bit weights.
class Int16FullyConnected : public Step {
 public:
  Int16FullyConnected(const PrepareContext& c, std::int64_t block, const ActivationRange& range) {
    Int16Sums::check(c, -1);
    const CenteredWeights w(RowWeights(c, block).elements, c.input(LayerInputs::weights).quant.zero_point);
    sums_ = Int16Sums(c, w, range, -1, true, true);
    ConvolutionWeights<std::int8_t> weights = rows_weights(w.values.data(), w.out, w.k);
    weights.repeat = w.repeat;
    weights.wide_images = true;
    kernels_ = {c.kernels(), weights};
  }
  std::size_t packed_bytes() const noexcept override { return kernels_.packed_bytes() + sums_.packed_bytes(); }
  const char* form() const noexcept override { return kernels_.form(); }

  std::size_t plan(const PlanContext& c) override {
    return kernels_.plan(rows_shape(c.inputs[0].shape, c.outputs[0].shape), c.threads);
  }
  void run(const RunContext& c) noexcept override {
    kernels_.run(c.input(0), sums_.init(), nullptr, sums_.epilogue(c.output(), nullptr), sums_.out_element(), c.scratch,
                 *c.pool);
  }

 private:
  GemmConvolution<std::int8_t> kernels_;
  Int16Sums sums_;
};

}  // namespace detail
OCTET_END
