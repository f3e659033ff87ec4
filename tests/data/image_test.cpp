#include <octet/io/image.hpp>
#include <octet/io/preprocessing.hpp>

#include "support/files.hpp"
#include "support/random.hpp"
#include "testing.hpp"

#include <zlib.h>

using namespace testing;

namespace {

Tensor<uint8> random_image(std::int64_t h, std::int64_t w, std::int64_t c, unsigned seed = 1) {
  return random_integers<uint8>({h, w, c}, seed, 0, 255);
}

/// 16 x 24 pixels. Channel k of pixel (y, x) is 5 y + 3 x + 20 k before compression.
std::string jpeg() {
  static const char* hex =
      "ffd8ffe000104a46494600010100000100010000ffe201d84943435f50524f46494c45000101000001c80000000004300000"
      "6d6e74725247422058595a2007e0000100010000000000006163737000000000000000000000000000000000000000000000"
      "0000000000010000f6d6000100000000d32d0000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000964657363000000f0000000247258595a00000114000000146758595a0000"
      "0128000000146258595a0000013c000000147774707400000150000000147254524300000164000000286754524300000164"
      "00000028625452430000016400000028637072740000018c0000003c6d6c756300000000000000010000000c656e55530000"
      "00080000001c007300520047004258595a200000000000006fa2000038f50000039058595a2000000000000062990000b785"
      "000018da58595a2000000000000024a000000f840000b6cf58595a20000000000000f6d6000100000000d32d706172610000"
      "000000040000000266660000f2a700000d59000013d000000a5b00000000000000006d6c756300000000000000010000000c"
      "656e5553000000200000001c0047006f006f0067006c006500200049006e0063002e00200032003000310036ffdb00430006"
      "040506050406060506070706080a100a0a09090a140e0f0c1017141818171416161a1d251f1a1b231c1616202c2023262729"
      "2a29191f2d302d283025282928ffdb0043010707070a080a130a0a13281a161a282828282828282828282828282828282828"
      "2828282828282828282828282828282828282828282828282828282828282828ffc000110800180010030122000211010311"
      "01ffc40017000003010000000000000000000000000000050607ffc400181000020300000000000000000000000000000405"
      "2231ffc4001501010100000000000000000000000000000004ffc40014110100000000000000000000000000000000ffda00"
      "0c03010002110311003f00c3d18dca9408c6e546a8c6e54a046372a5e84d918dca9408c6e54000ffd9";
  std::string bytes;
  for (const char* p = hex; *p; p += 2) bytes += static_cast<char>(std::stoi(std::string(p, 2), nullptr, 16));
  return bytes;
}

/// The same file declared as progressive, which makes its data invalid.
std::string progressive_jpeg() {
  std::string bytes = jpeg();
  bytes.replace(bytes.find("\xff\xc0"), 2, "\xff\xc2");
  return bytes;
}

std::string big_endian(std::uint32_t n) {
  std::string s;
  for (int i = 24; i >= 0; i -= 8) s += static_cast<char>(n >> i & 255);
  return s;
}
std::string little_endian(std::uint32_t n, int bytes = 4) {
  std::string s;
  for (int i = 0; i < bytes; ++i) s += static_cast<char>(n >> (8 * i) & 255);
  return s;
}

std::string png_chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<std::uint32_t>(data.size())) + body + big_endian(static_cast<std::uint32_t>(crc));
}

std::string deflated(const std::string& raw) {
  uLongf n = compressBound(static_cast<uLong>(raw.size()));
  std::string packed(n, '\0');
  REQUIRE(compress2(reinterpret_cast<Bytef*>(packed.data()), &n, reinterpret_cast<const Bytef*>(raw.data()),
                    static_cast<uLong>(raw.size()), 9) == Z_OK);
  packed.resize(n);
  return packed;
}

std::string png_header(std::uint32_t w, std::uint32_t h) {
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", big_endian(w) + big_endian(h) + std::string("\x08\x02\0\0\0", 5));
}

