#pragma once
#include <vector>

#include "few_columns.hpp"

/// Sums of products of int16 images and int8 weights have 32 bits, which hold those with weights whose magnitudes add
/// up to 65535 at most. Longer sums are made of equal parts, each with a matrix of its own.
OCTET_BEGIN
namespace detail {

/// The length of such parts for weights [rows][k]; k if whole sums fit, else even.
inline std::int64_t length_of_parts(const std::int8_t* weights, std::int64_t rows, std::int64_t k) {
  const auto fits = [&](std::int64_t length) {
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t i = 0; i < k; i += length) {
        std::int64_t sum = 0;
        for (std::int64_t j = i; j < std::min(k, i + length); ++j) sum += std::abs(int{weights[r * k + j]});
        if (sum > 65535) return false;
      }
    return true;
  };
  std::int64_t length = k;
  // The steps grow, so that the time is nearly in proportion to the number of weights, whatever they are.
  for (std::int64_t parts = 2; !fits(length); parts += (parts + 3) / 4) length = round_up((k + parts - 1) / parts, 2);
  return length;
}

/// Weights [groups][columns][k] as matrices [group][part]. few: for products with few columns.
inline std::vector<PackedMatrix> pack_parts(const Kernels& kernels, const std::int8_t* weights, std::int64_t columns,
                                            std::int64_t groups, std::int64_t k, std::int64_t length, bool few) {
  std::vector<PackedMatrix> packed;
  std::vector<std::int8_t> part;
  for (std::int64_t g = 0; g < groups; ++g)
    for (std::int64_t i = 0; i == 0 || i < k; i += length) {
      const std::int64_t n = std::min(length, k - i);
      part.clear();
      for (std::int64_t c = g * columns; c < (g + 1) * columns; ++c)
        part.insert(part.end(), weights + c * k + i, weights + c * k + i + n);
      packed.push_back(few ? pack_few_columns(kernels, part.data(), columns, n, 2)
                           : pack_matrix(kernels, part.data(), columns, n, ColumnOrder::natural, 2));
    }
  return packed;
}

/// How the sums of one product are divided.
struct SumParts {
  std::int64_t others;  // parts but the last
  std::int64_t length;  // elements of a row in each of them
  std::int64_t size;    // sums of each that are kept
};

/// Multiplies all parts: stores the sums of all but the last, which the epilogue of the last one adds. g: of the first
/// part; sums: room for `others` times `size` int32.
inline void multiply_parts(Product multiply, Gemm g, const PackedMatrix* matrices, std::int64_t first_column,
                           const SumParts& parts, std::byte* sums) noexcept {
  const Epilogue epilogue = g.epilogue;
  for (std::int64_t p = 0; p <= parts.others; ++p) {
    g.b = matrices[p].panel(first_column);
    g.steps = matrices[p].steps;
    g.epilogue = p < parts.others ? Epilogue() : epilogue;
    if (p < parts.others) {
      g.epilogue.out = sums + p * parts.size * 4;
      g.epilogue.out_stride = g.columns * 4;
    } else {
      g.epilogue.parts_of_sums = reinterpret_cast<const std::int32_t*>(sums);
      g.epilogue.parts = parts.others;
      g.epilogue.part_size = parts.size;
      g.epilogue.part_stride = g.columns;
    }
    multiply(g);
    g.a += parts.length * 2;
  }
}

}  // namespace detail
OCTET_END
