#pragma once

#include "dataset.hpp"
#include "gzip.hpp"
#include "idx.hpp"

OCTET_BEGIN

namespace detail {

/// The header and bytes of an IDX file (the format of MNIST) of unsigned bytes.
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
                         "' is no IDX file");
    require<FormatError>(byte(magic, 2) == 8, "'", path, "' has IDX type ", byte(magic, 2),
                         ", expected 8 (unsigned bytes)");
    const std::int64_t rank = byte(magic, 3);
    require<FormatError>(rank >= least_rank && rank <= most_rank, "'", path, "' has ", rank, " dimensions, expected ",
                         least_rank, most_rank > least_rank ? concat(" to ", most_rank) : "");
    const std::string sizes = file.read(4 * rank);
    require<FormatError>(static_cast<std::int64_t>(sizes.size()) == 4 * rank, "'", path, "' ends within its header");
    std::int64_t total = 1;
    for (std::size_t d = 0; d < static_cast<std::size_t>(rank); ++d) {
      std::int64_t n = 0;
      for (std::size_t i = 0; i < 4; ++i) n = n << 8 | byte(sizes, 4 * d + i);
      shape.push_back(n);
      require<FormatError>(n > 0 && n <= max_unpacked_bytes / total, "'", path, "' claims sizes ", shape,
                           ", none of which may be 0 or the product over 4 GiB");
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
    require<FormatError>(image_shape_[2] == 1 || image_shape_[2] == 3, "'", images, "' has images of ", image_shape_[2],
                         " channels");
    if (labels.empty()) return;
    IdxBytes l(labels, 1, 1);
    require<FormatError>(l.shape[0] == s[0], "'", labels, "' has ", l.shape[0], " labels for the ", s[0],
                         " images of '", images, "'");
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
