#pragma once
#include "packed_codes.hpp"

/// Weights [O, K] of at most 4 bits that have a multiplier for each block of inputs: they are
/// scale[o] * multiplier[o][k / block] * code[o][k]. Products of multipliers and codes are int8, so a layer with such
/// weights computes what one with these int8 weights computes.
OCTET_BEGIN
namespace detail {

/// Inputs that a block may have; the last block of an output channel may have fewer.
constexpr bool is_weight_block(std::int64_t inputs) noexcept {
  return inputs == 32 || inputs == 64 || inputs == 128 || inputs == 256;
}
constexpr const char* weight_block_sizes = "32, 64, 128 or 256";  // for messages
constexpr int most_block_bits = 4;                                // of a code

/// Of codes with such magnitudes, so that products are int8.
constexpr int largest_multiplier(int largest_code) noexcept { return 127 / largest_code; }

/// The blocks of an output channel with k weights.
constexpr std::int64_t weight_blocks(std::int64_t k, std::int64_t block) noexcept { return (k + block - 1) / block; }

/// The multipliers [O, blocks] of the weights of a layer, which kernels read; `size` is 0 if there are none.
struct WeightBlocks {
  std::int64_t size = 0;  // inputs of a block
  const std::uint8_t* multipliers = nullptr;
};

/// Codes [O, K] times their multipliers. Throws Error if a multiplier is 0, or a product is beyond int8.
inline Tensor<std::int8_t> multiplied(View<const std::int8_t> codes, const WeightBlocks& blocks) {
  auto products = Tensor<std::int8_t>::uninitialized(codes.shape());
  const std::int64_t k = codes.shape()[1], of_row = weight_blocks(k, blocks.size);
  for (std::int64_t i = 0; i < codes.size(); ++i) {
    const std::int64_t row = i / k, block = i % k / blocks.size;
    const int multiplier = blocks.multipliers[row * of_row + block], product = multiplier * codes[i];
    require(multiplier > 0, "the multiplier of block ", block, " of output channel ", row, " of the weights is 0");
    require(product >= -128 && product <= 127, "the code ", int{codes[i]}, " in block ", block, " of output channel ",
            row, " of the weights has the multiplier ", multiplier, ", expected a product in int8");
    products[i] = static_cast<std::int8_t>(product);
  }
  return products;
}

}  // namespace detail
OCTET_END
