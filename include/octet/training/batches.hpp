#pragma once
#include <numeric>

#include "../core/parallel_checked.hpp"
#include "../core/random.hpp"
#include "augmentation.hpp"
#include "examples.hpp"

OCTET_BEGIN

namespace detail {

/// Makes batches of examples: shuffles and augments them, and crops larger images to the model's size (at a random
/// place if they are augmented, else in the middle). All of that depends only on the seed, the epoch and the example,
/// so that any batch can be reproduced.
class Batches {
 public:
  /// input: the input shape of the model, [N, H, W, C], or [N, C, H, W] with 1 or 3 channels.
  Batches(const Examples& examples, const Shape& input, const Augmentation& augmentation, int workers)
      : examples_(&examples), augmentation_(augmentation), order_(static_cast<std::size_t>(examples.size())) {
    const Shape from = examples.shape();
    Shape to(input.begin() + 1, input.end());
    image_ = from.rank() == 3;
    if (image_ && to.rank() == 3 && to[2] != from[2] && to[0] == from[2]) {
      channels_first_ = true;
      to = {to[1], to[2], to[0]};
    }
    const bool fits = image_ && to.rank() == 3 ? to[2] == from[2] && to[0] <= from[0] && to[1] <= from[1] : to == from;
    require<ShapeError>(examples.size() > 0, "expected at least one example, found none");
    require<ShapeError>(fits, "expected examples of shape ", Shape(input.begin() + 1, input.end()),
                        ", as the model takes, found ", from);
    require(image_ || (!augmentation.flip && augmentation.shift == 0), "only images [H, W, C] can be augmented, found ",
            from);
    require(augmentation.shift >= 0, "expected a shift >= 0, found ", augmentation.shift);
    from_ = from;
    to_ = to;
    direct_ = to == from && !channels_first_ && !augmentation.flip && augmentation.shift == 0;
    if (!direct_) raw_.resize(static_cast<std::size_t>(workers * from.elements()));
    std::iota(order_.begin(), order_.end(), std::int64_t{0});
  }

  /// Begins an epoch: chooses its augmentation and, if `shuffle`, its order.
  void begin(std::uint64_t seed, std::int64_t epoch, bool shuffle) {
    SplitMix random(SplitMix::seed_of(seed, epoch));
    seed_ = random();
    if (!shuffle) return;
    std::iota(order_.begin(), order_.end(), std::int64_t{0});
    for (std::size_t i = order_.size(); i > 1; --i)  // Fisher-Yates shuffle
      std::swap(order_[i - 1], order_[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i)))]);
  }

  /// The example at a position of the order. After the last one, the order is repeated.
  std::int64_t example(std::int64_t place) const {
    return order_[static_cast<std::size_t>(place % static_cast<std::int64_t>(order_.size()))];
  }

  /// Writes the inputs of `count` examples, from position `place` of the order on, to `to`.
  void read(std::int64_t place, std::int64_t count, float* to, ThreadPool& pool) {
    const std::int64_t size = to_.elements();
    parallel_checked(pool, count,
                     [&](std::int64_t i, int worker) { read_one(example(place + i), to + i * size, worker); });
  }

 private:
  void read_one(std::int64_t i, float* to, int worker) {
    if (direct_) return examples_->read(i, to);
    float* raw = raw_.data() + worker * from_.elements();
    examples_->read(i, raw);
    const bool random = augmentation_.flip || augmentation_.shift > 0;
    SplitMix r(SplitMix::seed_of(seed_, i));
    const std::int64_t spare_h = from_[0] - to_[0], spare_w = from_[1] - to_[1], s = augmentation_.shift;
    const std::int64_t top = random ? r.below(spare_h + 2 * s + 1) - s : spare_h / 2;
    const std::int64_t left = random ? r.below(spare_w + 2 * s + 1) - s : spare_w / 2;
    const bool flip = augmentation_.flip && r.below(2) == 1;
    const std::int64_t channels = to_[2], plane = to_[0] * to_[1];
    for (std::int64_t y = 0; y < to_[0]; ++y)
      for (std::int64_t x = 0; x < to_[1]; ++x) {
        const std::int64_t iy = top + y, ix = left + (flip ? to_[1] - 1 - x : x);
        const bool inside = iy >= 0 && iy < from_[0] && ix >= 0 && ix < from_[1];
        const float* pixel = raw + (iy * from_[1] + ix) * channels;
        for (std::int64_t c = 0; c < channels; ++c)
          to[channels_first_ ? c * plane + y * to_[1] + x : (y * to_[1] + x) * channels + c] =
              inside ? pixel[c] : augmentation_.fill;
      }
  }

  const Examples* examples_;
  Augmentation augmentation_;
  Shape from_, to_;  // [H, W, C] of an example, and of the model's input
  bool image_ = false, channels_first_ = false, direct_ = false;
  std::vector<std::int64_t> order_;
  std::uint64_t seed_ = 0;
  std::vector<float> raw_;  // one example for each worker
};

/// The class of example i. Throws Error unless it has one in [0, classes).
inline std::int64_t checked_label(const Examples& examples, std::int64_t i, std::int64_t classes) {
  const std::optional<std::int64_t> label = examples.label(i);
  require(label.has_value(), examples.name(i), ": expected a class (the loss is cross entropy), found none");
  require(*label >= 0 && *label < classes, examples.name(i), ": expected a class in [0, ", classes,
          "), as the model has, found ", *label);
  return *label;
}

}  // namespace detail
OCTET_END