/// An 8-bit RGB file with that header and this raw data.
std::string png(std::uint32_t w, std::uint32_t h, const std::string& raw) {
  return png_header(w, h) + png_chunk("IDAT", deflated(raw)) + png_chunk("IEND", "");
}

std::string bmp(std::int32_t w, std::int32_t h, const std::string& pixels) {
  const std::string info = little_endian(40) + little_endian(static_cast<std::uint32_t>(w)) +
                           little_endian(static_cast<std::uint32_t>(h)) + little_endian(1, 2) + little_endian(24, 2) +
                           std::string(24, '\0');
  return "BM" + little_endian(static_cast<std::uint32_t>(54 + pixels.size())) + little_endian(0) + little_endian(54) +
         info + pixels;
}

/// One row of four pixels, the first with color `first`. Color i of the palette is 10 i.
std::string palette_bmp(int colors, int first) {
  std::string palette;
  for (int i = 0; i < colors; ++i) palette += std::string(3, static_cast<char>(10 * i)) + '\0';
  const std::string pixels{static_cast<char>(first), 0, 1, 2};
  std::string file = bmp(4, 1, palette + pixels);
  file[10] = static_cast<char>(54 + 4 * colors);
  file[28] = 8;
  return file;
}

/// Decodes damaged bytes, which must give an error or an image.
void survives(const std::string& bytes) {
  try {
    const Tensor<uint8> t = decode_image(bytes);
    CHECK(t.shape().rank() == 3);
  } catch (const FormatError&) {
  }
}

/// Reference: 2 x 2 pixels, edges repeated.
double bilinear(const Tensor<uint8>& t, double y, double x, std::int64_t c) {
  const auto pixel = [&](std::int64_t i, std::int64_t j) {
    i = std::clamp<std::int64_t>(i, 0, t.shape()[0] - 1);
    j = std::clamp<std::int64_t>(j, 0, t.shape()[1] - 1);
    return static_cast<double>(t(i, j, c));
  };
  const double fy = std::floor(y), fx = std::floor(x);
  const auto i = static_cast<std::int64_t>(fy), j = static_cast<std::int64_t>(fx);
  return (1 - (y - fy)) * ((1 - (x - fx)) * pixel(i, j) + (x - fx) * pixel(i, j + 1)) +
         (y - fy) * ((1 - (x - fx)) * pixel(i + 1, j) + (x - fx) * pixel(i + 1, j + 1));
}

Preprocessing raw(ImageResize mode, double crop = 1) { return {crop, mode, normalization("raw")}; }

}  // namespace

TEST_CASE("image: PNG files keep every pixel") {
  const TemporaryFolder folder;
  for (const std::int64_t side : {1, 2, 15, 16, 17}) {
    const Tensor<uint8> color = random_image(side, side + 3, 3), gray = random_image(side, side + 3, 1),
                        alpha = random_image(side, side + 3, 4);
    save_png(folder / "color.png", color);
    const Tensor<uint8> back = load_image(folder / "color.png");
    CHECK(back.shape() == color.shape());
    CHECK(std::equal(back.begin(), back.end(), color.begin()));
    save_png(folder / "gray.png", gray);
    save_png(folder / "alpha.png", alpha);
    const Tensor<uint8> expanded = load_image(folder / "gray.png"), dropped = load_image(folder / "alpha.png");
    CHECK(expanded.shape() == color.shape());
    bool same = true;
    for (std::int64_t i = 0; i < expanded.size(); ++i)
      same = same && expanded[i] == gray[i / 3] && dropped[i] == alpha[i / 3 * 4 + i % 3];
    CHECK(same);
  }
  CHECK_THROWS_AS(save_png(folder / "x.png", random_image(2, 2, 2)), ShapeError);
  CHECK_THROWS_AS(save_png(folder / "no/such/folder.png", random_image(2, 2, 3)), FormatError);
}

