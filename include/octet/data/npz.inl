#pragma once
#include <zlib.h>
#include <set>

#include "../files/map_file.hpp"
#include "npy.hpp"

OCTET_BEGIN

namespace detail {

/// Reads the members of a zip archive that is in memory: stored or deflated, without encryption, below 4 GB.
class ZipReader {
 public:
  ZipReader(std::string_view bytes, const std::string& what) : bytes_(bytes), what_(what) {
    // The record at the end, which a comment of up to 65535 bytes may follow.
    constexpr std::size_t record = 22;
    std::size_t at = bytes.size() < record ? std::string_view::npos : bytes.rfind("PK\x05\x06", bytes.size() - record);
    if (at == std::string_view::npos || bytes.size() - at > record + 65535)
      fail<FormatError>("'", what, "' is not a zip archive (.npz)");
    count_ = number(at + 10, 2);
    at_ = number(at + 16, 4);
    if (count_ == 0xffff || at_ == 0xffffffff) fail_size();
    check(at_ <= at);
  }

  std::size_t count() const noexcept { return count_; }

  struct Member {
    std::string name, bytes;
  };
  /// The next member. Allocates at most what its compressed bytes can hold.
  Member next() {
    check(text(at_, 4) == "PK\x01\x02");
    const std::size_t flags = number(at_ + 8, 2), method = number(at_ + 10, 2), crc = number(at_ + 16, 4),
                      packed = number(at_ + 20, 4), size = number(at_ + 24, 4), name = number(at_ + 28, 2),
                      local = number(at_ + 42, 4);
    Member m{std::string(text(at_ + 46, name)), {}};
    at_ += 46 + name + number(at_ + 30, 2) + number(at_ + 32, 2);
    if (packed == 0xffffffff || size == 0xffffffff || local == 0xffffffff) fail_size();
    require<FormatError>((flags & 1) == 0 && (method == 0 || method == 8), "'", what_, "': '", m.name,
                         "' is encrypted or compressed in a way other than deflate");
    check(text(local, 4) == "PK\x03\x04");
    const std::string_view data = text(local + 30 + number(local + 26, 2) + number(local + 28, 2), packed);
    used_ += packed;
    check(used_ <= bytes_.size());  // members that overlap could be larger than the archive in total
    if (method == 0) {
      check(size == packed);
      m.bytes = std::string(data);
    } else {
      m.bytes = inflated(data, size);
    }
    const auto* p = reinterpret_cast<const Bytef*>(m.bytes.data());
    check(crc32_z(0, p, m.bytes.size()) == crc);
    return m;
  }

 private:
  [[noreturn]] void fail_size() const { fail<FormatError>("'", what_, "': archives above 4 GB are not supported"); }
  void check(bool good) const { require<FormatError>(good, "'", what_, "': the archive is damaged"); }
  std::string_view text(std::size_t at, std::size_t n) const {
    check(at <= bytes_.size() && n <= bytes_.size() - at);
    return bytes_.substr(at, n);
  }
  std::size_t number(std::size_t at, std::size_t n) const {
    const std::string_view from = text(at, n);
    std::size_t x = 0;
    for (std::size_t i = n; i-- > 0;) x = x << 8 | static_cast<unsigned char>(from[i]);
    return x;
  }
  std::string inflated(std::string_view data, std::size_t size) const {
    check(size / 1032 <= data.size() + 1);  // deflate does not compress better than that
    std::string out(size, '\0');
    z_stream z{};
    check(inflateInit2(&z, -MAX_WBITS) == Z_OK);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
    z.avail_in = static_cast<uInt>(data.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(size);
    const int code = inflate(&z, Z_FINISH);
    const bool complete = code == Z_STREAM_END && z.total_out == size;
    inflateEnd(&z);
    check(complete);
    return out;
  }

  std::string_view bytes_;
  const std::string& what_;
  std::size_t count_ = 0, at_ = 0, used_ = 0;
};

}  // namespace detail

OCTET_API std::map<std::string, AnyTensor> parse_npz(std::string_view bytes, const std::string& what) {
  detail::ZipReader zip(bytes, what);
  std::map<std::string, AnyTensor> arrays;
  for (std::size_t i = 0; i < zip.count(); ++i) {
    const auto member = zip.next();
    std::string array = member.name;
    if (array.size() > 4 && array.compare(array.size() - 4, 4, ".npy") == 0) array.erase(array.size() - 4);
    AnyTensor tensor = parse_npy(member.bytes, what + ":" + member.name);
    detail::require<FormatError>(arrays.emplace(array, std::move(tensor)).second, "'", what, "' has two arrays '",
                                 array, "'");
  }
  return arrays;
}

OCTET_API std::map<std::string, AnyTensor> load_npz(const std::string& path) {
  const detail::SharedBytes file = detail::map_file(path);
  return parse_npz({reinterpret_cast<const char*>(file.data.get()), file.size}, path);
}

OCTET_END
