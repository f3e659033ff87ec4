#pragma once
#include <limits>

#include "../activation_gradient.hpp"
#include "../generic_reduce.hpp"
#include "broadcast.hpp"
#include "function.hpp"

OCTET_BEGIN
namespace detail {

/// The gradient of a + b, a - b, a * b and a / b with a clamp. A broadcast input gets the sum over its copies.
class BinaryGradient : public SameForward {
 public:
  BinaryGradient(const PrepareContext& c, std::unique_ptr<Step> forward, BinaryKind kind, const ActivationRange& range)
      : SameForward(std::move(forward)), simd_(&c.kernels()), kind_(kind), range_(range) {
    c.require(kind <= BinaryKind::div, "has no gradient: only add, sub, mul and div have one");
  }
  bool reads_input(int input) const noexcept override {
    if (kind_ == BinaryKind::add || kind_ == BinaryKind::sub) return false;
    return side(1 - input).wanted || (kind_ == BinaryKind::div && input == 1);
  }
  bool reads_outputs() const noexcept override { return !range_.none(); }
  bool gradient_can_overwrite(int input) const noexcept override { return side(input).whole; }

  void backward(const BackwardContext& c) noexcept override {
    float* dy = c.output_gradient();
    if (!range_.none()) clamp_gradient(*simd_, range_, c.output(), dy, dy, size_, *c.pool);
    const std::size_t last = c.input_gradient(0) == dy ? 0 : 1;  // the one that overwrites dy
    for (const std::size_t i : {1 - last, last}) {
      float* dx = c.input_gradient(i);
      if (!dx) continue;
      if (sides_[i].whole) {
        one_side(c, i, dy, dx);
        continue;
      }
      auto* all = reinterpret_cast<float*>(c.scratch);
      one_side(c, i, dy, all);
      reduce(i, all, dx, c);
    }
  }

 private:
  struct Side {
    bool wanted = false, whole = true;        // whole: not broadcast
    std::optional<GenericReduce<float>> sum;  // over the broadcast dimensions
    std::vector<TensorRef> copies, result;    // of the sum
  };

  const Side& side(int i) const noexcept { return sides_[static_cast<std::size_t>(i)]; }

  std::size_t plan_backward(const GradientPlanContext& c) override {
    const Shape& out = c.outputs[0].shape;
    size_ = out.elements();
    runs_ = BroadcastRuns({&c.inputs[0].shape, &c.inputs[1].shape}, out);
    bool broadcasts = false;
    for (std::size_t i = 0; i < 2; ++i) {
      const Shape& in = c.inputs[i].shape;
      Side& s = sides_[i];
      s.wanted = c.wanted[i];
      s.whole = in.elements() == size_;
      if (s.whole) continue;
      std::vector<std::int64_t> axes;
      for (int d = 0; d < out.rank(); ++d) {
        const int at = d - (out.rank() - in.rank());
        if (out[d] != 1 && (at < 0 || in[at] == 1)) axes.push_back(d);
      }
      s.copies = {c.outputs[0]};
      s.result = {c.inputs[i]};
      s.sum.emplace(ReduceKind::sum, axes);
      s.sum->plan({s.copies, s.result, c.threads});
      broadcasts = broadcasts || s.wanted;
    }
    return broadcasts ? static_cast<std::size_t>(size_) * sizeof(float) : 0;
  }

  /// The gradient with respect to one input, in the shape of the result.
  void one_side(const BackwardContext& c, std::size_t side, const float* dy, float* to) const noexcept {
    constexpr float inf = std::numeric_limits<float>::infinity();
    if (kind_ == BinaryKind::add || (kind_ == BinaryKind::sub && side == 0))
      return move_elements(dy, to, size_, *c.pool);
    const float *a = c.input(0), *b = c.input(1);
    runs_.parallel(*c.pool, [&](std::int64_t at_a, std::int64_t at_b, std::int64_t at, std::int64_t n) {
      if (kind_ == BinaryKind::sub) {
        simd_->affine_f32(dy + at, to + at, n, -1, 0, -inf, inf);
      } else if (kind_ == BinaryKind::mul) {
        ArithmeticF32 product;
        product.a = dy + at;
        product.b = side == 0 ? b + at_b : a + at_a;
        product.out = to + at;
        product.n = n;
        product.b_moves = runs_.moves(1 - side);
        product.low = -inf;
        product.high = inf;
        simd_->mul_f32(product);
      } else {
        const std::int64_t step_a = runs_.moves(0), step_b = runs_.moves(1);
        for (std::int64_t i = 0; i < n; ++i) {
          const float y = b[at_b + i * step_b];
          to[at + i] = dy[at + i] * (side == 0 ? 1 / y : -a[at_a + i * step_a] / (y * y));
        }
      }
    });
  }

  void reduce(std::size_t i, float* from, float* to, const BackwardContext& c) noexcept {
    Side& s = sides_[i];
    s.copies[0].data = reinterpret_cast<std::byte*>(from);
    s.result[0].data = reinterpret_cast<std::byte*>(to);
    s.sum->run({s.copies, s.result, nullptr, c.pool});
  }

  const Kernels* simd_;
  BinaryKind kind_;
  ActivationRange range_;
  std::array<Side, 2> sides_;
  BroadcastRuns runs_;
  std::int64_t size_ = 0;
};

}  // namespace detail
OCTET_END
