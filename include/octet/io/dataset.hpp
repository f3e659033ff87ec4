#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../core/tensor.hpp"

OCTET_BEGIN

/// Images to calibrate with or to measure accuracy on. Images are decoded when they are asked for, by several
/// threads at once if need be.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::int64_t size() const = 0;
  /// Image i as [H, W, 1 or 3]; throws where its file is damaged.
  virtual Tensor<uint8> image(std::int64_t i) const = 0;
  /// Class of image i, where it is known.
  virtual std::optional<std::int64_t> label(std::int64_t i) const = 0;
  /// All classes that are right for image i: more than one where its label is a name that several share.
  virtual std::vector<std::int64_t> labels(std::int64_t i) const {
    const auto one = label(i);
    return one ? std::vector<std::int64_t>{*one} : std::vector<std::int64_t>{};
  }
  /// What messages call image i.
  virtual std::string name(std::int64_t i) const = 0;
  /// Number of classes, where the data itself tell (class folders); else 0.
  virtual std::int64_t classes() const { return 0; }

  bool labelled() const { return size() > 0 && label(0).has_value(); }

 protected:
  std::size_t at(std::int64_t i) const {
    detail::require(i >= 0 && i < size(), "image ", i, " of a data set of ", size(), " was asked for");
    return static_cast<std::size_t>(i);
  }
};

using DatasetPtr = std::shared_ptr<const Dataset>;

OCTET_END