TEST_CASE("image: JPEG and BMP") {
  const Tensor<uint8> t = decode_image(jpeg());
  REQUIRE(t.shape() == Shape{24, 16, 3});
  double sum = 0;
  for (std::int64_t y = 0; y < 24; ++y)
    for (std::int64_t x = 0; x < 16; ++x)
      for (std::int64_t c = 0; c < 3; ++c) sum += std::abs(static_cast<double>(5 * y + 3 * x + 20 * c) - t(y, x, c));
  CHECK(sum / static_cast<double>(t.size()) < 3);
  // Rows from the bottom, blue first, padded to four bytes.
  const Tensor<uint8> b = decode_image(bmp(1, 2, std::string("\x01\x02\x03\0\x04\x05\x06\0", 8)));
  CHECK(b.shape() == Shape{2, 1, 3});
  CHECK((b[0] == 6 && b[1] == 5 && b[2] == 4 && b[3] == 3 && b[4] == 2 && b[5] == 1));
}

TEST_CASE("image: files that are not images, and huge images, are refused") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(load_image(folder / "missing.png"), FormatError);
  CHECK_THROWS_AS(load_image(folder / "."), FormatError);
  for (const std::string& bytes :
       {std::string(), std::string("hello"), std::string(1000, '\0'), std::string("GIF89a\1\0\1\0\0\0\0;", 14)})
    CHECK_THROWS_AS(load_image(folder.write("bad.jpg", bytes)), FormatError);
  const std::string row(1 + 3 * 10, '\0');
  CHECK_THROWS_WITH_AS(decode_image(png(12000, 12000, row)), doctest::Contains("expected at most"), FormatError);
  CHECK_THROWS_AS(decode_image(png(60000, 60000, row)), FormatError);
  CHECK_THROWS_WITH_AS(decode_image(png(9000, 9000, row)), doctest::Contains("declares"), FormatError);
  CHECK_THROWS_AS(decode_image(png(0, 10, row)), FormatError);
  CHECK_THROWS_AS(decode_image(bmp(50000, 50000, "xxx")), FormatError);
  CHECK_THROWS_AS(decode_image(bmp(-2147483647 - 1, 1, "xxx")), FormatError);
  const std::string scan = jpeg().substr(jpeg().find("\xff\xda"), 14);
  std::string scans = jpeg().substr(0, jpeg().find(scan));
  for (int i = 0; i < 201; ++i) scans += scan;
  CHECK_THROWS_WITH_AS(decode_image(scans), doctest::Contains("scans"), FormatError);
  // Few pixels, but data that decompresses to 40 MB.
  survives(png(10, 10, std::string(40'000'000, '\0')));
}

TEST_CASE("image: damaged files give an error or an image") {
  const TemporaryFolder folder;
  save_png(folder / "a.png", random_image(9, 7, 3));
  for (const std::string& good :
       {contents(folder / "a.png"), jpeg(), progressive_jpeg(), bmp(2, 2, std::string(16, 'x'))}) {
    for (std::size_t n = 0; n < good.size(); ++n) survives(good.substr(0, n));
    Random random(7);
    for (int round = 0; round < 1500; ++round) {
      std::string bad = good;
      for (std::int64_t k = random.between(1, 6); k > 0; --k)
        bad[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(bad.size()) - 1))] =
            static_cast<char>(random.between(0, 255));
      survives(bad);
    }
  }
}

TEST_CASE("image: truncated files are refused") {
  const TemporaryFolder folder;
  save_png(folder / "a.png", random_image(9, 7, 3));
  std::string padded = bmp(3, 2, std::string(24, 'x'));
  padded += "profile";  // included in the size in the header
  padded.replace(2, 4, little_endian(static_cast<std::uint32_t>(padded.size())));
  for (const std::string& good : {contents(folder / "a.png"), jpeg(), bmp(2, 2, std::string(16, 'x')),
                                  bmp(3, 2, std::string(24, 'x')), padded, palette_bmp(4, 3)}) {
    CHECK_NOTHROW(decode_image(good));
    for (std::size_t n = 0; n < good.size(); ++n) {
      CAPTURE(n);
      CHECK_THROWS_AS(decode_image(good.substr(0, n)), FormatError);
    }
  }
}

