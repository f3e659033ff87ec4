#include <zlib.h>

#include <octet/comparison/evaluation.hpp>
#include <octet/files/gzip.hpp>
#include <octet/io/cifar.hpp>
#include <octet/io/image.hpp>
#include <octet/io/image_files.hpp>
#include <octet/io/image_input.hpp>
#include <octet/io/labels.hpp>
#include <octet/io/mnist.hpp>
#include <octet/io/open_dataset.hpp>
#include <octet/io/shapes_dataset.hpp>
#include <octet/models/small_cnn.hpp>
#include <octet/operators/all.hpp>
#include <set>

#include "support/files.hpp"
#include "support/random.hpp"
#include "testing.hpp"

using namespace testing;

namespace {

std::string gzipped(const std::string& bytes) {
  const TemporaryFolder folder;
  gzFile f = gzopen((folder / "x.gz").c_str(), "wb");
  REQUIRE(gzwrite(f, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size()));
  gzclose(f);
  return contents(folder / "x.gz");
}

std::string idx(std::vector<std::uint32_t> sizes, const std::string& data, char type = 8) {
  std::string s{0, 0, type, static_cast<char>(sizes.size())};
  for (std::uint32_t n : sizes)
    for (int i = 24; i >= 0; i -= 8) s += static_cast<char>(n >> i & 255);
  return s + data;
}

std::string counting(std::size_t n) {
  std::string s(n, '\0');
  for (std::size_t i = 0; i < n; ++i) s[i] = static_cast<char>(i % 251);
  return s;
}

void write_image(const TemporaryFolder& folder, const std::string& name, uint8 value) {
  folder.write(name, "");
  Tensor<uint8> t({2, 3, 3});
  std::fill(t.begin(), t.end(), value);
  save_png(folder / name, t);
}

}  // namespace

TEST_CASE("csv: quotes, line ends, byte order mark") {
  using octet::detail::parse_csv;
  const auto rows = parse_csv(
      "\xef\xbb\xbf"
      "a,b\r\n\"x, y\",\"say \"\"hi\"\"\"\n\n,\n\"\"\nlast,\"two\nlines\"",
      "t");
  REQUIRE(rows.size() == 5);
  CHECK(rows[0] == std::vector<std::string>{"a", "b"});
  CHECK(rows[1] == std::vector<std::string>{"x, y", "say \"hi\""});
  CHECK(rows[2] == std::vector<std::string>{"", ""});
  CHECK(rows[3] == std::vector<std::string>{""});
  CHECK(rows[4] == std::vector<std::string>{"last", "two\nlines"});
  CHECK(parse_csv("", "t").empty());
  CHECK_THROWS_WITH_AS(parse_csv("a\n\"b", "t"), doctest::Contains("row 2"), FormatError);
}

TEST_CASE("labels: every format of a list") {
  const TemporaryFolder folder;
  const Labels plain = load_labels(folder.write("a.txt", "cat\r\nGreat Dane, dog\n\nbird\n\n"));
  CHECK(plain.size() == 4);
  CHECK(plain.find("cat") == 0);
  CHECK(plain.find("great dane") == 1);
  CHECK(plain.find("Great Dane, dog") == 1);
  CHECK(plain.find(" 3 ") == 3);
  CHECK_FALSE(plain.find("4").has_value());
  CHECK_FALSE(plain.find("fish").has_value());
  CHECK(plain.name(2) == "class 2");
  CHECK(plain.name(99) == "class 99");
  const Labels indexed = load_labels(folder.write("b.txt", "0:zero\n2: two words\n1 one\n"));
  CHECK(indexed.size() == 3);
  CHECK(indexed.name(2) == "two words");
  CHECK(indexed.find("one") == 1);
  const Labels synsets = load_labels(folder.write("c.txt", "n01440764 tench, Tinca tinca\nn01443537 goldfish\n"));
  CHECK(synsets.find("n01443537") == 1);
  CHECK(synsets.find("tench") == 0);
  const Labels csv = load_labels(folder.write("d.csv", "wnid,label\nn1,\"tench\"\nn2,\"a, b\"\n"));
  CHECK(csv.size() == 2);
  CHECK(csv.find("n2") == 1);
  CHECK(csv.find("A") == 1);
  CHECK(load_labels(folder.write("e.csv", "index,name\n5,five\n0,zero\n")).find("five") == 5);
  CHECK(load_labels(folder.write("digits.txt", "0\n1\n2\n")).name(2) == "2");
  CHECK(Labels().find("17") == 17);
  // Names that several classes share. Full names have precedence over parts of others.
  const Labels shared({"crane", "maillot", "maillot, tank suit", "Cardigan, corgi", "cardigan", "crane"});
  CHECK(shared.find_all("crane") == std::vector<std::int64_t>{0, 5});
  CHECK(shared.find("crane") == 0);
  CHECK(shared.find_all("Crane ") == std::vector<std::int64_t>{0, 5});
  CHECK(shared.find_all("maillot") == std::vector<std::int64_t>{1});
  CHECK(shared.find_all("Maillot") == std::vector<std::int64_t>{1, 2});
  CHECK(shared.find_all("cardigan") == std::vector<std::int64_t>{4});
  CHECK(shared.find_all("heron").empty());
  for (const char* bad : {"", "\n\n"}) CHECK_THROWS_AS(load_labels(folder.write("bad.txt", bad)), FormatError);
  CHECK_THROWS_AS(load_labels(folder.write("bad.csv", "wnid,label\nn1\n")), FormatError);
  CHECK_THROWS_AS(load_labels(folder / "missing"), FormatError);
  CHECK_THROWS_AS(load_labels(folder / "."), FormatError);
}

