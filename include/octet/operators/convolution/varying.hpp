#pragma once
#include <variant>

#include "common.hpp"

OCTET_BEGIN
namespace detail {

/// A convolution whose weights change with each training step. If bfloat16 products are requested, supported by the CPU
/// and faster, both operands are rounded to bfloat16. Sums are float.
class VaryingConvolution {
 public:
  VaryingConvolution() = default;
  VaryingConvolution(const Kernels& kernels, const ConvolutionShape& s, bool bf16_products)
      : form_(of<float>(kernels, s, WeightMemory::balanced)) {
    if (bf16_products && kernels.gemm_bf16 && !std::get<0>(form_).better_in_float(s))
      form_ = of<bf16>(kernels, s, WeightMemory::small);
  }

  void set_weights(const WeightsView& w, std::int64_t out_c, ThreadPool& pool) noexcept {
    std::visit([&](auto& c) { c.set_weights(w, out_c, pool); }, form_);
  }
  std::int64_t padding_bytes(const ConvolutionShape& s) const noexcept {
    return std::visit([&](const auto& c) { return c.padding_bytes(s); }, form_);
  }
  std::size_t plan(const ConvolutionShape& s, int threads) {
    return std::visit([&](auto& c) { return c.plan(s, threads); }, form_);
  }
  void run(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& e, std::byte* scratch,
           ThreadPool& pool) const noexcept {
    std::visit([&](const auto& c) { c.run(in, init, padding, e, 4, scratch, pool); }, form_);
  }

 private:
  template <class T>
  static AnyConvolution<T> of(const Kernels& kernels, const ConvolutionShape& s, WeightMemory memory) {
    const std::vector<T> none(static_cast<std::size_t>(s.out_c * s.taps() * s.group_in()));
    ConvolutionWeights<T> w;
    w.values = none.data();
    w.out_c = s.out_c;
    w.window = s;
    w.group_in = s.group_in();
    w.groups = s.groups;
    w.varies = true;
    w.memory = memory;
    return {kernels, w};
  }

  std::variant<AnyConvolution<float>, AnyConvolution<bf16>> form_;
};

}  // namespace detail
OCTET_END