TEST_CASE("image: a changed bit in a PNG file is detected") {
  const TemporaryFolder folder;
  save_png(folder / "a.png", random_image(9, 7, 3));
  const std::string good = contents(folder / "a.png");
  for (std::size_t i = 0; i < good.size(); ++i) {
    CAPTURE(i);
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    CHECK_THROWS_AS(decode_image(bad), FormatError);
  }
  // Only the checksum of the pixels.
  const std::string raw(static_cast<std::size_t>(3 * (1 + 3 * 2)), '\0');
  std::string packed = deflated(raw);
  const auto file = [](const std::string& data) {
    return png_header(2, 3) + png_chunk("IDAT", data) + png_chunk("IEND", "");
  };
  CHECK_NOTHROW(decode_image(file(packed)));
  packed.back() = static_cast<char>(packed.back() ^ 1);
  CHECK_THROWS_WITH_AS(decode_image(file(packed)), doctest::Contains("checksum"), FormatError);
  CHECK_THROWS_WITH_AS(decode_image(file(deflated(raw.substr(1)))), doctest::Contains("fewer pixels"), FormatError);
  CHECK_THROWS_WITH_AS(decode_image(file(deflated(raw + "x"))), doctest::Contains("more pixels"), FormatError);
  // In several chunks, the first of which is empty.
  const std::string whole = deflated(raw);
  CHECK_NOTHROW(decode_image(png_header(2, 3) + png_chunk("IDAT", "") + png_chunk("IDAT", whole.substr(0, 5)) +
                             png_chunk("IDAT", whole.substr(5)) + png_chunk("IEND", "")));
}

TEST_CASE("image: interlaced PNG files") {
  // The passes of 9 x 5 pixels have 2x1, 1x1, 3x1, 2x2, 5x1, 4x3 and 9x2 pixels; for 1 x 1, only one has any.
  struct Case {
    std::uint32_t w, h;
    std::size_t bytes;
  };
  for (const Case& c : {Case{9, 5, 3 + 2 + 4 + 2 * 3 + 6 + 3 * 5 + 2 * 10}, Case{1, 1, 2}}) {
    const std::string data = deflated(std::string(c.bytes, '\0'));
    const auto file = [&](const std::string& packed) {
      return "\x89PNG\r\n\x1a\n" +
             png_chunk("IHDR", big_endian(c.w) + big_endian(c.h) + std::string("\x08\0\0\0\1", 5)) +
             png_chunk("IDAT", packed) + png_chunk("IEND", "");
    };
    CHECK(decode_image(file(data)).shape() == Shape{c.h, c.w, 3});
    CHECK_THROWS_AS(decode_image(file(deflated(std::string((c.bytes - 1), '\0')))), FormatError);
  }
}

TEST_CASE("image: BMP files whose rows begin at the top") {
  const std::string rows = {'\1', '\2', '\3', 0, '\4', '\5', '\6', 0};
  const Tensor<uint8> down = decode_image(bmp(1, -2, rows)), up = decode_image(bmp(1, 2, rows));
  REQUIRE(down.shape() == Shape{2, 1, 3});
  CHECK(std::vector<uint8>(down.begin(), down.end()) == std::vector<uint8>{3, 2, 1, 6, 5, 4});
  CHECK(std::vector<uint8>(up.begin(), up.end()) == std::vector<uint8>{6, 5, 4, 3, 2, 1});
  CHECK_THROWS_WITH_AS(decode_image(bmp(-1, 2, rows)), doctest::Contains("unknown kind of header"), FormatError);
  CHECK_THROWS_AS(decode_image(bmp(1, -3, rows)), FormatError);
}

TEST_CASE("image: BMP files with missing colors or pixels are refused") {
  CHECK(decode_image(palette_bmp(4, 3))[0] == 30);
  CHECK_THROWS_WITH_AS(decode_image(palette_bmp(3, 3)), doctest::Contains("palette"), FormatError);
  CHECK_THROWS_AS(decode_image(palette_bmp(0, 0)), FormatError);
  std::string early = palette_bmp(4, 3);
  early[10] = 20;  // pixels start inside the header
  CHECK_THROWS_AS(decode_image(early), FormatError);
  CHECK_THROWS_AS(decode_image(bmp(2, 2, std::string(16, 'x')).substr(0, 54)), FormatError);
}

