#pragma once
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "convolution_weights.hpp"
#include "pack.hpp"

/// Products with few columns (output channels): at most half as many as a vector has lanes. Most lanes of a panel would
/// multiply zeros, so a vector holds several steps of each column instead, whose sums are added at the end. Sums of
/// floats depend on the lanes of a vector, so not where they have to be the same on every CPU.
OCTET_BEGIN
namespace detail {

/// The kernel for few columns and weights of type T; null if this instruction set has none. wide_images: of int16.
template <class T>
Product few_columns_with(const Kernels& k, bool wide_images = false) noexcept {
  if (std::is_same_v<T, std::int8_t>) return wide_images ? k.few_s16s8 : k.few_u8s8;
  return std::is_same_v<T, float> ? k.few_f32 : nullptr;
}

/// Whether a product with so many columns has such a kernel.
template <class T>
bool has_few_columns(const Kernels& kernels, std::int64_t columns, bool wide_images = false) noexcept {
  return few_columns_with<T>(kernels, wide_images) && columns > 0 && 2 * columns <= kernels.lanes;
}
/// Whether the products of these weights are computed so.
template <class T>
bool takes_few_columns(const Kernels& kernels, const ConvolutionWeights<T>& w) noexcept {
  const std::int64_t columns = w.out_c / w.groups;
  if (w.small || w.varies || !has_few_columns<T>(kernels, columns, w.wide_images)) return false;
  if (sizeof(T) == 1) return true;
  const std::int64_t steps = kernels.lanes / few_columns_width(columns);
  return !w.same_floats && w.groups == 1 && w.repeat == 1 && w.k() / w.window.kernel_h >= 2 * steps;
}

/// The matrix b of such a product: [part][group of steps][column][steps of a group][elements of a step], where columns
/// times steps are the lanes of a vector. weights, per_step: as of pack_matrix; k elements are `parts` equal parts
/// (Gemm::parts).
template <class T>
PackedMatrix pack_few_columns(const Kernels& kernels, const T* weights, std::int64_t columns, std::int64_t k,
                              std::int64_t per_step, std::int64_t parts = 1) {
  const std::int64_t width = few_columns_width(columns), part = k / parts;
  const std::int64_t group = kernels.lanes / width * per_step, groups = (part + group - 1) / group;
  PackedMatrix m;
  m.columns = columns;
  m.k = k;
  m.steps = (part + per_step - 1) / per_step;
  m.data = AlignedBytes(static_cast<std::size_t>(parts * groups * width * group) * sizeof(T));
  if (m.data.size() == 0) return m;
  std::memset(m.data.data(), 0, m.data.size());
  auto* to = reinterpret_cast<T*>(m.data.data());
  for (std::int64_t p = 0; p < parts; ++p)
    for (std::int64_t first = 0; first < part; first += group, to += width * group)
      for (std::int64_t c = 0; c < columns; ++c)
        std::memcpy(to + c * group, weights + c * k + p * part + first,
                    static_cast<std::size_t>(std::min(group, part - first)) * sizeof(T));
  return m;
}

}  // namespace detail
OCTET_END
