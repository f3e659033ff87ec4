#pragma once
#include "../core/affine.hpp"
#include "../operators/fully_connected.hpp"
#include "plan.hpp"
#include "weights.hpp"

OCTET_BEGIN
namespace detail {

/// Chooses the scale of weights [rows, K] in blocks, and the multiplier of each block, by the squared error of the
/// weights.
class BlockScaleSearch {
 public:
  BlockScaleSearch(const float* w, std::int64_t rows, std::int64_t k, std::int64_t block, int largest_code)
      : codes_(static_cast<float>(largest_code)), most_(largest_multiplier(largest_code)) {
    for (std::int64_t i = 0; i < rows * k; i += k)
      for (std::int64_t from = 0; from < k; from += block)
        blocks_.push_back({w + i + from, std::min(block, k - from), 0});
    for (Block& b : blocks_) {
      for (std::int64_t i = 0; i < b.size; ++i) b.largest = std::max(b.largest, std::abs(b.weights[i]));
      largest_ = std::max(largest_, b.largest);
    }
  }

  /// Writes the multipliers, one for each block, and returns the scale, which is at least `least`. The scale is the
  /// best of 100 %, 95 %, ... 65 % of the one with which the largest multiplier reaches the largest weight.
  float run(double least, std::uint8_t* multipliers) const {
    float best = weight_scale({-largest_, largest_}, std::int64_t{most_} * static_cast<std::int64_t>(codes_), least);
    double error = std::numeric_limits<double>::infinity();
    const float full = best;
    std::vector<std::uint8_t> tried(blocks_.size());
    for (int part = 100; part >= 65; part -= 5) {
      const float scale = full * static_cast<float>(part) / 100;
      if (part < 100 && !(static_cast<double>(scale) >= least && is_usable_scale(static_cast<double>(scale)))) break;
      const double sum = choose(scale, tried);
      if (!(sum < error)) continue;
      error = sum;
      best = scale;
      std::copy(tried.begin(), tried.end(), multipliers);
    }
    return best;
  }

 private:
  struct Block {
    const float* weights;
    std::int64_t size;
    float largest;
  };

  /// The multipliers with the least error for a scale. Returns the error.
  double choose(float scale, std::vector<std::uint8_t>& multipliers) const {
    double sum = 0;
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const Block& block = blocks_[b];
      const float whole = std::ceil(block.largest / (codes_ * scale));  // no weight is beyond the codes
      const int high = whole < static_cast<float>(most_) ? std::max(1, static_cast<int>(whole)) : most_;
      double least = std::numeric_limits<double>::infinity();
      for (int m = high; 2 * m >= high; --m) {
        const double error = rounding_error(block.weights, block.size, scale * static_cast<float>(m), codes_);
        if (!(error < least)) continue;
        least = error;
        multipliers[b] = static_cast<std::uint8_t>(m);
      }
      sum += least;
    }
    return sum;
  }

  const float codes_;
  const int most_;
  float largest_ = 0;
  std::vector<Block> blocks_;
};

/// Whether blocks of so many inputs divide the weights of a layer, which have so many bits.
inline bool takes_blocks(const Node& n, const Shape& weights, std::int64_t block, int bits) {
  return block != 0 && bits <= most_block_bits && as<FullyConnected>(*n.op) && weights[1] > block;
}

inline void require_block_option(std::int64_t block, const char* options) {
  require(block == 0 || is_weight_block(block), options, "::weight_block is ", block, ", expected ", weight_block_sizes,
          ", or 0 for none");
}

/// Sets blocks, their multipliers and the scales of weights [O, K]: one for each output channel, or one for all.
/// `least`: as of weight_params.
inline void plan_blocks(View<const float> w, std::int64_t block, const IntegerFormat& format, bool by_channel,
                        const std::vector<double>& least, LayerPlan& layer) {
  const std::int64_t outputs = w.shape()[0], k = w.shape()[1], scales = by_channel ? outputs : 1,
                     rows = scales ? outputs / scales : 0, blocks = weight_blocks(k, block);
  const auto count = static_cast<std::size_t>(scales);
  layer.weights =
      QuantParams(std::vector<float>(count, 1.0f), std::vector<std::int32_t>(count, 0), by_channel ? 0 : -1);
  layer.weight_block = block;
  layer.block_multipliers.assign(static_cast<std::size_t>(outputs * blocks), 1);
  default_pool()->parallel(scales, [&](std::int64_t c, int) {
    double floor = 0;
    for (std::size_t i = 0; i < least.size(); ++i)
      if (!by_channel || static_cast<std::int64_t>(i) == c) floor = std::max(floor, least[i]);
    layer.weights.scale[static_cast<std::size_t>(c)] =
        BlockScaleSearch(w.data() + c * rows * k, rows, k, block, format.largest_weight())
            .run(floor, layer.block_multipliers.data() + c * rows * blocks);
  });
}

}  // namespace detail
OCTET_END
