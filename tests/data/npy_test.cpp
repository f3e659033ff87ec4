#include <zlib.h>

#include <octet/data/npy.hpp>

#include "support/files.hpp"
#include "support/messages.hpp"
#include "testing.hpp"

using namespace testing;

namespace {

/// A .npy file of version 1 with that header.
std::string npy(const std::string& dictionary, const std::string& elements, char version = 1) {
  std::string size{static_cast<char>(dictionary.size() & 255), static_cast<char>(dictionary.size() >> 8)};
  if (version > 1) size += std::string(2, '\0');
  return "\x93NUMPY" + std::string{version, '\0'} + size + dictionary + elements;
}

std::string header(const std::string& type, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': (" + shape +
         "), }\n";
}

std::string little(std::uint32_t x, int bytes) {
  std::string s;
  for (int i = 0; i < bytes; ++i) s += static_cast<char>(x >> 8 * i & 255);
  return s;
}

/// A zip archive with one member.
std::string zip(const std::string& name, const std::string& bytes, bool deflated) {
  std::string data = bytes;
  if (deflated) {
    data.resize(bytes.size() + 1000);
    z_stream z{};
    REQUIRE(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    z.avail_in = static_cast<uInt>(bytes.size());
    z.next_out = reinterpret_cast<Bytef*>(data.data());
    z.avail_out = static_cast<uInt>(data.size());
    REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
    data.resize(z.total_out);
    deflateEnd(&z);
  }
  const auto crc = static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  const auto size = [](const std::string& s) { return little(static_cast<std::uint32_t>(s.size()), 4); };
  const std::string common = little(20, 2) + little(0, 2) + little(deflated ? 8 : 0, 2) + little(0, 4) +
                             little(crc, 4) + size(data) + size(bytes) +
                             little(static_cast<std::uint32_t>(name.size()), 2) + little(0, 2);
  const std::string local = "PK\x03\x04" + common + name + data;
  const std::string central = "PK\x01\x02" + little(20, 2) + common + little(0, 2) + little(0, 2) + little(0, 2) +
                              little(0, 4) + little(0, 4) + name;
  return local + central + "PK\x05\x06" + little(0, 4) + little(1, 2) + little(1, 2) + size(central) + size(local) +
         little(0, 2);
}

}  // namespace

TEST_CASE("npy: types, versions, byte orders and Fortran order") {
  const AnyTensor plain = parse_npy(npy(header("<f4", "2,"), little(0x3f800000, 4) + little(0xc0000000, 4)));
  CHECK(plain.shape() == Shape{2});
  CHECK(plain.view<float>()[0] == 1);
  CHECK(plain.view<float>()[1] == -2);
  for (char version : {'\2', '\3'})
    CHECK(parse_npy(npy(header("<f4", ""), little(0x3f800000, 4), version)).shape() == Shape{});
  const std::string big{0x01, 0x02, 0x03, 0x04};
  CHECK(parse_npy(npy(header(">u2", "2,"), big)).dtype() == DType::u16);
  const std::string be{0, 0, 1, 2};
  CHECK(parse_npy(npy(header(">i4", "1,"), be)).view<int32>()[0] == 258);
  const AnyTensor columns = parse_npy(npy(header("|i1", "2, 3", true), {1, 2, 3, 4, 5, 6}));
  const std::vector<int8> rows{1, 3, 5, 2, 4, 6};
  CHECK(std::equal(rows.begin(), rows.end(), columns.view<int8>().begin()));
  const AnyTensor cube = parse_npy(npy(header("|u1", "2, 2, 2", true), {0, 1, 2, 3, 4, 5, 6, 7}));
  const std::vector<uint8> expected{0, 4, 2, 6, 1, 5, 3, 7};
  CHECK(std::equal(expected.begin(), expected.end(), cube.view<uint8>().begin()));
  CHECK(parse_npy(npy(header("|b1", "0, 4"), "")).shape() == Shape{0, 4});
  CHECK(parse_npy(npy("{\"shape\":(1,),\"descr\":\"<f2\",\"fortran_order\":False}", {0, 0x3c})).dtype() == DType::f16);
}

TEST_CASE("npy: what is written is read") {
  const TemporaryFolder folder;
  for (DType t : {DType::f32, DType::f64, DType::f16, DType::i8, DType::u8, DType::i16, DType::u16, DType::i32,
                  DType::u32, DType::i64, DType::u64, DType::boolean})
    for (const Shape& s : {Shape{}, Shape{3}, Shape{2, 3}, Shape{0, 2}, Shape{1, 1, 1, 1, 2}}) {
      const AnyTensor x = AnyTensor::make(t, s, [&](std::byte* to) {
        for (std::size_t i = 0; i < bytes(t, s.elements()); ++i) to[i] = static_cast<std::byte>(i % 2);
      });
      save_npy(folder / "x.npy", x);
      const AnyTensor y = load_npy(folder / "x.npy");
      REQUIRE(y.dtype() == t);
      REQUIRE(y.shape() == s);
      CHECK(std::equal(x.data(), x.data() + x.size_bytes(), y.data()));
      CHECK(npy_bytes(x).find('\n') % 64 == 63);  // elements are aligned
    }
  const AnyTensor half = AnyTensor::make(DType::bf16, {1}, [](std::byte* to) { to[1] = std::byte{0x40}; });
  CHECK(parse_npy(npy_bytes(half)).view<float>()[0] == 2);  // NumPy has no bfloat16
}

TEST_CASE("npy: damaged and hostile files") {
  const std::string good = npy(header("<f4", "2,"), std::string(8, '\0'));
  for (std::size_t n = 0; n < good.size(); ++n) CHECK_THROWS_AS(parse_npy(good.substr(0, n), "cut"), FormatError);
  CHECK_THROWS_AS(parse_npy(good + "x", "long"), FormatError);
  for (const char* type : {"<f3", "O", "|O8", "<c8", "<U4", "", "<f44", "!f4", "<M8[ns]"})
    CHECK_THROWS_AS(parse_npy(npy(header(type, "1,"), std::string(8, '\0')), "type"), FormatError);
  for (const char* shape : {"1000000000000,", "99999999999999, 99999999999999", "-1,", "9999999999999999999999,",
                            "1, 1, 1, 1, 1, 1, 1, 1, 1", "x,", "1 1"})
    CHECK_THROWS_AS(parse_npy(npy(header("<f4", shape), "1234"), "shape"), Error);
  for (const char* text : {"", "{", "{}", "{'descr': '<f4'}", "{'descr': [('a', '<f4')], 'fortran_order': False}",
                           "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}"})
    CHECK_THROWS_AS(parse_npy(npy(text, "1234"), "header"), FormatError);
  CHECK_THROWS_AS(parse_npy(npy(header("<f4", "1,"), "1234", 4), "version"), FormatError);
  CHECK_THROWS_WITH_AS(parse_npy("text", "a.npy"), "'a.npy' is not a .npy file", FormatError);
}

TEST_CASE("npz: stored and deflated members") {
  const std::string array = npy(header("|u1", "300,"), std::string(300, 'a'));
  for (bool deflated : {false, true}) {
    const std::string bytes = zip("x.npy", array, deflated);
    const auto arrays = parse_npz(bytes);
    REQUIRE(arrays.size() == 1);
    CHECK(arrays.at("x").shape() == Shape{300});
    for (std::size_t n = 0; n < bytes.size(); ++n) CHECK_THROWS_AS(parse_npz(bytes.substr(0, n), "cut"), FormatError);
    for (std::size_t i = 0; i < bytes.size(); ++i) {  // an error, or what is read is harmless
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
      try {
        parse_npz(damaged, "damaged");
      } catch (const Error&) {
      }
    }
  }
  // A member that claims to be far larger than its bytes can be.
  std::string bomb = zip("x.npy", array, true);
  const std::size_t central = bomb.find("PK\x01\x02");
  bomb.replace(central + 24, 4, "\xf0\xff\xff\xff");
  CHECK_THROWS_AS(parse_npz(bomb, "bomb"), FormatError);
}
