#pragma once

#include "../files/gzip.hpp"
#include "dataset.hpp"
#include "idx.hpp"

OCTET_BEGIN

namespace detail {

/// The shape and elements of an IDX file (the format of MNIST) with unsigned bytes.
struct IdxBytes {
  Shape shape;
  std::string bytes;

  IdxBytes(const std::string& path, int least_rank, int most_rank) {
    GzipFile file(path);
    const std::string magic = file.read(4);
    const auto byte = [&](const std::string& s, std::size_t i) {
      return static_cast<std::int64_t>(static_cast<unsigned char>(s[i]));
    };
    require<FormatError>(magic.size() == 4 && byte(magic, 0) == 0 && byte(magic, 1) == 0, "'", path,
                         "' is not an IDX file");
    require<FormatError>(byte(magic, 2) == 8, "'", path, "': expected IDX type 8 (unsigned bytes), found ",
                         byte(magic, 2));
    const std::int64_t rank = byte(magic, 3);
    require<FormatError>(rank >= least_rank && rank <= most_rank, "'", path, "' has ", rank, " dimensions, expected ",
                         least_rank, most_rank > least_rank ? concat(" to ", most_rank) : "");
    const std::string sizes = file.read(4 * rank);
    require<FormatError>(static_cast<std::int64_t>(sizes.size()) == 4 * rank, "'", path, "' ends inside its header");
    std::int64_t total = 1;
    for (std::size_t d = 0; d < static_cast<std::size_t>(rank); ++d) {
      std::int64_t n = 0;
      for (std::size_t i = 0; i < 4; ++i) n = n << 8 | byte(sizes, 4 * d + i);
      shape.push_back(n);
      require<FormatError>(n > 0 && n <= max_unpacked_bytes / total, "'", path, "' declares the shape ", shape,
                           ", expected at least 1 and at most 4 GiB of elements");
      total *= n;
    }
    file.require_likely(total);
    bytes = file.read(total);
    require<FormatError>(static_cast<std::int64_t>(bytes.size()) == total && file.read(1).empty(), "'", path, "' has ",
                         static_cast<std::int64_t>(bytes.size()) == total ? "more than " : "only ", bytes.size(),
                         " bytes of data, expected ", total);
  }
};

class IdxDataset : public Dataset {
 public:
  IdxDataset(const std::string& images, const std::string& labels) : images_(images, 3, 4) {
    const Shape& s = images_.shape;
    image_shape_ = {s[1], s[2], s.rank() == 4 ? s[3] : 1};
    require<FormatError>(image_shape_[2] == 1 || image_shape_[2] == 3, "'", images,
                         "': expected images of 1 or 3 channels, found ", image_shape_[2]);
    if (labels.empty()) return;
    IdxBytes l(labels, 1, 1);
    require<FormatError>(l.shape[0] == s[0], "'", labels, "': expected ", s[0], " labels, as many as images in '",
                         images, "', found ", l.shape[0]);
    labels_ = std::move(l.bytes);
  }
  std::int64_t size() const override { return images_.shape[0]; }
  Tensor<uint8> image(std::int64_t i) const override {
    const auto n = static_cast<std::size_t>(image_shape_.elements());
    const char* from = images_.bytes.data() + at(i) * n;
    return Tensor<uint8>(View<const uint8>(reinterpret_cast<const uint8*>(from), image_shape_));
  }
  std::optional<std::int64_t> label(std::int64_t i) const override {
    const std::size_t k = at(i);
    return labels_.empty() ? std::nullopt : std::optional<std::int64_t>(static_cast<unsigned char>(labels_[k]));
  }
  std::string name(std::int64_t i) const override { return "image " + std::to_string(i); }

 private:
  IdxBytes images_;
  Shape image_shape_;
  std::string labels_;
};

}  // namespace detail

OCTET_API DatasetPtr open_idx(const std::string& images, const std::string& labels) {
  return std::make_shared<detail::IdxDataset>(images, labels);
}

OCTET_END
