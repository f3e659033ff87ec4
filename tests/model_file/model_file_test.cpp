#include <doctest/doctest.h>

#include <octet/io/model_file.hpp>
#include <octet/models/mobilenet.hpp>
#include <octet/operators/all.hpp>
#include <octet/passes/optimize.hpp>
#include <octet/quantization/quantize_model.hpp>
#if defined(__linux__)
#  include <sys/resource.h>

#  include <csignal>
#endif

#include "support/allocations.hpp"
#include "support/messages.hpp"
#include "support/models.hpp"

using namespace octet;
using testing::contents;
using testing::Random;
using testing::TemporaryFile;
using testing::TemporaryFolder;
using testing::write_file;

namespace {

const LoadOptions self_tested{false, false, Rounding::fp32, true};

std::string load_error(const std::string& path) {
  return testing::message<FormatError>([&] { load_octet(path); });
}

// Gives every field a different value that is also valid for flags and enumerations.
class Scramble : public FieldVisitor {
 public:
  using FieldVisitor::field;
  void field(const char*, std::int64_t& v) override { v = 1 - v % 2; }
  void field(const char*, double& v) override { v = 0.125 * ++count_; }
  void field(const char* name, std::string& v) override {
    v = std::string_view(name) == "operator" ? "Slice" : "text " + std::to_string(++count_);
  }
  void field(const char*, std::vector<std::int64_t>& v) override { v.assign(3, ++count_); }
  void field(const char*, std::vector<double>& v) override { v.assign(2, 0.5 * ++count_); }