TEST_CASE("image: hostile files") {
  const std::string folder = shared_file("cases/hostile");
  if (folder.empty()) {
    MESSAGE("OCTET_SHARED_DIR is not set: left out");
    return;
  }
  for (const char* name : {"header_only.bmp", "png_flipped_byte.png", "stb_null_memcpy.png"})
    CHECK_THROWS_AS(load_image(folder + "/" + name), FormatError);
  CHECK(load_image(folder + "/png_good.png").shape() == Shape{64, 64, 3});
}

TEST_CASE("preprocessing: resizing follows its definition") {
  const Tensor<uint8> t = random_image(23, 31, 3);
  for (const auto& [h, w] : {std::make_pair(7, 9), {23, 31}, {16, 17}, {50, 64}, {1, 1}, {46, 62}}) {
    // The centered part with the target's aspect ratio, in whole pixels.
    const double unit = std::min(23.0 / h, 31.0 / w);
    const auto ch = static_cast<std::int64_t>(unit * h + 0.5), cw = static_cast<std::int64_t>(unit * w + 0.5);
    const std::int64_t top = (23 - ch) / 2, left = (31 - cw) / 2;
    Tensor<uint8> part({ch, cw, 3});
    for (std::int64_t y = 0; y < ch; ++y)
      for (std::int64_t x = 0; x < cw; ++x)
        for (std::int64_t c = 0; c < 3; ++c) part(y, x, c) = t(top + y, left + x, c);
    const double sy = static_cast<double>(ch) / h, sx = static_cast<double>(cw) / w;
    const Tensor<float> a = preprocess(t, raw(ImageResize::bilinear), h, w),
                        b = preprocess(t, raw(ImageResize::half_pixel), h, w),
                        n = preprocess(t, raw(ImageResize::nearest), h, w);
    REQUIRE(a.shape() == Shape{h, w, 3});
    double worst = 0;
    for (std::int64_t y = 0; y < h; ++y)
      for (std::int64_t x = 0; x < w; ++x)
        for (std::int64_t c = 0; c < 3; ++c) {
          const double dy = static_cast<double>(y), dx = static_cast<double>(x);
          worst = std::max(worst, std::abs(static_cast<double>(a(y, x, c)) - bilinear(part, dy * sy, dx * sx, c)));
          worst = std::max(
              worst, std::abs(static_cast<double>(b(y, x, c)) - bilinear(part, std::max(0.0, (dy + 0.5) * sy - 0.5),
                                                                         std::max(0.0, (dx + 0.5) * sx - 0.5), c)));
          const auto i = static_cast<std::int64_t>((dy + 0.5) * sy), j = static_cast<std::int64_t>((dx + 0.5) * sx);
          worst = std::max(worst, std::abs(static_cast<double>(n(y, x, c)) - static_cast<double>(part(i, j, c))));
        }
    CHECK(worst < 1e-3);
  }
}

TEST_CASE("preprocessing: antialiasing is a triangle filter") {
  const Tensor<uint8> t = random_image(1, 16, 1);
  const Tensor<float> half = preprocess(t, raw(ImageResize::antialias), 1, 16);
  for (std::int64_t x = 0; x < 16; ++x) CHECK(half[x] == doctest::Approx(t[x]));
  // Half the width, away from edges: weights 1 3 3 1.
  Tensor<uint8> wide({8, 16, 1});
  for (std::int64_t i = 0; i < wide.size(); ++i) wide[i] = t[i % 16];
  const Tensor<float> r = preprocess(wide, raw(ImageResize::antialias), 4, 8);
  for (std::int64_t x = 1; x < 7; ++x) {
    const double want = (t[2 * x - 1] + 3 * t[2 * x] + 3 * t[2 * x + 1] + t[2 * x + 2]) / 8.0;
    CHECK(static_cast<double>(r(2, x, 0)) == doctest::Approx(want));
  }
  CHECK(static_cast<double>(r(0, 0, 0)) == doctest::Approx((3 * t[0] + 3 * t[1] + t[2]) / 7.0));
}