TEST_CASE("labels: with and without a background class") {
  std::vector<std::string> names{"background"};
  for (int i = 0; i < 1000; ++i) names.push_back("c" + std::to_string(i));
  const Labels all(names), without = all.fitted(1000), again = without.fitted(1001);
  CHECK(without.size() == 1000);
  CHECK(without.find("c7") == 7);
  CHECK_FALSE(without.find("background").has_value());
  CHECK(again.size() == 1001);
  CHECK(again.find("c7") == 8);
  names[3] = "c7";
  CHECK(Labels(names).fitted(1000).find_all("C7") == std::vector<std::int64_t>{2, 7});
  CHECK(all.fitted(17).size() == 1001);
}

TEST_CASE("labels: decoding predictions") {
  const Labels labels({"a", "b", "c", "d"});
  const std::vector<float> logits{1, 3, 3, -2}, probabilities{0.1f, 0.2f, 0.69f, 0.01f};
  const auto best = decode_predictions(View<const float>(logits), labels, 3);
  REQUIRE(best.size() == 3);
  const double sum = std::exp(1.0) + 2 * std::exp(3.0) + std::exp(-2.0);
  CHECK(best[0].name == "b");
  CHECK(best[1].name == "c");
  CHECK(best[2].index == 0);
  CHECK(best[0].probability == doctest::Approx(std::exp(3.0) / sum));
  CHECK(decode_predictions(View<const float>(probabilities), labels)[0].probability == doctest::Approx(0.69));
  CHECK(decode_predictions(View<const float>(probabilities), labels, 100).size() == 4);
  const std::vector<float> broken{std::nanf(""), 2, 1}, large{1000, 999};
  CHECK(decode_predictions(View<const float>(broken))[0].index == 1);
  CHECK(decode_predictions(View<const float>(large))[0].probability == doctest::Approx(1 / (1 + std::exp(-1.0))));
}

TEST_CASE("data set: one folder per class") {
  const TemporaryFolder folder;
  for (const char* name : {"data/cat/1.png", "data/cat/2.PNG", "data/cat/notes.txt", "data/cat/.hidden.png",
                           "data/dog/x.png", "data/.git/y.png"})
    if (octet::detail::is_image_file(name))
      write_image(folder, name, 9);
    else
      folder.write(name, "x");
  const DatasetPtr sorted = open_dataset(folder / "data");
  REQUIRE(sorted->size() == 3);
  CHECK(sorted->classes() == 2);
  CHECK(sorted->name(0) == "cat/1.png");
  CHECK(sorted->name(1) == "dog/x.png");  // classes are interleaved
  CHECK(sorted->label(1) == 1);
  CHECK(sorted->label(2) == 0);
  CHECK(sorted->image(2).shape() == Shape{2, 3, 3});
  CHECK(sorted->image(2)[0] == 9);
  CHECK_THROWS_AS(sorted->image(3), Error);
  DatasetOptions o;
  o.labels = Labels({"fish", "dog", "cat"});
  CHECK(open_dataset(folder / "data", o)->label(0) == 2);
  // With classes.csv in the same folder.
  o.labels = Labels({"fish", "Hund", "Katze"});
  CHECK_THROWS_WITH_AS(open_dataset(folder / "data", o), doctest::Contains("'cat'"), FormatError);
  folder.write("classes.csv", "wnid,label\ncat,Katze\ndog,Hund\n");
  CHECK(open_dataset(folder / "data", o)->label(1) == 1);
  o.labels = Labels({"fish"});
  CHECK_THROWS_AS(open_dataset(folder / "data", o), FormatError);
  o.with_labels = false;  // for calibration
  CHECK(open_dataset(folder / "data", o)->size() == 3);
}

