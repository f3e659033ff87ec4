#pragma once
#include <algorithm>
#include <vector>

#include "../core/thread_pool.hpp"
#include "convolution_weights.hpp"
#include "few_columns.hpp"
#include "pack_small.hpp"
#include "repack.hpp"
#include "sum_parts.hpp"

OCTET_BEGIN
namespace detail {

/// The weights of a convolution as the matrix products that compute it read them (see GemmConvolution).
template <class T>
class PackedConvolution {
 public:
  PackedConvolution() = default;
  PackedConvolution(const Kernels& kernels, const ConvolutionWeights<T>& w)
      : k_(w.k() * w.repeat), part_k_(k_), wide_images_(w.wide_images) {
    const std::int64_t columns = w.out_c / w.groups, k = k_;
    if constexpr (sizeof(T) == 1)
      if (wide_images_) part_k_ = length_of_parts(w.values, w.out_c, k);
    few_ = takes_few_columns(kernels, w);
    if (few_ && w.groups == 1 && w.repeat == 1 && w.window.dilation_w == 1 && w.window.kernel_w > w.window.stride_w &&
        part_k_ == k)
      window_rows_ = w.window.kernel_h;
    if constexpr (sizeof(T) == 1)
      if (wide_images_ && window_rows_ == 0) {
        packed_ = pack_parts(kernels, w.values, columns, w.groups, k, part_k_, few_);
        return;
      }
    if (few_) {
      for (std::int64_t g = 0; g < w.groups; ++g)
        packed_.push_back(pack_few_columns(kernels, w.values + g * columns * k, columns, k,
                                           wide_images_ ? 2 : step_elements<T>(kernels),
                                           std::max<std::int64_t>(1, window_rows_)));
      return;
    }
    for (std::int64_t g = 0; g < w.groups; ++g)
      packed_.push_back(pack_matrix(kernels, w.values + g * columns * k, columns, k, w.order,
                                    w.small ? weights_per_step<T> : step_elements<T>(kernels)));
    if constexpr (sizeof(T) == 1) {
      if (!w.small) return;
      for (PackedMatrix& p : packed_) {
        small_.push_back(packed_small(kernels, p, w.order, w.blocks));
        p.data = {};
      }
    }
  }

  std::size_t bytes() const noexcept {
    std::size_t n = 0;
    for (const PackedMatrix& p : packed_) n += p.data.size();
    for (const PackedMatrix& p : small_) n += p.data.size();
    return n;
  }
  /// Replaces them by others of the same shape. T is float or bf16. width: columns of a panel.
  void set(const Kernels& kernels, const WeightsView& w, std::int64_t width, ThreadPool& pool) noexcept {
    const std::int64_t columns = packed_[0].columns, k = packed_[0].k;
    const std::int64_t panels = (columns + width - 1) / width;
    pool.parallel(panels * static_cast<std::int64_t>(packed_.size()), [&](std::int64_t task, int) {
      const auto repack = sizeof(T) == 2 ? repack_panel_bf16 : repack_panel;
      repack(kernels, w, task / panels, k / (w.kernel_h * w.kernel_w), task % panels * width,
             packed_[static_cast<std::size_t>(task / panels)]);
    });
  }
  /// With few rows, the time is that of reading the weights, and those of 4 bits have half the bytes; more rows are
  /// faster with int8.
  void choose(const Kernels& kernels, std::int64_t rows) {
    by_small_ = !small_.empty() && rows <= kernels.rows_u8s4;
    if (by_small_) return;
    for (std::size_t g = 0; g < small_.size(); ++g)
      if (packed_[g].data.size() == 0) packed_[g] = expanded_small(kernels, small_[g]);
  }

  /// One matrix for each group, or for each part of each group's sums.
  const PackedMatrix* matrices() const noexcept { return packed_.data(); }
  /// The chosen matrices of a group.
  const PackedMatrix* of_group(std::int64_t group) const noexcept {
    return (by_small_ ? small_ : packed_).data() + group * (other_parts() + 1);
  }
  /// The kernel that multiplies them.
  Product product(const Kernels& kernels) const noexcept {
    if (by_small_) return kernels.gemm_u8s4;
    if (few_) return few_columns_with<T>(kernels, wide_images_);
    return wide_images_ ? kernels.gemm_s16s8 : product_with(kernels, T{});
  }

  std::int64_t k() const noexcept { return k_; }            ///< elements of a sum
  std::int64_t part_k() const noexcept { return part_k_; }  ///< those that are added in 32 bits
  std::int64_t other_parts() const noexcept { return part_k_ == k_ ? 0 : (k_ - 1) / part_k_; }
  /// Whether a vector holds several steps of each column (few_columns.hpp).
  bool few_columns() const noexcept { return few_; }
  /// Parts of each row, one for each row of the window; 0: windows are never in parts.
  std::int64_t window_rows() const noexcept { return window_rows_; }
  bool wide_images() const noexcept { return wide_images_; }  ///< of int16
  bool small() const noexcept { return !small_.empty(); }     ///< they can have 4 bits
  bool by_small() const noexcept { return by_small_; }        ///< those with 4 bits are chosen

 private:
  std::int64_t k_ = 0, part_k_ = 0, window_rows_ = 0;
  bool wide_images_ = false, few_ = false, by_small_ = false;
  std::vector<PackedMatrix> packed_, small_;
};

}  // namespace detail
OCTET_END
