#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <octet/files/atomic_file.hpp>
#include <octet/models/builder.hpp>
#include <octet/quantization/calibration_file.hpp>
#include <random>

#include "support/messages.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

Model network() {
  detail::NetworkBuilder b("net", 8, 3, 1);
  b.conv("conv", 4, 3, 1, 1, 1, true).relu("relu").global_average("mean").linear("fc", 3);
  return b.finish();
}

struct TemporaryFile {
  std::string path = (std::filesystem::temp_directory_path() /
                      ("octet_calibration_" + std::to_string(std::random_device{}()) + ".json"))
                         .string();
  ~TemporaryFile() { std::filesystem::remove(path); }
  void write(const std::string& text) const { std::ofstream(path) << text; }
};

}  // namespace

TEST_CASE("saving and loading keeps a calibration unchanged") {
  const Model m = network();
  const TemporaryFile file;
  for (RangeMethod method : {RangeMethod::min_max, RangeMethod::moving_average, RangeMethod::percentile,
                             RangeMethod::entropy, RangeMethod::mse}) {
    CalibrationOptions o;
    o.method = method;
    Calibration c = calibrate(m, {random_tensor({3, 8, 8, 3}, 1)}, o);
    c.set_range("fc", {-3, 5});
    save(c, file.path);
    const Calibration back = load_calibration(file.path);
    CHECK(back.method == c.method);
    REQUIRE(back.tensors.size() == c.tensors.size());
    for (const auto& [tensor, t] : c.tensors) {
      CHECK(back.range(tensor) == c.range(tensor));
      CHECK(back.tensors.at(tensor).histogram == t.histogram);
      CHECK(back.tensors.at(tensor).samples == t.samples);
      CHECK(back.channel_means(tensor) == c.channel_means(tensor));
    }
  }
}

TEST_CASE("a range added to the file overrides the measured one") {
  const TemporaryFile file;
  file.write(R"({"octet_calibration": 1, "method": "min_max", "percent": 99.99,
                 "tensors": {"a": {"seen": [-1, 2], "range": [-0.5, 0.5]}, "b": {"seen": [0, 1]}}})");
  const Calibration c = load_calibration(file.path);
  CHECK(c.range("a") == Range{-0.5f, 0.5f});
  CHECK(c.range("b") == Range{0, 1});
}

TEST_CASE("errors in calibration files name the file and the reason") {
  const TemporaryFile file;
  CHECK(message([&] { load_calibration(file.path); }).find("cannot read") != std::string::npos);
  const std::string head = R"({"octet_calibration": 1, "method": "min_max", "percent": 50, "tensors": {"a": )";
  const char* const bad[] = {"",
                             "{",
                             "[]",
                             "{}",
                             R"({"octet_calibration": 3})",
                             R"({"octet_calibration": 1, "method": "magic", "percent": 50, "tensors": {}})",
                             R"({"octet_calibration": 1, "method": "min_max", "percent": 0, "tensors": {}})",
                             R"({"octet_calibration": 1, "method": "min_max", "percent": "x", "tensors": {}})",
                             R"({"octet_calibration": 1, "method": "min_max", "percent": 50, "tensors": 3})"};
  const char* const bad_tensors[] = {"7",
                                     R"({"seen": [1]})",
                                     R"({"seen": [2, 1]})",
                                     R"({"seen": [1, 1e999]})",
                                     R"({"range": "wide"})",
                                     R"({"samples": [[1, 2], 3]})",
                                     R"({"histogram": {"exponent": 0, "first_bin": 2047, "counts": [1, 2]}})",
                                     R"({"histogram": {"exponent": 9999, "first_bin": 0, "counts": [1]}})",
                                     R"({"histogram": {"exponent": 0, "first_bin": -99999999999, "counts": [1]}})",
                                     R"({"histogram": {"bins": 1}})",
                                     R"({"histogram": {"bins": [[]]}})",
                                     R"({"histogram": {"bins": [[65280, 1]]}})",
                                     R"({"histogram": {"bins": [[65279, 1, 1]]}})",
                                     R"({"histogram": {"bins": [[3, -1]]}})",
                                     R"({"histogram": {"bins": [[3, 1, 1], [4, 1]]}})"};
  std::vector<std::string> texts(std::begin(bad), std::end(bad));
  for (const char* t : bad_tensors)
    texts.push_back(R"({"octet_calibration": 1, "method": "min_max", "percent": 50, "tensors": {"a": )" +
                    std::string(t) + "}}");
  for (const std::string& text : texts) {
    file.write(text);
    const std::string m = message([&] { load_calibration(file.path); });
    CHECK_MESSAGE(m.find(file.path) != std::string::npos, text);
  }
}

