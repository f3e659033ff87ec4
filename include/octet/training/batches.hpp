#pragma once
#include <numeric>

#include "../core/parallel_checked.hpp"
#include "../core/random.hpp"
#include "augmentation.hpp"
#include "examples.hpp"

OCTET_BEGIN

namespace detail {

/// Reads one input of examples: augments images, and crops larger ones to the model's size (at a random place if they
/// are augmented, else in the middle).
class BatchInput {
 public:
  /// shape: of the model's input, [N, H, W, C], or [N, C, H, W] with 1 or 3 channels.
  BatchInput(const Examples& examples, int input, const Shape& shape, const Augmentation& augmentation, int workers)
      : examples_(&examples), input_(input), augmentation_(augmentation), from_(examples.shape_of(input)) {
    to_ = Shape(shape.begin() + 1, shape.end());
    const bool image = is_image(from_);
    if (image && to_.rank() == 3 && to_[2] != from_[2] && to_[0] == from_[2]) {
      channels_first_ = true;
      to_ = {to_[1], to_[2], to_[0]};
    }
    const bool fits =
        image && to_.rank() == 3 ? to_[2] == from_[2] && to_[0] <= from_[0] && to_[1] <= from_[1] : to_ == from_;
    require<ShapeError>(fits, "expected examples of shape ", Shape(shape.begin() + 1, shape.end()),
                        ", as the model takes, found ", from_);
    if (!image) augmentation_ = {};
    random_ = augmentation_.flip || augmentation_.shift > 0;
    direct_ = to_ == from_ && !channels_first_ && !random_;
    if (!direct_) raw_.resize(static_cast<std::size_t>(workers * from_.elements()));
  }
  static bool is_image(const Shape& s) { return s.rank() == 3; }
  std::int64_t elements() const { return to_.elements(); }

  /// Writes the input of example i to `to`. The seed decides about augmentation.
  void read(std::int64_t i, std::uint64_t seed, float* to, int worker) {
    if (direct_) return examples_->read_input(i, input_, to);
    float* raw = raw_.data() + worker * from_.elements();
    examples_->read_input(i, input_, raw);
    SplitMix r(SplitMix::seed_of(seed, i));
    const std::int64_t spare_h = from_[0] - to_[0], spare_w = from_[1] - to_[1], s = augmentation_.shift;
    const std::int64_t top = random_ ? r.below(spare_h + 2 * s + 1) - s : spare_h / 2;
    const std::int64_t left = random_ ? r.below(spare_w + 2 * s + 1) - s : spare_w / 2;
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

 private:
  const Examples* examples_;
  int input_;
  Augmentation augmentation_;
  Shape from_, to_;  // [H, W, C] of an example, and of the model's input
  bool channels_first_ = false, random_ = false, direct_ = false;
  std::vector<float> raw_;  // one example for each worker
};

/// Makes batches of examples: shuffles and augments them, the images of an example alike. All of that depends only on
/// the seed, the epoch and the example, so that any batch can be reproduced.
class Batches {
 public:
  /// inputs: the input shapes of the model.
  Batches(const Examples& examples, const std::vector<Shape>& inputs, const Augmentation& augmentation, int workers)
      : order_(static_cast<std::size_t>(examples.size())) {
    require<ShapeError>(examples.size() > 0, "expected at least one example, found none");
    bool images = false;
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      inputs_.emplace_back(examples, static_cast<int>(k), inputs[k], augmentation, workers);
      images = images || BatchInput::is_image(examples.shape_of(static_cast<int>(k)));
    }
    require(images || (!augmentation.flip && augmentation.shift == 0), "only images [H, W, C] can be augmented, found ",
            examples.shape());
    require(augmentation.shift >= 0, "expected a shift >= 0, found ", augmentation.shift);
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

  /// Writes input k of `count` examples, from position `place` of the order on, to `to`.
  void read(std::int64_t place, std::int64_t count, std::size_t k, float* to, ThreadPool& pool) {
    BatchInput& input = inputs_[k];
    const std::int64_t size = input.elements();
    parallel_checked(pool, count,
                     [&](std::int64_t i, int worker) { input.read(example(place + i), seed_, to + i * size, worker); });
  }

 private:
  std::vector<BatchInput> inputs_;
  std::vector<std::int64_t> order_;
  std::uint64_t seed_ = 0;
};

/// The class of example i for an output. Throws Error unless it has one in [0, classes).
inline std::int64_t checked_label(const Examples& examples, std::int64_t i, int output, std::int64_t classes) {
  const std::optional<std::int64_t> label = examples.label_for(i, output);
  require(label.has_value(), examples.name(i), ": expected a class (the loss is cross entropy), found none");
  require(*label >= 0 && *label < classes, examples.name(i), ": expected a class in [0, ", classes,
          "), as the model has, found ", *label);
  return *label;
}

}  // namespace detail
OCTET_END
