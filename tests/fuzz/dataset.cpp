#include <octet/data/cifar.hpp>
#include <octet/data/idx.hpp>
#include <octet/data/image_files.hpp>
#include <octet/data/load_labels.hpp>

#include "fuzz.hpp"

/// Data sets. The first byte says what the others are: a csv, labels, the images or the labels of an IDX data set, or a
/// CIFAR file; IDX and CIFAR files may be gzipped.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n) {
  using namespace fuzzing;
  if (n == 0) return 0;
  static const File file("data"), ten("ten_images");
  static const bool written = [] {
    std::string images("\0\0\x08\x03\0\0\0\x0a\0\0\0\x01\0\0\0\x01", 16);
    images.resize(26);
    ten.write(images.data(), images.size());
    return true;
  }();
  if (!written) return 0;
  file.write(bytes + 1, n - 1);
  // gzip compresses by a factor of up to 1032.
  bounded(n, bytes[0] == 'c' || bytes[0] == 'l' ? 256 : 4 * 1032, [&] {
    DatasetPtr data;
    if (bytes[0] == 'c') data = open_image_csv(file.path);
    if (bytes[0] == 'l') {
      const Labels labels = load_labels(file.path);
      data = open_image_csv(file.path, labels, labels);
    }
    if (bytes[0] == 'i') data = open_idx(file.path, "");
    if (bytes[0] == 'n') data = open_idx(ten.path, file.path);
    if (bytes[0] == 'r') data = open_cifar(file.path);
    if (!data || data->size() == 0) return;
    for (const std::int64_t i : {std::int64_t{0}, data->size() - 1}) {
      data->labels(i);
      data->name(i);
      if (bytes[0] != 'c' && bytes[0] != 'l') data->image(i);  // a csv may name any file of this machine
    }
  });
  return 0;
}
