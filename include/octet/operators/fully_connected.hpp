#pragma once
#include "convolution/common.hpp"
#include "convolution/gradient.hpp"
#include "dynamic_weights.hpp"
#include "integer_weights.hpp"

OCTET_BEGIN
namespace detail {

/// Rows of a matrix as the pixels of a 1x1 convolution: everything but the last dimension is a row.
inline ConvolutionShape rows_shape(const Shape& in, const Shape& out) {
  ConvolutionShape s;
  s.in_h = s.out_h = in.product(0, in.rank() - 1);
  s.in_c = in.back();
  s.out_c = out.back();
  return s;
}

class FloatFullyConnected : public Step {
 public:
  FloatFullyConnected(const PrepareContext& c, const ActivationRange& range) {
    const Tensor<float> w = to_float(c.constant(1).ref());
    const std::int64_t out = w.shape()[0];
    kernels_ = {c.kernels(), w.data(), out, w.shape()[1], 1};
    bias_ = c.has(2) ? pad_columns(to_float(c.constant(2).ref()).data(), out) : pad_columns<float>(nullptr, out);
    epilogue_.store = Store::f32;
    epilogue_.low_f32 = static_cast<float>(range.low), epilogue_.high_f32 = static_cast<float>(range.high);
  }
  std::size_t packed_bytes() const noexcept override { return kernels_.packed_bytes() + bias_.size_bytes(); }
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
  GemmConvolution<float> kernels_;
  Tensor<float> bias_;
  Epilogue epilogue_;
};

class FullyConnectedGradient : public LinearGradient {
 public:
  using LinearGradient::LinearGradient;

 private:
  ConvolutionShape shape(const Shape& in, const Shape& out) const override { return rows_shape(in, out); }
};

/// Each row is quantized when it arrives.
class DynamicFullyConnected : public Step {
 public:
  DynamicFullyConnected(const PrepareContext& c, const ActivationRange& range)
      : weights_(c, 1), epilogue_(weights_.epilogue(range)), zeros_(pad_columns<std::int32_t>(nullptr, weights_.out)) {
    kernels_ = {c.kernels(), weights_.values.data(), weights_.out, weights_.k, 1};
  }
  std::size_t packed_bytes() const noexcept override {
    return kernels_.packed_bytes() + weights_.packed_bytes() + zeros_.size_bytes();
  }
  std::size_t plan(const PlanContext& c) override {
    epilogue_.out_stride = weights_.out * 4;
    return kernels_.plan(rows_shape(c.inputs[0].shape, c.outputs[0].shape), c.threads, true);
  }
  void run(const RunContext& c) noexcept override {
    Epilogue e = epilogue_;
    e.out = c.output();
    kernels_.run(c.input(0), zeros_.bytes(), nullptr, e, 4, c.scratch, *c.pool);
  }

 private:
  DynamicWeights weights_;
  Epilogue epilogue_;
  Tensor<std::int32_t> zeros_;
  GemmConvolution<std::int8_t> kernels_;
};

class IntegerFullyConnected : public Step {
 public:
  IntegerFullyConnected(const PrepareContext& c, const ActivationRange& range) {
    const IntegerWeights w(c);
    kernels_ = {c.kernels(), w.values.data(), w.out, w.k, 1, w.repeat};
    requantizer_ = Requantizer(c, w, range, -1);
  }
  std::size_t packed_bytes() const noexcept override { return kernels_.packed_bytes() + requantizer_.packed_bytes(); }
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

/// y = x W^T + b over the last dimension. Inputs: x [..., K], weights [O, K], bias [O] (optional).
class FullyConnected : public detail::OperatorOf<FullyConnected> {
 public:
  static constexpr const char* type_name = "FullyConnected";
  ActivationRange activation;

  void fields(FieldVisitor& v) override { activation.fields(v); }

  std::vector<Shape> shapes(const ShapeContext& c) const override {
    const Shape &x = c.shape(0), &w = c.shape(1);
    c.require(w.rank() == 2 && x.rank() >= 1, "takes [..., K] and weights [O, K], found ", x, " and ", w);
    c.require(x.back() == Shape::unknown || x.back() == w[1], "takes ", w[1], " features (weights ", w,
              "), but the input is ", x);
    if (c.has(2)) c.require(c.shape(2) == Shape{w[0]}, "bias has shape ", c.shape(2), ", expected [", w[0], "]");
    Shape out = x;
    out[out.rank() - 1] = w[0];
    return {out};
  }

  std::unique_ptr<Step> prepare(const PrepareContext& c) const override {
    const DType x = c.input(0).dtype, w = c.input(1).dtype;
    if (x == DType::f32 && is_floating(w)) return std::make_unique<detail::FloatFullyConnected>(c, activation);
    if (x == DType::f32 && w == DType::i8) return std::make_unique<detail::DynamicFullyConnected>(c, activation);
    if (x == DType::u8 && is_byte(w)) return std::make_unique<detail::IntegerFullyConnected>(c, activation);
    c.fail("no form for ", name(x), " inputs and ", name(w), " weights");
  }

  std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override {
    return std::make_unique<detail::FullyConnectedGradient>(c, activation);
  }
  Learning learning(int input) const override {
    return input == 1 || input == 2 ? Learning::by_gradient : Learning::none;
  }

  OperatorPtr clamped(double low, double high) const override { return detail::with_clamp(*this, low, high); }

  IntegerForm integer_form() const override {
    IntegerForm f;
    f.output = IntegerForm::Output::measured;
    f.weights = 1, f.weights_axis = 0, f.bias = 2;
    return f;
  }

  std::int64_t macs(const ShapeContext& c) const override { return shapes(c)[0].elements() * c.shape(1)[1]; }
};

OCTET_END