TEST_CASE("a calibration file that is not JSON is said to be that") {
  const TemporaryFile file;
  for (const char* text : {"", "{", R"({"octet_calibration": 1, "method": "min_max", "percent": Infinity})"}) {
    file.write(text);
    CHECK(message([&] { load_calibration(file.path); }).find("not valid JSON") != std::string::npos);
  }
}

TEST_CASE("invalid integers in calibration files are refused by the tensor's name") {
  const TemporaryFile file;
  const auto with = [&](const std::string& name, const std::string& value) {
    std::map<std::string, std::string> fields{{"exponent", "-3"}, {"first_bin", "-2"}, {"counts", "1"},
                                              {"summed", "2"},    {"low", "-1"},       {"high", "1"}};
    if (!name.empty()) fields.at(name) = value;
    const auto& f = fields;
    file.write(R"({"octet_calibration": 1, "method": "min_max", "percent": 50, "tensors": {"conv1/out": {"seen": [)" +
               f.at("low") + "," + f.at("high") + R"(], "histogram": {"exponent": )" + f.at("exponent") +
               R"(, "first_bin": )" + f.at("first_bin") + R"(, "counts": [3, )" + f.at("counts") +
               R"(]}, "channel_sums": [1.5], "summed": )" + f.at("summed") + "}}}");
    return load_calibration(file.path);
  };
  const Calibration good = with("", "");
  // Bins of equal width, as in version 1: 3 numbers in [-0.25, -0.125), 1 in [-0.125, 0).
  const std::vector<Histogram::Bin> bins = good.tensors.at("conv1/out").histogram.bins();
  REQUIRE(bins.size() == 2);
  CHECK(bins[0].count == 3);
  CHECK(bins[0].center() == doctest::Approx(-0.1875).epsilon(0.01));
  CHECK(bins[1].center() == doctest::Approx(-0.0625).epsilon(0.01));
  CHECK(with("exponent", "-3.0").tensors.at("conv1/out").histogram == good.tensors.at("conv1/out").histogram);
  CHECK(with("summed", "2e0").tensors.at("conv1/out").summed == 2);
  for (const char* name : {"exponent", "first_bin", "counts", "summed"})
    for (const char* value : {"1e30", "-1e30", "1e300", "0.5", "9223372036854775807", "18446744073709551615",
                              "-9223372036854775808", "4294967296000000000", "\"1\"", "null", "[]", "true"}) {
      CAPTURE(name);
      CAPTURE(value);
      CHECK(message([&] { with(name, value); }).find("'conv1/out'") != std::string::npos);
    }
  for (const char* value : {"1e300", "-1e39", "null"})
    for (const char* name : {"low", "high"})
      CHECK(message([&] { with(name, value); }).find("'conv1/out'") != std::string::npos);
  for (const char* version : {"1e300", "-1e30", "1.5", "[1]"}) {
    file.write(R"({"octet_calibration": )" + std::string(version) + R"(, "method": "min_max", "percent": 5})");
    CHECK(message([&] { load_calibration(file.path); }).find("version 1") != std::string::npos);
  }
}

TEST_CASE("folders and FIFOs are refused as calibration files") {
  const TemporaryFile file;
  const std::string folder = std::filesystem::path(file.path).parent_path().string();
  CHECK_THROWS_AS(load_calibration(folder), Error);
  REQUIRE(::mkfifo(file.path.c_str(), 0666) == 0);
  CHECK_THROWS_AS(load_calibration(file.path), Error);
}

TEST_CASE("a failed write keeps the old file") {
  const TemporaryFile file;
  file.write("precious");
  CHECK_THROWS(detail::write_atomically(file.path, [](std::ostream& out) {
    out << "half";
    throw std::runtime_error("interrupted");
  }));
  std::string text;
  std::ifstream(file.path) >> text;
  CHECK(text == "precious");
  int files = 0;
  for (const auto& e : std::filesystem::directory_iterator(std::filesystem::path(file.path).parent_path()))
    files += e.path().string().rfind(file.path, 0) == 0;
  CHECK(files == 1);
  CHECK(message([] { save(Calibration(), "/no/such/folder/c.json"); }).find("/no/such/folder") != std::string::npos);
}
