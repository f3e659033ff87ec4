#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../core/tensor.hpp"

OCTET_BEGIN

/// A set of images, for calibration or for measuring accuracy. Images are decoded on access. Several threads may call
/// its functions at the same time.
class Dataset {
 public:
  virtual ~Dataset() = default;
  /// Number of images.
  virtual std::int64_t size() const = 0;
  /// Image i as [H, W, 1 or 3]. Throws FormatError if its file is damaged.
  virtual Tensor<uint8> image(std::int64_t i) const = 0;
  /// The class of image i, if known.
  virtual std::optional<std::int64_t> label(std::int64_t i) const = 0;
  /// All correct classes of image i: several if its label is a name that several classes share.
  virtual std::vector<std::int64_t> labels(std::int64_t i) const {
    const auto one = label(i);
    return one ? std::vector<std::int64_t>{*one} : std::vector<std::int64_t>{};
  }
  /// The name of image i in messages.
  virtual std::string name(std::int64_t i) const = 0;
  /// The number of classes, if it is known from the data (class folders); else 0.
  virtual std::int64_t classes() const { return 0; }

  /// Whether there are images and the first one has a label.
  bool labelled() const { return size() > 0 && label(0).has_value(); }

 protected:
  /// Index i, checked. Throws Error outside [0, size()).
  std::size_t at(std::int64_t i) const {
    detail::require(i >= 0 && i < size(), "expected an image from 0 to ", size() - 1, ", found ", i);
    return static_cast<std::size_t>(i);
  }
};

/// Data sets are shared and not changed.
using DatasetPtr = std::shared_ptr<const Dataset>;

OCTET_END