TEST_CASE("preprocessing: cropping") {
  Tensor<uint8> t({40, 80, 1});
  for (std::int64_t y = 0; y < 40; ++y)
    for (std::int64_t x = 0; x < 80; ++x) t(y, x, 0) = static_cast<uint8>(y + x);
  // 87.5 % of the short side: rows 2 .. 36, columns 22 .. 56.
  const Tensor<float> a = preprocess(t, raw(ImageResize::nearest, 0.875), 35, 35);
  CHECK(a[0] == 2 + 22);
  CHECK(a[35 * 35 - 1] == 36 + 56);
  Preprocessing automatic = raw(ImageResize::nearest);
  automatic.crop.reset();
  CHECK(preprocess(t, automatic, 35, 35)[0] == 2 + 22);
  CHECK(preprocess(t, automatic, 40, 80)[0] == 0);  // the target's size: not cropped
  // Sizes are rounded: 0.9 * 40 = 36, 0.89 * 40 = 35.6, 0.88 * 40 = 35.2; an odd pixel is at the end.
  for (const auto& [crop, size] : {std::make_pair(0.9, 36), {0.89, 36}, {0.88, 35}}) {
    const Tensor<float> part = preprocess(t, raw(ImageResize::nearest, crop), size, size);
    CHECK(part[0] == 2 + 22);
    CHECK(part[size * size - 1] == static_cast<float>(2 * size - 2 + 2 + 22));
  }
  for (const double bad : {0.0, -1.0, 1.5, std::nan("")})
    CHECK_THROWS_AS(preprocess(t, raw(ImageResize::bilinear, bad), 8, 8), Error);
}

TEST_CASE("preprocessing: normalizations") {
  const Tensor<uint8> t({1, 1, 3}, {255, 0, 51});
  const auto of = [&](const std::string& name) {
    const Tensor<float> x = preprocess(t, {1.0, ImageResize::bilinear, normalization(name)}, 1, 1);
    return std::vector<double>(x.begin(), x.end());
  };
  const auto near = [](const std::vector<double>& a, const std::vector<double>& b) {
    for (std::size_t i = 0; i < 3; ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-6));
  };
  near(of("tf"), {1, -1, -0.6});
  near(of("unit"), {1, 0, 0.2});
  near(of("raw"), {255, 0, 51});
  near(of("torch"), {(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225});
  near(of("caffe"), {51 - 103.939, -116.779, 255 - 123.68});
  CHECK_THROWS_WITH_AS(normalization("keras"), doctest::Contains("keras"), Error);
  CHECK_THROWS_AS(resize_mode("cubic"), Error);
  CHECK(resize_mode("antialias") == ImageResize::antialias);
}

TEST_CASE("preprocessing: gray and color") {
  const Tensor<uint8> color({1, 1, 3}, {100, 150, 200}), gray({1, 1, 1}, {77});
  CHECK(preprocess(color, raw(ImageResize::bilinear), 1, 1, 1)[0] ==
        doctest::Approx(0.299 * 100 + 0.587 * 150 + 0.114 * 200));
  const Tensor<float> three = preprocess(gray, raw(ImageResize::bilinear), 1, 1, 3);
  CHECK((three[0] == 77 && three[1] == 77 && three[2] == 77));
  CHECK(preprocess(gray, raw(ImageResize::bilinear), 1, 1).shape() == Shape{1, 1, 1});
  CHECK_THROWS_AS(preprocess(color, raw(ImageResize::bilinear), 1, 1, 2), ShapeError);
  CHECK_THROWS_AS(preprocess(color, raw(ImageResize::bilinear), 0, 1), ShapeError);
  CHECK_THROWS_AS(preprocess(color, raw(ImageResize::bilinear), 1 << 20, 1 << 20), ShapeError);
  CHECK_THROWS_AS(preprocess(Tensor<uint8>({2, 2}), raw(ImageResize::bilinear), 1, 1), ShapeError);
}