TEST_CASE("data set: class folders with numbers as names, images without classes") {
  const TemporaryFolder folder;
  for (int i : {0, 2, 10}) write_image(folder, "n/" + std::to_string(i) + "/a.png", static_cast<uint8>(i));
  const DatasetPtr d = open_dataset(folder / "n");
  for (std::int64_t i = 0; i < 3; ++i) CHECK(d->label(i) == d->image(i)[0]);
  write_image(folder, "flat/b.png", 1);
  write_image(folder, "flat/a.bmp.png", 1);
  const DatasetPtr flat = open_dataset(folder / "flat");
  CHECK(flat->size() == 2);
  CHECK(flat->name(0) == "a.bmp.png");
  CHECK_FALSE(flat->labelled());
  folder.write("empty/readme.txt", "x");
  CHECK_THROWS_AS(open_dataset(folder / "empty"), FormatError);
  folder.write("hollow/class/readme.txt", "x");
  CHECK_THROWS_AS(open_dataset(folder / "hollow"), FormatError);
  CHECK_THROWS_AS(open_dataset(folder / "missing"), FormatError);
  // A damaged image is an error on access, not before.
  folder.write("flat/c.jpg", "damaged");
  const DatasetPtr damaged = open_dataset(folder / "flat");
  CHECK_THROWS_WITH_AS(damaged->image(2), doctest::Contains("c.jpg"), FormatError);
}

TEST_CASE("data set: a CSV file with files and labels") {
  const TemporaryFolder folder;
  write_image(folder, "a.png", 1);
  write_image(folder, "sub/b, c.png", 2);
  DatasetOptions o;
  o.labels = Labels({"zero", "one", "two words"});
  const std::string path =
      folder.write("labels.csv", "file,label\na.png,one\n\"sub/b, c.png\",\"Two Words\"\na.png,2\n");
  for (const std::string& p : {path, folder / "."}) {
    const DatasetPtr d = open_dataset(p, o);
    REQUIRE(d->size() == 3);
    CHECK(d->label(0) == 1);
    CHECK(d->label(1) == 2);
    CHECK(d->label(2) == 2);
    CHECK(d->image(1)[0] == 2);
  }
  CHECK_THROWS_WITH_AS(open_dataset(path), doctest::Contains("label list"), FormatError);
  o.labels = Labels({"crane", "heron", "crane"});
  const DatasetPtr cranes = open_dataset(folder.write("c.csv", "file,label\na.png,crane\na.png,2\na.png,heron\n"), o);
  CHECK(cranes->labels(0) == std::vector<std::int64_t>{0, 2});
  CHECK(cranes->label(0) == 0);
  CHECK(cranes->labels(1) == std::vector<std::int64_t>{2});
  CHECK(Subset(cranes, 0, 2).labels(0) == std::vector<std::int64_t>{0, 2});
  o.labels = Labels({"zero", "one", "two words"});
  const DatasetPtr swapped = open_dataset(folder.write("s.csv", "label,path\n7,a.png\n"));
  CHECK(swapped->label(0) == 7);
  CHECK_FALSE(open_dataset(folder.write("only.csv", "a.png\na.png\n"))->labelled());
  for (const char* bad : {"", "file,label\n", "a.png,1\nmissing.png,1\n", "a.png,1\na.png\n", "a.png,nothing\n",
                          "a.png,-1\n", "a.png,3\n", "\"a.png"})
    CHECK_THROWS_AS(open_dataset(folder.write("bad.csv", bad), o), FormatError);
}

