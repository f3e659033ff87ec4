#pragma once

#include "../files/gzip.hpp"
#include "cifar.hpp"
#include "dataset.hpp"

OCTET_BEGIN

namespace detail {

/// Each record is a label byte and the red, green and blue planes of 32x32 pixels.
class CifarDataset : public Dataset {
 public:
  explicit CifarDataset(const std::string& path) : bytes_(GzipFile(path).read(limit + 1)) {
    require<FormatError>(bytes_.size() <= limit, "'", path, "' has more than ", limit, " bytes");
    require<FormatError>(!bytes_.empty() && bytes_.size() % record == 0, "'", path, "' has ", bytes_.size(),
                         " bytes, expected a multiple of a CIFAR-10 record's ", record);
    for (std::size_t i = 0; i < bytes_.size(); i += record)
      require<FormatError>(static_cast<unsigned char>(bytes_[i]) < 10, "'", path, "': record ", i / record,
                           ": expected a label from 0 to 9, found ",
                           static_cast<int>(static_cast<unsigned char>(bytes_[i])));
  }
  std::int64_t size() const override { return static_cast<std::int64_t>(bytes_.size() / record); }
  Tensor<uint8> image(std::int64_t i) const override {
    Tensor<uint8> t = Tensor<uint8>::uninitialized({32, 32, 3});
    const char* from = bytes_.data() + at(i) * record + 1;
    for (std::int64_t c = 0; c < 3; ++c)
      for (std::int64_t p = 0; p < plane; ++p) t[p * 3 + c] = static_cast<uint8>(from[c * plane + p]);
    return t;
  }
  std::optional<std::int64_t> label(std::int64_t i) const override {
    return static_cast<unsigned char>(bytes_[at(i) * record]);
  }
  std::string name(std::int64_t i) const override { return "image " + std::to_string(i); }
  std::int64_t classes() const override { return 10; }

 private:
  static constexpr std::int64_t plane = 32 * 32;
  static constexpr std::size_t record = 3 * plane + 1, limit = std::size_t{1} << 30;
  std::string bytes_;
};

}  // namespace detail

OCTET_API DatasetPtr open_cifar(const std::string& path) { return std::make_shared<detail::CifarDataset>(path); }

OCTET_END
