#pragma once
#include "convolution/common.hpp"
#include "convolution/gradient.hpp"
#include "dynamic_rows.hpp"
#include "float_weights.hpp"
#include "fully_connected.hpp"
#include "int16_fully_connected.hpp"
#include "row_weights.hpp"
#include "rows.hpp"
#include "weighted_layer.hpp"

OCTET_BEGIN
namespace detail {

template <class W>
class FloatFullyConnected : public Step {
 public:
  FloatFullyConnected(const PrepareContext& c, std::int64_t, const ActivationRange& range)
      : epilogue_(float_epilogue(range)) {
    const KernelWeights<W> w(c.constant(LayerInputs::weights));
    const std::int64_t out = w.view.shape()[0];
    kernels_ = {c.kernels(), rows_weights(w.view.data(), out, w.view.shape()[1])};
    bias_ = float_bias(c, out);
  }
  std::size_t packed_bytes() const noexcept override { return kernels_.packed_bytes() + bias_.size_bytes(); }
  const char* form() const noexcept override { return kernels_.form(); }
  std::size_t plan(const PlanContext& c) override {
    const ConvolutionShape s = rows_shape(c.inputs[0].shape, c.outputs[0].shape);
    epilogue_.out_stride = s.out_c * 4;
    return kernels_.plan(s, c.threads);
  }
  void run(const RunContext& c) noexcept override {
    Epilogue e = epilogue_;
    e.out = c.output();
    kernels_.run(c.input(0), bias_.bytes(), nullptr, e, 4, c.scratch, *c.pool);
  }

 private:
  GemmConvolution<W> kernels_;
  Tensor<float> bias_;
  Epilogue epilogue_;
};

class FullyConnectedGradient : public LinearGradient {
 public:
  using LinearGradient::LinearGradient;

 private:
  ConvolutionShape shape(const Shape& in, const Shape& out) const override { return rows_shape(in, out); }
};

/// Dynamic range: each row is quantized at run time by its own range.
class DynamicFullyConnected : public Step {
 public:
  DynamicFullyConnected(const PrepareContext& c, std::int64_t block, const ActivationRange& range)
      : rows_(c, RowWeights(c, block), range) {}
  std::size_t packed_bytes() const noexcept override { return rows_.packed_bytes(); }
  const char* form() const noexcept override { return rows_.form(); }
  std::size_t plan(const PlanContext& c) override {
    const Shape& x = c.inputs[0].shape;
    return rows_.plan(x.product(0, x.rank() - 1), c.threads);
  }
  void run(const RunContext& c) noexcept override { rows_.run(c.input(0), nullptr, c.output(), c.scratch, *c.pool); }

 private:
  DynamicRows rows_;
};

class IntegerFullyConnected : public Step {
 public:
  IntegerFullyConnected(const PrepareContext& c, std::int64_t block, const ActivationRange& range) {
    const RowWeights given(c, block);
    const IntegerWeights w(c, given.elements, true);
    requantizer_ = Requantizer(c, w, range, -1, is_signed(c.input(LayerInputs::weights).dtype));
    ConvolutionWeights<std::int8_t> weights = rows_weights(w.values.data(), w.out, w.k);
    weights.order = requantizer_.order();
    weights.repeat = w.repeat;
    weights.blocks = given.blocks;
    weights.small = (w.small || given.blocks.size != 0) && has_packed_codes(c.input(LayerInputs::weights).dtype);
    kernels_ = {c.kernels(), weights};
  }
  std::size_t packed_bytes() const noexcept override { return kernels_.packed_bytes() + requantizer_.packed_bytes(); }
  const char* form() const noexcept override { return kernels_.form(); }
  std::size_t plan(const PlanContext& c) override {
    const ConvolutionShape s = rows_shape(c.inputs[0].shape, c.outputs[0].shape);
    requantizer_.plan(s.out_c);
    return kernels_.plan(s, c.threads);
  }
  void run(const RunContext& c) noexcept override {
    const Epilogue e = requantizer_.epilogue(c.output(), nullptr);
    kernels_.run(c.input(0), requantizer_.init(), nullptr, e, requantizer_.out_element(), c.scratch, *c.pool);
  }

 private:
  GemmConvolution<std::int8_t> kernels_;
  Requantizer requantizer_;
};

}  // namespace detail

OCTET_API std::vector<Shape> FullyConnected::shapes(const ShapeContext& c) const {
  const Shape &x = c.shape(0), &w = c.shape(LayerInputs::weights);
  c.require(w.rank() == 2 && x.rank() >= 1, "expected an input [..., K] and weights [O, K], found ", x, " and ", w);
  c.require(x.back() == Shape::unknown || x.back() == w[1], "expected an input with ", w[1], " features (weights ", w,
            "), found ", x);
  detail::require_bias(c, w[0]);
  detail::require_blocks(c, block, c.value(weights), c.has(multipliers) ? &c.value(multipliers) : nullptr);
  Shape out = x;
  out[out.rank() - 1] = w[0];
  return {out};
}

OCTET_API std::unique_ptr<Step> FullyConnected::prepare(const PrepareContext& c) const {
  if (detail::has_int16_activations(c)) return detail::make_step<detail::Int16FullyConnected>(c, block, activation);
  return detail::weighted_step<detail::DynamicFullyConnected, detail::IntegerFullyConnected,
                               detail::FloatFullyConnected>(c, "inputs", block, activation);
}

OCTET_API void FullyConnected::check(const PrepareContext& c) const {
  const AnyTensor given = block == 0 && !c.has(multipliers) ? AnyTensor() : detail::RowWeights(c, block).elements;
  if (detail::has_int16_activations(c)) return detail::check_int16(c, -1, given);
  detail::check_weighted(c, "inputs", activation, -1, given);
}

OCTET_API std::unique_ptr<GradientStep> FullyConnected::prepare_gradient(const PrepareContext& c) const {
  return detail::make_step<detail::FullyConnectedGradient>(c, activation);
}

OCTET_API Learning FullyConnected::learning(int input) const {
  return input == LayerInputs::weights || input == LayerInputs::bias ? Learning::by_gradient : Learning::none;
}

OCTET_API OperatorPtr FullyConnected::clamped(double low, double high) const {
  return detail::with_clamp(*this, low, high);
}

OCTET_API Traits FullyConnected::traits() const {
  Traits t;
  t.products = Traits::Products::all;
  t.low = activation.low;
  t.high = activation.high;
  return t;
}

OCTET_API std::string FullyConnected::summary(const ShapeContext&) const { return "Dense"; }

OCTET_API IntegerForm FullyConnected::integer_form() const { return detail::weighted_integer_form(true); }

OCTET_API std::int64_t FullyConnected::macs(const ShapeContext& c) const {
  return shapes(c)[0].elements() * c.shape(weights)[1];
}

OCTET_END