TEST_CASE("data set: IDX files") {
  const TemporaryFolder folder;
  const std::string images = idx({3, 4, 5}, counting(60)), labels = idx({3}, "\x07\x01\x09");
  for (const bool packed : {false, true}) {
    const std::string end = packed ? ".gz" : "";
    const std::string path = folder.write(end + "/t10k-images-idx3-ubyte" + end, packed ? gzipped(images) : images);
    folder.write(end + "/t10k-labels-idx1-ubyte" + end, packed ? gzipped(labels) : labels);
    for (const std::string& p : {path, folder / (end + "/.")}) {
      const DatasetPtr d = open_dataset(p);
      REQUIRE(d->size() == 3);
      CHECK(d->label(0) == 7);
      CHECK(d->label(2) == 9);
      const Tensor<uint8> t = d->image(1);
      CHECK(t.shape() == Shape{4, 5, 1});
      CHECK(t[0] == 20);
      CHECK(t[19] == 39);
    }
  }
  CHECK_FALSE(open_dataset(folder.write("alone", idx({1, 2, 2, 3}, counting(12))))->labelled());
  const std::string huge = idx({0xffffffffu, 0xffffffffu, 0xffffffffu}, "abc");
  for (const std::string& bad :
       {idx({3, 4, 5}, counting(59)), idx({3, 4, 5}, counting(61)), idx({3, 4, 0}, ""), idx({60}, counting(60)),
        idx({3, 4, 5}, counting(60), 13), huge, idx({4000, 1000, 1000}, "abc"), std::string("\0\0\x08\x03\0\0", 6),
        std::string("\0\0", 2), std::string(), gzipped(images).substr(0, 40), idx({1, 2, 2, 2}, counting(8))})
    CHECK_THROWS_AS(open_idx(folder.write("bad-images-idx3-ubyte", bad)), FormatError);
  // Fewer labels than images, and no labels.
  const std::string good = folder.write("x-images-idx3-ubyte", images);
  for (const std::string& bad : {idx({2}, "ab"), images, std::string("\0\0\x08\x01\0\0\0\x03", 8)})
    CHECK_THROWS_AS(open_idx(good, folder.write("x-labels-idx1-ubyte", bad)), FormatError);
  Random random(3);
  for (int round = 0; round < 300; ++round) {
    std::string bad = gzipped(images);
    bad[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(bad.size()) - 1))] =
        static_cast<char>(random.between(0, 255));
    try {
      open_idx(folder.write("bad", bad));
    } catch (const FormatError&) {
    }
  }
}

TEST_CASE("data set: a small compressed file cannot use much memory") {
  const TemporaryFolder folder;
  // 64 MB of zeros compressed to 64 kB, after the header of the format.
  const auto bomb = [&](const std::string& name, const std::string& header, int megabytes) {
    const std::string path = folder / name;
    gzFile f = gzopen(path.c_str(), "wb9");
    gzwrite(f, header.data(), static_cast<unsigned>(header.size()));
    const std::string zeros(std::size_t{1} << 20, '\0');
    for (int i = 0; i < megabytes; ++i) gzwrite(f, zeros.data(), static_cast<unsigned>(zeros.size()));
    gzclose(f);
    return path;
  };
  const std::string images("\0\0\x08\x03\0\0\0\x40\0\0\x04\0\0\0\x04\0", 16);  // 64 of 1024 x 1024
  CHECK_THROWS_WITH_AS(open_idx(bomb("images.gz", images, 64)), doctest::Contains("times its size"), FormatError);
  const std::string one("\0\0\x08\x03\0\0\0\x01\0\0\x04\0\0\0\x04\0", 16);
  CHECK(open_idx(bomb("one.gz", one, 1))->size() == 1);
  CHECK_THROWS_AS(open_idx(bomb("more.gz", one, 64)), FormatError);
  CHECK_THROWS_WITH_AS(open_cifar(bomb("test.bin.gz", "", 64)), doctest::Contains("times its size"), FormatError);
  const std::string labels("\0\0\x08\x01\x04\0\0\0", 8);
  CHECK_THROWS_AS(open_idx(folder / "one.gz", bomb("labels.gz", labels, 64)), FormatError);
  // Files that are not compressed have no such limit.
  CHECK(open_idx(folder.write("plain", images + std::string(std::size_t{64} << 20, '\0')))->size() == 64);
}