 private:
  int count_ = 0;
};

template <class T>
void check_numbers(Random& r) {
  std::vector<T> all{0, 1, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
  for (int i = 0; i < 200; ++i) all.push_back(static_cast<T>(r.bits() >> r.between(0, 63)));
  detail::ArchiveWriter w;
  w.put(all);
  detail::ArchiveReader from(reinterpret_cast<const std::byte*>(w.bytes().data()), w.bytes().size());
  CHECK(from.get_list<T>() == all);
  CHECK(from.left() == 0);
}

int operators_that_change() {
  int wrong = 0;
  for (const detail::OperatorType& type : detail::built_in_operators()) {
    Scramble scramble;
    const std::shared_ptr<Operator> op = type.make();
    op->fields(scramble);
    detail::ArchiveWriter first, second;
    detail::FieldWriter::write(*op, first);
    detail::ArchiveReader reader(reinterpret_cast<const std::byte*>(first.bytes().data()), first.bytes().size());
    const OperatorPtr back = detail::FieldReader::read(reader);
    detail::FieldWriter::write(*back, second);
    wrong += first.bytes() != second.bytes() || reader.left() != 0 || std::string(back->type()) != op->type();
  }
  return wrong;
}

}  // namespace

TEST_CASE("checksum: independent of how data is split, detects changes of bits and lengths") {
  Random r(80);
  std::string data(300, '\0');
  r.fill(data.data(), 300, 0, 127);
  const auto sum = [](const std::string& s) {
    detail::Checksum c;
    c.add(s.data(), s.size());
    return c.value();
  };
  for (int round = 0; round < 300; ++round) {
    detail::Checksum c;
    for (std::size_t at = 0; at < data.size();) {
      const std::size_t n = std::min(data.size() - at, static_cast<std::size_t>(r.between(0, 80)));
      c.add(data.data() + at, n);
      at += n;
    }
    CHECK(c.value() == sum(data));
  }
  std::vector<std::uint64_t> sums{sum(data)};
  for (std::size_t i = 0; i < data.size() * 8; ++i) {
    std::string other = data;
    other[i / 8] = static_cast<char>(other[i / 8] ^ (1 << i % 8));
    sums.push_back(sum(other));
  }
  for (std::size_t n = 0; n < 200; ++n) sums.push_back(sum(std::string(n, '\0')));
  for (std::size_t i = 0; i < 9; ++i) {  // blocks of 32 bytes in another order
    std::string other = data;
    std::swap_ranges(&other[0], &other[32], &other[i * 32]);
    if (i) sums.push_back(sum(other));
  }
  std::sort(sums.begin(), sums.end());
  CHECK(std::adjacent_find(sums.begin(), sums.end()) == sums.end());
}

TEST_CASE("archive: small integers take one byte, all are restored") {
  Random r(86);
  detail::ArchiveWriter w;
  w.put(std::int64_t{-1});
  w.put(std::int64_t{63});
  w.put(std::uint32_t{127});
  CHECK(w.bytes().size() == 3);
  check_numbers<std::int64_t>(r);
  check_numbers<std::uint64_t>(r);
  check_numbers<std::int32_t>(r);
  check_numbers<std::uint32_t>(r);
  check_numbers<std::uint8_t>(r);
  const auto read = [](const std::string& bytes, auto as) {
    detail::ArchiveReader from(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size());
    return from.get<decltype(as)>();
  };
  const std::string ones(9, '\xff');
  CHECK(read(ones + '\x01', std::uint64_t{}) == std::numeric_limits<std::uint64_t>::max());
  CHECK_THROWS_AS(read(ones + '\x02', std::uint64_t{}), FormatError);
  CHECK_THROWS_AS(read(ones + '\x80', std::uint64_t{}), FormatError);
  CHECK_THROWS_AS(read(ones, std::uint64_t{}), FormatError);
  CHECK_THROWS_AS(read("\xff\xff\xff\xff\x1f", std::uint32_t{}), FormatError);
  CHECK(read("\xff\xff\xff\xff\x0f", std::int32_t{}) == std::numeric_limits<std::int32_t>::min());
  CHECK_THROWS_AS(read("\xff\xff\xff\xff\x1f", std::int32_t{}), FormatError);
}

TEST_CASE("model file: all parameters of every operator are stored") {
  CHECK(operators_that_change() == 0);
  detail::ArchiveWriter plain, grouped;
  detail::FieldWriter::write(Convolution(), plain);
  CHECK(plain.bytes() ==
        "\x0b"
        "Convolution" +
            std::string(1, '\0'));
  CHECK(detail::find_operator("NoSuch") == nullptr);
  Convolution c;
  c.groups = 7;
  detail::FieldWriter::write(c, grouped);
  CHECK(grouped.bytes().size() == plain.bytes().size() + 1 + 6 + 1 + 1);  // "groups", the kind of value, 7
  const std::shared_ptr<Operator> copy = detail::find_operator("Convolution")->copy(c);
  CHECK(as<Convolution>(*copy)->groups == 7);
}

TEST_CASE("model file: saving and loading keeps a model unchanged") {
  Random r(81);
  const TemporaryFile file("back.octet"), again("again.octet");
  const Model model = testing::small_model(r);
  save(model, file.path);
  load_octet(file.path, self_tested);
  const Model loaded = load_octet(file.path);
  CHECK(loaded.name == "small");
  CHECK(loaded.rounding == Rounding::tflite_double);
  LoadOptions other;
  other.rounding = Rounding::tflite_single;
  CHECK(load_octet(file.path, other).rounding == Rounding::tflite_single);
  CHECK(loaded.metadata == model.metadata);
  CHECK(loaded.inputs == model.inputs);
  CHECK(loaded.outputs == model.outputs);
  REQUIRE(loaded.values.size() == model.values.size());
  for (std::size_t i = 0; i < model.values.size(); ++i) {
    const Value &a = loaded.values[i], &b = model.values[i];
    CHECK(a.name == b.name);
    CHECK(a.dtype == b.dtype);
    CHECK(a.shape == b.shape);
    CHECK(a.quant == b.quant);
    CHECK(a.is_constant() == b.is_constant());
    CHECK(a.constant.size_bytes() == b.constant.size_bytes());
    if (a.is_constant()) CHECK(std::memcmp(a.constant.data(), b.constant.data(), b.constant.size_bytes()) == 0);
  }
  REQUIRE(loaded.nodes.size() == model.nodes.size());
  const auto* conv = as<Convolution>(*loaded.nodes[0].op);
  REQUIRE(conv != nullptr);
  CHECK(conv->window.strides == std::vector<std::int64_t>{2, 2});
  CHECK(conv->activation.high == 6);
  save(loaded, again.path);
  CHECK(contents(again.path) == contents(file.path));
}

TEST_CASE("model file: a loaded network computes the same bits from mapped weights") {
  Random r(82);
  const TemporaryFile file("net.octet");
  const Model model = mobilenet_v2(testing::tiny()), fast = optimize(model);
  const AnyTensor image = testing::random_floats({1, 32, 32, 3}, r);
  for (const Model* m : {&model, &fast}) {
    save(*m, file.path);
    load_octet(file.path, self_tested);
    testing::largest_allocation();
    const Model loaded = load_octet(file.path);
    // Less memory than the weights; the check that the model can run folds batch normalization layer by layer.
    CHECK(testing::largest_allocation() < (m == &fast ? 200000u : 500000u));
    const AnyTensor a = Executor(*m).run({image})[0], b = Executor(loaded).run({image})[0];
    CHECK(std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
    std::size_t weights = 0;
    for (const Value& v : loaded.values) {
      CHECK(reinterpret_cast<std::uintptr_t>(v.constant.data()) % 64 == 0);
      weights += v.constant.size_bytes();
    }
    CHECK(std::filesystem::file_size(file.path) < weights + loaded.values.size() * 200 + 40000);
  }
}

TEST_CASE("model file: a quantized network has a quarter of the size") {
  const TemporaryFile file("size.octet");
  const Model model = mobilenet_v2();
  Tensor<float> image = Tensor<float>::uninitialized({1, 224, 224, 3});
  Random(88).fill(image.data(), image.size());
  const auto size = [&](const Model& m) {
    save(m, file.path);
    return static_cast<double>(std::filesystem::file_size(file.path));
  };
  const double full = size(optimize(model));
  CHECK(size(quantize<int8>(model, calibrate(model, {image}))) <= 0.26 * full);
  CHECK(size(quantize<fp16>(model)) <= 0.505 * full);
}

TEST_CASE("model file: constants that share memory are stored once; empty constants") {
  Random r(83);
  Graph g;
  const AnyTensor big = testing::random_floats({1000}, r);
  const int x = g.add_input("x", {1000});
  const int a = g.add("a", Binary(BinaryKind::add), {x, g.add_constant("one", big)});
  g.add_constant("none", Tensor<float>({0}));
  g.outputs = {g.add("b", Binary(BinaryKind::mul), {a, g.add_constant("two", big)})};
  const TemporaryFile file("shared.octet");
  save(g, file.path, {false});
  CHECK(contents(file.path).size() < 4000 + 1000);
  const Model loaded = load_octet(file.path);
  CHECK(loaded.values[1].constant.data() != nullptr);
  CHECK(loaded.value(loaded.find("one")).constant.data() == loaded.value(loaded.find("two")).constant.data());
  CHECK(loaded.value(loaded.find("none")).constant.size() == 0);
  CHECK_THROWS_WITH_AS(load_octet(file.path, self_tested), doctest::Contains("has no self-test"), FormatError);
}

TEST_CASE("model file: the self-test detects changed weights and changed expected outputs") {
  Random r(84);
  const TemporaryFile file("tested.octet");
  Model model = testing::small_model(r);
  save(model, file.path);
  const std::string good = contents(file.path);
  for (const bool weights : {true, false}) {
    std::string bad = good;
    if (weights) {
      const Model loaded = load_octet(file.path);
      const auto* w = reinterpret_cast<const char*>(loaded.value(loaded.find("w")).constant.data());
      const std::size_t at = good.find(std::string(w, 100));
      for (std::size_t i = 0; i < 135; ++i) bad[at + i] = static_cast<char>(-bad[at + i]);
    } else {  // the last expected output is at the end of the description
      std::uint64_t size;
      std::memcpy(&size, &good[32], 8);
      bad[64 + size - 1] = static_cast<char>(bad[64 + size - 1] ^ 0x40);
    }
    write_file(file.path, testing::sealed(bad));
    load_octet(file.path);
    CHECK_THROWS_WITH_AS(load_octet(file.path, self_tested), doctest::Contains("the self-test fails: element"),
                         FormatError);
  }
}

TEST_CASE("model file: integer models of version 2 keep their rounding of sums and products") {
  Random r(86);
  const TemporaryFile file("version2.octet");
  const auto rounding_of_version_2 = [&](const Model& m) {
    save(m, file.path);
    std::string bytes = contents(file.path);
    bytes[8] = 2;
    write_file(file.path, testing::sealed(bytes));
    return load_octet(file.path).rounding;
  };
  Model integers = testing::small_model(r);
  CHECK(rounding_of_version_2(integers) == Rounding::tflite_double);
  integers.rounding = Rounding::fp32;
  CHECK(rounding_of_version_2(integers) == Rounding::fp32_centered);
  LoadOptions newer;
  newer.rounding = Rounding::fp32;
  CHECK(load_octet(file.path, newer).rounding == Rounding::fp32);
  save(load_octet(file.path), file.path);
  CHECK(load_octet(file.path).rounding == Rounding::fp32_centered);
  CHECK(rounding_of_version_2(mobilenet_v1(testing::tiny())) == Rounding::fp32);  // nothing is quantized
}

TEST_CASE("model file: damage is detected") {
  Random r(85);
  const TemporaryFile file("damaged.octet");
  save(testing::small_model(r), file.path);
  const std::string good = contents(file.path);
  CHECK(load_error(file.path) == "");
  CHECK(load_error(file.path + ".missing").find(file.path + ".missing") != std::string::npos);
  const auto error_of = [&](const std::string& bytes) {
    write_file(file.path, bytes);
    return load_error(file.path);
  };
  CHECK(error_of("").find("expected an octet model") != std::string::npos);
  CHECK(error_of(std::string(100, 'x')).find("expected an octet model") != std::string::npos);
  std::string newer = good;
  newer[8] = 4;
  CHECK(error_of(newer).find("expected version 2 to 3 of the format, found 4") != std::string::npos);
  CHECK(error_of(good + "x").find("bytes, found " + std::to_string(good.size() + 1)) != std::string::npos);
  for (std::size_t i = 0; i < good.size(); ++i) {  // every byte matters
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    if (error_of(bad).empty()) FAIL_CHECK("byte ", i, " may change");
  }
  for (std::size_t n = 0; n < good.size(); ++n)
    if (error_of(good.substr(0, n)).empty()) FAIL_CHECK("the first ", n, " bytes are a model");
}

TEST_CASE("model file: a failed save keeps the old file and leaves no others") {
  Random r(87);
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("octet_save_" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const std::string path = (folder / "model.octet").string();
  const Model model = testing::small_model(r);
  save(model, path);
  const std::string before = contents(path);
  Model bigger = mobilenet_v1(testing::tiny());
  const auto files = [&] {
    return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
  };
#if defined(__linux__)
  rlimit limit{}, low{};
  getrlimit(RLIMIT_FSIZE, &limit);
  low = limit;
  low.rlim_cur = 50000;
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &low);
  CHECK_THROWS_AS(save(bigger, path), FormatError);
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);
  CHECK(contents(path) == before);
  CHECK(files() == 1);
#endif
  bigger.nodes[0].inputs[0] = bigger.outputs[0];  // read before it is written
  CHECK_THROWS_WITH_AS(save(bigger, path), doctest::Contains("is read before it is written"), FormatError);
  CHECK(contents(path) == before);
  CHECK_THROWS_WITH_AS(save(model, (folder / "none" / "model.octet").string()), doctest::Contains("cannot write"),
                       FormatError);
  // A model that is mapped from the file it is saved to.
  save(load_octet(path), path);
  CHECK(contents(path) == before);
  CHECK(files() == 1);
  std::filesystem::remove_all(folder);
}

TEST_CASE("model file: other extensions than those of other formats are octet's") {
  const TemporaryFolder folder;
  Random r(1);
  const Model m = small_model(r);
  save(m, folder / "net.onnx.octet", {false});
  CHECK(saved_size(m) > static_cast<std::int64_t>(contents(folder / "net.onnx.octet").size()));
  save(m, folder / "net.bin");
  CHECK(saved_size(m) == static_cast<std::int64_t>(contents(folder / "net.bin").size()));
}
