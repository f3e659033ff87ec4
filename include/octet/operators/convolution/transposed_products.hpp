#pragma once
#include <algorithm>
#include <functional>
#include <numeric>

#include "../../kernels/tap_products.hpp"
#include "../float_weights.hpp"
#include "../implement.hpp"
#include "../requantizer.hpp"

OCTET_BEGIN
namespace detail {

/// Transposed convolution to few channels, without groups (see TapProducts). T: float, or int8 for uint8 images and
/// int8 weights.
template <class T>
class TransposedProducts : public Step {
 public:
  using Axes = typename TapProducts<T>::Axes;
  using Rule = std::function<Axes(const Shape& in)>;

  const char* form() const noexcept override { return products_.form(); }
  std::size_t plan(const PlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    empty_ = in.elements() == 0 || c.outputs[0].shape.elements() == 0;
    return empty_ ? 0 : products_.plan(in[0], rule_(in), in.back(), c.threads);
  }
  void run(const RunContext& c) noexcept override {
    if (!empty_) multiply(c);
  }

 protected:
  explicit TransposedProducts(Rule rule) : rule_(std::move(rule)) {}
  virtual void multiply(const RunContext& c) const noexcept = 0;
  TapProducts<T> products_;

 private:
  Rule rule_;
  bool empty_ = false;
};

/// Of floats.
class FloatTransposedProducts : public TransposedProducts<float> {
 public:
  /// axes: without sizes.
  FloatTransposedProducts(const PrepareContext& c, const Axes& axes, Rule rule, const ActivationRange& range)
      : TransposedProducts(std::move(rule)), epilogue_(float_epilogue(range)) {
    const Tensor<float> w = to_float(c.constant(LayerInputs::weights).ref());
    const Shape& s = w.shape();
    products_ = {c.kernels(), w.data(), axes, s.back(), s[0], false};
    bias_ = float_bias(c, s[0]);
  }
  std::size_t packed_bytes() const noexcept override { return products_.packed_bytes() + bias_.size_bytes(); }

 private:
  void multiply(const RunContext& c) const noexcept override {
    auto* out = reinterpret_cast<float*>(c.output());
    const std::int64_t channels = products_.channels();
    products_.run(c.input(0), bias_.data(), epilogue_.low_f32, epilogue_.high_f32, c.scratch, *c.pool,
                  [=](const float* results, std::int64_t pixel, std::int64_t pixels) {
                    std::copy_n(results, pixels * channels, out + pixel * channels);
                  });
  }

  Epilogue epilogue_;  // only its limits
  Tensor<float> bias_;
};

/// Of uint8 images and int8 weights, to codes.
class IntegerTransposedProducts : public TransposedProducts<std::int8_t> {
 public:
  /// Whether it has a form for these types, and sums of all taps cannot exceed 32 bits.
  static bool suits(const PrepareContext& c) {
    const Value& w = c.input(LayerInputs::weights);
    const std::vector<std::int32_t>& zero = w.quant.zero_point;
    return int8_format.computes(c.output().dtype) && is_signed(w.dtype) && w.shape.product(1, w.shape.rank()) < 60000 &&
           std::all_of(zero.begin(), zero.end(), [](std::int32_t z) { return z == 0; }) &&
           (!c.has(LayerInputs::bias) || c.input(LayerInputs::bias).dtype == DType::i32);
  }

  IntegerTransposedProducts(const PrepareContext& c, const Axes& axes, Rule rule, const ActivationRange& range)
      : TransposedProducts(std::move(rule)) {
    const IntegerWeights w(c, false);
    const Shape& s = c.input(LayerInputs::weights).shape;
    requantizer_ = Requantizer(c, w, range, ConvolutionInputs::residual, true);
    products_ = {c.kernels(), w.values.data(), axes, s.back(), s[0], false, w.input_zero_point};
    // The zero point is part of the products, since outputs have different taps.
    for (std::int64_t o = 0; o < w.out; ++o) {
      const auto* first = w.values.data() + o * w.k;
      bias_.push_back(w.bias[static_cast<std::size_t>(o)] +
                      w.input_zero_point * std::accumulate(first, first + w.k, std::int32_t{0}));
    }
  }
  std::size_t packed_bytes() const noexcept override {
    return products_.packed_bytes() + requantizer_.packed_bytes() + bias_.size() * sizeof(std::int32_t);
  }

 private:
  void multiply(const RunContext& c) const noexcept override {
    auto* out = reinterpret_cast<std::uint8_t*>(c.output());
    const std::int64_t channels = products_.channels();
    products_.run(c.input(0), bias_.data(), 0, 0, c.scratch, *c.pool,
                  [&](const std::int32_t* sums, std::int64_t pixel, std::int64_t pixels) {
                    requantizer_.store(sums, pixels, channels, out + pixel * channels);
                  });
  }

  std::vector<std::int32_t> bias_;
  Requantizer requantizer_;
};

}  // namespace detail
OCTET_END