TEST_CASE("data set: a FIFO is refused without blocking") {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "b.csv", "c.bin", "d-idx3-ubyte", "e.txt"}) {
    REQUIRE(::mkfifo((folder / name).c_str(), 0666) == 0);
    CHECK_THROWS_WITH_AS(octet::detail::GzipFile(folder / name), doctest::Contains("it is a FIFO"), FormatError);
  }
  const DatasetPtr images = open_image_folder(folder / "");
  REQUIRE(images->size() == 1);
  CHECK_THROWS_WITH_AS(images->image(0), doctest::Contains("it is a FIFO"), FormatError);
  CHECK_THROWS_AS(load_image(folder / "a.png"), FormatError);
  CHECK_THROWS_AS(open_image_csv(folder / "b.csv"), FormatError);
  CHECK_THROWS_AS(open_cifar(folder / "c.bin"), FormatError);
  CHECK_THROWS_AS(open_idx(folder / "d-idx3-ubyte"), FormatError);
  CHECK_THROWS_AS(load_labels(folder / "e.txt"), FormatError);
  for (const char* name : {"b.csv", "c.bin", "d-idx3-ubyte"}) CHECK_THROWS_AS(open_dataset(folder / name), FormatError);
}

TEST_CASE("data set: the four files of MNIST") {
  const TemporaryFolder folder;
  const std::string images = idx({3, 4, 5}, counting(60)), labels = idx({3}, "\x07\x01\x09");
  folder.write("train-images-idx3-ubyte", images);
  folder.write("train-labels-idx1-ubyte.gz", gzipped(labels));
  folder.write("t10k-images-idx3-ubyte.gz", gzipped(images));
  const auto message = [&] {
    try {
      open_mnist(folder / "");
    } catch (const FormatError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(message().find("t10k-labels-idx1-ubyte'") != std::string::npos);
  folder.write("t10k-labels-idx1-ubyte", labels);
  const DataSplit data = open_mnist(folder / "");
  CHECK(data.training->label(2) == 9);
  CHECK(data.test->size() == 3);
}

TEST_CASE("data set: CIFAR records") {
  const TemporaryFolder folder;
  std::string record = "\x03";
  for (int c = 0; c < 3; ++c)
    for (int p = 0; p < 1024; ++p) record += static_cast<char>((c * 50 + p) % 256);
  const std::string two = record + '\x09' + std::string(3072, '\x11');
  for (const std::string& path :
       {folder.write("test.bin", two), folder.write("g/test_5.bin.gz", gzipped(two)), folder / "g"}) {
    const DatasetPtr d = open_dataset(path);
    REQUIRE(d->size() == 2);
    CHECK(d->label(0) == 3);
    CHECK(d->label(1) == 9);
    const Tensor<uint8> t = d->image(0);
    CHECK(t.shape() == Shape{32, 32, 3});
    CHECK(t(0, 0, 1) == 50);
    CHECK(t(1, 2, 2) == (100 + 34) % 256);
    CHECK(d->image(1)[5] == 0x11);
  }
  std::string eleven = record;
  eleven[0] = 11;
  for (const std::string& bad : {std::string(), record.substr(1), record + "x", eleven, gzipped(two).substr(0, 100)})
    CHECK_THROWS_AS(open_cifar(folder.write("bad.bin", bad)), FormatError);
}

TEST_CASE("data set: synthetic shapes") {
  const DatasetPtr d = open_dataset("builtin:shapes");
  CHECK(d->size() == 2000);
  const ShapesDataset same(20, 2), other(20, 1);
  std::set<std::string> different;
  for (std::int64_t i = 0; i < 20; ++i) {
    const Tensor<uint8> a = d->image(i), b = same.image(i), c = other.image(i);
    REQUIRE(a.shape() == Shape{28, 28, 1});
    CHECK(std::equal(a.begin(), a.end(), b.begin()));
    CHECK_FALSE(std::equal(a.begin(), a.end(), c.begin()));
    CHECK(d->label(i) == i % 10);
    different.insert(std::string(a.begin(), a.end()));
  }
  CHECK(different.size() == 20);
  const Tensor<uint8> easy = same.image(3), hard = ShapesDataset(20, 2, 1.5).image(3);
  CHECK_FALSE(std::equal(easy.begin(), easy.end(), hard.begin()));
  CHECK_THROWS_AS(open_dataset("builtin:nothing"), Error);
}

TEST_CASE("image input: sizes, layouts and types of a model") {
  const Tensor<uint8> picture = random_integers<uint8>({6, 6, 3}, 1, 0, 255);
  const Preprocessing p{1.0, ImageResize::bilinear, normalization("raw")};
  Graph nhwc, nchw, open, bytes, flat;
  nhwc.add_input("x", {Shape::unknown, 6, 6, 3});
  nchw.add_input("x", {1, 3, 6, 6});
  open.add_input("x", {Shape::unknown, Shape::unknown, Shape::unknown, 3});
  flat.add_input("x", {1, 784});
  const Tensor<float> a = ImageInput(nhwc).prepare(picture, p), b = ImageInput(nchw).prepare(picture, p);
  CHECK(a.shape() == Shape{1, 6, 6, 3});
  CHECK(b.shape() == Shape{1, 3, 6, 6});
  CHECK(a(0, 4, 5, 2) == b(0, 2, 4, 5));
  CHECK(ImageInput(open, 96).shape() == Shape{1, 96, 96, 3});
  CHECK_THROWS_AS(ImageInput{flat}, ShapeError);
  CHECK_THROWS_AS(ImageInput{Graph()}, ShapeError);
  bytes.add_input("x", {1, 6, 6, 3}, DType::i8);
  bytes.values[0].quant = QuantParams(0.5f, -28);
  const ImageInput integers(bytes);
  CHECK(integers.takes_bytes());
  const Tensor<float> real = integers.prepare(picture, {1.0, ImageResize::bilinear, integers.as_pixels()});
  for (std::int64_t i = 0; i < real.size(); ++i)  // quantized inputs equal the pixels minus 128
    CHECK(real[i] / 0.5f - 28 == doctest::Approx(picture[i] - 128).epsilon(1e-5));
}

TEST_CASE("image input: errors in other threads are reported") {
  const TemporaryFolder folder;
  for (int i = 0; i < 20; ++i) write_image(folder, std::to_string(i) + ".png", 3);
  folder.write("5x.jpg", "damaged");
  const DatasetPtr d = open_dataset(folder / ".");
  const Model m = small_cnn();
  ThreadPool pool(3);
  CHECK_THROWS_WITH_AS(ImageInput(m).load(*d, 0, d->size(), {}, pool), doctest::Contains("5x.jpg"), FormatError);
}

TEST_CASE("data set: real data") {
  const std::string folder = shared_file("data");
  if (folder.empty()) {
    MESSAGE("skipped: no real data (set OCTET_SHARED)");
    return;
  }
  const auto mean = [](const Dataset& d) {
    double sum = 0;
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < d.size(); ++i) {
      const Tensor<uint8> t = d.image(i);
      for (uint8 x : t) sum += x;
      n += t.size();
    }
    return sum / static_cast<double>(n);
  };
  const DatasetPtr mnist = open_dataset(folder + "/mnist/train-images-idx3-ubyte.gz");
  CHECK(mnist->size() == 60000);
  CHECK(mnist->labelled());
  CHECK(mean(*mnist) == doctest::Approx(33.3184).epsilon(1e-5));
  const DatasetPtr fashion = open_dataset(folder + "/fashion-mnist");
  CHECK(fashion->size() == 10000);
  std::vector<int> counts(10);
  for (std::int64_t i = 0; i < fashion->size(); ++i) ++counts.at(static_cast<std::size_t>(fashion->label(i).value()));
  CHECK(counts == std::vector<int>(10, 1000));
  CHECK(open_dataset(folder + "/cifar10")->size() == 5000);
  DatasetOptions o;
  o.labels = load_labels(folder + "/openimages/imagenet_labels_1001.txt");
  CHECK(o.labels.size() == 1001);
  const DatasetPtr open = open_dataset(folder + "/openimages", o);
  CHECK(open->size() == 745);
  CHECK(o.labels.name(open->label(0).value()) == "keeshond");
  CHECK(open->image(0).shape().rank() == 3);
  const DatasetPtr nette = open_dataset(folder + "/imagenette/val", o);  // names from classes.csv
  CHECK(nette->size() == 250);
  CHECK(nette->label(0) == 1);
  CHECK(o.labels.name(nette->label(1).value()) == "english springer");
}
